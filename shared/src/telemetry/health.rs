//! Liveness and readiness, with the reason when not ready; and what a service tells of itself besides numbers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// The state of a process: each part reports for itself, and all must be ready.
#[derive(Clone, Default)]
pub struct Health(Arc<Inner>);

#[derive(Default)]
struct Inner {
    parts: Mutex<BTreeMap<String, Option<String>>>,
    details: Mutex<BTreeMap<&'static str, Detail>>,
    letters: Mutex<VecDeque<LastLetter>>,
}

/// Tells something of a service that is no number.
type Detail = Box<dyn Fn() -> Value + Send>;

/// Dead letters that are remembered for `/status`.
const LETTERS: usize = 20;

/// A message that this process gave up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastLetter {
    /// When.
    pub at: Timestamp,
    /// The consumer group that gave up.
    pub group: String,
    /// Stable code.
    pub code: String,
    /// The URL it was about, as it stood in the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The trace that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// What happened.
    pub error: String,
}

/// One part's line in the health of its process. Dropping it takes the line out.
#[derive(Debug)]
pub struct Component {
    health: Health,
    name: String,
}

impl Health {
    /// Adds a part that is not ready yet.
    #[must_use]
    pub fn component(&self, name: impl Into<String>, why_not_ready: &str) -> Component {
        let component = Component { health: self.clone(), name: name.into() };
        component.not_ready(why_not_ready);
        component
    }

    /// The parts that are not ready, and why. Empty when the process is.
    #[must_use]
    pub fn not_ready(&self) -> Vec<(String, String)> {
        let parts = self.0.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().filter_map(|(name, why)| Some((name.clone(), why.clone()?))).collect()
    }

    /// Adds something that a service tells of itself under `/status`. The newest of a name counts.
    pub fn detail(&self, name: &'static str, tell: impl Fn() -> Value + Send + 'static) {
        self.0.details.lock().unwrap_or_else(PoisonError::into_inner).insert(name, Box::new(tell));
    }

    /// Remembers a message that was given up, for a while.
    pub fn gave_up(&self, letter: LastLetter) {
        let mut letters = self.0.letters.lock().unwrap_or_else(PoisonError::into_inner);
        letters.truncate(LETTERS - 1);
        letters.push_front(letter);
    }

    /// What `/status` says: the parts that are not ready, the last dead letters, and what services tell of themselves.
    #[must_use]
    pub fn status(&self) -> Value {
        let not_ready: BTreeMap<String, String> = self.not_ready().into_iter().collect();
        let mut status = json!({ "ready": not_ready.is_empty(), "not_ready": not_ready });
        status["dead_letters"] = json!(*self.0.letters.lock().unwrap_or_else(PoisonError::into_inner));
        for (name, tell) in &*self.0.details.lock().unwrap_or_else(PoisonError::into_inner) {
            status[*name] = tell();
        }
        status
    }

    fn set(&self, name: &str, state: Option<Option<String>>) {
        let mut parts = self.0.parts.lock().unwrap_or_else(PoisonError::into_inner);
        match state {
            Some(why) => parts.insert(name.to_owned(), why),
            None => parts.remove(name),
        };
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Health").field(&self.not_ready()).finish()
    }
}

impl Component {
    /// See [`Health::gave_up`].
    pub fn gave_up(&self, letter: LastLetter) {
        self.health.gave_up(letter);
    }

    /// This part works.
    pub fn ready(&self) {
        self.health.set(&self.name, Some(None));
    }

    /// This part does not work (yet), and why.
    pub fn not_ready(&self, why: impl Into<String>) {
        self.health.set(&self.name, Some(Some(why.into())));
    }
}

impl Drop for Component {
    fn drop(&mut self) {
        self.health.set(&self.name, None);
    }
}
