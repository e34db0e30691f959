//! A real Kafka and a real PostgreSQL for tests: the verbs of `cargo xtask services`.
//!
//! People read stderr; stdout carries only the `export` lines (or the JSON), so that a shell can `eval` it. What was
//! started is remembered in `target/services/state.json`: nothing else is ever stopped.

mod apt;
mod choose;
mod docker;
mod kafka;
mod own;
pub(crate) mod ports;
mod postgres;
mod process;
mod state;
mod status;
mod wait;

use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::cli::ServicesVerb;
use crate::layout::Layout;

pub(crate) use choose::{Durability, Endpoint};
pub(crate) use docker::answer;
pub(crate) use kafka::{
    cluster::{Cluster, NODES as BROKERS},
    copies::copies as copies_behind,
    jars::fetch as kafka_jars,
    settings::LOGGING as KAFKA_LOGGING,
};
pub(crate) use own::Own;
pub(crate) use process::Signal;
use state::{Instance, Source, State};
pub(crate) use wait::pause;

/// What can be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Service {
    /// Apache Kafka: one node that is broker and controller
    Kafka,
    /// PostgreSQL
    Postgres,
}

impl Service {
    pub(crate) const ALL: [Self; 2] = [Self::Kafka, Self::Postgres];

    /// Its name: of its folder, in the compose file and in what we say.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Postgres => "postgres",
        }
    }

    /// The environment variable that tells the tests where it is.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::Kafka => "TRAWL_TEST_KAFKA_BROKERS",
            Self::Postgres => "TRAWL_TEST_DATABASE_URL",
        }
    }

    /// Whether a server answers at `address` and would do work now.
    fn answers(self, address: &str) -> Result<()> {
        match self {
            Self::Kafka => kafka::probe::answers(address),
            Self::Postgres => postgres::probe::answers(address),
        }
    }

    fn say(self, words: impl std::fmt::Display) {
        eprintln!("{}: {words}", self.name());
    }
}

/// Runs one verb of `cargo xtask services`.
pub(crate) fn run(layout: &Layout, verb: ServicesVerb) -> Result<()> {
    match verb {
        ServicesVerb::Up { durable } => {
            let durability = if durable { Durability::Fsync } else { Durability::None };
            for endpoint in up(layout, durability)? {
                println!("export {}={}", endpoint.service.variable(), quote(&endpoint.address));
            }
            Ok(())
        }
        ServicesVerb::Down { purge } => down(layout, if purge { Data::Delete } else { Data::Keep }),
        ServicesVerb::Status { json } => status::show(layout, json),
        ServicesVerb::Stop { service, kill } => {
            with_instance(layout, service, |instance| stop(layout, service, instance, how(kill)))
        }
        ServicesVerb::Start { service } => {
            with_instance(layout, service, |instance| start(layout, service, instance))
        }
        ServicesVerb::Restart { service, kill } => with_instance(layout, service, |instance| {
            stop(layout, service, instance, how(kill))?;
            start(layout, service, instance)
        }),
    }
}

/// Brings both services up, together, and tells where they are.
pub(crate) fn up(layout: &Layout, durability: Durability) -> Result<Vec<Endpoint>> {
    let _turn = layout.lock()?;
    let began = Instant::now();
    let state = State::load(layout)?;
    let outcomes = std::thread::scope(|scope| {
        Service::ALL
            .map(|service| {
                let known = state.get(service).cloned();
                scope.spawn(move || choose::ensure(layout, service, known, durability))
            })
            .map(|thread| thread.join().unwrap_or_else(|_| bail!("starting it panicked")))
    });

    // What did start is written down even if the other failed: `down` must find it.
    let mut state = state;
    let mut endpoints = Vec::new();
    let mut failed = Vec::new();
    for (service, outcome) in Service::ALL.into_iter().zip(outcomes) {
        match outcome {
            Ok((endpoint, instance)) => {
                state.set(service, instance.or_else(|| state.get(service).cloned()));
                endpoints.push(endpoint);
            }
            Err(error) => failed.push(format!("{}: {error:#}", service.name())),
        }
    }
    state.save(layout)?;
    if !failed.is_empty() {
        bail!("{}", failed.join("\nerror: "));
    }
    eprintln!("services: ready in {:.1} s", began.elapsed().as_secs_f64());
    Ok(endpoints)
}

/// What becomes of the data when a service goes down.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    /// It waits for the next `up`, on the same port.
    Keep,
    /// It is deleted; the next `up` starts afresh.
    Delete,
}

/// Stops what `up` started, and nothing else.
pub(crate) fn down(layout: &Layout, data: Data) -> Result<()> {
    let _turn = layout.lock()?;
    let mut state = State::load(layout)?;
    let mut found = false;
    for service in Service::ALL {
        let Some(mut instance) = state.get(service).cloned() else { continue };
        found = true;
        stop(layout, service, &mut instance, Signal::Polite)?;
        if data == Data::Delete {
            purge(layout, service, &instance)?;
        }
        state.set(service, (data == Data::Keep).then_some(instance));
        state.save(layout)?;
    }
    if !found {
        eprintln!("services: nothing here was started by `cargo xtask services up`");
    }
    Ok(())
}

fn with_instance(
    layout: &Layout,
    service: Service,
    action: impl FnOnce(&mut Instance) -> Result<()>,
) -> Result<()> {
    let _turn = layout.lock()?;
    let mut state = State::load(layout)?;
    let mut instance = state.get(service).cloned().with_context(|| {
        format!("no {} was started from here; `cargo xtask services up` starts one", service.name())
    })?;
    let outcome = action(&mut instance);
    state.set(service, Some(instance));
    state.save(layout)?;
    outcome
}

fn stop(layout: &Layout, service: Service, instance: &mut Instance, signal: Signal) -> Result<()> {
    let began = Instant::now();
    let stopped = match &mut instance.source {
        Source::Docker => docker::stop(layout, service, signal)?,
        Source::Local(local) => match service {
            Service::Kafka => local.stop(signal, kafka::POLITE)?,
            Service::Postgres => local.stop(signal, postgres::POLITE)?,
        },
    };
    match stopped {
        true => service.say(format_args!("stopped in {:.1} s", began.elapsed().as_secs_f64())),
        false => service.say("was not running"),
    }
    Ok(())
}

fn start(layout: &Layout, service: Service, instance: &mut Instance) -> Result<()> {
    let began = Instant::now();
    if service.answers(&instance.address).is_ok() {
        service.say(format_args!("runs already at {}", instance.address));
        return Ok(());
    }
    match &mut instance.source {
        Source::Docker => docker::start(layout, service, &instance.address)?,
        Source::Local(local) => match service {
            Service::Kafka => kafka::start(layout, local)?,
            Service::Postgres => postgres::start(local)?,
        },
    }
    service.say(format_args!("answers at {} after {:.1} s", instance.address, began.elapsed().as_secs_f64()));
    Ok(())
}

fn purge(layout: &Layout, service: Service, instance: &Instance) -> Result<()> {
    match &instance.source {
        Source::Docker => docker::purge(layout, service),
        Source::Local(local) => {
            service.say(format_args!("deleting {}", local.data.display()));
            std::fs::remove_dir_all(&local.data)
                .with_context(|| format!("cannot delete {}", local.data.display()))
        }
    }
}

const fn how(kill: bool) -> Signal {
    if kill { Signal::Kill } else { Signal::Polite }
}

/// Quotes a value for a POSIX shell where it needs to be.
fn quote(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.,:/@%+=".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        assert_eq!(quote("127.0.0.1:9092,[::1]:9093"), "'127.0.0.1:9092,[::1]:9093'");
        assert_eq!(quote("postgres://trawl@127.0.0.1:5432/trawl"), "postgres://trawl@127.0.0.1:5432/trawl");
        assert_eq!(quote("a'b $(c)"), r"'a'\''b $(c)'");
        assert_eq!(quote(""), "''");
    }
}
