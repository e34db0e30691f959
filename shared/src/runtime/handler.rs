//! The one abstraction: a service is a handler, a function from a message to messages.

use super::{Failure, Outputs};
use crate::{
    broker::Partition,
    message::{Envelope, Headers, Input},
};
use bytes::Bytes;
use jiff::Timestamp;
use std::{future::Future, sync::Arc};

/// What a handler may know of a message besides its payload.
#[derive(Clone, Debug)]
pub struct Context {
    /// Its envelope: id, crawl, attempt, trace and history.
    pub envelope: Envelope,
    /// Record key.
    pub key: Option<Bytes>,
    /// All headers.
    pub headers: Headers,
    /// Topic and partition it was read from.
    pub partition: Partition,
    /// Offset it was read from.
    pub offset: i64,
    /// The offset behind the partition's last record, as last heard of.
    pub high_watermark: i64,
    /// When the record was produced.
    pub timestamp: Timestamp,
    /// Who handles it, as `<service>/<instance>`.
    pub worker: Arc<str>,
}

/// One step of the pipeline: a message in, messages out.
///
/// Acknowledging, retrying, dead-lettering, deduplicating, metrics, panics and shutdown live around
/// it. Handlers run concurrently; the runtime may call one twice for the same message, so effects
/// are keyed by the ids in the message.
pub trait Handler: Send + Sync + 'static {
    /// Names the handler in configuration, logs, metrics and consumer groups.
    const NAME: &'static str;
    /// What it takes.
    type In: Input;
    /// What it gives.
    type Out: Outputs;
    /// Whether only the owner of a message's partition may handle it. Then a message that is tried again goes back
    /// to its topic and key when it is due, and is handled by whoever owns them by then; and a handler that is not
    /// through when its partition goes to another member is dropped.
    const OWNED: bool = false;

    /// Partitions have come: until now somebody else may have handled their messages.
    fn assigned(&self) {}

    /// Handles one message.
    fn handle(
        &self,
        input: Self::In,
        context: &Context,
    ) -> impl Future<Output = Result<Self::Out, Failure>> + Send;
}

/// A step that is cheaper for many messages at once (a transaction per batch).
pub trait BatchHandler: Send + Sync + 'static {
    /// As [`Handler::NAME`].
    const NAME: &'static str;
    /// What it takes.
    type In: Input;
    /// What each message gives.
    type Out: Outputs;

    /// Handles a batch; the answers stand in the order of the inputs, one each. A failure of the
    /// whole batch is every message's failure.
    fn handle(
        &self,
        batch: Vec<(Self::In, Context)>,
    ) -> impl Future<Output = Result<Vec<Result<Self::Out, Failure>>, Failure>> + Send;
}
