//! Liveness and readiness, with the reason when not ready.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The state of a process: each part reports for itself, and all must be ready.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<BTreeMap<String, Option<String>>>>);

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
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        parts.iter().filter_map(|(name, why)| Some((name.clone(), why.clone()?))).collect()
    }

    fn set(&self, name: &str, state: Option<Option<String>>) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state {
            Some(why) => parts.insert(name.to_owned(), why),
            None => parts.remove(name),
        };
    }
}

impl Component {
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
