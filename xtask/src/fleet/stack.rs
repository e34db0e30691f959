//! The compose file under a project name of its own, and what can be done to its containers.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::engine::{Engine, output};
use super::journal::Journal;
use super::site::Site;
use super::stand_ins;
use crate::cli::FleetOptions;
use crate::layout::Layout;
use crate::services::pause;

/// Keeps our containers, networks and volumes apart from those of a fleet that somebody uses.
const PROJECT: &str = "trawl-fleet-test";
/// With what URLs and YAML must escape: it travels in a file, and must arrive as it is.
const PASSWORD: &str = "p@ss: w/rd%23#\n";
/// The services of ours.
pub(super) const SERVICES: [&str; 5] = ["url-manager", "scraper", "parser", "storage", "dlq-handler"];

/// The fleet of one run.
pub(super) struct Stack {
    pub(super) engine: Engine,
    files: Vec<PathBuf>,
    password: PathBuf,
}

impl Stack {
    /// Chooses the images and writes what differs from the users' compose file: a site beside it, and where no registry
    /// can be reached, whose images stand in.
    pub(super) fn prepare(
        layout: &Layout,
        engine: Engine,
        options: &FleetOptions,
        site: &Site,
        journal: &mut Journal,
    ) -> Result<Self> {
        let folder = layout.services("fleet");
        site.write(&folder.join("site-image/site"))?;
        let password = folder.join("password");
        fs::write(&password, PASSWORD).with_context(|| format!("cannot write {}", password.display()))?;

        let local = stand_ins::needed(&engine, options.images, journal);
        if local {
            journal.step("make the images of others here: debootstrap, Kafka's jars, Debian's packages");
            stand_ins::make(layout, &engine, journal)?;
        }
        let file = folder.join("override.yml");
        fs::write(&file, override_text(layout, site, local, options.cluster))?;
        let mut files = vec![layout.root().join("docker-compose.yml")];
        if options.cluster {
            files.push(layout.root().join("docker-compose.cluster.yml"));
        }
        files.push(file);
        Ok(Self { engine, files, password })
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.engine.compose();
        command.env("POSTGRES_PASSWORD_FILE", &self.password).args(["--project-name", PROJECT]);
        for file in &self.files {
            command.arg("--file").arg(file);
        }
        command.args(words);
        command
    }

    /// Runs the compose tool and gives what it prints.
    pub(super) fn compose(&self, words: &[&str]) -> Result<String> {
        output(&mut self.command(words))
    }

    /// Builds images before everybody's eyes. False when that took longer than allowed and was stopped.
    pub(super) fn build(&self, services: &[&str], within: Option<Duration>) -> Result<bool> {
        let began = Instant::now();
        let mut child =
            self.command(&[&["build"], services].concat()).spawn().context("cannot run the compose tool")?;
        loop {
            if let Some(status) = child.try_wait()? {
                ensure!(status.success(), "compose build ended with {status}");
                return Ok(true);
            }
            if within.is_some_and(|within| began.elapsed() > within) {
                // The engine stops a build whose client is gone.
                child.kill()?;
                child.wait()?;
                return Ok(false);
            }
            pause(Duration::from_millis(200));
        }
    }

    /// `docker compose run --rm SERVICE WORDS`, as the README tells people to.
    pub(super) fn run(&self, service: &str, words: &[&str]) -> Result<String> {
        self.compose(&[&["run", "--rm", "--no-deps", "-T", service], words].concat())
    }

    /// The ids of a service's containers that run.
    pub(super) fn containers(&self, service: &str) -> Result<Vec<String>> {
        let found = self.compose(&["ps", "--quiet", "--status", "running", service])?;
        Ok(found.lines().map(str::to_owned).collect())
    }

    /// One container of the service.
    pub(super) fn container(&self, service: &str) -> Result<String> {
        self.containers(service)?
            .into_iter()
            .next()
            .with_context(|| format!("no container of {service} runs"))
    }

    /// What the engine knows of a container.
    pub(super) fn inspect(&self, container: &str) -> Result<Value> {
        let text = self.engine.docker(&["inspect", container])?;
        Ok(serde_json::from_str::<Value>(&text)?[0].take())
    }

    /// What a container's health check says: `healthy`, `unhealthy` or `starting`.
    pub(super) fn health(&self, container: &str) -> Result<String> {
        let known = self.inspect(container)?;
        Ok(known["State"]["Health"]["Status"].as_str().unwrap_or("without a check").to_owned())
    }

    /// How the job stands: the counts of its URLs by state, and whether it is done.
    pub(super) fn status(&self, job: &str) -> Result<Value> {
        let text = self.run("url-manager", &["status", "--job", job, "--json"])?;
        let line = text.lines().next().context("no status")?;
        serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))
    }

    /// The network that all containers are on.
    pub(super) fn network(&self) -> String {
        format!("{PROJECT}_default")
    }

    pub(super) fn logs(&self) -> Result<String> {
        self.compose(&["logs", "--no-color", "--tail", "40"])
    }

    pub(super) fn how_to_stop(&self) -> String {
        format!("docker compose --project-name {PROJECT} down --volumes")
    }

    /// Removes all of it, and looks whether anything is left.
    pub(super) fn down(&self) -> Result<()> {
        self.compose(&["--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "60"])?;
        let label = format!("label=com.docker.compose.project={PROJECT}");
        for (what, words) in [
            ("containers", ["ps", "--all", "--quiet", "--filter", &label].as_slice()),
            ("volumes", &["volume", "ls", "--quiet", "--filter", &label]),
            ("networks", &["network", "ls", "--quiet", "--filter", &label]),
        ] {
            let left = self.engine.docker(words)?;
            if !left.is_empty() {
                bail!("{what} are left: {}", left.replace('\n', " "));
            }
        }
        Ok(())
    }
}

/// What the test adds to the users' file.
fn override_text(layout: &Layout, site: &Site, local: bool, cluster: bool) -> String {
    let fleet = layout.root().join("xtask/fleet");
    let mut text = format!(
        "services:\n  site:\n    image: trawl-fleet/site\n    build:\n      context: {:?}\n      dockerfile: {:?}\n",
        layout.services("fleet").join("site-image"),
        fleet.join("site.Dockerfile"),
    );
    if local {
        text.push_str(&format!("      args: {{ BASE: {} }}\n", stand_ins::SITE_BASE));
    }
    text.push_str(&format!("    networks:\n      default: {{ aliases: [{}] }}\n", site.hosts().join(", ")));
    if local {
        for service in SERVICES.into_iter().chain(["trawl"]) {
            text.push_str(&format!(
                "  {service}:\n    build:\n      args: {{ BUILD_IMAGE: {}, RUN_IMAGE: {} }}\n",
                stand_ins::RUST,
                stand_ins::RUN
            ));
        }
        let brokers: &[&str] = if cluster { &["kafka", "kafka-2", "kafka-3"] } else { &["kafka"] };
        let images = brokers
            .iter()
            .map(|broker| (*broker, stand_ins::KAFKA))
            .chain([("postgres", stand_ins::POSTGRES)]);
        for (service, image) in images {
            text.push_str(&format!("  {service}: {{ image: {image}, pull_policy: never }}\n"));
        }
    }
    text
}
