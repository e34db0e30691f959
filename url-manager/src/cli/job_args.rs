//! The flags that say what a job is. `trawl crawl` has the same.

use crate::{JobSpec, ScopeKind};
use bytesize::ByteSize;
use std::time::Duration;
use trawl_shared::model::{ExtractSettings, FetchSettings, RobotsPolicy};

/// What a job is.
#[derive(Clone, Debug, clap::Args)]
pub struct JobArgs {
    /// Which URLs belong to the job: the seeds' hosts, domains, folders, or any
    #[arg(long, value_enum, default_value_t = ScopeKind::Host)]
    pub scope: ScopeKind,
    /// Most links between a seed and a page [default: no limit]
    #[arg(long, value_name = "N")]
    pub depth: Option<u32>,
    /// Most pages to store [default: no limit]
    #[arg(long, value_name = "N")]
    pub max_pages: Option<u64>,
    /// User-Agent header; robots.txt groups are matched by its product token
    #[arg(long, value_name = "UA", default_value = trawl_shared::model::DEFAULT_USER_AGENT)]
    pub user_agent: String,
    /// Least gap between two requests to one host, such as 500ms [default: 1s, and 0 on loopback]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub delay: Option<Duration>,
    /// Requests at once to one host
    #[arg(long, value_name = "N", default_value_t = FetchSettings::default().per_host)]
    pub per_host: u16,
    /// Longest one fetch may take
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "30s")]
    pub timeout: Duration,
    /// Longest body to keep; the rest is cut
    #[arg(long, value_name = "SIZE", default_value = "10MiB")]
    pub max_body: ByteSize,
    /// Dial loopback, private and other special addresses
    #[arg(long)]
    pub allow_private_addresses: bool,
    /// Do not ask for robots.txt, nor heed robots meta tags and rel=nofollow
    #[arg(long)]
    pub ignore_robots: bool,
    /// Keep each page's visible text
    #[arg(long)]
    pub text: bool,
}

impl JobArgs {
    /// The job of that name.
    #[must_use]
    pub fn spec(&self, name: impl Into<String>) -> JobSpec {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        JobSpec {
            name: name.into(),
            scope: self.scope,
            max_depth: self.depth,
            max_pages: self.max_pages,
            delay_ms: self.delay.map(millis),
            fetch: FetchSettings {
                user_agent: self.user_agent.clone(),
                robots: if self.ignore_robots { RobotsPolicy::Ignore } else { RobotsPolicy::Obey },
                timeout_ms: millis(self.timeout),
                max_body: self.max_body.as_u64(),
                per_host: self.per_host.max(1),
                allow_private_addresses: self.allow_private_addresses,
                ..FetchSettings::default()
            },
            extract: ExtractSettings { text: self.text, ..ExtractSettings::default() },
            recrawl: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        job: JobArgs,
    }

    fn spec(flags: &[&str]) -> JobSpec {
        Flags::try_parse_from([&["x"], flags].concat()).unwrap().job.spec("default")
    }

    #[test]
    fn without_flags_it_is_the_default_job() {
        assert_eq!(spec(&[]), JobSpec::default());
    }

    #[test]
    fn each_flag_has_its_place() {
        let flags = "--scope domain --depth 3 --max-pages 4 --user-agent x/1 --delay 500ms --per-host 5 \
                     --timeout 6s --max-body 7KiB --allow-private-addresses --ignore-robots --text";
        let spec = spec(&flags.split_whitespace().collect::<Vec<_>>());
        assert_eq!((spec.scope, spec.max_depth, spec.max_pages), (ScopeKind::Domain, Some(3), Some(4)));
        assert_eq!((spec.delay_ms, spec.extract.text), (Some(500), true));
        let expected = FetchSettings {
            user_agent: "x/1".to_owned(),
            robots: RobotsPolicy::Ignore,
            timeout_ms: 6_000,
            max_body: 7 * 1024,
            per_host: 5,
            allow_private_addresses: true,
            ..FetchSettings::default()
        };
        assert_eq!(spec.fetch, expected);
    }
}
