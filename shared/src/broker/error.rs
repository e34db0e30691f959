//! What can go wrong with a broker, in terms of what to do about it.

/// A record was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The producer's queue is full: wait and try again.
    #[error("the producer's queue is full")]
    Full,
    /// The record is larger than the topic takes. Never passes.
    #[error(
        "the record is {size} bytes, more than {topic} takes (raise max_message_bytes of the topic and the broker)"
    )]
    TooLarge {
        /// Topic with its prefix.
        topic: String,
        /// Bytes.
        size: usize,
    },
    /// The topic does not exist.
    #[error("topic {0} does not exist (create it, or allow the services to: kafka.create_topics = true)")]
    NoTopic(String),
    /// The broker did not acknowledge in time, or can't be reached.
    #[error("the broker did not acknowledge: {0}")]
    Timeout(String),
    /// The producer can't go on: it must be made anew, so the process stops.
    #[error("the producer can't go on: {0}")]
    Fatal(String),
}

impl SendError {
    /// Whether the same record may pass later.
    #[must_use]
    pub const fn may_pass_later(&self) -> bool {
        matches!(self, Self::Full | Self::Timeout(_))
    }

    /// Whether no record can pass any more.
    #[must_use]
    pub const fn stops_the_process(&self) -> bool {
        matches!(self, Self::NoTopic(_) | Self::Fatal(_))
    }
}

/// The broker refused, or can't be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// A setting that the broker's client refuses.
    #[error("broker setting refused: {0}")]
    Settings(String),
    /// No answer from any broker.
    #[error("no broker answers at {brokers}: {reason} (is it running, and is kafka.brokers right?)")]
    Unreachable {
        /// The addresses tried.
        brokers: String,
        /// What the client says.
        reason: String,
    },
    /// A topic is missing and may not be made.
    #[error("topic {0} is missing and kafka.create_topics is off; create it, or turn that on")]
    MissingTopic(String),
    /// A topic exists but can't serve.
    #[error("topic {topic} can't be used: {reason}")]
    BadTopic {
        /// Topic with its prefix.
        topic: String,
        /// Why.
        reason: String,
    },
    /// An offset commit was not taken.
    #[error("offsets were not committed: {0}")]
    Commit(String),
    /// The consumer can't go on: it must be made anew, so the process stops.
    #[error("the consumer can't go on: {0}")]
    Fatal(String),
}

/// A transaction was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// Nothing of it was written: the same may pass later, as far as the messages are still this member's.
    #[error("the transaction was called off: {0}")]
    Aborted(String),
    /// Nothing of it was written, because one record can't be taken, now or ever.
    #[error("record {index} of the transaction: {error}")]
    Refused {
        /// Its place among the records.
        index: usize,
        /// Why.
        error: SendError,
    },
    /// The writer can't go on, so the process stops: somebody else runs under its name, or the broker refuses it.
    #[error("transactions can't go on: {0}")]
    Fatal(String),
}
