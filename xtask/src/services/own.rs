//! Servers that belong to one run alone: they may be killed, and are gone with their data when it ends.

use anyhow::{Context, Result, bail};

use super::state::{Instance, Source, State};
use super::{Data, Durability, Service, Signal, down, kafka, postgres, start, stop};
use crate::layout::Layout;

/// A Kafka and a PostgreSQL of this machine's own programs, in a folder of their own.
pub(crate) struct Own {
    layout: Layout,
    state: State,
}

impl Own {
    /// Starts both; what an earlier run left there is stopped and deleted first. The broker tells those who come
    /// through its second door that they find it at port `told`.
    pub(crate) fn launch(layout: Layout, told: u16) -> Result<Self> {
        let turn = layout.lock()?;
        drop(turn);
        if State::load(&layout)? != State::default() {
            down(&layout, Data::Delete)?;
        }
        let mut own = Self { layout, state: State::default() };
        own.keep(Service::Kafka, kafka::launch_behind(&own.layout, told)?)?;
        own.keep(Service::Postgres, postgres::launch(&own.layout, None, Durability::None)?)?;
        Ok(own)
    }

    /// The port at which clients find a server directly.
    pub(crate) fn port(&self, service: Service) -> Result<u16> {
        self.recorded(service, 0)
    }

    /// The port behind the broker's second door.
    pub(crate) fn second_port(&self) -> Result<u16> {
        self.recorded(Service::Kafka, 2)
    }

    /// Ends a server as told and waits until it is gone.
    pub(crate) fn stop(&mut self, service: Service, how: Signal) -> Result<()> {
        let mut instance = self.instance(service)?;
        stop(&self.layout, service, &mut instance, how)?;
        self.keep(service, instance)
    }

    /// Starts a server that was stopped, and waits until it answers.
    pub(crate) fn start(&mut self, service: Service) -> Result<()> {
        let mut instance = self.instance(service)?;
        start(&self.layout, service, &mut instance)?;
        self.keep(service, instance)
    }

    /// Starts a server unless it answers.
    pub(crate) fn ensure(&mut self, service: Service) -> Result<()> {
        if service.answers(&self.instance(service)?.address).is_ok() {
            return Ok(());
        }
        self.start(service)
    }

    /// Makes a database and gives its URL as seen at `port`.
    pub(crate) fn database(&self, name: &str, port: u16) -> Result<String> {
        postgres::probe::create_database(&self.instance(Service::Postgres)?.address, name)?;
        Ok(format!("postgres://trawl@127.0.0.1:{port}/{name}"))
    }

    fn instance(&self, service: Service) -> Result<Instance> {
        self.state.get(service).cloned().with_context(|| format!("{} was not started", service.name()))
    }

    fn recorded(&self, service: Service, which: usize) -> Result<u16> {
        match self.instance(service)?.source {
            Source::Local(local) => local.ports.get(which).copied().context("its port is not recorded"),
            Source::Docker => bail!("{} is no process of this machine", service.name()),
        }
    }

    /// Written down at once, so that the next run finds what this one may leave behind.
    fn keep(&mut self, service: Service, instance: Instance) -> Result<()> {
        self.state.set(service, Some(instance));
        self.state.save(&self.layout)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Err(error) = down(&self.layout, Data::Delete) {
            eprintln!("services: {error:#}");
        }
    }
}
