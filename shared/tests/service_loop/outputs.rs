//! Outputs and the watermark: what is published when, and what is committed then.

use super::scripted::{Run, Scripted, broker, committed, pass, produce, service, subjects};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    broker::{Broker, Confirmation, Producer, SendError, TopicSpec, memory::Memory},
    message::{Envelope, Record, Topic},
    runtime::{Bus, Clock, GroupChanges, GroupSettings, RuntimeSettings, Service},
};

#[tokio::test(start_paused = true)]
async fn outputs_of_a_message_handled_twice_have_the_same_ids() {
    let broker = broker().await;
    produce(&broker, &["a"]).await;
    let first = Run::start(&broker, service(Scripted::new()));
    pass(5).await;
    first.stop().await;
    let groups = |name: &str| {
        BTreeMap::from([(
            name.to_owned(),
            GroupChanges { handlers: Some(vec!["scripted".into()]), ..GroupChanges::default() },
        )])
    };
    let settings =
        RuntimeSettings { groups: groups("again"), clock: Clock::tokio(), ..RuntimeSettings::default() };
    let shutdown = CancellationToken::new();
    let again = tokio::spawn(service(Scripted::new()).run(
        Bus::new(Arc::new(broker.clone())),
        settings,
        shutdown.clone(),
    ));
    pass(5).await;
    shutdown.cancel();
    again.await.unwrap().unwrap();
    let ids: Vec<_> =
        broker.records(Topic::ParsedData).iter().map(|r| Envelope::read(r).unwrap().id).collect();
    assert_eq!(ids.len(), 2, "two groups, one handler");
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_message_blocks_neither_the_others_nor_their_commit_metadata() {
    let broker = broker().await;
    produce(&broker, &["gate", "a", "b"]).await;
    let handler = Scripted::new();
    let run = Run::start(&broker, service(handler));
    pass(3).await;
    assert_eq!(subjects(&broker, Topic::ParsedData), ["a", "b"]);
    assert_eq!(committed(&broker), Some(0), "the watermark waits");
    // The process dies: the next one is given the unfinished message only.
    run.task.abort();
    drop(run.task.await);
    let handler = Scripted::new();
    let (calls, gate) = (Arc::clone(&handler.calls), Arc::clone(&handler.gate));
    gate.add_permits(1);
    let run = Run::start(&broker, service(handler));
    pass(3).await;
    assert_eq!(calls.lock().unwrap().clone(), BTreeMap::from([("/gate".to_owned(), 1)]));
    assert_eq!(committed(&broker), Some(3));
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn shutdown_finishes_what_runs_and_leaves_the_rest() {
    let broker = broker().await;
    produce(&broker, &["a", "gate", "gate?again"]).await;
    let handler = Scripted::new();
    let gate = Arc::clone(&handler.gate);
    let run = Run::start(&broker, service(handler));
    pass(1).await;
    run.shutdown.cancel();
    gate.add_permits(1);
    run.task.await.unwrap().unwrap();
    assert_eq!(broker.records(Topic::ParsedData).len(), 2, "one of the two gates opened in time");
    let again = Scripted::new();
    again.gate.add_permits(9);
    let run = Run::start(&broker, service(again));
    pass(1).await;
    assert_eq!(broker.records(Topic::ParsedData).len(), 3, "the other was delivered again, nothing else");
    run.stop().await;
}

/// What a broker answers to a record.
type Answer = Result<Confirmation, (SendError, Record)>;

/// A broker with another way to take records.
struct Through<F>(Memory, F);

#[async_trait::async_trait]
impl<F: Fn(&Memory, Record) -> Answer + Clone + Send + Sync + 'static> Broker for Through<F> {
    fn producer(&self) -> Arc<dyn Producer> {
        let mut producer = trawl_shared::broker::MockProducer::new();
        let (memory, answer) = (self.0.clone(), self.1.clone());
        producer.expect_enqueue().returning(move |record| answer(&memory, record));
        Arc::new(producer)
    }
    async fn subscribe(
        &self,
        s: trawl_shared::broker::Subscription,
    ) -> Result<Box<dyn trawl_shared::broker::Consumer>, trawl_shared::broker::BrokerError> {
        self.0.subscribe(s).await
    }
    async fn ensure_topics(
        &self,
        topics: &BTreeMap<Topic, TopicSpec>,
    ) -> Result<BTreeMap<Topic, trawl_shared::broker::TopicState>, trawl_shared::broker::BrokerError> {
        self.0.ensure_topics(topics).await
    }
    fn connection(&self) -> trawl_shared::broker::Connection {
        self.0.connection()
    }
}

#[tokio::test(start_paused = true)]
async fn an_input_counts_as_done_only_when_its_outputs_are_acknowledged() {
    let memory = broker().await;
    produce(&memory, &["a"]).await;
    let shutdown = CancellationToken::new();
    let refusals = Arc::new(AtomicU32::new(8));
    let refuse_first = move |memory: &Memory, record| -> Answer {
        if refusals.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok() {
            return Ok(Box::pin(std::future::ready(Err(SendError::Timeout("down".into())))));
        }
        memory.enqueue(record)
    };
    let bus = Bus::new(Arc::new(Through(memory.clone(), refuse_first)));
    let settings = RuntimeSettings { clock: Clock::tokio(), ..RuntimeSettings::default() };
    let run = tokio::spawn(service(Scripted::new()).run(bus, settings, shutdown.clone()));
    pass(3).await;
    assert_eq!(committed(&memory), None, "the output was refused, so nothing is finished");
    pass(5).await;
    assert_eq!(subjects(&memory, Topic::ParsedData), ["a"]);
    assert_eq!(committed(&memory), Some(1));
    shutdown.cancel();
    run.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_handler_does_not_wait_for_the_acknowledgement_of_the_message_before() {
    let memory = broker().await;
    produce(&memory, &["a", "b", "c"]).await;
    let shutdown = CancellationToken::new();
    let slow = |memory: &Memory, record| -> Answer {
        let confirmation = memory.enqueue(record)?;
        Ok(Box::pin(async move {
            pass(5).await;
            confirmation.await
        }))
    };
    let bus = Bus::new(Arc::new(Through(memory.clone(), slow)));
    let settings = RuntimeSettings { clock: Clock::tokio(), ..RuntimeSettings::default() };
    let group = GroupSettings { concurrency: 1, ..GroupSettings::default() };
    let service = Service::new("test").handler(Scripted::new(), group);
    let run = tokio::spawn(service.run(bus, settings, shutdown.clone()));
    pass(1).await;
    assert_eq!(subjects(&memory, Topic::ParsedData), ["a", "b", "c"], "one at a time, none behind a wait");
    assert_eq!(committed(&memory), None, "none of them is acknowledged");
    pass(6).await;
    assert_eq!(committed(&memory), Some(3));
    shutdown.cancel();
    run.await.unwrap().unwrap();
}
