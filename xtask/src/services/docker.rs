//! The servers in Docker: the repository's compose file, under a project name of our own, with its ports moved to
//! free loopback ones by a second file that is written here.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::process::Signal;
use super::state::{Instance, Source};
use super::wait::{self, Look, pause};
use super::{Service, kafka, ports};
use crate::layout::Layout;

const COMPOSE_FILE: &str = "docker-compose.yml";
/// Keeps our containers and volumes apart from those of a fleet started by hand.
const PROJECT: &str = "trawl-services";
const ENGINE_ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// The image may have to be pulled first; that happens before this clock starts.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// The engine's version, if one runs and there is a compose file for it.
pub(crate) fn engine(layout: &Layout) -> Result<String> {
    if !layout.root().join(COMPOSE_FILE).is_file() {
        bail!("there is no {COMPOSE_FILE}");
    }
    let version = answer(Command::new("docker").args(["info", "--format", "{{.ServerVersion}}"]))
        .context("no Docker engine answers")?;
    answer(Command::new("docker").args(["compose", "version"])).context("it has no compose plugin")?;
    Ok(version)
}

/// Starts one service on a free port.
pub(crate) fn up(layout: &Layout, service: Service) -> Result<Instance> {
    let [port] = ports::free()?;
    fs::create_dir_all(layout.services(service.name()))?;
    fs::write(override_file(layout, service), override_text(service, port))?;
    let address = match service {
        Service::Kafka => format!("127.0.0.1:{port}"),
        Service::Postgres => format!("postgres://trawl:trawl@127.0.0.1:{port}/trawl"),
    };
    start(layout, service, &address)?;
    Ok(Instance { address, source: Source::Docker })
}

/// Starts it (again), and waits until it answers.
pub(crate) fn start(layout: &Layout, service: Service, address: &str) -> Result<()> {
    compose(layout, service, &["up", "--detach", "--no-deps", service.name()])?;
    wait::until(service, "waiting for the container to answer", READY_WITHIN, || {
        Ok(match service.answers(address) {
            Ok(()) => Look::Done,
            Err(why) => Look::NotYet(format!("{why:#}")),
        })
    })
}

/// Stops it, by a crash if so wished. `false`: it did not run.
pub(crate) fn stop(layout: &Layout, service: Service, how: Signal) -> Result<bool> {
    if compose(layout, service, &["ps", "--quiet", "--status", "running", service.name()])?.is_empty() {
        return Ok(false);
    }
    let verb = if how == Signal::Kill { "kill" } else { "stop" };
    compose(layout, service, &[verb, service.name()])?;
    Ok(true)
}

/// Removes the container and its volumes.
pub(crate) fn purge(layout: &Layout, service: Service) -> Result<()> {
    compose(layout, service, &["rm", "--force", "--stop", "--volumes", service.name()]).map(drop)
}

fn override_file(layout: &Layout, service: Service) -> std::path::PathBuf {
    layout.services(service.name()).join("compose.yml")
}

/// What our containers have otherwise than the fleet's: a loopback port, and settings made for tests.
fn override_text(service: Service, port: u16) -> String {
    let (inner, environment) = match service {
        // Kafka tells its clients where it is, so the port must be the same inside and outside.
        Service::Kafka => (port, kafka::settings::environment(port)),
        // User, password and database are those of the compose file.
        Service::Postgres => (5432, Vec::new()),
    };
    let mut lines: String =
        environment.iter().map(|(key, value)| format!("      {key}: {value:?}\n")).collect();
    if !lines.is_empty() {
        lines.insert_str(0, "    environment:\n");
    }
    // Without the fleet's named volumes the data is in the container's own, which goes away with it.
    format!(
        "services:\n  {}:\n    ports: !override\n      - \"127.0.0.1:{port}:{inner}\"\n    volumes: !reset []\n{lines}",
        service.name()
    )
}

fn compose(layout: &Layout, service: Service, words: &[&str]) -> Result<String> {
    let output = Command::new("docker")
        .args(["compose", "--project-name", PROJECT, "--file"])
        .arg(layout.root().join(COMPOSE_FILE))
        .arg("--file")
        .arg(override_file(layout, service))
        .args(words)
        // The password that `up` tells of is the compose file's own.
        .env_remove("POSTGRES_PASSWORD_FILE")
        .stdin(Stdio::null())
        .output()
        .context("cannot run docker")?;
    if !output.status.success() {
        bail!("docker compose {}: {}", words[0], String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The first line a command prints; an engine that hangs is one that does not answer.
pub(crate) fn answer(command: &mut Command) -> Result<String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("the docker command is not there")?;
    let began = Instant::now();
    while child.try_wait()?.is_none() {
        if began.elapsed() > ENGINE_ANSWERS_WITHIN {
            child.kill()?;
            child.wait()?;
            bail!("no answer within {} s", ENGINE_ANSWERS_WITHIN.as_secs());
        }
        pause(Duration::from_millis(20));
    }
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || text.is_empty() {
        bail!("`docker` ended with {}", output.status);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_moves_to_our_port() {
        let text = override_text(Service::Postgres, 20007);
        assert_eq!(
            text,
            "services:\n  postgres:\n    ports: !override\n      - \"127.0.0.1:20007:5432\"\n    volumes: !reset []\n"
        );
    }

    #[test]
    fn the_broker_advertises_the_port_that_is_published() {
        let text = override_text(Service::Kafka, 20008);
        assert!(text.contains("- \"127.0.0.1:20008:20008\"\n"), "{text}");
        assert!(text.contains("KAFKA_ADVERTISED_LISTENERS: \"PLAINTEXT://127.0.0.1:20008\"\n"), "{text}");
        assert!(text.contains("KAFKA_LISTENERS: \"PLAINTEXT://0.0.0.0:20008,CONTROLLER://"), "{text}");
    }
}
