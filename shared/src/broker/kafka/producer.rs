//! Writing: librdkafka's producer with a polling thread, and a confirmation for every record.

use super::{
    errors::{code_of, send_error, settings_error},
    names::Names,
    partitioner::{Callback, Choice},
    properties::{self, client_config},
    settings::KafkaSettings,
    status::{Statistics, Status},
};
use crate::{
    broker::{BrokerError, Confirmation, Partition, Position, Producer, SendError, TransactionalId},
    message::{Record, Topic},
};
use async_trait::async_trait;
use rdkafka::{
    ClientContext, Message as _,
    config::{FromClientConfigAndContext as _, RDKafkaLogLevel},
    error::KafkaError,
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext},
    types::RDKafkaErrorCode as Code,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Notify, oneshot};

pub(super) type Client = BaseProducer<Context, Callback>;

/// How long one poll for acknowledgements takes; they are served as they come in. So long may the
/// client outlive its producer.
const POLL: Duration = Duration::from_millis(500);

/// The producer of a [`Kafka`](super::Kafka): idempotent, `acks=all`, one for all topics.
///
/// Dropping it does not flush: what is queued is given up and its confirmations fail with
/// [`SendError::Timeout`]. Call [`Producer::flush`] first.
pub(super) struct KafkaProducer {
    client: Arc<Client>,
    names: Names,
    unconfirmed: Arc<Unconfirmed>,
    is_dropped: Arc<AtomicBool>,
}

/// Records on their way, up to the moment their sender is told. librdkafka's own count ends sooner.
#[derive(Default)]
struct Unconfirmed {
    count: AtomicUsize,
    none: Notify,
}

impl Unconfirmed {
    fn remove(&self) {
        if self.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.none.notify_waiters();
        }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    async fn wait_for_none(&self) {
        loop {
            let none = self.none.notified();
            if self.count() == 0 {
                return;
            }
            none.await;
        }
    }
}

impl KafkaProducer {
    pub(super) fn new(
        settings: &KafkaSettings,
        names: &Names,
        partitioner: Choice,
        status: &Arc<Status>,
        transactions: Option<&TransactionalId>,
    ) -> Result<Self, BrokerError> {
        let (built_in, own) = match partitioner {
            Choice::BuiltIn(name) => (Some(name), None),
            Choice::Own(own) => (None, Some(Callback { names: names.clone(), own })),
        };
        let mut properties = properties::producer(settings, built_in)?;
        if let Some(name) = transactions {
            properties::transactional(&mut properties, settings, names, name);
        }
        let config = client_config(properties);
        let unconfirmed = Arc::new(Unconfirmed::default());
        let context = Context {
            status: Arc::clone(status),
            names: names.clone(),
            own,
            unconfirmed: Arc::clone(&unconfirmed),
        };
        let client =
            Client::from_config_and_context(&config, context).map_err(|error| settings_error(&error))?;
        let client = Arc::new(client);
        let is_dropped = Arc::new(AtomicBool::new(false));
        let (polled, stop) = (Arc::clone(&client), Arc::clone(&is_dropped));
        std::thread::Builder::new()
            .name("kafka-producer".to_owned())
            .spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    polled.poll(POLL);
                }
            })
            .map_err(|error| BrokerError::Settings(format!("no thread for the producer: {error}")))?;
        Ok(Self { client, names: names.clone(), unconfirmed, is_dropped })
    }

    /// librdkafka's producer.
    pub(super) fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client)
    }

    fn refusal(&self, error: &KafkaError, record: &Record, topic: &str) -> SendError {
        match code_of(error) {
            Some(Code::Fatal) => {
                let fatal = self.client.client().fatal_error();
                SendError::Fatal(fatal.map_or_else(|| error.to_string(), |(_, why)| why))
            }
            Some(code) => send_error(code, topic, record.partition, record.size()),
            None => SendError::Fatal(error.to_string()),
        }
    }
}

impl Drop for KafkaProducer {
    fn drop(&mut self) {
        self.is_dropped.store(true, Ordering::Relaxed);
    }
}

#[async_trait]
impl Producer for KafkaProducer {
    fn enqueue(&self, record: Record) -> Result<Confirmation, (SendError, Record)> {
        let topic = self.names.topic(record.topic);
        let (reply, confirmed) = oneshot::channel();
        let pending =
            Pending { topic: record.topic, partition: record.partition, size: record.size(), reply };
        let message = BaseRecord::<[u8], [u8], Box<Pending>> {
            topic,
            partition: record.partition,
            payload: Some(record.payload.as_ref()),
            timestamp: None,
            key: record.key.as_deref(),
            headers: headers(&record),
            delivery_opaque: Box::new(pending),
        };
        self.unconfirmed.count.fetch_add(1, Ordering::AcqRel);
        let refused = self.client.send(message).err().map(|(error, _)| error);
        if let Some(error) = refused {
            self.unconfirmed.remove();
            return Err((self.refusal(&error, &record, topic), record));
        }
        Ok(Box::pin(async move {
            confirmed.await.unwrap_or_else(|_| Err(SendError::Timeout("the producer was closed".to_owned())))
        }))
    }

    async fn flush(&self, timeout: Duration) -> Result<(), SendError> {
        let deadline = tokio::time::Instant::now() + timeout;
        let client = Arc::clone(&self.client);
        // Tells librdkafka not to linger any more. Its outcome is of no interest: the count is.
        let hurry = tokio::task::spawn_blocking(move || client.flush(timeout).is_ok());
        let confirmed = async {
            let _ = hurry.await;
            self.unconfirmed.wait_for_none().await;
        };
        tokio::time::timeout_at(deadline, confirmed).await.map_err(|_| {
            let outage = self.client.context().status.outage().map(|why| format!(" ({why})"));
            let count = self.unconfirmed.count();
            SendError::Timeout(format!("{count} records are still queued{}", outage.unwrap_or_default()))
        })
    }
}

fn headers(record: &Record) -> Option<OwnedHeaders> {
    if record.headers.is_empty() {
        return None;
    }
    let none = OwnedHeaders::new_with_capacity(record.headers.len());
    Some(
        record
            .headers
            .iter()
            .fold(none, |headers, (key, value)| headers.insert(Header { key, value: Some(value.as_ref()) })),
    )
}

/// What travels with a record until it is acknowledged.
pub(super) struct Pending {
    topic: Topic,
    partition: Option<i32>,
    size: usize,
    reply: oneshot::Sender<Result<Position, SendError>>,
}

/// Takes librdkafka's callbacks, on its polling thread.
pub(super) struct Context {
    status: Arc<Status>,
    names: Names,
    own: Option<Callback>,
    unconfirmed: Arc<Unconfirmed>,
}

impl Context {
    fn failure(&self, error: &KafkaError, record: &Pending) -> SendError {
        let topic = self.names.topic(record.topic);
        match code_of(error) {
            Some(Code::MessageTimedOut) => {
                let why = self.status.outage().unwrap_or_else(|| "no answer in time".to_owned());
                SendError::Timeout(format!("{topic}: {why}"))
            }
            Some(Code::Fatal) => SendError::Fatal(self.status.reason().unwrap_or_else(|| error.to_string())),
            Some(code) => send_error(code, topic, record.partition, record.size),
            None => SendError::Fatal(error.to_string()),
        }
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        super::log::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        super::log::error(&self.status, &error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        if let Some(statistics) = Statistics::parse(statistics) {
            self.status.learn(&statistics);
        }
    }
}

impl ProducerContext<Callback> for Context {
    type DeliveryOpaque = Box<Pending>;

    fn delivery(&self, result: &DeliveryResult<'_>, pending: Box<Pending>) {
        let outcome = match result {
            Ok(message) => {
                self.status.up();
                let partition = Partition { topic: pending.topic, number: message.partition() };
                Ok(Position { partition, offset: message.offset() })
            }
            Err((error, _)) => Err(self.failure(error, &pending)),
        };
        // Whoever sent it may have stopped waiting.
        let _ = pending.reply.send(outcome);
        self.unconfirmed.remove();
    }

    fn get_custom_partitioner(&self) -> Option<&Callback> {
        self.own.as_ref()
    }
}
