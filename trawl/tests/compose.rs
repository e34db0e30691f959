//! `docker-compose.yml`, `Dockerfile` and `.dockerignore` against what they start: settings that the services know,
//! verbs that their command lines have, binaries that the image gets. No engine is needed.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

use clap::{CommandFactory, Parser};
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::Path};
use trawl_shared::{
    config::{self, Common, ConfigArgs, Section},
    sql::DatabaseUrl,
};

const OURS: [&str; 5] = ["url-manager", "scraper", "parser", "storage", "dlq-handler"];

#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
    volumes: BTreeMap<String, Option<BTreeMap<String, String>>>,
}

#[derive(Deserialize)]
struct Service {
    image: String,
    restart: String,
    stop_grace_period: String,
    pull_policy: Option<String>,
    #[serde(default)]
    entrypoint: Vec<String>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    depends_on: BTreeMap<String, Dependency>,
    #[serde(default)]
    ports: Vec<String>,
    #[serde(default)]
    volumes: Vec<String>,
    healthcheck: Option<HealthCheck>,
}

#[derive(Deserialize)]
struct Dependency {
    condition: String,
}

#[derive(Deserialize)]
struct HealthCheck {
    test: Vec<String>,
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn compose() -> Compose {
    serde_saphyr::from_str(&read("docker-compose.yml")).expect("docker-compose.yml follows its schema")
}

/// The Dockerfile's instructions, each on one line, by name.
fn dockerfile() -> Vec<(String, String)> {
    let lines: Vec<_> =
        read("Dockerfile").lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let instructions = joined.lines().filter_map(|line| line.trim().split_once(' '));
    instructions
        .map(|(name, rest)| (name.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect()
}

/// What one instruction of the Dockerfile's last stage says.
fn of_image(name: &str) -> String {
    let said = dockerfile().into_iter().rfind(|(instruction, _)| instruction == name);
    said.unwrap_or_else(|| panic!("the Dockerfile has no {name}")).1
}

/// A value as it is when nobody sets the variables that it asks for: `${NAME:-default}` is `default`.
fn unset(value: &str) -> String {
    let Some((before, rest)) = value.split_once("${") else { return value.to_owned() };
    let (variable, after) = rest.split_once('}').expect("a brace is closed");
    let (_, default) = variable.split_once(":-").unwrap_or_else(|| panic!("${{{variable}}} has no default"));
    format!("{before}{default}{}", unset(after))
}

/// What a service is told: the image's variables, and its own over them.
fn environment(service: &Service) -> BTreeMap<String, String> {
    let (name, value) = of_image("ENV").split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned())).unwrap();
    let own = service.environment.iter().map(|(name, value)| (name.clone(), unset(value)));
    [(name, value)].into_iter().chain(own).collect()
}

/// What a service makes of these variables; one that it does not know is an error.
fn settings(name: &str, variables: BTreeMap<String, String>) -> Common {
    fn load<S: Section>(variables: BTreeMap<String, String>) -> Common {
        config::load::<S>(&ConfigArgs::default(), variables)
            .unwrap_or_else(|error| panic!("{} would not start: {error}", S::NAME))
            .common
    }
    match name {
        "url-manager" => load::<trawl_url_manager::Settings>(variables),
        "scraper" => load::<trawl_scraper::Settings>(variables),
        "parser" => load::<trawl_parser::Settings>(variables),
        "storage" => load::<trawl_storage::Settings>(variables),
        "dlq-handler" => load::<trawl_dlq_handler::Settings>(variables),
        _ => panic!("{name} is no service of ours"),
    }
}

/// Whether the binary's command line understands these words.
fn understands(words: &[String]) -> Result<(), clap::Error> {
    fn parse<C: Parser>(words: &[String]) -> Result<(), clap::Error> {
        C::try_parse_from(words).map(drop)
    }
    match words[0].as_str() {
        "url-manager" => parse::<trawl_url_manager::cli::Cli>(words),
        "scraper" => parse::<trawl_scraper::cli::Cli>(words),
        "parser" => parse::<trawl_parser::cli::Cli>(words),
        "storage" => parse::<trawl_storage::cli::Cli>(words),
        "dlq-handler" => parse::<trawl_dlq_handler::cli::Cli>(words),
        name => panic!("{name} is no binary of ours"),
    }
}

fn port(address: &str) -> &str {
    address.rsplit_once(':').expect("an address ends with its port").1
}

#[test]
fn every_variable_is_a_setting_and_leads_somewhere() {
    let compose = compose();
    for name in OURS {
        let service = &compose.services[name];
        let variables = environment(service);
        assert!(variables.keys().all(|name| name.starts_with("TRAWL_")), "{name}: {variables:?}");
        let common = settings(name, variables);

        let (broker, broker_port) = common.kafka.brokers.rsplit_once(':').unwrap();
        let advertised = &compose.services[broker].environment["KAFKA_ADVERTISED_LISTENERS"];
        assert_eq!(
            advertised,
            &format!("PLAINTEXT://{broker}:{broker_port}"),
            "{name} would not reach the broker"
        );
        let listeners = &compose.services[broker].environment["KAFKA_LISTENERS"];
        assert!(listeners.starts_with(&format!("PLAINTEXT://0.0.0.0:{broker_port},")), "{listeners}");
        let check = compose.services[broker].healthcheck.as_ref().unwrap();
        assert!(check.test.last().unwrap().ends_with(&format!("/{broker_port}")), "{:?}", check.test);
        assert!(service.depends_on.contains_key(broker), "{name} does not wait for {broker}");

        // Where anybody may look at a service, it listens.
        let published: Vec<_> = service.ports.iter().map(|published| port(published)).collect();
        assert_eq!(published, [port(&common.telemetry.listen)], "{name}");
        assert_eq!(of_image("EXPOSE"), port(&common.telemetry.listen));
        assert!(common.telemetry.listen.starts_with("0.0.0.0:"), "loopback is the container's own");
    }
}

#[test]
fn the_database_is_the_one_that_is_started() {
    let compose = compose();
    for name in OURS {
        let service = &compose.services[name];
        let told = service.environment.contains_key("TRAWL_DATABASE_URL");
        assert_eq!(told, !matches!(name, "scraper" | "parser"), "{name}: fetcher and parser keep no state");
        if !told {
            continue;
        }
        let url = settings(name, environment(service)).database.url;
        url.parse::<DatabaseUrl>().unwrap_or_else(|error| panic!("{name}: {error}"));
        let url = url::Url::parse(&url).unwrap();
        let host = url.host_str().unwrap();
        let server = |key: &str| unset(&compose.services[host].environment[key]);
        assert_eq!(url.username(), server("POSTGRES_USER"));
        assert_eq!(url.password(), Some(&*server("POSTGRES_PASSWORD")));
        assert_eq!(url.path(), format!("/{}", server("POSTGRES_DB")));
        assert!(service.depends_on.contains_key(host), "{name} does not wait for {host}");
    }
}

#[test]
fn what_is_run_is_understood() {
    for (name, service) in &compose().services {
        if OURS.contains(&name.as_str()) {
            assert_eq!(service.entrypoint, [name.as_str()]);
            let words = [&service.entrypoint[..], &service.command].concat();
            understands(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
        }
    }
    // What the file tells people to type is typed here.
    let text = read("docker-compose.yml");
    let typed = text.lines().filter_map(|line| line.strip_prefix("#   docker compose run --rm "));
    let mut count = 0;
    for line in typed {
        let words =
            line.split(" > ").next().unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        understands(&words).unwrap_or_else(|error| panic!("{line}: {error}"));
        count += 1;
    }
    assert!(count >= 3, "the file's first lines show how it is used");
}

#[test]
fn each_service_is_started_after_a_healthy_one() {
    let compose = compose();
    let health = of_image("HEALTHCHECK");
    let (_, words) = health.split_once("CMD ").unwrap();
    let words: Vec<String> = serde_json::from_str(words).expect("the form that needs no shell");
    understands(&words).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    for (name, service) in &compose.services {
        match &service.healthcheck {
            Some(check) => assert_eq!(check.test[0], "CMD", "{name}: a check without a shell"),
            None => assert!(OURS.contains(&name.as_str()), "{name} has no health check"),
        }
        for (other, dependency) in &service.depends_on {
            assert!(compose.services.contains_key(other), "{name} waits for {other}, which is not there");
            assert_eq!(dependency.condition, "service_healthy", "{name} waits for {other}");
        }
    }
}

#[test]
fn images_are_pinned_and_ours_is_made_here() {
    let ours = format!("trawl:{}", env!("CARGO_PKG_VERSION"));
    for (name, service) in &compose().services {
        if OURS.contains(&name.as_str()) {
            assert_eq!(service.image, ours);
            assert_eq!(
                service.pull_policy.as_deref(),
                Some("never"),
                "{name}: an image of this name may be anybody's"
            );
        } else {
            let (_, tag) = service.image.split_once(':').unwrap_or_else(|| panic!("{name}: no version"));
            assert!(
                tag.starts_with(|c: char| c.is_ascii_digit()) && tag.contains('.'),
                "{name}: {tag} may change"
            );
        }
    }
    for (_, base) in dockerfile().iter().filter(|(name, _)| name == "ARG") {
        assert!(base.contains(':') && !base.ends_with(":latest"), "{base}");
    }
}

#[test]
fn nothing_is_lost_and_nothing_is_open() {
    let compose = compose();
    let drain = config::load::<trawl_scraper::Settings>(&ConfigArgs::default(), [])
        .unwrap()
        .common
        .runtime
        .drain_timeout_ms;
    let mut used = Vec::new();
    for (name, service) in &compose.services {
        assert!(
            service.ports.iter().all(|port| port.starts_with("127.0.0.1:")),
            "{name}: {:?}",
            service.ports
        );
        assert_eq!(service.restart, "unless-stopped", "{name}");
        let grace: u64 =
            service.stop_grace_period.strip_suffix('s').and_then(|seconds| seconds.parse().ok()).unwrap();
        assert!(grace * 1000 > drain, "{name} would be killed while it finishes");
        used.extend(service.volumes.iter().map(|volume| volume.split(':').next().unwrap().to_owned()));
        if !OURS.contains(&name.as_str()) {
            assert_eq!(service.volumes.len(), 1, "{name} keeps its data");
        }
    }
    let named: Vec<_> = compose.volumes.keys().cloned().collect();
    assert_eq!(used, named);
    // Kafka writes into its volume.
    let kafka = &compose.services["kafka"];
    assert_eq!(kafka.volumes, [format!("kafka-data:{}", kafka.environment["KAFKA_LOG_DIRS"])]);
}

#[test]
fn the_image_gets_every_binary_and_the_build_all_it_needs() {
    let (_, build) = dockerfile().into_iter().find(|(name, _)| name == "RUN").unwrap();
    let packages: Vec<_> =
        build.split("--package ").skip(1).filter_map(|rest| rest.split(' ').next()).collect();
    let (_, copied) = build.split_once("cp ").unwrap();
    let copied: Vec<_> = copied.split(' ').filter(|word| !word.starts_with('/')).collect();
    for name in OURS {
        assert!(packages.contains(&format!("trawl-{name}").as_str()), "{name} is not built");
        assert!(copied.contains(&name), "{name} is not copied");
    }
    assert_eq!(packages.len(), copied.len(), "{packages:?} become {copied:?}");
    assert!(build.contains(" --locked ") && build.contains(" --profile dist "), "{build}");
    assert!(!of_image("USER").starts_with('0') && of_image("USER") != "root");

    let members = read("Cargo.toml");
    let members: toml::Table = toml::from_str(&members).unwrap();
    let let_in = read(".dockerignore");
    for member in members["workspace"]["members"].as_array().unwrap() {
        let line = format!("!{}", member.as_str().unwrap());
        assert!(let_in.lines().any(|found| found == line), ".dockerignore keeps {member} out");
    }
}

#[test]
fn every_binary_can_be_asked_how_it_is() {
    let commands = [
        trawl_url_manager::cli::Cli::command(),
        trawl_scraper::cli::Cli::command(),
        trawl_parser::cli::Cli::command(),
        trawl_storage::cli::Cli::command(),
        trawl_dlq_handler::cli::Cli::command(),
    ];
    for (command, name) in commands.iter().zip(OURS) {
        assert_eq!(command.get_name(), name);
        for verb in ["run", "health"] {
            assert!(command.find_subcommand(verb).is_some(), "{name} has no verb {verb}");
        }
    }
}
