//! Rules compiled once for each text: every page of a job brings the same one.

use super::{Rules, RulesError};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};
use xxhash_rust::xxh3::xxh3_128;

/// Texts whose rules are kept. A parser serves few jobs at a time; when there are more, all start over.
const KEPT: usize = 64;

type Compiled = Result<Arc<Rules>, RulesError>;

static COMPILED: LazyLock<Mutex<HashMap<u128, Compiled>>> = LazyLock::new(Mutex::default);

/// The rules of a text.
///
/// # Errors
/// What [`Rules::compile`] says of it.
pub fn cached(text: &str) -> Result<Arc<Rules>, RulesError> {
    let key = xxh3_128(text.as_bytes());
    let lock = || COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(rules) = lock().get(&key) {
        return rules.clone();
    }
    let rules = Rules::compile(text).map(Arc::new);
    let mut kept = lock();
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(key, rules.clone());
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_compiled_once() {
        let text = "[[pages]]\nfields.cached = 'h1'\n";
        assert!(Arc::ptr_eq(&cached(text).unwrap(), &cached(text).unwrap()));
        assert!(cached("pages = 1").is_err());
    }
}
