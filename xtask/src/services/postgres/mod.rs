//! PostgreSQL of this machine's own packages: a data folder of our own, on a loopback port, for tests.

mod binaries;
mod owner;
pub(crate) mod probe;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use self::owner::Owner;
use super::choose::Durability;
use super::process::{Local, Signal, tail};
use super::state::{Instance, Source};
use super::wait::{self, Look};
use super::{Service, ports};
use crate::layout::Layout;

/// How a postmaster is asked to end at once but cleanly ("fast shutdown").
pub(crate) const POLITE: nix::sys::signal::Signal = nix::sys::signal::Signal::SIGINT;

/// A healthy start takes half a second, a recovery after a kill a little more.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Name of the database and of the role that owns it. Whoever reaches the loopback port is trusted.
const NAME: &str = "trawl";
const CONNECTIONS: u32 = 200;

/// Starts a server on a free port, or on the port and data of an earlier one.
pub(crate) fn launch(layout: &Layout, before: Option<Local>, durability: Durability) -> Result<Instance> {
    // First, because the account that owns the data comes with the package.
    binaries::find_or_install()?;
    let port = match before.as_ref().map(|local| &local.ports[..]) {
        Some(&[port]) if ports::are_free(&[port]) => port,
        _ => ports::free::<1>()?[0],
    };
    let folder = layout.services("postgres");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let data = match before {
        Some(local) => local.data,
        None => owner::Owner::find()?.folder(&folder.join("data"))?,
    };
    let mut local = Local {
        pid: None,
        ports: vec![port],
        data,
        log: folder.join("server.log"),
        durable: durability == Durability::Fsync,
    };
    start(&mut local)?;
    Ok(Instance { address: address(port), source: Source::Local(local) })
}

/// Starts the server and waits until it takes queries.
pub(crate) fn start(local: &mut Local) -> Result<()> {
    let [port] = local.ports[..] else {
        bail!("its port is not recorded; run `cargo xtask services down --purge`")
    };
    let binaries = binaries::find_or_install()?;
    let owner = Owner::find()?;
    if !local.data.join("PG_VERSION").exists() {
        create(&owner, &binaries.folder, &local.data)?;
    }
    Service::Postgres.say(format_args!(
        "starting PostgreSQL {} as {owner}, data in {}, {}",
        binaries.version,
        local.data.display(),
        if local.durable { "fsync on" } else { "fsync off (test data only; --durable turns it on)" }
    ));
    let address = address(port);
    wait::until(Service::Postgres, "waiting for the one before it to be gone", READY_WITHIN, || {
        let outcome =
            spawn(local, &owner, &binaries.folder, port).and_then(|()| wait_until_ready(local, &address));
        match outcome {
            Err(_) if !local.is_alive() && was_early(&tail(&local.log, 4)) => {
                Ok(Look::NotYet(format!("its processes still end; the log is {}", local.log.display())))
            }
            Err(error) => {
                local.stop(Signal::Kill, POLITE)?;
                Err(error)
            }
            Ok(()) => Ok(Look::Done),
        }
    })
}

fn spawn(local: &mut Local, owner: &Owner, binaries: &Path, port: u16) -> Result<()> {
    let mut command = Command::new(binaries.join("postgres"));
    command.arg("-D").arg(&local.data).args(["-p", &port.to_string()]);
    let mut set = |name: &str, value: &str| {
        command.arg("-c").arg(format!("{name}={value}"));
    };
    set("listen_addresses", "127.0.0.1");
    set("unix_socket_directories", "");
    set("max_connections", &CONNECTIONS.to_string());
    set("timezone", "UTC");
    if !local.durable {
        set("fsync", "off");
        set("full_page_writes", "off");
    }
    owner.run(&mut command).current_dir(&local.data);
    local.spawn(command)
}

/// One that was killed leaves its id until it is reaped, and its children hold its memory until they notice.
fn was_early(log: &str) -> bool {
    log.contains("\"postmaster.pid\" already exists") || log.contains("shared memory block")
}

fn wait_until_ready(local: &Local, address: &str) -> Result<()> {
    wait::until(Service::Postgres, "waiting for the server to answer", READY_WITHIN, || {
        local.look(probe::answers(address))
    })
}

/// Makes a new cluster with one database, both owned by [`NAME`].
fn create(owner: &Owner, binaries: &Path, data: &PathBuf) -> Result<()> {
    Service::Postgres.say("creating the data folder");
    let mut initdb = Command::new(binaries.join("initdb"));
    initdb.arg("-D").arg(data).args(["--username", NAME, "--auth", "trust", "--encoding", "UTF8"]);
    initdb.args(["--locale", "C", "--no-sync", "--no-instructions"]);
    finish(owner.run(&mut initdb), "")?;
    // The single-user mode needs neither a client program nor a running server.
    let mut single = Command::new(binaries.join("postgres"));
    single.args(["--single", "-c", "fsync=off", "-D"]).arg(data).arg("postgres");
    finish(owner.run(&mut single), &format!("CREATE DATABASE {NAME};\n"))
}

fn finish(command: &mut Command, input: &str) -> Result<()> {
    let program = command.get_program().display().to_string();
    let mut child = command
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    child.stdin.take().context("it has no input")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || said.contains("ERROR:") {
        bail!("{program} failed: {}", said.trim());
    }
    Ok(())
}

fn address(port: u16) -> String {
    format!("postgres://{NAME}@127.0.0.1:{port}/{NAME}")
}
