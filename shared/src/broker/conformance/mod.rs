//! What every broker adapter must do, as functions that any adapter's tests call.
//!
//! A new adapter implements [`Factory`] and calls [`run`]. Each behaviour is one function of
//! [`records`], [`groups`], [`flow`] or [`positions`], and meets a world of its own. What an adapter
//! can't do it says in its [`Abilities`]; the behaviours that need it are then left out, and named.

pub mod flow;
pub mod groups;
pub mod positions;
mod reader;
pub mod records;

pub use reader::{OnRevoke, Reader, Seen};

use super::Broker;
use crate::message::{Headers, Record, Topic};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// Gives out worlds: brokers with nothing of any other test in them.
#[async_trait]
pub trait Factory: Send + Sync {
    /// A broker that has these topics, each with that many partitions, and no others.
    async fn world(&self, topics: &[(Topic, i32)]) -> Arc<dyn Broker>;

    /// What can be asked of it.
    fn abilities(&self) -> Abilities;
}

/// What an adapter can do, and how long it takes.
#[derive(Clone, Copy, Debug)]
pub struct Abilities {
    /// It takes a record of 5 MiB.
    pub large_records: bool,
    /// It finds offsets by time.
    pub lookup_by_time: bool,
    /// How long anything may take before a test gives up.
    pub patience: Duration,
    /// For how long a member may not call `next` and must stay in its group.
    pub idle: Duration,
    /// Behaviours that run at once.
    pub parallel: usize,
}

/// One behaviour: its name, what it needs, how it is checked.
type Behaviour = (&'static str, fn(&Abilities) -> bool, fn(Arc<dyn Factory>) -> BoxFuture<'static, ()>);

const fn always(_: &Abilities) -> bool {
    true
}

/// Lists behaviours under the names of their functions.
macro_rules! behaviours {
    ($($module:ident::$name:ident if $needs:expr),* $(,)?) => {
        [$((stringify!($name), $needs, |factory| Box::pin(async move { $module::$name(&*factory).await }))),*]
    };
}

const BEHAVIOURS: [Behaviour; 22] = behaviours![
    records::order_holds_per_key if always,
    records::any_bytes_pass if always,
    records::headers_are_kept if always,
    records::a_record_sent_twice_arrives_twice if always,
    records::a_large_record_passes if |abilities| abilities.large_records,
    records::the_senders_partition_is_honoured if always,
    records::a_missing_topic_is_told if always,
    records::flush_waits_for_every_confirmation if always,
    groups::what_was_not_committed_comes_again if always,
    groups::commits_come_back_with_their_metadata if always,
    groups::two_members_share_the_work if always,
    groups::a_rebalance_waits_for_what_is_in_flight if always,
    groups::who_takes_no_records_hears_of_rebalances if always,
    groups::groups_are_independent if always,
    groups::close_keeps_commits_and_frees_partitions if always,
    groups::one_member_reads_several_topics if always,
    flow::an_idle_member_stays_and_misses_nothing if always,
    flow::paused_partitions_do_not_flow if always,
    positions::a_replay_begins_at_the_beginning if always,
    positions::a_replay_begins_at_an_instant if |abilities| abilities.lookup_by_time,
    positions::a_new_group_may_begin_with_the_next_record if always,
    positions::watermarks_are_ahead_of_offsets if always,
];

/// Checks every behaviour, and panics with the names of those that fail.
///
/// `TRAWL_CONFORMANCE` names a part of a behaviour's name to run only those.
pub async fn run(factory: Arc<dyn Factory>) {
    let abilities = factory.abilities();
    let only = std::env::var("TRAWL_CONFORMANCE").unwrap_or_default();
    let (wanted, left_out): (Vec<_>, Vec<_>) = BEHAVIOURS
        .into_iter()
        .filter(|(name, ..)| name.contains(&only))
        .partition(|(_, needs, _)| needs(&abilities));
    for (name, ..) in left_out {
        eprintln!("left out, the adapter can't: {name}");
    }
    let slots = Arc::new(tokio::sync::Semaphore::new(abilities.parallel));
    let mut running = JoinSet::new();
    for (name, _, check) in wanted {
        let (factory, slots) = (Arc::clone(&factory), Arc::clone(&slots));
        running.spawn(async move {
            let _slot = slots.acquire_owned().await;
            let started = std::time::Instant::now();
            let passed = tokio::spawn(check(factory)).await.is_ok();
            eprintln!(
                "{} {name} ({:.1} s)",
                if passed { "ok    " } else { "FAILED" },
                started.elapsed().as_secs_f32()
            );
            (!passed).then_some(name)
        });
    }
    let failed: Vec<_> = running.join_all().await.into_iter().flatten().collect();
    assert!(failed.is_empty(), "these behaviours fail: {}", failed.join(", "));
}

/// A record of `topic` with a key and a payload, and nothing else.
#[must_use]
pub fn record(topic: Topic, key: impl Into<Bytes>, payload: impl Into<Bytes>) -> Record {
    Record {
        topic,
        partition: None,
        key: Some(key.into()),
        headers: Headers::default(),
        payload: payload.into(),
    }
}

/// A record for a partition of the sender's choice.
#[must_use]
pub fn record_in(topic: Topic, partition: i32, payload: impl Into<Bytes>) -> Record {
    Record {
        topic,
        partition: Some(partition),
        key: None,
        headers: Headers::default(),
        payload: payload.into(),
    }
}

/// Sends records and waits until all are acknowledged.
///
/// # Panics
/// When one is not taken.
pub async fn send_all(broker: &dyn Broker, records: Vec<Record>) {
    super::send_all(&*broker.producer(), records).await.expect("the broker takes all records");
}
