//! Apache Kafka, by way of librdkafka. The only folder that names `rdkafka`.
//!
//! A map: [`settings`] is the configuration and [`properties`] what librdkafka makes of it;
//! [`producer`] writes. A member of a group is a [`consumer`] (the handle), a [`poll_thread`] that
//! owns the client, a [`context`] with the state they share, [`rebalance`] for partitions that come
//! and go, [`commits`], [`flow`] for what is paused, and a [`handover`] queue in between. [`transactions`] writes
//! records and offsets as one; [`topics`] makes topics, [`status`] knows which brokers are reachable; [`inspect`] is for
//! operators.

mod commits;
mod consumer;
mod context;
mod delivery;
mod errors;
mod flow;
mod handover;
pub mod inspect;
mod log;
#[cfg(feature = "testing")]
mod mock;
mod names;
mod partitioner;
mod poll_thread;
mod producer;
mod properties;
mod rebalance;
mod settings;
mod status;
mod topics;
mod transactions;

#[cfg(feature = "testing")]
pub use mock::MockKafka;
pub use partitioner::Partitioner;
pub use settings::{
    Compression, ConsumerSettings, KafkaSettings, ProducerSettings, Protocol, SaslMechanism, SecuritySettings,
};
pub use status::BrokerStatus;

use self::{
    consumer::KafkaConsumer, context::Offsets, names::Names, partitioner::Choice, producer::KafkaProducer,
    status::Status, topics::Topics,
};
use super::{
    Broker, BrokerError, Connection, Consumer, Producer, Subscription, TopicSpec, TopicState,
    TransactionalId, Transactions,
};
use crate::message::Topic;
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Arc};

/// A Kafka cluster; clones share the connections.
#[derive(Clone)]
pub struct Kafka(Arc<Shared>);

struct Shared {
    settings: KafkaSettings,
    names: Names,
    status: Arc<Status>,
    partitioner: Choice,
    producer: Arc<KafkaProducer>,
}

impl Kafka {
    /// Takes the settings and begins to connect; does not wait for it.
    ///
    /// # Errors
    /// When a setting is refused.
    pub fn connect(settings: KafkaSettings) -> Result<Self, BrokerError> {
        Self::connect_with(settings, &[])
    }

    /// As [`Kafka::connect`], with partitioners that the setting `kafka.producer.partitioner` may
    /// name.
    ///
    /// # Errors
    /// When a setting is refused.
    pub fn connect_with(
        settings: KafkaSettings,
        partitioners: &[(&str, Arc<dyn Partitioner>)],
    ) -> Result<Self, BrokerError> {
        let names = Names::new(&settings.topic_prefix);
        let status = Arc::new(Status::default());
        let choice = partitioner::choose(&settings.producer.partitioner, partitioners)
            .map_err(BrokerError::Settings)?;
        // What consumers are made with later is checked now.
        let probe = Subscription::new("probe", Topic::ALL);
        properties::client_config(properties::consumer(&settings, &names, &probe)?)
            .create_native_config()
            .map_err(|error| errors::settings_error(&error))?;
        let producer = Arc::new(KafkaProducer::new(&settings, &names, choice.clone(), &status, None)?);
        Ok(Self(Arc::new(Shared { settings, names, status, partitioner: choice, producer })))
    }

    /// The brokers known so far and the state of the connections to them.
    #[must_use]
    pub fn brokers(&self) -> Vec<BrokerStatus> {
        self.0.status.brokers()
    }

    /// Takes the topics of this prefix away again: for tests that clean up.
    ///
    /// # Errors
    /// When the cluster can't be reached or refuses.
    #[cfg(feature = "testing")]
    pub async fn delete_topics(&self) -> Result<(), BrokerError> {
        let Shared { settings, names, status, .. } = &*self.0;
        Topics::new(settings, names, status)?.delete().await
    }
}

#[async_trait]
impl Broker for Kafka {
    fn producer(&self) -> Arc<dyn Producer> {
        Arc::clone(&self.0.producer) as Arc<dyn Producer>
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Box<dyn Consumer>, BrokerError> {
        let Shared { settings, names, status, .. } = &*self.0;
        Ok(Box::new(KafkaConsumer::join(settings, names, status, subscription, Offsets::Committed)?))
    }

    async fn subscribe_with_transactions(
        &self,
        subscription: Subscription,
        name: TransactionalId,
    ) -> Result<(Box<dyn Consumer>, Arc<dyn Transactions>), BrokerError> {
        let Shared { settings, names, status, partitioner, .. } = &*self.0;
        // First of all, so that nothing of an earlier owner of the name changes the offsets any more.
        let producer = transactions::producer(settings, names, partitioner.clone(), status, &name).await?;
        let consumer = KafkaConsumer::join(settings, names, status, subscription, Offsets::InTransactions)?;
        let transactions = consumer.transactions(producer, names, name.id);
        Ok((Box::new(consumer), Arc::new(transactions)))
    }

    async fn ensure_topics(
        &self,
        topics: &BTreeMap<Topic, TopicSpec>,
    ) -> Result<BTreeMap<Topic, TopicState>, BrokerError> {
        let Shared { settings, names, status, .. } = &*self.0;
        Topics::new(settings, names, status)?.ensure(topics).await
    }

    fn connection(&self) -> Connection {
        self.0.status.connection()
    }
}
