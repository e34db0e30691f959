//! `docker-compose.yml`, `docker-compose.cluster.yml`, `Dockerfile` and `.dockerignore` against what they start: settings
//! that the services know, verbs that their command lines have, binaries that the image gets. No engine is needed; with
//! one, `cargo xtask fleet-test` runs them.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

use clap::{CommandFactory, Parser};
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::Path};
use trawl_shared::{
    config::{self, Common, ConfigArgs, Section},
    sql::DatabaseUrl,
};

const OURS: [&str; 5] = ["url-manager", "scraper", "parser", "storage", "dlq-handler"];
/// Run by hand, for one verb.
const TOOL: &str = "trawl";

#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
    volumes: BTreeMap<String, Option<BTreeMap<String, String>>>,
    #[serde(default)]
    secrets: BTreeMap<String, SecretFile>,
}

#[derive(Deserialize)]
struct SecretFile {
    file: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Service {
    image: String,
    restart: String,
    stop_grace_period: String,
    pull_policy: Option<String>,
    profiles: Vec<String>,
    secrets: Vec<String>,
    deploy: Option<Deploy>,
    entrypoint: Vec<String>,
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    depends_on: BTreeMap<String, Dependency>,
    ports: Vec<String>,
    volumes: Vec<String>,
    healthcheck: Option<HealthCheck>,
}

#[derive(Deserialize)]
struct Dependency {
    condition: String,
}

#[derive(Deserialize)]
struct HealthCheck {
    #[serde(default)]
    test: Vec<String>,
    #[serde(default)]
    disable: bool,
}

#[derive(Deserialize)]
struct Deploy {
    resources: Resources,
}

#[derive(Deserialize)]
struct Resources {
    limits: BTreeMap<String, toml::Value>,
}

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn compose() -> Compose {
    serde_saphyr::from_str(&read("docker-compose.yml")).expect("docker-compose.yml follows its schema")
}

/// The file that a path in a container leads to, where it is a secret.
fn secret_file(compose: &Compose, inside: &str) -> Option<String> {
    let name = inside.strip_prefix("/run/secrets/")?;
    let secret = compose.secrets.get(name).unwrap_or_else(|| panic!("there is no secret {name}"));
    Some(format!("{}/../{}", env!("CARGO_MANIFEST_DIR"), unset(&secret.file)))
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
fn environment(compose: &Compose, service: &Service) -> BTreeMap<String, String> {
    let (name, value) = of_image("ENV").split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned())).unwrap();
    let here = |value: &String| secret_file(compose, value).unwrap_or_else(|| unset(value));
    let own = service.environment.iter().map(|(name, value)| (name.clone(), here(value)));
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
        TOOL => parse::<trawl::cli::Cli>(words),
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
        let variables = environment(&compose, service);
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
        let url = settings(name, environment(&compose, service)).database.url;
        url.parse::<DatabaseUrl>().unwrap_or_else(|error| panic!("{name}: {error}"));
        let url = url::Url::parse(&url).unwrap();
        let host = url.host_str().unwrap();
        let server = &compose.services[host];
        assert_eq!(url.username(), server.environment["POSTGRES_USER"]);
        assert_eq!(url.path(), format!("/{}", server.environment["POSTGRES_DB"]));
        assert!(service.depends_on.contains_key(host), "{name} does not wait for {host}");

        // Both sides read one file, and both are given it.
        let inside = &server.environment["POSTGRES_PASSWORD_FILE"];
        assert_eq!(inside, &service.environment["TRAWL_DATABASE_PASSWORD_FILE"]);
        let password = fs::read_to_string(secret_file(&compose, inside).unwrap()).unwrap();
        assert_eq!(url.password(), Some(password.trim()));
        let secret = inside.rsplit('/').next().unwrap();
        for given in [&service.secrets, &server.secrets, &compose.services[TOOL].secrets] {
            assert!(given.iter().any(|name| name == secret), "{name}: {given:?}");
        }
    }
    let tool = &compose.services[TOOL].environment;
    assert_eq!(
        *tool, compose.services["storage"].environment,
        "`audit` needs the database, `lag` the brokers"
    );
}

#[test]
fn what_is_run_is_understood() {
    for (name, service) in &compose().services {
        if OURS.contains(&name.as_str()) || name == TOOL {
            assert_eq!(service.entrypoint, [name.as_str()]);
            if name == TOOL {
                continue;
            }
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
            Some(check) if name == TOOL => assert!(check.disable, "{name} serves nobody"),
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
        if OURS.contains(&name.as_str()) || name == TOOL {
            assert_eq!(service.image, ours);
            assert_eq!(
                service.pull_policy.as_deref(),
                Some("never"),
                "{name}: an image of this name may be anybody's"
            );
        } else {
            let (_, tag) = service.image.split_once(':').unwrap_or_else(|| panic!("{name}: no version"));
            assert!(
                tag.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit()) && tag.contains('.'),
                "{name}: {tag} may change"
            );
        }
    }
    for (_, base) in dockerfile().iter().filter(|(name, base)| name == "ARG" && base.contains("_IMAGE=")) {
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
        let limits =
            &service.deploy.as_ref().unwrap_or_else(|| panic!("{name} has no limits")).resources.limits;
        assert!(
            ["cpus", "memory", "pids"].iter().all(|what| limits.contains_key(*what)),
            "{name}: {limits:?}"
        );
        if name == TOOL {
            assert!(service.ports.is_empty() && service.volumes.is_empty());
            continue;
        }
        assert!(
            service.ports.iter().all(|port| port.starts_with("127.0.0.1:")),
            "{name}: {:?}",
            service.ports
        );
        assert_eq!(service.restart, "unless-stopped", "{name}");
        let grace: u64 =
            service.stop_grace_period.strip_suffix('s').and_then(|seconds| seconds.parse().ok()).unwrap();
        assert!(grace * 1000 > drain, "{name} would be killed while it finishes");
        for volume in &service.volumes {
            let (source, inside) = volume.split_once(':').unwrap();
            if source.starts_with("./") {
                assert!(inside.ends_with(":ro"), "{name} could change {source}");
                continue;
            }
            used.push(source.to_owned());
        }
        let keeps = ["grafana", "kafka", "postgres", "prometheus"].contains(&name.as_str());
        assert_eq!(keeps, used.last() == Some(&format!("{name}-data")), "{name}: {:?}", service.volumes);
    }
    let named: Vec<_> = compose.volumes.keys().cloned().collect();
    assert_eq!(used, named, "every volume has a name, and every name is used");
    // Kafka writes into its volume.
    let kafka = &compose.services["kafka"];
    assert_eq!(kafka.volumes, [format!("kafka-data:{}", kafka.environment["KAFKA_LOG_DIRS"])]);
}

#[test]
fn the_crawl_itself_needs_no_profile() {
    let compose = compose();
    let with = |profile: Option<&str>| -> Vec<&str> {
        let of = |service: &Service| service.profiles.first().map(String::as_str) == profile;
        compose.services.iter().filter(|(_, service)| of(service)).map(|(name, _)| name.as_str()).collect()
    };
    assert_eq!(with(Some("observe")), ["grafana", "kafka-ui", "prometheus"]);
    assert_eq!(with(Some("tools")), [TOOL]);
    let mut default: Vec<_> = OURS.into_iter().chain(["kafka", "postgres"]).collect();
    default.sort_unstable();
    assert_eq!(with(None), default);
}

#[test]
fn a_cluster_keeps_three_copies_of_everything() {
    // The tag that replaces a list instead of adding to it is compose's own.
    let text = read("docker-compose.cluster.yml").replace("!override ", "");
    let cluster: Compose =
        serde_saphyr::from_str(&text).expect("docker-compose.cluster.yml follows its schema");
    let compose = compose();
    let nodes = ["kafka", "kafka-2", "kafka-3"];
    for name in OURS {
        let service = &cluster.services[name];
        let mut variables = environment(&compose, &compose.services[name]);
        variables.extend(service.environment.clone());
        let common = settings(name, variables);
        assert_eq!(common.kafka.brokers, nodes.map(|node| format!("{node}:9092")).join(","));
        assert!(common.topics.specs().values().all(|topic| topic.replication == 3), "{name}");
        assert!(nodes[1..].iter().all(|node| service.depends_on.contains_key(*node)), "{name}");
    }
    let mut volumes = Vec::new();
    for (index, node) in nodes.into_iter().enumerate() {
        let mut variables = compose.services["kafka"].environment.clone();
        variables.extend(cluster.services[node].environment.clone());
        let id = (index + 1).to_string();
        assert_eq!(variables["KAFKA_NODE_ID"], id);
        assert_eq!(variables["KAFKA_ADVERTISED_LISTENERS"], format!("PLAINTEXT://{node}:9092"));
        let voters = &variables["KAFKA_CONTROLLER_QUORUM_VOTERS"];
        assert!(voters.split(',').any(|voter| *voter == format!("{id}@{node}:9093")), "{voters}");
        assert!(
            variables["KAFKA_LISTENERS"].ends_with("CONTROLLER://0.0.0.0:9093"),
            "the others must reach it"
        );
        for (name, value) in &variables {
            if name.ends_with("REPLICATION_FACTOR") {
                assert_eq!(value, "3", "{node}: {name}");
            }
            if name.ends_with("MIN_ISR") || name == "KAFKA_MIN_INSYNC_REPLICAS" {
                assert_eq!(value, "2", "{node}: {name}");
            }
        }
        volumes.extend(cluster.services[node].volumes.clone());
    }
    assert_eq!(volumes.len(), 2, "the first node's volume is the one it had: {volumes:?}");
    assert!(volumes[0] != volumes[1]);
}

#[test]
fn the_image_gets_every_binary_and_the_build_all_it_needs() {
    let (_, build) = dockerfile().into_iter().find(|(name, _)| name == "RUN").unwrap();
    let (_, links) = build.split_once(" in ").unwrap();
    let (links, made) = links.split_once("; do ").unwrap();
    assert_eq!(links.split(' ').collect::<Vec<_>>(), OURS, "each service has its link");
    assert!(made.starts_with("ln -s trawl /out/$name;"), "{made}");
    assert!(
        build.contains(" --features fleet,trawl-shared/kafka-tls "),
        "the services run on Kafka, also over TLS: {build}"
    );
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
