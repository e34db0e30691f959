//! The thread that owns a consumer. It alone polls, commits, pauses and takes part in rebalances, so
//! that the order of these is the order of its steps.

use super::{
    context::Context,
    delivery,
    errors::{PollError, poll_error},
    handover::Level,
};
use crate::broker::{BrokerError, Commit, Partition};
use rdkafka::{
    consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata},
    error::KafkaError,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// What the handle asks of the thread.
pub(super) enum Command {
    /// Make offsets durable.
    Commit { commits: Vec<Commit>, reply: oneshot::Sender<Result<(), BrokerError>> },
    /// Stop or resume partitions.
    SetPaused { partitions: Vec<Partition>, paused: bool, reply: oneshot::Sender<()> },
    /// Tell who the member is in its group, for a transaction, if the service knows of all rebalances: it knows of this
    /// many.
    GroupMetadata { known: u64, reply: oneshot::Sender<Option<ConsumerGroupMetadata>> },
    /// There is room in the hand-over again.
    Room,
    /// Leave.
    Close,
}

/// How long one poll waits for a record: so long may a command have to wait when nothing comes.
const POLL: Duration = Duration::from_millis(50);
/// Records taken in one go before commands are looked at again.
const TAKE: usize = 512;
/// How often a missing topic is looked for, and how long a look may take.
const LOOK: Duration = Duration::from_secs(1);
/// How long a topic may be missing: one that was just made needs a moment to get around.
const MISSING_PATIENCE: Duration = Duration::from_secs(15);

/// Polls until the handle is closed or dropped, or nothing helps any more.
pub(super) fn run(consumer: BaseConsumer<Context>) {
    let end = catch_unwind(AssertUnwindSafe(|| turn_until_closed(&consumer)))
        .unwrap_or_else(|_| BrokerError::Fatal("the poll thread panicked (the log says where)".to_owned()));
    let context = consumer.context();
    context.member.handover.end(end);
    context.close();
    // Leaves the group: this polls until that is done.
    drop(consumer);
}

fn turn_until_closed(consumer: &BaseConsumer<Context>) -> BrokerError {
    let context = consumer.context();
    let mut missing = None;
    loop {
        context.serve(consumer, Duration::ZERO);
        if let Some(end) = context.end() {
            return end;
        }
        let now = Instant::now();
        if let Some(until) = context.regulate(consumer, now) {
            // Full: polling would bring records that there is no room for.
            context.serve(consumer, until.saturating_duration_since(now));
            continue;
        }
        if let Err(error) = take(consumer) {
            match poll_error(&error) {
                PollError::Passing => tracing::debug!("kafka consumer: {error}"),
                PollError::MissingTopic => _ = missing.get_or_insert(Missing { since: now, looked: now }),
                PollError::Fatal(why) => return BrokerError::Fatal(why),
            }
        }
        if let Some(watch) = &mut missing
            && now >= watch.looked + LOOK
        {
            watch.looked = now;
            match context.missing_topic(consumer, LOOK) {
                Ok(None) => missing = None,
                Ok(Some(topic)) if now >= watch.since + MISSING_PATIENCE => {
                    return BrokerError::MissingTopic(topic);
                }
                Ok(Some(_)) => {}
                // As long as nobody can be asked, nothing is known to be missing.
                Err(_) => watch.since = now,
            }
        }
    }
}

/// A topic that was not there when it was last looked for.
struct Missing {
    since: Instant,
    looked: Instant,
}

/// Moves what librdkafka has into the hand-over, as far as there is room.
fn take(consumer: &BaseConsumer<Context>) -> Result<(), KafkaError> {
    let member = &consumer.context().member;
    let mut wait = POLL;
    let mut outcome = Ok(());
    for _ in 0..TAKE {
        match consumer.poll(wait) {
            None => break,
            Some(Err(error)) => {
                outcome = Err(error);
                break;
            }
            Some(Ok(message)) => {
                let context = consumer.context();
                let Some(delivery) = delivery::read(&message, &member.names, |p| context.high_watermark(p))
                else {
                    continue;
                };
                if member.handover.push_record(delivery) == Level::Full {
                    break;
                }
            }
        }
        wait = Duration::ZERO;
    }
    if wait.is_zero() {
        member.handover.wake();
        member.status.up();
    }
    outcome
}
