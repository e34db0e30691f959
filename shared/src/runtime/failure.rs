//! Failures say what to do, not where they came from.

use crate::model::FailureClass;
use std::{borrow::Cow, time::Duration};

/// Why a message was not handled, in the only terms the rest of the system needs.
#[derive(Debug)]
pub enum Failure {
    /// Not yet: the world is not ready, the message is fine. Costs no attempt. Short waits hold the
    /// message in place (a database that is down holds the whole service, which is right), long
    /// ones send it through `retry`.
    Later {
        /// How long to wait.
        after: Duration,
        /// What is waited for; shown in readiness.
        why: String,
    },
    /// May pass later. Costs an attempt.
    Retry(Fault),
    /// Never will: goes to the dead letters.
    Reject(Fault),
}

/// What went wrong.
#[derive(Debug)]
pub struct Fault {
    /// Decides the backoff.
    pub class: FailureClass,
    /// Stable code (see [`crate::model::code`]).
    pub code: Cow<'static, str>,
    /// The wait that the other side asked for; wins over the backoff, within a bound.
    pub retry_after: Option<Duration>,
    /// The chain of causes.
    pub error: anyhow::Error,
}

impl Failure {
    /// Not yet.
    pub fn later(after: Duration, why: impl Into<String>) -> Self {
        Self::Later { after, why: why.into() }
    }

    /// May pass later.
    pub fn retry(
        class: FailureClass,
        code: impl Into<Cow<'static, str>>,
        error: impl Into<anyhow::Error>,
    ) -> Self {
        Self::Retry(Fault { class, code: code.into(), retry_after: None, error: error.into() })
    }

    /// Never will.
    pub fn reject(
        class: FailureClass,
        code: impl Into<Cow<'static, str>>,
        error: impl Into<anyhow::Error>,
    ) -> Self {
        Self::Reject(Fault { class, code: code.into(), retry_after: None, error: error.into() })
    }

    /// The same failure with the wait that the other side asked for.
    #[must_use]
    pub fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        if let Self::Retry(fault) = &mut self {
            fault.retry_after = after;
        }
        self
    }
}

/// Longest error text that travels, in bytes.
pub(crate) const MAX_ERROR_TEXT: usize = 1024;

impl Fault {
    /// The chain of causes in one line, bounded.
    #[must_use]
    pub fn text(&self) -> String {
        bounded(&format!("{:#}", self.error))
    }

    /// The causes one by one, the outermost first, each bounded as [`Fault::text`].
    #[must_use]
    pub fn causes(&self) -> Vec<String> {
        /// Deeper chains are made by programs that wrap errors in a loop.
        const MOST: usize = 16;
        self.error.chain().take(MOST).map(|cause| bounded(&cause.to_string())).collect()
    }
}

fn bounded(text: &str) -> String {
    let mut text = text.replace(['\n', '\r'], " ");
    if text.len() > MAX_ERROR_TEXT {
        text.truncate(text.floor_char_boundary(MAX_ERROR_TEXT - '…'.len_utf8()));
        text.push('…');
    }
    text
}
