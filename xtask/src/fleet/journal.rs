//! What the test says while it runs: every step with its number and the time since the beginning.

use std::fmt::Display;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::services::pause;

/// The log of one run, on stderr.
pub(super) struct Journal {
    began: Instant,
    steps: u32,
}

impl Journal {
    pub(super) fn begin() -> Self {
        Self { began: Instant::now(), steps: 0 }
    }

    /// A step begins.
    pub(super) fn step(&mut self, what: impl Display) {
        self.steps += 1;
        eprintln!("fleet-test: {:7.1} s  step {}: {what}", self.began.elapsed().as_secs_f64(), self.steps);
    }

    /// Something about the step.
    pub(super) fn note(&self, what: impl Display) {
        eprintln!("fleet-test: {:7.1} s    {what}", self.began.elapsed().as_secs_f64());
    }
}

/// Looks until there is something; the error says what was missing in the end. A look that fails is no answer yet: what
/// is looked at may be restarting.
pub(super) fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let began = Instant::now();
    loop {
        let why = match look() {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => String::new(),
            Err(error) => format!(": {error:#}"),
        };
        if began.elapsed() > limit {
            bail!("waited {} s for {what}{why}", limit.as_secs());
        }
        pause(Duration::from_millis(300));
    }
}
