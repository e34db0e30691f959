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
    if let Some(address) = named_by_environment(service, known.as_ref(), variable) {
        let (variable, shown) = (service.variable(), without_password(&address));
        service.answers(&address).with_context(|| {
            format!("{variable} names {shown}, where none answers; start it, or unset {variable}")
        })?;
        service.say(format_args!("using {shown}, because {variable} names it"));
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
pub(crate) fn named_by_environment(
    service: Service,
    known: Option<&Instance>,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let address = variable(service.variable()).filter(|value| !value.trim().is_empty())?;
    (known.map(|instance| &instance.address) != Some(&address)).then_some(address)
}

/// A variable of this process.
pub(crate) fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
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

/// What people may see of an address: a database URL without its password.
pub(crate) fn without_password(address: &str) -> String {
    let secret = address.split_once("://").and_then(|(scheme, rest)| {
        let (login, place) = rest.rsplit_once('@')?;
        let (user, _) = login.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{place}"))
    });
    secret.unwrap_or_else(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("postgres://u:p@ss@h:1/d"), "postgres://u:***@h:1/d");
        for plain in ["postgres://u@h:1/d", "127.0.0.1:9092,b:9092"] {
            assert_eq!(without_password(plain), plain);
        }
    }

    #[test]
    fn our_own_address_in_the_environment_is_ours() {
        let variable = |_: &str| Some("127.0.0.1:20001".to_owned());
        let instance = |address: &str| Instance { address: address.to_owned(), source: Source::Docker };
        let named = |known: Option<&Instance>| named_by_environment(Service::Kafka, known, variable);
        assert_eq!(named(None).as_deref(), Some("127.0.0.1:20001"));
        assert_eq!(named(Some(&instance("127.0.0.1:20002"))).as_deref(), Some("127.0.0.1:20001"));
        assert_eq!(named(Some(&instance("127.0.0.1:20001"))), None);
        assert_eq!(named_by_environment(Service::Kafka, None, |_| Some(" ".to_owned())), None);
    }
}
