//! Sending spans to a collector: OTLP, protobuf over HTTP, in batches.
//!
//! A collector that is away costs spans and nothing else: what it does not take is dropped, and counted.

use super::{Attribute, Operation, Span};
use crate::telemetry::Counters;
use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks},
};
use std::time::Duration;
use tokio::{sync::mpsc, time::Instant};
use url::Url;

/// Most spans that go in one request.
const BATCH: usize = 512;

/// A way to a collector.
pub(super) struct Exporter {
    exporter: SpanExporter,
    scope: InstrumentationScope,
}

impl Exporter {
    /// Takes the collector's address; `/v1/traces` where it names no path.
    pub(super) fn new(endpoint: &str, service: &'static str, patience: Duration) -> Result<Self, String> {
        let mut url = Url::parse(endpoint).map_err(|error| format!("is no address: {error}"))?;
        if url.scheme() != "http" || url.host().is_none() {
            return Err(
                "is no http:// address; a collector of one's own (OpenTelemetry Collector, Alloy) speaks TLS to others"
                    .to_owned(),
            );
        }
        if url.path() == "/" {
            url.set_path("/v1/traces");
        }
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(HyperClient::with_default_connector(patience, None))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(patience)
            .with_endpoint(url)
            .build()
            .map_err(|error| format!("can't be exported to: {error}"))?;
        let resource = Resource::builder_empty()
            .with_service_name(service)
            .with_attribute(KeyValue::new("service.namespace", "trawl"))
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        exporter.set_resource(&resource);
        Ok(Self { exporter, scope: InstrumentationScope::builder("trawl").build() })
    }

    /// Sends what comes until nobody is left who could send anything.
    pub(super) async fn run(self, mut taken: mpsc::Receiver<Span>, patience: Duration, counted: Counters) {
        let (exported, dropped) = (counted.of(&["exported"]), counted.of(&["dropped"]));
        let mut complained = false;
        let mut spans = Vec::with_capacity(BATCH);
        while taken.recv_many(&mut spans, BATCH).await > 0 {
            let deadline = Instant::now() + patience;
            while spans.len() < BATCH {
                let room = BATCH - spans.len();
                match tokio::time::timeout_at(deadline, taken.recv_many(&mut spans, room)).await {
                    Ok(more) if more > 0 => {}
                    _ => break,
                }
            }
            let batch: Vec<SpanData> = spans.drain(..).map(|span| self.data(span)).collect();
            let count = batch.len() as u64;
            match self.exporter.export(batch).await {
                Ok(()) => {
                    exported.inc_by(count);
                    complained = false;
                }
                Err(error) => {
                    dropped.inc_by(count);
                    if !complained {
                        tracing::warn!("the collector takes no spans, they are dropped: {error}");
                    }
                    complained = true;
                }
            }
        }
    }

    fn data(&self, span: Span) -> SpanData {
        let Span { context, parent, operation, topic, began, ended, attributes, links, error } = span;
        let of_trace = |span_id: u64| {
            let (trace, span) = (TraceId::from(context.trace_id), SpanId::from(span_id));
            SpanContext::new(trace, span, TraceFlags::new(context.flags), true, TraceState::default())
        };
        let mut earlier = SpanLinks::default();
        earlier.links.extend(links.into_iter().map(|span| Link::new(of_trace(span), Vec::new(), 0)));
        let attributes = attributes.into_iter().map(|(name, value)| match value {
            Attribute::Text(text) => KeyValue::new(name, text),
            Attribute::Number(number) => KeyValue::new(name, number),
        });
        SpanData {
            span_context: of_trace(context.span_id),
            parent_span_id: parent.map_or(SpanId::INVALID, SpanId::from),
            parent_span_is_remote: operation != Operation::Process,
            span_kind: match operation {
                Operation::Publish => SpanKind::Producer,
                Operation::Receive | Operation::Process => SpanKind::Consumer,
            },
            name: format!("{} {topic}", operation.as_str()).into(),
            start_time: began,
            end_time: ended,
            attributes: attributes.collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: earlier,
            status: error.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.scope.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_collector_s_address_will_do() {
        let refused = |endpoint| Exporter::new(endpoint, "parser", Duration::from_secs(1)).err().unwrap();
        assert!(refused("collector:4318").contains("http://"));
        assert!(refused("https://collector:4318").contains("TLS"));
        assert!(refused("").contains("no address"));
        assert!(Exporter::new("http://127.0.0.1:4318", "parser", Duration::from_secs(1)).is_ok());
    }
}
