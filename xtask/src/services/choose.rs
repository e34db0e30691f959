//! Which server to use: the one that the environment names, one that Docker runs, or one that this machine can run.

use std::env;

use anyhow::{Context, Result, bail};

use super::process::Local;
use super::state::{Instance, Source};
use super::{Service, docker, kafka, postgres};
use crate::layout::Layout;

/// A server that answers.
pub(crate) struct Endpoint {
    pub(crate) service: Service,
    /// What the tests are told: `host:port`, or a database URL.
    pub(crate) address: String,
    /// Whether this call started it (then whoever called may stop it).
    pub(crate) started: bool,
}

/// Whether a database waits for the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It does not: quick, and enough for tests (a killed process loses nothing, a power cut may).
    None,
    /// It does, as in production.
    Fsync,
}

/// Makes sure that one answers, and says which and why. The instance is there if it is ours to stop.
pub(crate) fn ensure(
    layout: &Layout,
    service: Service,
    known: Option<Instance>,
    durability: Durability,
) -> Result<(Endpoint, Option<Instance>)> {
    if let Some(address) = named_by_environment(service, known.as_ref()) {
        let variable = service.variable();
        service.answers(&address).with_context(|| {
            format!("{variable} names {address}, where none answers; start it, or unset {variable}")
        })?;
        service.say(format_args!("using {address}, because {variable} names it"));
        return Ok((Endpoint { service, address, started: false }, None));
    }
    if let Some(instance) = known {
        if service.answers(&instance.address).is_ok() {
            service
                .say(format_args!("using {}, because it was started before and answers", instance.address));
            let endpoint = Endpoint { service, address: instance.address.clone(), started: false };
            return Ok((endpoint, Some(instance)));
        }
        // It was stopped, or it died: the same data, and the same address if that is still free.
        return began(service, again(layout, service, instance, durability)?);
    }
    match docker::engine(layout) {
        Ok(version) => {
            service
                .say(format_args!("using Docker {version} with docker-compose.yml, because its engine runs"));
            match docker::up(layout, service) {
                Ok(instance) => return began(service, instance),
                Err(error) => service.say(format_args!("Docker could not start it: {error:#}")),
            }
        }
        Err(why) => service.say(format_args!("not using Docker: {why:#}")),
    }
    began(service, locally(layout, service, None, durability)?)
}

/// The address in the environment, unless it is one that we put there (`eval "$(cargo xtask services up)"`).
fn named_by_environment(service: Service, known: Option<&Instance>) -> Option<String> {
    let address = env::var(service.variable()).ok().filter(|value| !value.trim().is_empty())?;
    (known.map(|instance| &instance.address) != Some(&address)).then_some(address)
}

fn again(layout: &Layout, service: Service, instance: Instance, durability: Durability) -> Result<Instance> {
    match instance.source {
        Source::Docker => match docker::start(layout, service, &instance.address) {
            Ok(()) => Ok(instance),
            Err(error) => {
                service.say(format_args!("Docker could not start it again: {error:#}"));
                locally(layout, service, None, durability)
            }
        },
        Source::Local(local) if local.is_alive() => bail!(
            "the one that was started before runs but does not answer; \
             `cargo xtask services restart {}` may cure it",
            service.name()
        ),
        Source::Local(local) => locally(layout, service, Some(local), durability),
    }
}

/// Starts one of this machine's own programs. Ports and data of an earlier one are used again where they can be.
fn locally(
    layout: &Layout,
    service: Service,
    before: Option<Local>,
    durability: Durability,
) -> Result<Instance> {
    match service {
        Service::Kafka => kafka::launch(layout, before),
        Service::Postgres => postgres::launch(layout, before, durability),
    }
}

fn began(service: Service, instance: Instance) -> Result<(Endpoint, Option<Instance>)> {
    service.say(format_args!("ready at {}", instance.address));
    Ok((Endpoint { service, address: instance.address.clone(), started: true }, Some(instance)))
}
