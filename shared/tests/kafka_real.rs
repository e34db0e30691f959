//! The Kafka adapter against a real Apache Kafka, where there is one.

mod kafka;

use kafka::Real;
use std::sync::Arc;
use trawl_shared::broker::conformance;

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let Some(cluster) = Real::find().map(Arc::new) else { return };
    conformance::run(Arc::clone(&cluster) as Arc<dyn conformance::Factory>).await;
    cluster.clean_up().await;
}
