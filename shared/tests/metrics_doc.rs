//! docs/metrics.md says what the code has.

use std::path::Path;
use trawl_shared::telemetry::{Metrics, catalog};

#[test]
fn the_document_is_what_the_catalog_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        written,
        catalog::markdown(),
        "docs/metrics.md is out of date: trawl metrics > docs/metrics.md"
    );
}

/// The names that are scraped are those of the catalog, with what the format appends.
#[test]
fn what_is_scraped_is_called_as_the_catalog_has_it() {
    let metrics = Metrics::default();
    let group = metrics.group("parser", "parser");
    group.handler_duration.observe(std::time::Duration::from_millis(3), None);
    group.lag(trawl_shared::message::Topic::ScrapedData, 0, 7, 1.5);
    group.consumed(trawl_shared::message::Topic::ScrapedData, 2);
    let text = metrics.render();
    for expected in [
        r#"trawl_handler_duration_seconds_bucket{le="0.004",service="parser",group="parser"} 1"#,
        r#"trawl_consumer_lag_messages{group="parser",topic="scraped-data",partition="0"} 7"#,
        r#"trawl_consumer_lag_seconds{group="parser",topic="scraped-data",partition="0"} 1.5"#,
        r#"trawl_messages_consumed_total{service="parser",group="parser",topic="scraped-data"} 2"#,
        "# UNIT trawl_consumer_lag_seconds seconds",
        "# EOF",
    ] {
        assert!(text.lines().any(|line| line == expected), "{expected} is not in\n{text}");
    }
}

/// A sampled trace stands beside the bucket that its time fell into.
#[test]
fn exemplars_name_sampled_traces() {
    let metrics = Metrics::default();
    let timer = metrics.group("parser", "parser").handler_duration;
    let sampled = trawl_shared::message::TraceContext { trace_id: 0xabc, span_id: 1, flags: 1 };
    let other = trawl_shared::message::TraceContext { trace_id: 0xdef, span_id: 1, flags: 0 };
    timer.observe(std::time::Duration::from_millis(3), Some(sampled));
    timer.observe(std::time::Duration::from_millis(3), Some(other));
    let text = metrics.render();
    let exemplar = format!(r#"# {{trace_id="{:032x}"}} 0.003"#, 0xabc);
    assert!(text.contains(&exemplar), "{text}");
    assert!(!text.contains("def\""), "{text}");
}
