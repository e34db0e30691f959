//! The metrics of the five services: all that the catalog has is scraped, and a crawl fills it.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

use std::{collections::BTreeSet, sync::Arc};
use trawl::embedded::{self, Stores};
use trawl_shared::{
    blob::Bodies,
    sql::{DatabaseUrl, Missing},
    telemetry::{Health, catalog, serve},
};
use trawl_storage::StoreHandler;

/// Only where traces are exported.
const ELSEWHERE: [&str; 1] = ["trawl_trace_spans_total"];

#[tokio::test]
async fn every_metric_of_the_catalog_is_some_service_s() {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(folder.path());
    let stores = Stores::open(&url, Missing::Create, trawl_url_manager::Settings::default()).await.unwrap();
    let (_, bus) = embedded::bus().await.unwrap();
    let shutdown = tokio_util::sync::CancellationToken::new();
    serve("127.0.0.1:0", bus.metrics.clone(), Health::default(), shutdown.clone()).await.unwrap();
    let pages = StoreHandler::new(Arc::clone(&stores.pages));
    let services =
        embedded::services(&stores, pages, None, &trawl_scraper::Settings::default(), &Bodies::default())
            .unwrap();
    for mut service in services {
        service.prepare(&bus);
    }
    let scraped: BTreeSet<_> = bus.metrics.scraped_metrics().iter().map(|metric| metric.name).collect();
    let known: BTreeSet<_> =
        catalog::ALL.iter().map(|metric| metric.name).filter(|name| !ELSEWHERE.contains(name)).collect();
    assert_eq!(scraped, known, "left: scraped; right: the catalog");
    // A crawl that nobody has started yet shows no series of its own, and the text is whole.
    let text = bus.metrics.render();
    assert!(text.ends_with("# EOF\n") && !text.contains("trawl_crawl_urls{"), "{text}");
    shutdown.cancel();
    stores.close().await;
}
