//! Clocks that jump: the wall clock of one service, or of all, is suddenly ahead or behind by up to 20 s, and some time
//! later right again. By libfaketime, which stands between the process and its C library; the monotonic clock is left
//! alone, as a real jump leaves it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Fault, Scenario};
use crate::chaos::draw::Draw;
use crate::chaos::fleet::{MEMBER, SERVICES};
use crate::chaos::run::Run;

/// Where Debian and others put the library.
const PLACES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

pub(super) struct Clock;

impl Scenario for Clock {
    fn cannot(&self) -> Option<String> {
        library().is_none().then(|| "libfaketime is not here; install the package libfaketime".to_owned())
    }

    fn environment(&self, folder: &Path) -> Vec<(String, String)> {
        let library = library().unwrap_or_default().display().to_string();
        let file = clock(folder, MEMBER).display().to_string();
        [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_CACHE_DURATION", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    fn prepare(&mut self, folder: &Path) -> Result<()> {
        SERVICES.iter().try_for_each(|service| set(folder, service, 0))
    }

    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        let whose: Vec<&str> = match draw.number(0..=3) {
            0 => SERVICES.to_vec(),
            _ => vec![*draw.pick(&SERVICES)],
        };
        let seconds = draw.number(1..=20) as i64;
        let seconds = if draw.coin() { seconds } else { -seconds };
        for service in &whose {
            set(&run.folder, service, seconds)?;
        }
        let time = draw.millis(2000..=8000);
        run.pause(time)?;
        for service in &whose {
            set(&run.folder, service, 0)?;
        }
        let whose = if whose.len() == 1 { whose[0] } else { "all" };
        Ok(Fault::one(format!("the clock of {whose} off by {seconds:+} s for {} ms", time.as_millis())))
    }
}

fn library() -> Option<PathBuf> {
    PLACES.iter().map(PathBuf::from).find(|path| path.exists())
}

fn clock(folder: &Path, member: &str) -> PathBuf {
    folder.join(format!("{member}.clock"))
}

/// Written beside and renamed, so that no process reads half an offset.
fn set(folder: &Path, service: &str, seconds: i64) -> Result<()> {
    let (file, draft) = (clock(folder, service), clock(folder, "draft"));
    fs::write(&draft, format!("{seconds:+}\n"))
        .and_then(|()| fs::rename(&draft, &file))
        .with_context(|| format!("cannot write {}", file.display()))
}
