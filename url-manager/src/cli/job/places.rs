//! Which flags were given, and where in a job's settings each has its place: so that `jobs update` changes
//! what was asked for and nothing else.

use crate::{FrontierError, JobSpec};
use clap::{ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};
use serde_json::Value;
use std::collections::BTreeSet;

/// Flags, and which of them stood on the command line.
#[derive(Clone, Debug)]
pub struct Given<T> {
    /// The flags.
    pub args: T,
    given: BTreeSet<String>,
}

/// Flags by their place in the settings. A flag that makes others superfluous stands for all of their
/// places.
const PLACES: &[(&str, &[&str])] = &[
    ("scope", &["scope"]),
    ("depth", &["max_depth"]),
    ("allow", &["rules.allow"]),
    ("deny", &["rules.deny"]),
    ("allow_extension", &["rules.allow_extensions"]),
    ("deny_extension", &["rules.deny_extensions"]),
    ("max_segments", &["rules.max_segments"]),
    ("url_profile", &["urls"]),
    ("drop_param", &["urls"]),
    ("keep_param", &["urls"]),
    ("sort_query", &["urls"]),
    ("drop_index", &["urls"]),
    ("max_pages", &["max_pages"]),
    ("max_bytes", &["budgets.bytes"]),
    ("max_time", &["budgets.time_ms"]),
    ("host_max_pages", &["budgets.host.pages"]),
    ("host_max_bytes", &["budgets.host.bytes"]),
    ("host_max_time", &["budgets.host.time_ms"]),
    ("priority", &["priority"]),
    ("expires", &["expires_at"]),
    ("every", &["recrawl"]),
    ("first_interval", &["recrawl"]),
    ("min_interval", &["recrawl"]),
    ("max_interval", &["recrawl"]),
    ("grow", &["recrawl"]),
    ("shrink", &["recrawl"]),
    ("max_url_length", &["traps.url_length"]),
    ("max_repeats", &["traps.repeats"]),
    ("max_query_variants", &["traps.query_variants"]),
    ("max_dates", &["traps.dates"]),
    ("max_list_pages", &["traps.pages"]),
    ("no_traps", &["traps"]),
    ("text", &["extract.text"]),
    ("markdown", &["extract.markdown"]),
    ("metadata", &["extract.metadata"]),
    ("structured", &["extract.structured"]),
    ("fingerprints", &["extract.fingerprints"]),
    ("links", &["extract.links"]),
    ("raw_links", &["extract.raw_links"]),
    ("follow", &["extract.follow"]),
    ("rules", &["extract.rules"]),
    ("delay", &["delay_ms"]),
    ("sitemaps", &["fetch.sitemaps"]),
    ("user_agent", &["fetch.user_agent"]),
    ("ignore_robots", &["fetch.robots"]),
    ("per_host", &["fetch.per_host"]),
    ("adaptive_delay", &["fetch.pace"]),
    ("timeout", &["fetch.timeout_ms"]),
    ("connect_timeout", &["fetch.bounds.connect_ms"]),
    ("headers_timeout", &["fetch.bounds.headers_ms"]),
    ("min_rate", &["fetch.bounds.min_rate"]),
    ("max_redirects", &["fetch.bounds.max_redirects"]),
    ("max_body", &["fetch.max_body"]),
    ("oversize", &["fetch.oversize"]),
    ("accept_type", &["fetch.types.accept"]),
    ("deny_type", &["fetch.types.deny"]),
    ("cookies", &["fetch.cookies"]),
    ("header", &["fetch.headers"]),
    ("auth", &["fetch.credentials"]),
    ("auth_host", &["fetch.credentials"]),
    ("proxy", &["fetch.proxies"]),
    ("ca_file", &["fetch.tls.ca"]),
    ("client_cert", &["fetch.tls.client", "fetch.credentials.hosts"]),
    ("client_key", &["fetch.tls.client"]),
    ("insecure", &["fetch.tls.insecure"]),
    ("allow_private_addresses", &["fetch.allow_private_addresses"]),
    ("retry", &["fetch.retry"]),
];

impl<T> Given<T> {
    /// Whether no flag of a job was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !PLACES.iter().any(|(flag, _)| self.given.contains(*flag))
    }

    /// The old settings with what was given in its place. `new` is what the flags say in full.
    ///
    /// # Errors
    /// When the settings can't be read, which a program of another version may have written.
    pub fn onto(&self, old: &JobSpec, new: &JobSpec) -> Result<JobSpec, FrontierError> {
        let unreadable =
            |error: serde_json::Error| FrontierError::Unreadable(format!("settings that say: {error}"));
        let mut merged = serde_json::to_value(old).map_err(unreadable)?;
        let new = serde_json::to_value(new).map_err(unreadable)?;
        for place in
            PLACES.iter().filter(|(flag, _)| self.given.contains(*flag)).flat_map(|(_, places)| *places)
        {
            let path: Vec<&str> = place.split('.').collect();
            let value = path.iter().try_fold(&new, |value, name| value.get(name)).cloned();
            put(&mut merged, &path, value);
        }
        serde_json::from_value(merged).map_err(unreadable)
    }
}

/// Puts a value in its place; what is usual is not written, so none takes the old one away.
fn put(into: &mut Value, path: &[&str], value: Option<Value>) {
    let Value::Object(fields) = into else { return };
    match (path, value) {
        ([name], Some(value)) => {
            fields.insert((*name).to_owned(), value);
        }
        ([name], None) => {
            fields.remove(*name);
        }
        ([name, rest @ ..], value) => {
            let inner = fields.entry(*name).or_insert_with(|| Value::Object(serde_json::Map::new()));
            put(inner, rest, value);
        }
        ([], _) => {}
    }
}

impl<T: FromArgMatches> FromArgMatches for Given<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { args: T::from_arg_matches(matches)?, given: given(matches) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.args.update_from_arg_matches(matches)?;
        self.given.extend(given(matches));
        Ok(())
    }
}

fn given(matches: &ArgMatches) -> BTreeSet<String> {
    let ids = matches.ids().map(clap::Id::as_str);
    ids.filter(|id| matches.value_source(id) == Some(ValueSource::CommandLine)).map(str::to_owned).collect()
}

impl<T: Args> Args for Given<T> {
    fn augment_args(command: Command) -> Command {
        T::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        T::augment_args_for_update(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::JobArgs;
    use clap::{CommandFactory, Parser};

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        job: Given<JobArgs>,
    }

    fn update(old: &JobSpec, flags: &str) -> JobSpec {
        let flags = Flags::try_parse_from(["x"].into_iter().chain(flags.split_whitespace())).unwrap();
        let new = flags.job.args.spec("default", []).unwrap();
        flags.job.onto(old, &new).unwrap()
    }

    #[test]
    fn every_flag_has_a_place() {
        let command = Flags::command();
        let flags: BTreeSet<&str> = command.get_arguments().map(|flag| flag.get_id().as_str()).collect();
        let placed: BTreeSet<&str> = PLACES.iter().map(|(flag, _)| *flag).collect();
        assert_eq!(flags, placed);
    }

    #[test]
    fn only_what_is_given_changes_also_back_to_the_usual() {
        let old =
            update(&JobSpec::default(), "--depth 3 --timeout 60s --max-repeats 9 --host-max-pages 2 --text");
        assert_eq!((old.max_depth, old.fetch.timeout_ms, old.traps.repeats), (Some(3), 60_000, 9));
        assert_eq!(update(&old, ""), old);
        let new = update(&old, "--timeout 30s --max-repeats 3 --host-max-bytes 5B --deny x");
        assert_eq!((new.max_depth, new.fetch.timeout_ms, new.traps.repeats), (Some(3), 30_000, 3));
        assert_eq!((new.budgets.host.pages, new.budgets.host.bytes), (Some(2), Some(5)));
        assert_eq!(new.rules.deny, ["x"]);
        assert!(new.extract.text);
    }
}
