//! A handler with its types forgotten: what the loop calls. Decoding, the time-out, caught panics
//! and encoding stand here, around the handler and nowhere else.

use super::{BatchHandler, Context, Failure, Handler, Lineage, Outputs};
use crate::{
    broker::Partition,
    message::{Delivery, Envelope, EnvelopeError, Input, Record, Topic},
    model::{FailureClass, MessageId, RetryChanges, code},
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{any::Any, future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Duration};

/// A record on its way through a handler.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) delivery: Delivery,
    pub(super) envelope: Envelope,
    /// See [`Input::identity`].
    pub(super) identity: MessageId,
}

/// What became of an item: the records that follow from it, or why not.
pub(super) type Handled = Result<Vec<Record>, Failed>;

#[derive(Debug)]
pub(super) struct Failed {
    pub(super) stage: Stage,
    pub(super) failure: Failure,
    /// What the message's job changes of its policy.
    pub(super) retry: RetryChanges,
}

/// Where in the loop a record failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Decode,
    Handle,
    Encode,
}

impl Stage {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Handle => "handle",
            Self::Encode => "encode",
        }
    }
}

/// Who handles, and for how long at most.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) worker: Arc<str>,
    pub(super) timeout: Duration,
    pub(super) clock: super::Clock,
}

type Call = dyn Fn(Vec<Item>, Caller) -> BoxFuture<'static, Vec<Handled>> + Send + Sync;

pub(super) struct Route {
    pub(super) name: &'static str,
    pub(super) topic: Topic,
    pub(super) kind: &'static str,
    pub(super) outputs: Vec<(Topic, &'static str)>,
    pub(super) takes_batches: bool,
    /// Whether it reads any record of its topic, whatever its type.
    pub(super) takes_any_type: bool,
    pub(super) envelope: fn(&Delivery) -> Result<Envelope, EnvelopeError>,
    pub(super) identity: fn(&Delivery, &Envelope) -> MessageId,
    /// See [`Handler::OWNED`].
    pub(super) owned: bool,
    call: Box<Call>,
    assigned: Option<Box<dyn Fn() + Send + Sync>>,
}

impl Route {
    pub(super) fn single<H: Handler>(handler: Arc<H>) -> Self {
        let told = Arc::clone(&handler);
        let call = move |items: Vec<Item>, caller: Caller| -> BoxFuture<'static, Vec<Handled>> {
            let handler = Arc::clone(&handler);
            Box::pin(async move {
                let mut answers = Vec::with_capacity(items.len());
                for item in items {
                    answers.push(one(&*handler, item, &caller).await);
                }
                answers
            })
        };
        Self {
            owned: H::OWNED,
            assigned: Some(Box::new(move || told.assigned())),
            ..Self::new::<H::In, H::Out>(H::NAME, false, Box::new(call))
        }
    }

    pub(super) fn batch<H: BatchHandler>(handler: Arc<H>) -> Self {
        let call = move |items: Vec<Item>, caller: Caller| -> BoxFuture<'static, Vec<Handled>> {
            let handler = Arc::clone(&handler);
            Box::pin(async move { many(&*handler, items, &caller).await })
        };
        Self::new::<H::In, H::Out>(H::NAME, true, Box::new(call))
    }

    fn new<I: Input, O: Outputs>(name: &'static str, takes_batches: bool, call: Box<Call>) -> Self {
        Self {
            name,
            topic: I::TOPIC,
            kind: I::KIND,
            outputs: O::kinds(),
            takes_batches,
            takes_any_type: I::ANY_TYPE,
            envelope: I::envelope,
            identity: I::identity,
            owned: false,
            call,
            assigned: None,
        }
    }

    /// See [`Handler::assigned`].
    pub(super) fn assigned(&self) {
        if let Some(assigned) = &self.assigned {
            assigned();
        }
    }

    /// The answers stand in the order of the items, one each.
    pub(super) fn call(&self, items: Vec<Item>, caller: Caller) -> BoxFuture<'static, Vec<Handled>> {
        (self.call)(items, caller)
    }
}

async fn one<H: Handler>(handler: &H, item: Item, caller: &Caller) -> Handled {
    let input = read::<H::In>(&item)?;
    let retry = input.retry();
    let lineage = lineage(&item, caller);
    let context = context(item, caller);
    match guarded(Box::pin(handler.handle(input, &context)), caller.timeout).await {
        Ok(output) => encode(output, &lineage),
        Err(failure) => Err(Failed { stage: Stage::Handle, failure, retry }),
    }
}

/// Handles a batch; one bad message may fail the others, so a failed batch is tried one by one.
async fn many<H: BatchHandler>(handler: &H, items: Vec<Item>, caller: &Caller) -> Vec<Handled> {
    let mut answers: Vec<Option<Handled>> = Vec::with_capacity(items.len());
    let mut batch = Vec::with_capacity(items.len());
    let mut readable = Vec::with_capacity(items.len());
    for item in items {
        match read::<H::In>(&item) {
            Ok(input) => {
                batch.push((input, context(item.clone(), caller)));
                readable.push(item);
                answers.push(None);
            }
            Err(failed) => answers.push(Some(Err(failed))),
        }
    }
    let handled = match batch_once(handler, batch, &readable, caller).await {
        Err(Failure::Retry(_) | Failure::Reject(_)) if readable.len() > 1 => {
            let mut alone = Vec::with_capacity(readable.len());
            for item in readable {
                alone.push(one_of_batch(handler, item, caller).await);
            }
            alone
        }
        Err(Failure::Later { after, why }) => {
            let later = || Failure::Later { after, why: why.clone() };
            readable.iter().map(|_| Err(of_batch(later()))).collect()
        }
        Err(failure) => vec![Err(of_batch(failure))],
        Ok(handled) => handled,
    };
    let mut handled = handled.into_iter();
    answers.into_iter().filter_map(|answer| answer.or_else(|| handled.next())).collect()
}

/// What takes batches works for all jobs alike: none changes its policy.
fn of_batch(failure: Failure) -> Failed {
    Failed { stage: Stage::Handle, failure, retry: RetryChanges::default() }
}

async fn one_of_batch<H: BatchHandler>(handler: &H, item: Item, caller: &Caller) -> Handled {
    let input = read::<H::In>(&item)?;
    let batch = vec![(input, context(item.clone(), caller))];
    match batch_once(handler, batch, &[item], caller).await {
        Ok(mut handled) => handled.pop().unwrap_or_else(|| Ok(Vec::new())),
        Err(failure) => Err(of_batch(failure)),
    }
}

/// One call of the handler: an answer for each message, or the failure of all.
async fn batch_once<H: BatchHandler>(
    handler: &H,
    batch: Vec<(H::In, Context)>,
    items: &[Item],
    caller: &Caller,
) -> Result<Vec<Handled>, Failure> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let outputs = guarded(Box::pin(handler.handle(batch)), caller.timeout).await?;
    if outputs.len() != items.len() {
        let error =
            anyhow::anyhow!("{} answered {} times to {} messages", H::NAME, outputs.len(), items.len());
        return Err(Failure::reject(FailureClass::Unexpected, code::PANIC, error));
    }
    let encoded = outputs.into_iter().zip(items).map(|(output, item)| match output {
        Ok(output) => encode(output, &lineage(item, caller)),
        Err(failure) => Err(of_batch(failure)),
    });
    Ok(encoded.collect())
}

fn read<I: Input>(item: &Item) -> Result<I, Failed> {
    I::read(&item.delivery, &item.envelope).map_err(|error| Failed {
        stage: Stage::Decode,
        failure: Failure::reject(FailureClass::Message, code::UNDECODABLE, error),
        retry: RetryChanges::default(),
    })
}

fn encode<O: Outputs>(output: O, lineage: &Lineage) -> Handled {
    output.encode(lineage).map_err(|error| Failed {
        stage: Stage::Encode,
        failure: Failure::reject(FailureClass::Message, code::UNDECODABLE, error),
        retry: RetryChanges::default(),
    })
}

fn lineage(item: &Item, caller: &Caller) -> Lineage {
    Lineage {
        parent: item.envelope.clone(),
        source: format!("/{}", caller.worker).into(),
        now: caller.clock.now(),
    }
}

fn context(item: Item, caller: &Caller) -> Context {
    let Item { delivery, envelope, .. } = item;
    Context {
        envelope,
        key: delivery.record.key,
        headers: delivery.record.headers,
        partition: Partition { topic: delivery.record.topic, number: delivery.partition },
        offset: delivery.offset,
        high_watermark: delivery.high_watermark,
        timestamp: delivery.timestamp,
        worker: Arc::clone(&caller.worker),
    }
}

/// Runs a handler's future; a panic and a time-out are failures like any other. It comes boxed: it is kilobytes, and would
/// be copied into each layer here.
async fn guarded<T>(
    future: Pin<Box<impl Future<Output = Result<T, Failure>>>>,
    timeout: Duration,
) -> Result<T, Failure> {
    match AssertUnwindSafe(tokio::time::timeout(timeout, future)).catch_unwind().await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => {
            let error = anyhow::anyhow!("the handler did not answer within {timeout:?}");
            Err(Failure::retry(FailureClass::Unexpected, code::HANDLER_TIMEOUT, error))
        }
        Err(panic) => {
            let error = anyhow::anyhow!("the handler panicked: {}", panic_text(&*panic));
            Err(Failure::retry(FailureClass::Unexpected, code::PANIC, error))
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)")
}
