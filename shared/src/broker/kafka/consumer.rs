//! One member of a consumer group: the handle that a service holds. The work is done on a thread of
//! its own (see [`poll_thread`](super::poll_thread)), so that the member stays in its group whatever
//! its owner does.

use super::{
    context::{Context, Member, Offsets},
    errors::settings_error,
    handover::{Handover, Relief},
    names::Names,
    poll_thread::{self, Command},
    producer::KafkaProducer,
    properties::{self, client_config},
    settings::KafkaSettings,
    status::Status,
    transactions::KafkaTransactions,
};
use crate::broker::{BrokerError, Commit, Consumer, Event, Partition, Subscription};
use async_trait::async_trait;
use rdkafka::{
    config::FromClientConfigAndContext as _,
    consumer::{BaseConsumer, Consumer as _},
};
use std::{
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::sync::{oneshot, watch};

/// How long [`Consumer::close`] waits. The coordinator may be gone; then the group finds out by
/// itself after the session timeout.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

pub(super) struct KafkaConsumer {
    handover: Arc<Handover>,
    commands: mpsc::Sender<Command>,
    ended: watch::Receiver<bool>,
}

impl KafkaConsumer {
    /// Joins a group. Returns at once; joining goes on in the background.
    pub(super) fn join(
        settings: &KafkaSettings,
        names: &Names,
        status: &Arc<Status>,
        subscription: Subscription,
        offsets: Offsets,
    ) -> Result<Self, BrokerError> {
        let config = client_config(properties::consumer(settings, names, &subscription)?);
        let limits = &settings.consumer;
        let handover = Arc::new(Handover::new(limits.handover_records, limits.handover_bytes));
        let (commands, received) = mpsc::channel();
        let topics: Vec<_> = subscription.topics.iter().map(|topic| names.topic(*topic).to_owned()).collect();
        let member = Member {
            names: names.clone(),
            status: Arc::clone(status),
            handover: Arc::clone(&handover),
            revoke_patience: limits.revoke_patience(),
            subscription,
            offsets,
        };
        let consumer = BaseConsumer::from_config_and_context(&config, Context::new(member, received))
            .map_err(|error| settings_error(&error))?;
        let names: Vec<_> = topics.iter().map(String::as_str).collect();
        consumer.subscribe(&names).map_err(|error| settings_error(&error))?;
        let (end, ended) = watch::channel(false);
        std::thread::Builder::new()
            .name("kafka-poll".to_owned())
            .spawn(move || {
                poll_thread::run(consumer);
                end.send_replace(true);
            })
            .map_err(|error| BrokerError::Settings(format!("no thread for a consumer: {error}")))?;
        Ok(Self { handover, commands, ended })
    }

    /// The transactions that commit this member's offsets.
    pub(super) fn transactions(
        &self,
        producer: Arc<KafkaProducer>,
        names: &Names,
        id: String,
    ) -> KafkaTransactions {
        let (commands, handover) = (self.commands.clone(), Arc::clone(&self.handover));
        KafkaTransactions::new(producer, commands, handover, names.clone(), id)
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).ok()?;
        answer.await.ok()
    }
}

#[async_trait]
impl Consumer for KafkaConsumer {
    async fn next(&self) -> Result<Event, BrokerError> {
        let (event, relief) = self.handover.next().await;
        if relief == Relief::Yes {
            // Where the thread is gone there is nobody to tell.
            let _ = self.commands.send(Command::Room);
        }
        event
    }

    async fn next_rebalance(&self) -> Result<Event, BrokerError> {
        self.handover.next_rebalance().await
    }

    async fn commit(&self, commits: Vec<Commit>) -> Result<(), BrokerError> {
        if commits.is_empty() {
            return Ok(());
        }
        let answer = self.ask(|reply| Command::Commit { commits, reply }).await;
        answer.unwrap_or_else(|| Err(BrokerError::Commit("the consumer is closed".to_owned())))
    }

    async fn set_paused(&self, partitions: Vec<Partition>, paused: bool) -> Result<(), BrokerError> {
        let answer = self.ask(|reply| Command::SetPaused { partitions, paused, reply }).await;
        answer.ok_or_else(|| BrokerError::Fatal("the consumer is closed".to_owned()))
    }

    async fn close(&self) {
        let _ = self.commands.send(Command::Close);
        // Guards of rebalances that nobody will look at any more.
        self.handover.clear();
        let mut ended = self.ended.clone();
        if tokio::time::timeout(CLOSE_DEADLINE, ended.wait_for(|ended| *ended)).await.is_err() {
            tracing::warn!("a consumer did not leave its group in time; the group will notice by itself");
        }
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        // A second close is not heard by anybody.
        let _ = self.commands.send(Command::Close);
        self.handover.clear();
    }
}
