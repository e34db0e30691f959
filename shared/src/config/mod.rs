//! Settings: defaults < TOML file < environment < flags, every service the same way.
//!
//! The defaults are the schema: a key that they do not have is an error that names the nearest key
//! they have. An environment variable is `TRAWL_` and the key's path in upper case with `_` between
//! (`TRAWL_DATABASE_URL`, `TRAWL_SCRAPER_CONCURRENCY`), or that with `_FILE` behind it, which names a file that
//! holds the value: secrets are mounted so. A flag is `--set path=value`.

mod args;
mod error;
mod groups;
mod layers;
mod print;
mod sections;

pub use args::ConfigArgs;
pub use error::ConfigError;
pub use groups::HANDLERS;
pub use sections::{Common, DatabaseSettings, RuntimeSection, TopicSettings, TopicsSection};

use layers::Layers;
use serde::{Serialize, de::DeserializeOwned};

/// The settings of one service: a table of the configuration file under its own name.
pub trait Section: Default + Serialize + DeserializeOwned {
    /// The table's name.
    const NAME: &'static str;
}

/// Tables that one file may hold for all services; a process skips those it does not read.
pub const SECTIONS: [&str; 5] = ["url-manager", "scraper", "parser", "storage", "dlq-handler"];

/// What a process runs with.
#[derive(Clone, Debug)]
pub struct Config<S> {
    /// What all services have in common.
    pub common: Common,
    /// The service's own.
    pub service: S,
}

/// Reads the layers. Files and environment come in as values, so tests need neither.
///
/// # Errors
/// When a layer can't be read, names an unknown key, or holds a value of the wrong kind.
pub fn load<S: Section>(
    args: &ConfigArgs,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config<S>, ConfigError> {
    let mut defaults = sections::to_table(&Common::default());
    defaults.insert(S::NAME.to_owned(), toml::Value::Table(sections::to_table(&S::default())));
    let mut table = layered(defaults, args, environment)?;
    let service = table.remove(S::NAME).unwrap_or_else(|| toml::Value::Table(toml::Table::new()));
    let service = service.try_into().map_err(|error| ConfigError::value(S::NAME, &error))?;
    Ok(Config { common: common(table)?, service })
}

/// Reads what all services have in common, for a command that is none of them.
///
/// # Errors
/// As [`load`].
pub fn load_common(
    args: &ConfigArgs,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Common, ConfigError> {
    common(layered(sections::to_table(&Common::default()), args, environment)?)
}

fn layered(
    defaults: toml::Table,
    args: &ConfigArgs,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<toml::Table, ConfigError> {
    let mut layers = Layers::new(defaults);
    if let Some(path) = &args.config {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::File { path: path.clone(), reason: source.to_string() })?;
        layers.file(&path.display().to_string(), &text)?;
    }
    layers.environment(environment)?;
    for (key, value) in args.assignments() {
        layers.set(&format!("--set {key}"), &key, &value)?;
    }
    Ok(layers.into_table())
}

fn common(table: toml::Table) -> Result<Common, ConfigError> {
    let mut common: Common = sections::from_table(table)?;
    groups::check(&common.groups)?;
    #[cfg(feature = "kafka")]
    common.check_patience()?;
    common.database.put_password_into_url()?;
    Ok(common)
}

impl<S: Section> Config<S> {
    /// The effective settings as TOML, secrets redacted.
    #[must_use]
    pub fn print(&self) -> String {
        let mut table = sections::to_table(&self.common);
        table.insert(S::NAME.to_owned(), toml::Value::Table(sections::to_table(&self.service)));
        print::redacted(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Fetch {
        concurrency: usize,
        user_agent: String,
        ratio: f64,
        resolve: Vec<String>,
    }
    impl Section for Fetch {
        const NAME: &'static str = "scraper";
    }

    fn args(flags: &[(&str, &str)]) -> ConfigArgs {
        ConfigArgs { set: flags.iter().map(|(k, v)| format!("{k}={v}")).collect(), ..ConfigArgs::default() }
    }

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn with_file(
        text: &str,
        environment: &[(&str, &str)],
        flags: &[(&str, &str)],
    ) -> Result<Config<Fetch>, ConfigError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        load(&ConfigArgs { config: Some(file.path().to_owned()), ..args(flags) }, env(environment))
    }

    #[test]
    fn each_layer_wins_over_the_one_before() {
        let file = "[scraper]\nconcurrency = 2\nuser_agent = \"file\"\nratio = 1\n[database]\nurl = \"sqlite://f\"\n[parser]\nanything = 1";
        let environment = [
            ("TRAWL_SCRAPER_CONCURRENCY", "3"),
            ("TRAWL_SCRAPER_RESOLVE", "a,b"),
            ("TRAWL_PARSER_X", "1"),
            ("HOME", "/"),
        ];
        let config = with_file(file, &environment, &[("scraper.concurrency", "4")]).unwrap();
        assert_eq!(config.service.concurrency, 4);
        assert_eq!(config.service.user_agent, "file");
        assert!((config.service.ratio - 1.0).abs() < f64::EPSILON, "a whole number is a ratio too");
        assert_eq!(config.service.resolve, ["a", "b"]);
        assert_eq!(config.common.database.url, "sqlite://f");
    }

    #[test]
    fn unknown_keys_name_the_nearest() {
        let error = |result: Result<Config<Fetch>, ConfigError>| result.unwrap_err().to_string();
        let typo = error(with_file("[scraper]\nconcurency = 2", &[], &[]));
        assert!(
            typo.contains("scraper.concurency") && typo.contains("did you mean scraper.concurrency?"),
            "{typo}"
        );
        let section = error(with_file("[databse]\nurl = 1", &[], &[]));
        assert!(section.contains("did you mean database"), "{section}");
        let variable = error(with_file("", &[("TRAWL_SCRAPER_CONCURENCY", "1")], &[]));
        assert!(variable.contains("did you mean TRAWL_SCRAPER_CONCURRENCY?"), "{variable}");
        let flag = error(with_file("", &[], &[("scraper.user_agnt", "x")]));
        assert!(flag.contains("did you mean scraper.user_agent?"), "{flag}");
    }

    #[test]
    fn wrong_values_say_where_and_what() {
        let error = |result: Result<Config<Fetch>, ConfigError>| result.unwrap_err().to_string();
        let kind = error(with_file("[scraper]\nconcurrency = \"many\"", &[], &[]));
        assert!(kind.contains("scraper") && kind.contains("concurrency"), "{kind}");
        let variable = error(with_file("", &[("TRAWL_SCRAPER_CONCURRENCY", "many")], &[]));
        assert!(
            variable.contains("TRAWL_SCRAPER_CONCURRENCY") && variable.contains("whole number"),
            "{variable}"
        );
        let syntax = error(with_file("[scraper\n", &[], &[]));
        assert!(syntax.contains("line 1"), "{syntax}");
        let missing = ConfigArgs { config: Some("/no/such.toml".into()), ..ConfigArgs::default() };
        assert!(load::<Fetch>(&missing, []).unwrap_err().to_string().contains("/no/such.toml"));
    }

    #[cfg(feature = "kafka")]
    #[test]
    fn who_gives_partitions_up_must_be_done_before_the_group_stops_waiting() {
        let with = |session: &str, revoke: &str| {
            let environment = [
                ("TRAWL_KAFKA_CONSUMER_SESSION_TIMEOUT_MS", session),
                ("TRAWL_RUNTIME_REVOKE_TIMEOUT_MS", revoke),
            ];
            with_file("", &environment, &[]).map_err(|error| error.to_string())
        };
        assert!(with("6000", "2999").is_ok());
        let refused = with("6000", "3000").unwrap_err();
        assert!(
            refused.contains("runtime.revoke_timeout_ms: 3000 ms") && refused.contains("3000 ms only"),
            "{refused}"
        );
        assert!(with("600000", "19999").is_ok() && with("600000", "20000").is_err());
    }

    #[test]
    fn secrets_are_not_printed() {
        let config = with_file("[database]\nurl = \"postgres://u:hunter2@h/db\"", &[], &[]).unwrap();
        let text = config.print();
        assert!(!text.contains("hunter2") && text.contains("postgres://u:***@h/db"), "{text}");
        assert!(toml::from_str::<toml::Table>(&text).is_ok());
    }

    #[test]
    fn secrets_are_read_from_files() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "p@ss/w%23rd\n").unwrap();
        let path = file.path().to_str().unwrap();
        let url = ("TRAWL_DATABASE_URL", "postgres://u@h/db");
        let password = ("TRAWL_DATABASE_PASSWORD_FILE", path);
        let config = with_file("", &[url, password], &[]).unwrap();
        assert_eq!(config.common.database.url, "postgres://u:p%40ss%2Fw%2523rd@h/db");
        assert!(!config.print().contains("p@ss") && !config.print().contains("p%40ss"), "{}", config.print());

        let error = |environment: &[(&str, &str)]| with_file("", environment, &[]).unwrap_err().to_string();
        let twice = error(&[url, password, ("TRAWL_DATABASE_PASSWORD", "x")]);
        assert!(
            twice.contains("TRAWL_DATABASE_PASSWORD_FILE") && twice.contains("one of the two"),
            "{twice}"
        );
        let missing = error(&[url, ("TRAWL_DATABASE_PASSWORD_FILE", "/no/such")]);
        assert!(
            missing.contains("TRAWL_DATABASE_PASSWORD_FILE") && missing.contains("/no/such"),
            "{missing}"
        );
        let nowhere = error(&[("TRAWL_DATABASE_PASSWORD", "x")]);
        assert!(nowhere.contains("database.password") && nowhere.contains("no place"), "{nowhere}");
        let unknown = error(&[("TRAWL_DATABASE_PASWORD_FILE", path)]);
        assert!(unknown.contains("did you mean TRAWL_DATABASE_PASSWORD"), "{unknown}");
        // A variable of a service that this process is not may come from a file, too.
        assert!(with_file("", &[("TRAWL_PARSER_X_FILE", "/no/such")], &[]).is_ok());
    }

    #[test]
    fn maps_take_keys_of_their_own() {
        let config = with_file("[groups.extra]\nhandlers = [\"scraper\"]\ninstances = 2", &[], &[]).unwrap();
        assert_eq!(config.common.groups["extra"].instances, Some(2));
        let error = with_file("[groups.extra]\ninstance = 2", &[], &[]).unwrap_err().to_string();
        assert!(error.contains("instance"), "{error}");
    }

    #[test]
    fn a_group_of_nobody_is_an_error_that_names_the_nearest() {
        let error = |text: &str, flags: &[(&str, &str)]| with_file(text, &[], flags).unwrap_err().to_string();
        let typo = error("[groups.scrapper]\ninstances = 2", &[]);
        assert!(typo.contains("groups.scrapper") && typo.contains("did you mean scraper?"), "{typo}");
        let flag = error("", &[("groups.storge.archive.instances", "2")]);
        assert!(flag.contains("storge"), "{flag}");
        let handler = error("[groups.extra]\nhandlers = [\"parsr\"]", &[]);
        assert!(handler.contains("groups.extra") && handler.contains("did you mean parser?"), "{handler}");
        let far = error("[groups.zzz]\ninstances = 2", &[]);
        assert!(far.contains("dlq-handler") && far.contains("handlers = ["), "{far}");
        let fine = with_file(
            "[groups.\"storage.archive\"]\ninstances = 2",
            &[],
            &[("groups.url-manager.dead.instances", "3"), ("groups.\"parser\".instances", "4")],
        );
        let groups = fine.unwrap().common.groups;
        assert_eq!(
            ["storage.archive", "url-manager.dead", "parser"].map(|name| groups[name].instances),
            [2, 3, 4].map(Some)
        );
    }

    #[cfg(feature = "kafka")]
    #[test]
    fn names_of_librdkafka_keep_their_dots() {
        let config = with_file(
            "[kafka.options]\n\"client.rack\" = \"a\"\nsocket.timeout.ms = 5",
            &[],
            &[
                ("kafka.options.broker.address.family", "v4"),
                ("kafka.producer_options.linger.ms", "7"),
                ("kafka.options.client.rack", "b"),
            ],
        );
        let kafka = config.unwrap().common.kafka;
        let options: Vec<_> =
            kafka.options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            options,
            [("broker.address.family", "v4"), ("client.rack", "b"), ("socket.timeout.ms", "5")]
        );
        assert_eq!(kafka.producer_options["linger.ms"], "7");
    }

    #[test]
    fn a_class_of_failures_that_is_none_is_told() {
        let error = with_file("[retry.netwrk]\nattempts = 2", &[], &[]).unwrap_err().to_string();
        assert!(error.contains("did you mean retry.network"), "{error}");
        let error = with_file("[retry.network]\nattempts = 0", &[], &[]).unwrap_err().to_string();
        assert!(error.contains("retry.network: attempts is 0"), "{error}");
        let config = with_file("", &[("TRAWL_RETRY_DNS_ATTEMPTS", "7")], &[]).unwrap();
        let attempts = config.common.retry.of(crate::model::FailureClass::Dns, &Default::default()).attempts;
        assert_eq!(attempts, 7);
    }
}
