//! The images of others, made on this machine: a Debian by debootstrap, and on it what `xtask/fleet/` describes.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::engine::{Engine, output};
use super::journal::Journal;
use crate::cli::Images;
use crate::layout::Layout;
use crate::services;

const DEBIAN: &str = "trawl-fleet/debian:bookworm";
const SUITE: &str = "bookworm";
pub(super) const RUST: &str = "trawl-fleet/rust:bookworm";
pub(super) const RUN: &str = "trawl-fleet/run:bookworm";
pub(super) const KAFKA: &str = "trawl-fleet/kafka:bookworm";
pub(super) const POSTGRES: &str = "trawl-fleet/postgres:bookworm";
pub(super) const SITE_BASE: &str = "trawl-fleet/busybox:bookworm";
/// Asked for to see whether a registry answers; the site is served with it.
const PROBE: &str = "busybox:1.37";
/// Certificates that this machine trusts besides Debian's, as where a company's proxy reads along.
const EXTRA_CERTIFICATES: &str = "/usr/local/share/ca-certificates";

/// Whether the images must be made here, and why.
pub(super) fn needed(engine: &Engine, images: Images, journal: &mut Journal) -> bool {
    match images {
        Images::Registry => false,
        Images::Local => true,
        Images::Auto => match engine.docker(&["pull", "--quiet", PROBE]) {
            Ok(_) => false,
            Err(why) => {
                journal.note(format_args!("no registry can be reached: {why:#}"));
                true
            }
        },
    }
}

/// Makes all of them; what is there already is taken from the engine's cache.
pub(super) fn make(layout: &Layout, engine: &Engine, journal: &mut Journal) -> Result<()> {
    let folder = layout.services("fleet");
    if !engine.has_image(DEBIAN) {
        let root = folder.join("debian");
        debian(&root)?;
        import(&root)?;
        fs::remove_dir_all(&root).with_context(|| format!("cannot delete {}", root.display()))?;
        journal.note(format_args!("{DEBIAN} is a debootstrap of {SUITE}"));
    }
    let context = folder.join("kafka-image");
    let libs = context.join("libs");
    fs::create_dir_all(&libs)?;
    for entry in fs::read_dir(services::kafka_jars(layout)?)? {
        let jar = entry?;
        fs::copy(jar.path(), libs.join(jar.file_name()))?;
    }
    fs::write(context.join("log4j2.properties"), services::KAFKA_LOGGING)?;
    let recipes = layout.root().join("xtask/fleet");
    fs::copy(recipes.join("start-kafka"), context.join("start-kafka"))?;

    let sysroot =
        output(Command::new("rustc").args(["--print", "sysroot"])).context("no Rust toolchain to copy")?;
    let all = [
        (RUST, "rust", Path::new(&sysroot)),
        (RUN, "run", &recipes),
        (KAFKA, "kafka", &context),
        (POSTGRES, "postgres", &recipes),
        (SITE_BASE, "busybox", &recipes),
    ];
    let file = folder.join("stand-ins.yml");
    let mut text = "services:\n".to_owned();
    for (image, name, context) in all {
        let recipe = recipes.join(format!("{name}.Dockerfile"));
        text.push_str(&format!(
            "  {name}:\n    image: {image}\n    build: {{ context: {context:?}, dockerfile: {recipe:?} }}\n"
        ));
    }
    fs::write(&file, text)?;
    output(engine.compose().arg("--file").arg(&file).args(["build", "--quiet"]))?;
    for (image, ..) in all {
        journal.note(format_args!("made {image}"));
    }
    Ok(())
}

/// A small Debian in a folder, which trusts the authorities that this machine trusts.
fn debian(root: &Path) -> Result<()> {
    if root.exists() {
        fs::remove_dir_all(root)?;
    }
    fs::create_dir_all(root)?;
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.args(["--variant=minbase", "--include=ca-certificates", SUITE]).arg(root);
    output(&mut debootstrap)
        .context("debootstrap (run as root, Debian's package of that name) makes the base image")?;
    for entry in fs::read_dir(EXTRA_CERTIFICATES).into_iter().flatten() {
        let certificate = entry?;
        fs::copy(certificate.path(), root.join(&EXTRA_CERTIFICATES[1..]).join(certificate.file_name()))?;
    }
    output(Command::new("chroot").arg(root).arg("update-ca-certificates"))?;
    output(Command::new("chroot").arg(root).args(["apt-get", "clean"])).map(drop)
}

fn import(root: &Path) -> Result<()> {
    let mut tar = Command::new("tar")
        .arg("--directory")
        .arg(root)
        .args(["--create", "--exclude=./proc/*", "--exclude=./sys/*", "."])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run tar")?;
    let stream = tar.stdout.take().context("tar has no output")?;
    let imported = output(Command::new("docker").args(["import", "-", DEBIAN]).stdin(stream));
    let packed = tar.wait()?;
    imported?;
    if !packed.success() {
        bail!("tar ended with {packed}");
    }
    Ok(())
}
