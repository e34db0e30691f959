//! Consumer groups: commits, crashes, shared work, rebalances.

use super::{
    Factory, Reader,
    reader::{OnRevoke, commit},
    record, record_in, send_all,
};
use crate::{
    broker::{Commit, Event, Partition, Subscription},
    message::Topic,
};
use std::collections::BTreeSet;

const TOPIC: Topic = Topic::ParsedData;
const P0: Partition = Partition { topic: TOPIC, number: 0 };

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

/// A member that dies gives back what it had not committed.
pub async fn what_was_not_committed_comes_again(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 1)]).await;
    send_all(&*broker, numbers(0..10).into_iter().map(|n| record_in(TOPIC, 0, n)).collect()).await;

    let mut victim = Reader::join(factory, &*broker, "crash", TOPIC).await;
    victim.reads(10).await;
    victim.commit(vec![commit(P0, 4)]).await;
    drop(victim);

    let mut heir = Reader::join(factory, &*broker, "crash", TOPIC).await;
    heir.reads(6).await;
    assert_eq!(heir.seen().texts(), numbers(4..10));
}

/// Metadata comes back with the offset it was committed with; where nothing was committed, nothing.
pub async fn commits_come_back_with_their_metadata(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 2)]).await;
    let records =
        (0..10).flat_map(|n| [record_in(TOPIC, 0, n.to_string()), record_in(TOPIC, 1, n.to_string())]);
    send_all(&*broker, records.collect()).await;
    let first = Commit { partition: P0, offset: 3, metadata: "first".to_owned() };
    let last = Commit { partition: P0, offset: 7, metadata: format!("v1;m={}", "x".repeat(3000)) };

    let mut reader = Reader::join(factory, &*broker, "metadata", TOPIC).await;
    reader.reads(20).await;
    reader.commit(vec![first]).await;
    reader.commit(vec![last.clone()]).await;
    reader.close().await;

    let mut again = Reader::join(factory, &*broker, "metadata", TOPIC).await;
    again.owns(2).await;
    again.reads(13).await;
    let seen = again.seen();
    assert_eq!(seen.owned[&P0], Some(last));
    assert_eq!(seen.owned[&Partition { number: 1, ..P0 }], None);
    assert_eq!(seen.texts_of(0), numbers(7..10));
    assert_eq!(seen.texts_of(1), numbers(0..10));
}

/// Members of a group own different partitions, and together read every record once.
pub async fn two_members_share_the_work(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 4)]).await;
    let mut one = Reader::join(factory, &*broker, "shared", TOPIC).await;
    one.owns(4).await;
    let mut two = Reader::join(factory, &*broker, "shared", TOPIC).await;
    two.owns(2).await;
    one.owns(2).await;
    {
        let (one, two) = (one.seen(), two.seen());
        let all: BTreeSet<_> = one.owned.keys().chain(two.owned.keys()).collect();
        assert_eq!(all.len(), 4, "disjoint");
    }
    send_all(&*broker, numbers(0..100).into_iter().map(|n| record(TOPIC, format!("page-{n}"), n)).collect())
        .await;
    let home = |partition: &Partition| record_in(TOPIC, partition.number, "end");
    let ends = one.seen().owned.keys().chain(two.seen().owned.keys()).map(home).collect();
    send_all(&*broker, ends).await;
    let at_end = |seen: &super::Seen| seen.texts().iter().filter(|text| *text == "end").count() == 2;
    one.wait("its two ends", at_end).await;
    two.wait("its two ends", at_end).await;
    let mut all: Vec<_> =
        one.seen().texts().into_iter().chain(two.seen().texts()).filter(|text| text != "end").collect();
    all.sort_by_key(|text| text.parse::<usize>().ok());
    assert_eq!(all, numbers(0..100));
}

/// Partitions move only after their owner let go, and begin with its last commit: what it finished
/// is not done again, what it did not is.
pub async fn a_rebalance_waits_for_what_is_in_flight(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 4)]).await;
    let records = (0..4).flat_map(|p| numbers(0..10).into_iter().map(move |n| record_in(TOPIC, p, n)));
    send_all(&*broker, records.collect()).await;
    let subscription = || Subscription::new("moving", [TOPIC]);
    let mut old = Reader::subscribe(factory, &*broker, subscription(), OnRevoke::Hold).await;
    old.reads(40).await;
    old.commit((0..4).map(|number| commit(Partition { number, ..P0 }, 2)).collect()).await;

    let mut new = Reader::subscribe(factory, &*broker, subscription(), OnRevoke::LetGo).await;
    old.wait("a revocation", |seen| !seen.held.is_empty()).await;
    let held = old.take_held();
    let moving: Vec<_> = held.iter().flat_map(|(partitions, _)| partitions.clone()).collect();
    assert_eq!(moving.len(), 2);
    // The old owner finishes half of what it has in flight, while the group waits for it.
    old.commit(moving.iter().map(|partition| commit(*partition, 5)).collect()).await;
    assert!(new.seen().owned.is_empty(), "the old owner has not let go yet");
    drop(held);

    new.owns(2).await;
    new.reads(10).await;
    {
        let seen = new.seen();
        assert_eq!(seen.owned.keys().copied().collect::<BTreeSet<_>>(), moving.iter().copied().collect());
        for partition in &moving {
            assert_eq!(seen.owned[partition].as_ref().map(|commit| commit.offset), Some(5));
            assert_eq!(seen.texts_of(partition.number), numbers(5..10));
        }
    }
    // What a member commits of partitions that went is ignored: it must not undo the new owner's.
    new.commit_all().await;
    old.commit(moving.iter().map(|partition| commit(*partition, 3)).collect()).await;
    old.close().await;
    new.close().await;
    let mut last = Reader::join(factory, &*broker, "moving", TOPIC).await;
    last.owns(4).await;
    let seen = last.seen();
    let offset = |partition: &Partition| seen.owned[partition].as_ref().map(|commit| commit.offset);
    assert!(moving.iter().all(|partition| offset(partition) == Some(10)), "{:?}", seen.owned);
}

/// A member that has no room for records lets partitions go like any other, and finds its records as they were.
pub async fn who_takes_no_records_hears_of_rebalances(factory: &dyn Factory) {
    let patience = factory.abilities().patience;
    let broker = factory.world(&[(TOPIC, 2)]).await;
    let records = (0..2).flat_map(|p| numbers(0..10).into_iter().map(move |n| record_in(TOPIC, p, n)));
    send_all(&*broker, records.collect()).await;
    let full = broker.subscribe(Subscription::new("full", [TOPIC])).await.expect("a group can be joined");
    let rebalance = || async {
        let event = tokio::time::timeout(patience, full.next_rebalance()).await;
        event.expect("a rebalance is heard of").expect("a healthy consumer")
    };
    let mut owned = BTreeSet::new();
    while owned.len() < 2 {
        match rebalance().await {
            Event::Assigned(partitions) => {
                owned.extend(partitions.into_iter().map(|(partition, _)| partition));
            }
            other => panic!("alone in its group: {other:?}"),
        }
    }

    let mut other = Reader::join(factory, &*broker, "full", TOPIC).await;
    while owned.len() > 1 {
        match rebalance().await {
            Event::Assigned(partitions) => {
                owned.extend(partitions.into_iter().map(|(partition, _)| partition));
            }
            Event::Revoked { partitions, .. } => owned.retain(|partition| !partitions.contains(partition)),
            Event::Records(_) => panic!("records were not asked for"),
        }
    }
    other.reads(10).await;
    let mut texts = Vec::new();
    while texts.len() < 10 {
        match tokio::time::timeout(patience, full.next()).await.expect("records").expect("a healthy consumer")
        {
            Event::Records(records) => {
                assert!(
                    records
                        .iter()
                        .all(|record| owned.contains(&Partition { number: record.partition, ..P0 }))
                );
                texts.extend(
                    records.iter().map(|record| String::from_utf8_lossy(&record.record.payload).into_owned()),
                );
            }
            event => panic!("the group is at rest: {event:?}"),
        }
    }
    assert_eq!(texts, numbers(0..10));
}

/// Groups do not see each other: each reads everything.
pub async fn groups_are_independent(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 1)]).await;
    send_all(&*broker, numbers(0..5).into_iter().map(|n| record_in(TOPIC, 0, n)).collect()).await;
    let mut storage = Reader::join(factory, &*broker, "storage", TOPIC).await;
    storage.reads(5).await;
    storage.commit_all().await;
    let mut frontier = Reader::join(factory, &*broker, "url-manager", TOPIC).await;
    frontier.reads(5).await;
    assert_eq!(frontier.seen().texts(), numbers(0..5));
}

/// Leaving keeps what was committed, and the partitions are free at once, not after a time-out.
pub async fn close_keeps_commits_and_frees_partitions(factory: &dyn Factory) {
    let broker = factory.world(&[(TOPIC, 2)]).await;
    let records = (0..2).flat_map(|p| numbers(0..8).into_iter().map(move |n| record_in(TOPIC, p, n)));
    send_all(&*broker, records.collect()).await;
    let mut leaver = Reader::join(factory, &*broker, "closing", TOPIC).await;
    leaver.reads(16).await;
    leaver.commit(vec![commit(P0, 6)]).await;
    let closed = tokio::time::timeout(factory.abilities().patience / 4, leaver.close()).await;
    assert!(closed.is_ok(), "close took too long");

    let mut heir = Reader::join(factory, &*broker, "closing", TOPIC).await;
    heir.reads(10).await;
    let seen = heir.seen();
    assert_eq!(seen.texts_of(0), numbers(6..8));
    assert_eq!(seen.texts_of(1), numbers(0..8));
}

/// One member may read several topics, each from its own place.
pub async fn one_member_reads_several_topics(factory: &dyn Factory) {
    let other = Topic::DeadLetter;
    let broker = factory.world(&[(TOPIC, 2), (other, 1), (Topic::Retry, 1)]).await;
    send_all(
        &*broker,
        vec![record(TOPIC, "k", "page"), record(other, "k", "letter"), record(Topic::Retry, "k", "no")],
    )
    .await;
    let both = Subscription::new("feedback", [TOPIC, other]);
    let mut reader = Reader::subscribe(factory, &*broker, both, OnRevoke::LetGo).await;
    reader.owns(3).await;
    reader.reads(2).await;
    let seen = reader.seen();
    let mut texts = seen.texts();
    texts.sort();
    assert_eq!(texts, ["letter", "page"]);
    assert!(
        seen.records
            .iter()
            .all(|delivery| (delivery.record.topic == other) == (*delivery.record.payload == *b"letter"))
    );
}
