//! Transactions: records and the offsets of the messages that they follow from, written as one.
//!
//! Two fences keep a member from writing what another one writes as well. Who comes later under the same transactional
//! id shuts the earlier one out. And offsets are sent with the group's metadata, so a member that lost its partitions
//! is refused by the coordinator; that the metadata is not younger than what the service knows of its partitions is
//! what the count of rebalances is for.

use super::{
    errors::code_of,
    handover::Handover,
    names::Names,
    partitioner::Choice,
    poll_thread::Command,
    producer::{Client, KafkaProducer},
    settings::KafkaSettings,
    status::Status,
};
use crate::{
    broker::{
        self, BrokerError, Commit, Confirmation, SendError, TransactionError, TransactionalId, Transactions,
    },
    message::Record,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::ConsumerGroupMetadata,
    error::{KafkaError, KafkaResult},
    producer::Producer as _,
    types::RDKafkaErrorCode as Code,
};
use std::{
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::{sync::oneshot, task::spawn_blocking};

/// How long one step may take before it is asked for again. librdkafka goes on with it meanwhile.
const STEP: Duration = Duration::from_secs(5);

/// The transactions of one member of a group.
pub(super) struct KafkaTransactions {
    producer: Arc<KafkaProducer>,
    /// To the member's poll thread.
    commands: mpsc::Sender<Command>,
    handover: Arc<Handover>,
    names: Names,
    id: String,
}

/// A producer that is the only one under its name, and whose predecessor has left nothing open.
pub(super) async fn producer(
    settings: &KafkaSettings,
    names: &Names,
    partitioner: Choice,
    status: &Arc<Status>,
    name: &TransactionalId,
) -> Result<Arc<KafkaProducer>, BrokerError> {
    let producer = Arc::new(KafkaProducer::new(settings, names, partitioner, status, Some(name))?);
    let client = producer.client();
    let begun = spawn_blocking(move || step(|| client.init_transactions(STEP))).await;
    match begun.unwrap_or(Err(Trouble::Abort("the thread is gone".to_owned()))) {
        Ok(()) => Ok(producer),
        Err(Trouble::Abort(why)) => Err(BrokerError::Fatal(format!("transactions of {}: {why}", name.id))),
        Err(Trouble::Fatal(code, why)) => Err(BrokerError::Fatal(fatal(&name.id, code, &why))),
    }
}

impl KafkaTransactions {
    pub(super) fn new(
        producer: Arc<KafkaProducer>,
        commands: mpsc::Sender<Command>,
        handover: Arc<Handover>,
        names: Names,
        id: String,
    ) -> Self {
        Self { producer, commands, handover, names, id }
    }
}

impl Transactions for KafkaTransactions {
    fn write(
        &self,
        records: Vec<Record>,
        commits: Vec<Commit>,
    ) -> BoxFuture<'static, Result<(), TransactionError>> {
        // What the service knows when it asks; later is too late.
        let known = self.handover.rebalances_told();
        let (reply, metadata) = oneshot::channel();
        // Where the thread is gone, so is the answer.
        let _ = self.commands.send(Command::GroupMetadata { known, reply });
        let (producer, names, id) = (Arc::clone(&self.producer), self.names.clone(), self.id.clone());
        Box::pin(async move {
            let Ok(Some(metadata)) = metadata.await else {
                return Err(TransactionError::Aborted(
                    "the group's partitions are being shared out".to_owned(),
                ));
            };
            let offsets = offsets(&names, &commits)
                .map_err(|error| TransactionError::Fatal(format!("offsets of {id}: {error}")))?;
            let written = write(&producer, records, offsets, metadata).await;
            written.map_err(|failure| match failure {
                Failure::Refused(index, error) => TransactionError::Refused { index, error },
                Failure::Trouble(Trouble::Abort(why)) => TransactionError::Aborted(why),
                Failure::Trouble(Trouble::Fatal(code, why)) => {
                    TransactionError::Fatal(fatal(&id, code, &why))
                }
            })
        })
    }
}

/// Why a step failed, in terms of what to do.
enum Trouble {
    /// The transaction is to be called off, or is already.
    Abort(String),
    /// The producer is of no use any more.
    Fatal(Code, String),
}

enum Failure {
    Refused(usize, SendError),
    Trouble(Trouble),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

async fn write(
    producer: &Arc<KafkaProducer>,
    records: Vec<Record>,
    offsets: TopicPartitionList,
    metadata: ConsumerGroupMetadata,
) -> Result<(), Failure> {
    blocking(producer, |client| or_call_off(client, step(|| client.begin_transaction()))).await?;
    let mut confirmations: Vec<Confirmation> = Vec::with_capacity(records.len());
    for (index, record) in records.into_iter().enumerate() {
        match broker::queue(&**producer, record).await {
            Ok(confirmation) => confirmations.push(confirmation),
            Err(error) => {
                blocking(producer, call_off).await?;
                return Err(Failure::Refused(index, error));
            }
        }
    }
    let finished = blocking(producer, move |client| {
        let sent = step(|| client.send_offsets_to_transaction(&offsets, &metadata, STEP));
        or_call_off(client, sent.and_then(|()| step(|| client.commit_transaction(STEP))))
    });
    let Err(trouble) = finished.await else { return Ok(()) };
    // The broker may have refused one record, which spoils the others, also in its name: what shared a batch with it is
    // refused as well. The largest is to blame.
    let refused =
        confirmations.into_iter().enumerate().filter_map(|(index, confirmation)| {
            match confirmation.now_or_never() {
                Some(Err(error @ SendError::TooLarge { size, .. })) => Some((size, index, error)),
                _ => None,
            }
        });
    if let Some((_, index, error)) = refused.max_by_key(|(size, ..)| *size) {
        return Err(Failure::Refused(index, error));
    }
    Err(trouble.into())
}

/// Transactions block: they have threads of their own.
async fn blocking(
    producer: &KafkaProducer,
    work: impl FnOnce(&Client) -> Result<(), Trouble> + Send + 'static,
) -> Result<(), Trouble> {
    let client = producer.client();
    spawn_blocking(move || work(&client))
        .await
        .unwrap_or_else(|_| Err(Trouble::Abort("its thread is gone".to_owned())))
}

fn call_off(client: &Client) -> Result<(), Trouble> {
    step(|| client.abort_transaction(STEP))
}

/// Leaves nothing open that can't be finished.
fn or_call_off(client: &Client, finished: Result<(), Trouble>) -> Result<(), Trouble> {
    match finished {
        Err(Trouble::Abort(why)) => call_off(client).and(Err(Trouble::Abort(why))),
        other => other,
    }
}

/// Takes a step until it is taken or can't be.
fn step(mut take: impl FnMut() -> KafkaResult<()>) -> Result<(), Trouble> {
    loop {
        match take() {
            Ok(()) => return Ok(()),
            Err(KafkaError::Transaction(error)) if error.is_fatal() => {
                return Err(Trouble::Fatal(error.code(), error.string()));
            }
            Err(KafkaError::Transaction(error)) if error.is_retriable() && !error.txn_requires_abort() => {
                tracing::debug!("a step of a transaction is taken again: {error}");
            }
            // What was queued is not acknowledged yet. It is given up in the end, and the transaction with it.
            Err(KafkaError::Flush(_)) => {}
            Err(error) => {
                let code = code_of(&error).map_or_else(|| error.to_string(), |code| code.to_string());
                return Err(Trouble::Abort(code));
            }
        }
    }
}

fn fatal(id: &str, code: Code, why: &str) -> String {
    match code {
        Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch => format!(
            "another process writes under the name {id}, or this one stood still for too long; give each process of a \
             service a runtime.instance of its own ({why})"
        ),
        Code::TransactionalIdAuthorizationFailed => {
            format!("the login may not use the transactional id {id}; grant it WRITE on it ({why})")
        }
        _ => format!("{id}: {why}"),
    }
}

fn offsets(names: &Names, commits: &[Commit]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(commits.len());
    for commit in commits {
        let mut element = list.add_partition(names.topic(commit.partition.topic), commit.partition.number);
        element.set_offset(Offset::Offset(commit.offset))?;
        element.set_metadata(&commit.metadata);
    }
    Ok(list)
}
