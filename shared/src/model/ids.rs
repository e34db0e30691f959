//! Ids are arithmetic: only a root is random, every other id follows from its parent, so handling
//! a message twice gives its children the same ids both times.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_newtype! {
    /// A message's UUID: the `ce_id` header, and what idempotency is keyed by.
    MessageId
}
uuid_newtype! {
    /// A crawl job. Travels as the correlation id of every message of the crawl.
    JobId
}
uuid_newtype! {
    /// One fetch of one URL in one job: the id of its task message, of its page row and of its
    /// dead letter.
    TaskId
}

impl MessageId {
    /// A fresh id that no message caused (UUIDv7, so roots sort by time).
    #[must_use]
    pub fn root() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id of the `ordinal`-th message of type `kind` that handling this one gives rise to.
    #[must_use]
    pub fn child(self, kind: &str, ordinal: usize) -> Self {
        Self(Uuid::new_v5(&self.0, format!("{kind}/{ordinal}").as_bytes()))
    }
}

impl JobId {
    /// A fresh job id (UUIDv7).
    #[must_use]
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }
}

impl TaskId {
    /// The id of fetching `url` in `job` for the `round`-th time (0 is the first). A lease that
    /// expires dispatches the same id again.
    #[must_use]
    pub fn derive(job: JobId, url: &super::CanonicalUrl, round: u32) -> Self {
        Self(Uuid::new_v5(&job.0, format!("{round}/{url}").as_bytes()))
    }
}

impl From<TaskId> for MessageId {
    fn from(task: TaskId) -> Self {
        Self(task.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CanonicalUrl;

    #[test]
    fn children_depend_on_parent_kind_and_ordinal_only() {
        let parent = MessageId(Uuid::from_u128(7));
        assert_eq!(parent.child("a", 0), parent.child("a", 0));
        assert_ne!(parent.child("a", 0), parent.child("a", 1));
        assert_ne!(parent.child("a", 0), parent.child("b", 0));
        assert_ne!(parent.child("a", 0), MessageId(Uuid::from_u128(8)).child("a", 0));
    }

    #[test]
    fn a_task_is_job_url_and_round() {
        let url = CanonicalUrl::parse("http://a.example/x").unwrap();
        let job = JobId(Uuid::from_u128(1));
        assert_eq!(TaskId::derive(job, &url, 0), TaskId::derive(job, &url, 0));
        assert_ne!(TaskId::derive(job, &url, 0), TaskId::derive(job, &url, 1));
        // Golden: stored ids must never change between versions.
        assert_eq!(TaskId::derive(job, &url, 0).to_string(), "8b00b547-62e5-584e-b2e3-0069c6b4448e");
    }
}
