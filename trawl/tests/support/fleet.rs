//! The five services as processes on a real Kafka and a real PostgreSQL.

use super::{Process, assert_success, binary, wait_for};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The services, in the order they are started in.
pub const SERVICES: [&str; 5] = ["storage", "parser", "scraper", "dlq-handler", "url-manager"];

pub struct Fleet {
    environment: Vec<(String, String)>,
    processes: BTreeMap<String, Process>,
    pub database: String,
    logs: PathBuf,
}

impl Fleet {
    /// A fleet of its own: topics by prefix, tables by database. `None` where there are no servers.
    pub fn new(prefix: &str, database: &str, logs: &Path, more: &[(&str, String)]) -> Option<Self> {
        let brokers = std::env::var("TRAWL_TEST_KAFKA_BROKERS").ok()?;
        let mut environment: Vec<(String, String)> = [
            ("TRAWL_KAFKA_BROKERS", brokers.as_str()),
            ("TRAWL_KAFKA_TOPIC_PREFIX", prefix),
            ("TRAWL_DATABASE_URL", database),
            // A member that was killed is given up by its group in seconds, not in a minute.
            ("TRAWL_KAFKA_CONSUMER_SESSION_TIMEOUT_MS", "6000"),
            ("TRAWL_KAFKA_CONSUMER_HEARTBEAT_MS", "1000"),
            ("TRAWL_RUNTIME_REVOKE_TIMEOUT_MS", "2500"),
            ("TRAWL_URL_MANAGER_LEASE_MS", "30000"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Some(Self {
            environment,
            processes: BTreeMap::new(),
            database: database.to_owned(),
            logs: logs.to_owned(),
        })
    }

    pub fn start_all(&mut self) {
        for service in SERVICES {
            self.start(service);
        }
    }

    pub fn start(&mut self, service: &str) {
        self.start_as(service, service);
    }

    /// One more process of a service, under a name of its own.
    pub fn start_as(&mut self, name: &str, service: &str) {
        let log =
            File::options().create(true).append(true).open(self.logs.join(format!("{name}.log"))).unwrap();
        let child = self
            .command(service)
            .arg("run")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.processes.insert(name.to_owned(), Process(child));
    }

    /// `kill -9`.
    pub fn kill(&mut self, name: &str) {
        self.processes.remove(name).unwrap().kill();
    }

    /// A command of one of the services.
    pub fn command(&self, service: &str) -> Command {
        let mut command = Command::new(binary(service));
        command.envs(self.environment.iter().cloned());
        command
    }

    #[track_caller]
    pub fn run(&self, service: &str, arguments: &[&str]) -> String {
        let output = self.command(service).args(arguments).output().unwrap();
        assert_success(&output);
        String::from_utf8(output.stdout).unwrap()
    }

    /// The job's line of `url-manager status --json`.
    #[track_caller]
    pub fn status(&self, job: &str) -> Value {
        let text = self.run("url-manager", &["status", "--job", job, "--json"]);
        serde_json::from_str(text.lines().next().unwrap_or_default())
            .unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Waits until the job is done and the sinks have caught up with the frontier.
    #[track_caller]
    pub fn wait_until_done(&self, job: &str, seconds: u64) {
        wait_for("the job to be done", seconds, || {
            assert!(self.processes.values().len() == SERVICES.len());
            (self.status(job)["done"] == true).then_some(())
        });
    }

    /// All stored rows.
    #[track_caller]
    pub fn rows(&self, job: &str) -> Vec<Value> {
        let id = self.status(job)["id"].as_str().unwrap().to_owned();
        let text = self.run("storage", &["export", "--format", "jsonl", "--job", &id]);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
