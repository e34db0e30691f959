//! The Kafka adapter against librdkafka's mock cluster.

mod kafka;

use kafka::Mock;
use std::sync::Arc;
use trawl_shared::broker::conformance;

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    conformance::run(Arc::new(Mock::start())).await;
}
