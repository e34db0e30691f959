//! Waiting for a condition, aloud: whoever waits longer than a second is told for what.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::Service;

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What one look at the condition told.
pub(crate) enum Look {
    Done,
    /// Not yet, and why.
    NotYet(String),
}

/// Looks until the condition holds. An error from `look` ends the wait at once: what died never gets ready.
pub(crate) fn until(
    service: Service,
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Look>,
) -> Result<()> {
    let began = Instant::now();
    let mut speak_at = Duration::from_secs(1);
    loop {
        let Look::NotYet(why) = look()? else { return Ok(()) };
        let waited = began.elapsed();
        if waited >= limit {
            bail!("gave up {what} after {} s: {why}", limit.as_secs());
        }
        if waited >= speak_at {
            service.say(format_args!("{what} ({} s)", waited.as_secs()));
            speak_at = waited + Duration::from_secs(3);
        }
        pause(LOOK_EVERY);
    }
}

/// Sleeps. There is no runtime in this program that a sleeping thread could block.
#[expect(clippy::disallowed_methods, reason = "xtask has no async runtime to block")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
