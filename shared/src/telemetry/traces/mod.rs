//! Traces: the way of one page from its seed to its row, as spans, for whoever collects them.
//!
//! A page's trace has the id of its task, so it needs no store: `explain` and `trawl trace` work it out. Whether it is
//! kept is decided once, where the task is given out, and travels in the `traceparent` of each message. Ids of spans that
//! others must know (of an attempt, of a wait, of a death) follow from the message as well, so links need no header.

#[cfg(feature = "otlp")]
mod otlp;

use super::{Counters, Instrument as _, Metrics, catalog};
use crate::message::TraceContext;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Spans that wait for the collector; more are dropped, and counted.
const QUEUE: usize = 8192;

/// `[telemetry.traces]`: which pages are traced, and where their spans go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TraceSettings {
    /// A collector that speaks OTLP over HTTP, such as `http://otel-collector:4318`; empty exports nothing.
    pub endpoint: String,
    /// The share of pages that are traced, from 0 to 1. Read by the url-manager, which decides for all.
    pub ratio: f64,
    /// The share for single crawls, by the name of the job.
    pub crawls: BTreeMap<String, f64>,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self { endpoint: String::new(), ratio: 0.01, crawls: BTreeMap::new() }
    }
}

/// The traces can't be exported as the settings say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("telemetry.traces.{key} = {value:?} {reason}")]
pub struct TraceError {
    key: String,
    value: String,
    reason: String,
}

/// What a span is to the message it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A message is written to its topic.
    Publish,
    /// From there to the handler: the wait in the topic and in memory.
    Receive,
    /// The handler's work.
    Process,
}

impl Operation {
    /// The word of the span's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Receive => "receive",
            Self::Process => "process",
        }
    }
}

/// What a span is told with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Attribute {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// One span, complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its trace, its own id, and the flags.
    pub context: TraceContext,
    /// The span it belongs to; none for the first of a trace.
    pub parent: Option<u64>,
    /// What happened...
    pub operation: Operation,
    /// ...and with which topic.
    pub topic: &'static str,
    /// When it began.
    pub began: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// More about it, by the names of the semantic conventions.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Spans of the same trace that came before and are not above it: an attempt that failed, a death.
    pub links: Vec<u64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// Takes spans. Clones share the queue.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<Inner>>);

struct Inner {
    settings: TraceSettings,
    queue: mpsc::Sender<Span>,
    dropped: prometheus_client::metrics::counter::Counter,
}

impl Traces {
    /// Takes spans, decides by the settings, and hands out what was taken: for an exporter.
    #[must_use]
    pub fn new(settings: TraceSettings, metrics: &Metrics) -> (Self, mpsc::Receiver<Span>, Counters) {
        let spans = Counters::new(&catalog::TRACE_SPANS);
        metrics.add([&spans as &dyn super::Instrument]);
        debug_assert_eq!(spans.metric().labels, ["result"]);
        let (queue, taken) = mpsc::channel(QUEUE);
        let inner = Inner { settings, queue, dropped: spans.of(&["dropped"]) };
        (Self(Some(Arc::new(inner))), taken, spans)
    }

    /// Exports as the settings say; nothing where they name no collector. The spans carry this service's name. The
    /// second answer ends when all is sent, once the last handle is gone.
    ///
    /// # Errors
    /// When a ratio is no share, or the collector's address can't be used.
    pub fn export(
        settings: &TraceSettings,
        service: &'static str,
        metrics: &Metrics,
    ) -> Result<(Self, Option<tokio::task::JoinHandle<()>>), TraceError> {
        let shares = settings.crawls.iter().map(|(crawl, ratio)| (format!("crawls.{crawl}"), *ratio));
        for (key, ratio) in shares.chain([("ratio".to_owned(), settings.ratio)]) {
            if !(0.0..=1.0).contains(&ratio) {
                let reason = "is no share; it goes from 0 to 1".to_owned();
                return Err(TraceError { key, value: ratio.to_string(), reason });
            }
        }
        if settings.endpoint.is_empty() {
            return Ok((Self::default(), None));
        }
        start(settings, service, metrics)
    }

    /// The context of a page's first message. `trace` is its task's id.
    #[must_use]
    pub fn begin(&self, trace: Uuid, crawl: Option<&str>) -> TraceContext {
        let ratio = self.0.as_ref().map_or(0.0, |inner| {
            let settings = &inner.settings;
            crawl.and_then(|crawl| settings.crawls.get(crawl)).copied().unwrap_or(settings.ratio)
        });
        // The low 56 bits of a UUIDv5 are as good as drawn; a double holds 53.
        #[expect(clippy::cast_precision_loss, reason = "a share of that many is exact enough")]
        let drawn = (trace.as_u128() as u64 & ((1 << 53) - 1)) as f64 / (1_u64 << 53) as f64;
        let root = TraceContext::root();
        let trace_id = if trace.is_nil() { root.trace_id } else { trace.as_u128() };
        TraceContext { trace_id, flags: u8::from(drawn < ratio), ..root }
    }

    /// Whether the spans of a message are wanted.
    #[must_use]
    pub fn wants(&self, trace: TraceContext) -> bool {
        self.0.is_some() && trace.is_sampled()
    }

    /// Takes a span. Never waits.
    pub fn record(&self, span: Span) {
        if let Some(inner) = &self.0
            && inner.queue.try_send(span).is_err()
        {
            inner.dropped.inc();
        }
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Traces").field(&self.0.as_ref().map(|inner| &inner.settings)).finish()
    }
}

/// An id that follows from what it names. It is never zero.
#[must_use]
pub fn span_id(of: TraceContext, what: &str) -> u64 {
    let name = format!("{:032x}/{:016x}/{what}", of.trace_id, of.span_id);
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).as_u64_pair().0.max(1)
}

/// How long the exporter waits for more spans before it sends what it has.
#[cfg(feature = "otlp")]
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the collector may take for an answer.
#[cfg(feature = "otlp")]
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

#[cfg(feature = "otlp")]
fn start(
    settings: &TraceSettings,
    service: &'static str,
    metrics: &Metrics,
) -> Result<(Traces, Option<tokio::task::JoinHandle<()>>), TraceError> {
    let exporter = otlp::Exporter::new(&settings.endpoint, service, ANSWERS_WITHIN).map_err(|reason| {
        TraceError { key: "endpoint".to_owned(), value: settings.endpoint.clone(), reason }
    })?;
    let (traces, taken, spans) = Traces::new(settings.clone(), metrics);
    Ok((traces, Some(tokio::spawn(exporter.run(taken, PATIENCE, spans)))))
}

#[cfg(not(feature = "otlp"))]
fn start(
    settings: &TraceSettings,
    _: &'static str,
    _: &Metrics,
) -> Result<(Traces, Option<tokio::task::JoinHandle<()>>), TraceError> {
    let reason = "asks for traces, which this build has not; build it with --features otlp".to_owned();
    Err(TraceError { key: "endpoint".to_owned(), value: settings.endpoint.clone(), reason })
}

/// Waits until what was recorded is sent, but no longer than a goodbye may take.
pub async fn flush(exporter: Option<tokio::task::JoinHandle<()>>) {
    if let Some(exporter) = exporter {
        let _ = tokio::time::timeout(Duration::from_secs(5), exporter).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces(ratio: f64, crawls: &[(&str, f64)]) -> Traces {
        let crawls = crawls.iter().map(|(name, ratio)| ((*name).to_owned(), *ratio)).collect();
        Traces::new(TraceSettings { endpoint: String::new(), ratio, crawls }, &Metrics::default()).0
    }

    #[test]
    fn the_share_is_kept_and_the_same_page_is_decided_the_same_way() {
        let (some, shop) = (traces(0.25, &[("shop", 1.0), ("quiet", 0.0)]), Some("shop"));
        let task = |n: u32| Uuid::new_v5(&Uuid::NAMESPACE_URL, &n.to_be_bytes());
        let kept = (0..4000).filter(|n| some.begin(task(*n), None).is_sampled()).count();
        assert!((850..1150).contains(&kept), "{kept} of 4000");
        for n in 0..50 {
            assert_eq!(some.begin(task(n), None).flags, some.begin(task(n), None).flags);
            assert_eq!(some.begin(task(n), None).trace_id, task(n).as_u128());
            assert!(some.begin(task(n), shop).is_sampled());
            assert!(!some.begin(task(n), Some("quiet")).is_sampled());
            assert!(!Traces::default().begin(task(n), shop).is_sampled(), "nobody collects");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let metrics = Metrics::default();
        let settings = TraceSettings { ratio: 1.5, ..TraceSettings::default() };
        let error = Traces::export(&settings, "parser", &metrics).unwrap_err().to_string();
        assert_eq!(error, r#"telemetry.traces.ratio = "1.5" is no share; it goes from 0 to 1"#);
    }

    #[test]
    fn a_full_queue_drops_and_counts() {
        let metrics = Metrics::default();
        let (traces, _taken, _) = Traces::new(TraceSettings::default(), &metrics);
        let now = SystemTime::now();
        let span = Span {
            context: TraceContext::root(),
            parent: None,
            operation: Operation::Process,
            topic: "retry",
            began: now,
            ended: now,
            attributes: Vec::new(),
            links: Vec::new(),
            error: None,
        };
        (0..QUEUE + 3).for_each(|_| traces.record(span.clone()));
        let text = metrics.render();
        assert!(text.contains(r#"trawl_trace_spans_total{result="dropped"} 3"#), "{text}");
    }
}
