//! A service that fails at everything stops consuming, instead of pushing a whole topic into the
//! dead letters.
//!
//! Every member of a group counts how its last messages ended. When too many of them failed with one
//! code, its circuit opens: messages stay where they are and no further one is begun. After a pause a
//! single message is tried. If it fails the same way the pause doubles; any other end closes the
//! circuit, and everything goes on.

use crate::model::FailureClass;
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashSet, VecDeque},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// `[circuit]`: when a service stops for failing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CircuitSettings {
    /// Messages looked back at.
    pub window: usize,
    /// Least number of them that failed with one code; 0 never opens a circuit.
    pub failures: usize,
    /// Least share of them that failed with one code.
    pub share: f64,
    /// Failures that are usually a site's (network, dns, server, throttled) open it only when no
    /// message of the window passed and they concern this many different keys, such as hosts.
    pub keys: usize,
    /// The first pause, in milliseconds.
    pub pause_ms: u64,
    /// The longest pause, in milliseconds.
    pub max_pause_ms: u64,
}

impl Default for CircuitSettings {
    fn default() -> Self {
        Self { window: 100, failures: 20, share: 0.5, keys: 20, pause_ms: 5_000, max_pause_ms: 300_000 }
    }
}

/// A failure as the circuit sees it.
#[derive(Clone, Copy)]
pub(super) struct Failed<'a> {
    pub(super) class: FailureClass,
    pub(super) code: &'a str,
    /// The record's key: failures of one host say little of the service.
    pub(super) key: Option<&'a [u8]>,
}

/// What a failure means for its message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the message's own.
    Counted,
    /// It opened the circuit, which says why: the message waits for its turn.
    Opened(String),
    /// The circuit is open: the message waits for its turn.
    Open,
}

/// The circuit of one group.
#[derive(Debug)]
pub(super) struct Circuit {
    settings: CircuitSettings,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    recent: VecDeque<End>,
    open: Option<Open>,
}

#[derive(Debug)]
enum End {
    Passed,
    Failed { code: String, key: u64 },
}

#[derive(Debug)]
struct Open {
    code: String,
    pause: Duration,
    until: Instant,
    /// One message is being tried.
    is_probed: bool,
}

impl Circuit {
    pub(super) fn new(settings: CircuitSettings) -> Self {
        Self { settings, state: Mutex::default(), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_open(&self) -> bool {
        self.state().open.is_some()
    }

    /// A message ended well. True when that closed the circuit.
    pub(super) fn passed(&self) -> bool {
        let mut state = self.state();
        self.remember(&mut state, End::Passed);
        self.close(&mut state)
    }

    /// A message failed.
    pub(super) fn failed(&self, failed: Failed<'_>) -> Verdict {
        if self.settings.failures == 0 {
            return Verdict::Counted;
        }
        let mut state = self.state();
        if let Some(open) = &mut state.open {
            if open.code == failed.code {
                let longest = Duration::from_millis(self.settings.max_pause_ms);
                if open.is_probed {
                    open.pause = (open.pause * 2).min(longest);
                    open.until = Instant::now() + open.pause;
                    open.is_probed = false;
                    self.changed.notify_waiters();
                }
                return Verdict::Open;
            }
            self.close(&mut state);
            return Verdict::Counted;
        }
        let mut hasher = DefaultHasher::new();
        failed.key.hash(&mut hasher);
        self.remember(&mut state, End::Failed { code: failed.code.to_owned(), key: hasher.finish() });
        let Some(why) = self.too_many(&state, failed) else { return Verdict::Counted };
        let pause = Duration::from_millis(self.settings.pause_ms);
        let until = Instant::now() + pause;
        state.open = Some(Open { code: failed.code.to_owned(), pause, until, is_probed: false });
        Verdict::Opened(why)
    }

    /// Waits until the circuit is closed, or until it is this message's turn to be tried.
    pub(super) async fn turn(&self) {
        loop {
            let changed = self.changed.notified();
            let until = {
                let mut state = self.state();
                let Some(open) = &mut state.open else { return };
                if !open.is_probed && open.until <= Instant::now() {
                    open.is_probed = true;
                    return;
                }
                (!open.is_probed).then_some(open.until)
            };
            match until {
                Some(until) => tokio::select! {
                    () = tokio::time::sleep_until(until) => {}
                    () = changed => {}
                },
                None => changed.await,
            }
        }
    }

    fn close(&self, state: &mut State) -> bool {
        let was_open = state.open.take().is_some();
        if was_open {
            state.recent.clear();
            self.changed.notify_waiters();
        }
        was_open
    }

    fn remember(&self, state: &mut State, end: End) {
        if state.recent.len() >= self.settings.window.max(1) {
            state.recent.pop_front();
        }
        state.recent.push_back(end);
    }

    fn too_many(&self, state: &State, failed: Failed<'_>) -> Option<String> {
        let (mut count, mut passed, mut keys) = (0_usize, 0_usize, HashSet::new());
        for end in &state.recent {
            match end {
                End::Passed => passed += 1,
                End::Failed { code, key } if code == failed.code => {
                    count += 1;
                    keys.insert(*key);
                }
                End::Failed { .. } => {}
            }
        }
        let total = state.recent.len();
        let is_of_a_site = matches!(
            failed.class,
            FailureClass::Network | FailureClass::Dns | FailureClass::Server | FailureClass::Throttled
        );
        #[expect(clippy::cast_precision_loss, reason = "a window of messages is small")]
        let is_too_much =
            count >= self.settings.failures && count as f64 >= self.settings.share * total as f64;
        (is_too_much && (!is_of_a_site || (passed == 0 && keys.len() >= self.settings.keys)))
            .then(|| format!("{count} of the last {total} messages failed with {}", failed.code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(class: FailureClass, key: &[u8]) -> Failed<'_> {
        Failed { class, code: "broken", key: Some(key) }
    }

    fn opens_after(circuit: &Circuit, class: FailureClass, key: impl Fn(u8) -> Vec<u8>) -> Option<u8> {
        (1..=99).find(|n| matches!(circuit.failed(failure(class, &key(*n))), Verdict::Opened(_)))
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_when_most_messages_fail_with_one_code() {
        let circuit = Circuit::new(CircuitSettings::default());
        assert_eq!(opens_after(&circuit, FailureClass::Storage, |_| vec![]), Some(20));
        let mixed = Circuit::new(CircuitSettings::default());
        for _ in 0..60 {
            mixed.passed();
        }
        assert_eq!(opens_after(&mixed, FailureClass::Storage, |_| vec![]), Some(50), "half of the last 100");
    }

    #[tokio::test(start_paused = true)]
    async fn sites_that_are_down_open_it_only_when_all_are() {
        let one_host = Circuit::new(CircuitSettings::default());
        assert_eq!(opens_after(&one_host, FailureClass::Network, |_| b"a".to_vec()), None);
        let all_hosts = Circuit::new(CircuitSettings::default());
        assert_eq!(opens_after(&all_hosts, FailureClass::Network, |n| vec![n]), Some(20));
        let most_hosts = Circuit::new(CircuitSettings::default());
        most_hosts.passed();
        assert_eq!(opens_after(&most_hosts, FailureClass::Network, |n| vec![n]), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_message_is_tried_after_each_pause_and_success_closes() {
        let circuit = Circuit::new(CircuitSettings { failures: 1, ..CircuitSettings::default() });
        let start = Instant::now();
        let fails = || circuit.failed(failure(FailureClass::Storage, b"k"));
        assert!(matches!(fails(), Verdict::Opened(_)));
        circuit.turn().await;
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        assert!(
            tokio::time::timeout(Duration::from_secs(60), circuit.turn()).await.is_err(),
            "while one is tried the others wait"
        );
        assert_eq!(fails(), Verdict::Open);
        let again = Instant::now();
        circuit.turn().await;
        assert_eq!(again.elapsed(), Duration::from_secs(10), "the pause doubles");
        assert!(circuit.passed());
        assert!(!circuit.is_open());
        circuit.turn().await;
    }

    #[tokio::test(start_paused = true)]
    async fn another_failure_closes_it_too() {
        let circuit = Circuit::new(CircuitSettings { failures: 1, ..CircuitSettings::default() });
        circuit.failed(failure(FailureClass::Storage, b"k"));
        circuit.turn().await;
        let other = Failed { code: "other", ..failure(FailureClass::Storage, b"k") };
        assert_eq!(circuit.failed(other), Verdict::Counted);
        assert!(!circuit.is_open());
    }
}
