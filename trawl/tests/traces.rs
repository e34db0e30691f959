//! A page's trace, as a collector gets it over OTLP: every hop from seed to row, also when the page was retried, and
//! when it was replayed from the dead letters.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value, trace::v1::Span,
};
use prost::Message as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use trawl::embedded::{self, Stores};
use trawl_dlq_handler::{
    filter::Filter,
    replay::{Letters, Replayer, Sending, Speed},
};
use trawl_shared::{
    blob::Bodies,
    broker::Broker as _,
    config::TopicsSection,
    model::{CanonicalUrl, TaskId},
    runtime::RuntimeSettings,
    sql::{DatabaseUrl, Missing},
    telemetry::{TraceSettings, Traces, traces},
};
use trawl_storage::StoreHandler;
use trawl_url_manager::{JobSpec, UrlState};

/// Serves HTTP on a port of its own.
async fn serve(answer: impl Fn(String, Bytes) -> (u16, &'static str) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = answer.clone();
                async move {
                    let path = request.uri().path().to_owned();
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    let (status, text) = answer(path, body);
                    let response = Response::builder().status(status).header("content-type", "text/html");
                    Ok::<_, Infallible>(response.body(Full::<Bytes>::from(text)).unwrap())
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    port
}

/// Keeps the spans that are sent to it.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

impl Collector {
    async fn start(&self) -> String {
        let spans = Arc::clone(&self.0);
        let port = serve(move |path, body| {
            assert_eq!(path, "/v1/traces");
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            for of_resource in request.resource_spans {
                let about = of_resource.resource.unwrap();
                assert!(
                    about.attributes.iter().any(|attribute| attribute.key == "service.name"),
                    "{about:?}"
                );
                let sent = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
                spans.lock().unwrap().extend(sent);
            }
            (200, "")
        });
        format!("http://127.0.0.1:{}", port.await)
    }

    fn of(&self, task: TaskId) -> Trace {
        let id = task.0.as_bytes().to_vec();
        let all = self.0.lock().unwrap();
        Trace(all.iter().filter(|span| span.trace_id == id).cloned().collect())
    }
}

/// The spans of one page.
#[derive(Debug)]
struct Trace(Vec<Span>);

fn text(span: &Span, key: &str) -> String {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.clone()?.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        _ => String::new(),
    }
}

impl Trace {
    /// The one span of a name, in a group where one is given.
    #[track_caller]
    fn one(&self, name: &str, group: &str, attempt: &str) -> &Span {
        let found: Vec<_> = self
            .0
            .iter()
            .filter(|span| span.name == name)
            .filter(|span| group.is_empty() || text(span, "messaging.consumer.group.name") == group)
            .filter(|span| attempt.is_empty() || text(span, "trawl.attempt") == attempt)
            .collect();
        let names: Vec<_> = self.0.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(found.len(), 1, "{name} in {group:?}, attempt {attempt:?}; there are {names:?}");
        found[0]
    }

    /// Every span but the first hangs on another one of the trace, and so on the first.
    #[track_caller]
    fn is_whole(&self) {
        let ids: BTreeSet<_> = self.0.iter().map(|span| span.span_id.clone()).collect();
        assert_eq!(ids.len(), self.0.len(), "ids are the spans' own");
        let roots: Vec<_> = self.0.iter().filter(|span| span.parent_span_id.is_empty()).collect();
        assert_eq!(roots.len(), 1, "one beginning: {roots:?}");
        assert_eq!(roots[0].name, "publish scraping-tasks");
        for span in &self.0 {
            let hangs = span.parent_span_id.is_empty() || ids.contains(&span.parent_span_id);
            assert!(hangs, "{} hangs on nothing", span.name);
            assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{}", span.name);
            for link in &span.links {
                assert!(ids.contains(&link.span_id), "a link of {} leads nowhere", span.name);
            }
        }
    }

    /// The hops from the fetched page to its row and back to the frontier.
    #[track_caller]
    fn reaches_its_row(&self) {
        let mut above = self.one("publish scraped-data", "", "");
        for (name, group) in [
            ("receive scraped-data", "parser"),
            ("process scraped-data", "parser"),
            ("publish parsed-data", ""),
        ] {
            let span = self.one(name, group, "");
            assert_eq!(span.parent_span_id, above.span_id, "{name} hangs on {}", above.name);
            above = span;
        }
        for group in ["storage", "url-manager"] {
            let received = self.one("receive parsed-data", group, "");
            assert_eq!(received.parent_span_id, above.span_id);
            assert_eq!(self.one("process parsed-data", group, "").parent_span_id, received.span_id);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hop_of_a_page_is_there() {
    let (asked, well) =
        (Arc::new(Mutex::new(BTreeMap::<String, usize>::new())), Arc::new(AtomicUsize::new(0)));
    let is_well = Arc::clone(&well);
    let port = serve(move |path, _| {
        let mut asked = asked.lock().unwrap();
        let times = asked.entry(path.clone()).or_default();
        *times += 1;
        match path.as_str() {
            "/robots.txt" => (404, "none"),
            "/once" if *times == 1 => (500, "not yet"),
            "/dead" if is_well.load(Ordering::Relaxed) == 0 => (500, "down"),
            _ => (200, "<title>well</title>"),
        }
    })
    .await;

    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::sqlite(folder.path());
    let stores = Stores::open(&url, Missing::Create, Default::default()).await.unwrap();
    let (memory, mut bus) = embedded::bus().await.unwrap();
    let collector = Collector::default();
    let settings = TraceSettings {
        endpoint: collector.start().await,
        ratio: 0.0,
        crawls: [("traced".to_owned(), 1.0)].into(),
    };
    let (traces, exporter) = Traces::export(&settings, "trawl", &bus.metrics).unwrap();
    bus.traces = traces;

    let mut spec = JobSpec { name: "traced".to_owned(), delay_ms: Some(0), ..JobSpec::default() };
    spec.fetch.allow_private_addresses = true;
    let pages = ["/", "/once", "/dead"];
    let urls: Vec<CanonicalUrl> =
        pages.iter().map(|path| format!("http://127.0.0.1:{port}{path}").parse().unwrap()).collect();
    let job = stores.frontier.seed(&spec, &urls).await.unwrap().job;
    let quiet: CanonicalUrl = format!("http://127.0.0.1:{port}/quiet").parse().unwrap();
    let other = JobSpec { name: "quiet".to_owned(), ..spec.clone() };
    let quiet_job = stores.frontier.seed(&other, std::slice::from_ref(&quiet)).await.unwrap().job;

    let shutdown = CancellationToken::new();
    let handler = StoreHandler::new(Arc::clone(&stores.pages));
    let services =
        embedded::services(&stores, handler, None, &trawl_scraper::Settings::default(), &Bodies::default())
            .unwrap();
    let server = "attempts = 2\nbase_ms = 20\nfactor = 1.0\ncap_ms = 100\njitter = 0.0\nretry_after_ms = 0\n";
    let retry = toml::from_str(&format!("[server]\n{server}")).unwrap();
    let runtime = RuntimeSettings { retry, ..embedded::runtime_settings() };
    let mut running = Vec::new();
    for service in services {
        running.push(service.start(bus.clone(), runtime.clone(), shutdown.clone()).await.unwrap());
    }
    wait_for("one page to be dead", async || {
        stores.frontier.status(job).await.unwrap().count(UrlState::Dead) == 1
            && stores.ledger.dead_tasks(job).await.unwrap().len() == 1
    })
    .await;
    well.store(1, Ordering::Relaxed);
    let (open, producer) = (Letters::Where(Filter::all().with("state", "open")), memory.producer());
    let sending = Sending::now(TopicsSection::default().retry.partitions);
    let mut replayer = Replayer::new(&*stores.ledger, &*producer, "a test", sending);
    let sent = replayer.send(&open, Speed::default(), &shutdown, |_| {}).await.unwrap();
    assert_eq!(sent.sent, 1);
    // The ledger hears of it, which is a hop of the trace as well.
    let heard = replayer.wait(Duration::from_secs(60), &shutdown, |_| {}).await.unwrap();
    assert_eq!(heard.resolved, 1, "{heard:?}");
    wait_for("all pages to be stored", async || {
        let stored = async |job| stores.frontier.status(job).await.unwrap().count(UrlState::Stored);
        let rows = stores.pages.stored_tasks(job).try_collect::<Vec<_>>().await.unwrap();
        stored(job).await == 3 && stored(quiet_job).await == 1 && rows.len() == 3
    })
    .await;
    shutdown.cancel();
    for service in running {
        service.wait().await.unwrap();
    }
    let scraped = bus.metrics.render();
    drop((bus, memory));
    traces::flush(exporter).await;

    let [plain, once, dead] = [0, 1, 2].map(|at: usize| collector.of(TaskId::derive(job, &urls[at], 0)));
    println!("spans: {} plain, {} retried, {} replayed", plain.0.len(), once.0.len(), dead.0.len());
    for trace in [&plain, &once, &dead] {
        trace.is_whole();
        trace.reaches_its_row();
    }
    let fetched = plain.one("process scraping-tasks", "scraper", "0");
    assert_eq!(text(fetched, "url.full"), urls[0].as_str());
    assert_eq!(plain.one("publish scraped-data", "", "").parent_span_id, fetched.span_id);

    // Retried: the second attempt hangs on the wait, and is linked to the first.
    let first = once.one("process scraping-tasks", "scraper", "0");
    assert_eq!(text(first, "error.type"), "server_error");
    let wait = once.one("publish retry", "", "1");
    assert_eq!(wait.parent_span_id, first.span_id);
    let second = once.one("process scraping-tasks", "scraper", "1");
    let links: Vec<_> = second.links.iter().map(|link| link.span_id.clone()).collect();
    assert_eq!(links, std::slice::from_ref(&first.span_id));
    assert_eq!(once.one("publish scraped-data", "", "").parent_span_id, second.span_id);

    // Replayed: the new life is linked to the death of the old one, which the ledger and the frontier saw after two
    // attempts.
    let death = dead.one("publish dead-letter", "", "1");
    dead.one("process dead-letter", "dlq-handler", "2");
    dead.one("process dead-letter", "url-manager.dead", "2");
    let fetched = dead.0.iter().filter(|span| span.name == "process scraping-tasks");
    let replayed: Vec<_> = fetched.filter(|span| text(span, "trawl.replays") == "1").collect();
    assert_eq!(replayed.len(), 1, "{dead:?}");
    assert!(replayed[0].links.iter().any(|link| link.span_id == death.span_id), "{replayed:?}");
    assert_eq!(dead.one("publish scraped-data", "", "").parent_span_id, replayed[0].span_id);
    // That it was handled is told to the ledger.
    let told = dead.one("receive dead-letter", "dlq-handler", "0");
    let recovery = dead.0.iter().find(|span| span.span_id == told.parent_span_id).unwrap();
    assert_eq!(recovery.name, "publish dead-letter");
    assert_eq!(recovery.parent_span_id, replayed[0].span_id);

    // The other crawl asked for no traces; and what was sampled stands in the metrics.
    assert!(collector.of(TaskId::derive(quiet_job, &quiet, 0)).0.is_empty());
    let exemplar = format!("trace_id=\"{}\"", TaskId::derive(job, &urls[0], 0).0.as_simple());
    assert!(scraped.contains("# {trace_id="), "no exemplar at all, {exemplar} or another:\n{scraped}");
    stores.close().await;
}

async fn wait_for(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !check().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .unwrap_or_else(|_| panic!("waited for {what}"));
}
