//! The in-process broker does what every broker must.

use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use trawl_shared::{
    broker::{
        Broker, TopicSpec,
        conformance::{self, Abilities, Factory},
        memory::{Memory, Retention},
    },
    message::Topic,
};

struct InProcess;

#[async_trait]
impl Factory for InProcess {
    async fn world(&self, topics: &[(Topic, i32)]) -> Arc<dyn Broker> {
        let broker = Memory::new(Retention::Forever);
        let spec = |partitions| TopicSpec {
            partitions,
            replication: 1,
            retention: Duration::from_secs(3600),
            max_message_bytes: 16 * 1024 * 1024,
        };
        let topics: BTreeMap<_, _> =
            topics.iter().map(|(topic, partitions)| (*topic, spec(*partitions))).collect();
        broker.ensure_topics(&topics).await.expect("topics are made");
        Arc::new(broker)
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            large_records: true,
            lookup_by_time: true,
            patience: Duration::from_secs(5),
            idle: Duration::from_millis(100),
            parallel: 4,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    conformance::run(Arc::new(InProcess)).await;
}
