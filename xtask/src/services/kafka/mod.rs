//! Apache Kafka on this machine's Java: KRaft nodes that are broker and controller, without an installation.

pub(crate) mod cluster;
pub(crate) mod copies;
pub(crate) mod jars;
mod java;
pub(crate) mod probe;
pub(crate) mod settings;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::process::Local;
use super::state::{Instance, Source};
use super::{Service, ports, wait};
use crate::layout::Layout;

/// How a broker is asked to end: it hands over, flushes and closes its log.
pub(crate) const POLITE: nix::sys::signal::Signal = nix::sys::signal::Signal::SIGTERM;

/// Two cores that also compile may take long; a healthy start takes 3 s.
const READY_WITHIN: Duration = Duration::from_secs(120);
const HEAP: &str = "-Xmx512m";
/// A broker that lives for minutes spends more on the second compiler than it gets back.
const QUICK_COMPILER: &str = "-XX:TieredStopAtLevel=1";

/// Starts a broker on free ports, or on the ports and data of an earlier one.
pub(crate) fn launch(layout: &Layout, before: Option<Local>) -> Result<Instance> {
    let ports = match before {
        Some(Local { ports, .. }) if ports::are_free(&ports) => ports,
        _ => ports::free::<2>()?.to_vec(),
    };
    launch_on(layout, ports)
}

/// Starts a broker with a second door, which tells its clients the port `told` instead of its own.
pub(crate) fn launch_behind(layout: &Layout, told: u16) -> Result<Instance> {
    let mut ports = ports::free::<3>()?.to_vec();
    ports.push(told);
    launch_on(layout, ports)
}

fn launch_on(layout: &Layout, ports: Vec<u16>) -> Result<Instance> {
    let folder = layout.services("kafka");
    let mut local =
        Local { pid: None, ports, data: folder.join("data"), log: folder.join("server.log"), durable: false };
    start(layout, &mut local)?;
    Ok(Instance { address: address(&local)?, source: Source::Local(local) })
}

/// Starts the broker, alone in its cluster, and waits until it answers.
pub(crate) fn start(layout: &Layout, local: &mut Local) -> Result<()> {
    let controller = local.ports.get(1).copied().unwrap_or_default();
    begin(layout, "kafka", &settings::Node { id: 1, controllers: &[controller] }, local)?;
    wait_for(local)
}

/// Starts a node, whose settings are in the folder `name`.
fn begin(layout: &Layout, name: &str, node: &settings::Node<'_>, local: &mut Local) -> Result<()> {
    let java = java::find_or_install(jars::needs_java())?;
    let libs = jars::fetch(layout)?;
    let Some(ports) = settings::Ports::of(&local.ports) else {
        bail!("its ports are not recorded; run `down --purge`")
    };
    let folder = layout.services(name);
    let settings = folder.join("server.properties");
    let logging = folder.join("log4j2.properties");
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&settings, settings::file(node, &ports, &local.data)))
        .and_then(|()| fs::write(&logging, settings::LOGGING))
        .with_context(|| format!("cannot write to {}", folder.display()))?;

    if !local.data.join("meta.properties").exists() {
        format_storage(&mut java.run(&libs, &logging), &settings)?;
    }
    Service::Kafka.say(format_args!(
        "starting Apache Kafka {} on Java {}, data in {}",
        jars::version(),
        java.version,
        local.data.display()
    ));
    let mut command = java.run(&libs, &logging);
    // Only marks the process as ours on its command line.
    command.arg(format!("-Dtrawl.services.data={}", local.data.display()));
    command
        .args([HEAP, QUICK_COMPILER, "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "kafka.Kafka"])
        .arg(&settings);
    command.current_dir(&folder);
    local.spawn(command)
}

/// Waits until a node that was started answers; one that does not is killed.
fn wait_for(local: &mut Local) -> Result<()> {
    let address = address(local)?;
    let ready = wait::until(Service::Kafka, "waiting for the broker to answer", READY_WITHIN, || {
        local.look(probe::answers(&address))
    });
    if ready.is_err() {
        local.stop(super::process::Signal::Kill, POLITE)?;
    }
    ready
}

fn address(local: &Local) -> Result<String> {
    let port =
        local.ports.first().context("its port is not recorded; run `cargo xtask services down --purge`")?;
    Ok(format!("127.0.0.1:{port}"))
}

fn format_storage(java: &mut Command, settings: &Path) -> Result<()> {
    let output = java
        .args([QUICK_COMPILER, "kafka.tools.StorageTool", "format", "--ignore-formatted"])
        .args(["--cluster-id", settings::CLUSTER_ID, "--config"])
        .arg(settings)
        .output()
        .context("cannot run java")?;
    if !output.status.success() {
        bail!("cannot format Kafka's data folder: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
