//! What time it is, for due times.

use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// A source of wall-clock time.
#[derive(Clone, Copy, Debug, Default)]
pub enum Clock {
    /// The system's.
    #[default]
    System,
    /// Tokio's, so that a test which pauses time moves due times as well.
    Tokio {
        /// Wall-clock time at `at`.
        wall: Timestamp,
        /// The same moment on tokio's clock.
        at: Instant,
    },
}

impl Clock {
    /// Tokio's clock, which shows the system's time now.
    #[must_use]
    pub fn tokio() -> Self {
        Self::Tokio { wall: Timestamp::now(), at: Instant::now() }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Tokio { wall, at } => wall.checked_add(at.elapsed()).unwrap_or(Timestamp::MAX),
        }
    }

    /// How long until `then`; zero when it has passed.
    #[must_use]
    pub fn until(&self, then: Timestamp) -> Duration {
        Duration::try_from(then.duration_since(self.now())).unwrap_or(Duration::ZERO)
    }
}
