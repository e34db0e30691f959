//! A run of replays: at a bounded rate, and watched, so that what comes back nearly whole is stopped.

use super::{Letters, Replay, ReplayError, Sending};
use crate::{
    letter::LetterId,
    state::State,
    store::{Change, Ledger},
};
use jiff::Timestamp;
use serde::Serialize;
use std::{collections::VecDeque, fmt, str::FromStr, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use trawl_shared::broker::{Producer, queue};

/// Records on their way at once.
const AT_ONCE: usize = 64;
/// How often it is looked at what became of the letters that were sent.
const LOOK: Duration = Duration::from_millis(500);
/// Letters that may have been sent without news of any before the run waits for some.
const MOST_UNDECIDED: usize = 500;
/// How long it waits then; the ledger's service may not be running.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many outcomes are looked back on...
const WINDOW: usize = 50;
/// ...and no verdict is spoken on fewer. A service that fails at everything lets twenty pass before it stops consuming, by
/// default, and then nothing comes back any more.
const LEAST_OUTCOMES: usize = 10;
/// Share of outcomes that are deaths, in percent, at which a run stops.
const STORM_PERCENT: usize = 90;

/// How many letters are sent in which time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed {
    per_second: f64,
}

impl Default for Speed {
    /// Twenty a second: a thousand letters in a minute, and no flood for what has only just recovered.
    fn default() -> Self {
        Self { per_second: 20.0 }
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("{text:?} is no rate; write 10/s, 300/m or 1000/h");
        let (number, unit) = text.split_once('/').ok_or_else(expected)?;
        let seconds = match unit {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(expected()),
        };
        let number: f64 = number.parse().map_err(|_| expected())?;
        let per_second = number / seconds;
        if per_second.is_finite() && per_second > 0.0 { Ok(Self { per_second }) } else { Err(expected()) }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.per_second)
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It still runs.
    #[default]
    Running,
    /// All letters were sent.
    Sent,
    /// Nearly all came back, so the others were left alone.
    Storm,
    /// Somebody stopped it.
    Stopped,
}

/// What a run has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether it goes on.
    pub outcome: Outcome,
    /// Letters sent.
    pub sent: u64,
    /// Of them, handled.
    pub resolved: u64,
    /// Of them, dead again.
    pub back: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { outcome, sent, resolved, back } = self;
        write!(f, "{sent} sent again")?;
        if resolved + back > 0 {
            write!(f, ": {resolved} resolved, {back} dead again, {} on their way", sent - resolved - back)?;
        }
        match outcome {
            Outcome::Storm => f.write_str("; stopped, because nearly all came back"),
            Outcome::Stopped => f.write_str("; stopped"),
            Outcome::Running | Outcome::Sent => Ok(()),
        }
    }
}

/// Sends letters again, and watches what becomes of them.
pub struct Replayer<'a> {
    ledger: &'a dyn Ledger,
    producer: &'a dyn Producer,
    by: &'a str,
    sending: Sending,
    /// Sent, and not heard of since.
    undecided: Vec<(LetterId, u32)>,
    /// The latest outcomes; true where the letter came back.
    latest: VecDeque<bool>,
    heard: Instant,
    report: Report,
}

impl<'a> Replayer<'a> {
    /// A run that notes `by` as who sent the letters.
    #[must_use]
    pub fn new(ledger: &'a dyn Ledger, producer: &'a dyn Producer, by: &'a str, sending: Sending) -> Self {
        Self {
            ledger,
            producer,
            by,
            sending,
            undecided: Vec::new(),
            latest: VecDeque::new(),
            heard: Instant::now(),
            report: Report::default(),
        }
    }

    /// Sends the letters, no faster than `speed`. A letter is marked only when the broker has its record, so a crash in between
    /// sends it twice, which its id makes harmless. `tell` hears how it goes.
    ///
    /// # Errors
    /// When the broker does not take one, or the ledger fails.
    pub async fn send(
        &mut self,
        letters: &Letters,
        speed: Speed,
        stop: &CancellationToken,
        mut tell: impl FnMut(&Report) + Send,
    ) -> Result<Report, ReplayError> {
        let (mut place, began, mut looked) = (0, Instant::now(), Instant::now());
        // A tenth of a second's worth at once, so that a slow rate is a steady one.
        let at_once = ((speed.per_second / 10.0) as usize).clamp(1, AT_ONCE);
        loop {
            let ids = letters.next(self.ledger, &mut place, at_once).await?;
            if ids.is_empty() {
                break;
            }
            self.send_some(&ids).await?;
            tell(&self.report);
            let due = began + Duration::from_secs_f64(self.report.sent as f64 / speed.per_second);
            loop {
                if looked.elapsed() >= LOOK {
                    self.look().await?;
                    looked = Instant::now();
                    tell(&self.report);
                }
                if self.is_storm() {
                    return Ok(self.ended(Outcome::Storm));
                }
                let crowded = self.undecided.len() >= MOST_UNDECIDED && self.heard.elapsed() < PATIENCE;
                let now = Instant::now();
                if now >= due && !crowded {
                    break;
                }
                let until = if crowded { now + LOOK } else { due.min(now + LOOK) };
                tokio::select! {
                    () = tokio::time::sleep_until(until) => {}
                    () = stop.cancelled() => return Ok(self.ended(Outcome::Stopped)),
                }
            }
        }
        Ok(self.ended(Outcome::Sent))
    }

    /// Waits until all that was sent is resolved or dead again, at most so long. `tell` hears how it goes.
    ///
    /// # Errors
    /// When the ledger can't be asked.
    pub async fn wait(
        &mut self,
        longest: Duration,
        stop: &CancellationToken,
        mut tell: impl FnMut(&Report) + Send,
    ) -> Result<Report, ReplayError> {
        let end = Instant::now() + longest;
        loop {
            self.look().await?;
            tell(&self.report);
            if self.undecided.is_empty() || Instant::now() >= end {
                return Ok(self.report.clone());
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK.min(end - Instant::now())) => {}
                () = stop.cancelled() => return Ok(self.report.clone()),
            }
        }
    }

    fn ended(&mut self, outcome: Outcome) -> Report {
        self.report.outcome = outcome;
        self.report.clone()
    }

    async fn send_some(&mut self, ids: &[LetterId]) -> Result<(), ReplayError> {
        let at = Timestamp::now();
        let mut replays = Vec::with_capacity(ids.len());
        let mut confirmations = Vec::with_capacity(ids.len());
        for id in ids {
            let replay = Replay::prepare(self.ledger, *id, &self.sending).await?;
            let Some(Replay { id, generation, record }) = replay else { continue };
            confirmations.push(queue(self.producer, record).await);
            replays.push((id, generation));
        }
        let remark = self.sending.edited.as_ref().map(|_| "edited");
        for ((id, generation), confirmation) in replays.into_iter().zip(confirmations) {
            let confirmed = match confirmation {
                Ok(confirmation) => confirmation.await,
                Err(error) => Err(error),
            };
            confirmed.map_err(|source| ReplayError::Send { sent: self.report.sent, id, source })?;
            let change = Change { state: State::Replayed, at, by: self.by, remark };
            self.ledger.change(id, generation, &change).await?;
            self.undecided.push((id, generation));
            self.report.sent += 1;
        }
        Ok(())
    }

    /// What became of the letters that were sent.
    async fn look(&mut self) -> Result<(), ReplayError> {
        let undecided = std::mem::take(&mut self.undecided);
        let ids: Vec<LetterId> = undecided.iter().map(|(id, _)| *id).collect();
        for ((id, generation), outcome) in undecided.into_iter().zip(self.ledger.outcomes(&ids).await?) {
            let came_back = match outcome {
                Some((State::Resolved, _)) => false,
                Some((_, now)) if now > generation => true,
                _ => {
                    self.undecided.push((id, generation));
                    continue;
                }
            };
            let count = if came_back { &mut self.report.back } else { &mut self.report.resolved };
            *count += 1;
            self.heard = Instant::now();
            self.latest.push_back(came_back);
            if self.latest.len() > WINDOW {
                self.latest.pop_front();
            }
        }
        Ok(())
    }

    fn is_storm(&self) -> bool {
        let back = self.latest.iter().filter(|came_back| **came_back).count();
        self.latest.len() >= LEAST_OUTCOMES && back * 100 >= self.latest.len() * STORM_PERCENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        let speed = |text: &str| text.parse::<Speed>().map(|speed| speed.to_string());
        assert_eq!(speed("10/s").as_deref(), Ok("10/s"));
        assert_eq!(speed("30/m").as_deref(), Ok("0.5/s"));
        for bad in ["10", "0/s", "-1/s", "x/s", "1/d", "inf/s", "NaN/s"] {
            assert!(speed(bad).unwrap_err().contains("10/s, 300/m or 1000/h"), "{bad}");
        }
    }
}
