//! HTTP on loopback: all hosts of the web on one port, told apart by the `Host` header.
//!
//! A request whose `Host` is no host of the web (an address, say) reaches the control surface: `/__truth` lists what
//! a crawl should find, `/__stats` counts what was asked, `/__reset` forgets all counts, so that flaky pages fail again.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER, USER_AGENT};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::log::Entry;
use super::{Place, Reply, RequestLog, Web, truth};

/// A web that is being served.
#[derive(Debug)]
struct Server {
    web: Web,
    log: Option<RequestLog>,
    counts: Mutex<Counts>,
}

/// The only state: how often what was asked for.
#[derive(Debug, Default)]
struct Counts {
    requests: u64,
    /// Requests so far for the pages whose answer depends on it.
    attempts: HashMap<(u32, Place), u32>,
    in_flight: Vec<u32>,
}

/// A request under way; it counts itself out when it ends, also when the client hangs up.
struct Visit<'s> {
    server: &'s Server,
    host: u32,
    /// Requests for the same before this one.
    earlier: u32,
    /// Requests to the same host at arrival, this one included.
    in_flight: u32,
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.server.counts().in_flight[self.host as usize] -= 1;
    }
}

/// Serves `web` on `listener` until `shutdown` is ready.
pub async fn serve(
    listener: TcpListener,
    web: Web,
    log: Option<RequestLog>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let server = Arc::new(Server::new(web, log));
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            accepted = listener.accept() => {
                let (stream, _peer) = accepted?;
                connections.spawn(Arc::clone(&server).talk(stream));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Server {
    fn new(web: Web, log: Option<RequestLog>) -> Self {
        let counts = Counts { in_flight: vec![0; web.hosts() as usize], ..Counts::default() };
        Self { web, log, counts: Mutex::new(counts) }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // A panic while counting leaves counts that are still counts.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn talk(self: Arc<Self>, stream: TcpStream) {
        // Small answers must not wait for an acknowledgement; if the option cannot be set they merely do.
        let _ = stream.set_nodelay(true);
        let service = service_fn(|request| {
            let server = Arc::clone(&self);
            async move { Ok::<_, Infallible>(server.respond(&request).await) }
        });
        // A client that hangs up is no event here.
        let _ =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn respond<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let arrived = Instant::now();
        let name = header(request.headers(), &HOST);
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let Some(host) = self.web.host_of(name) else { return self.control(target) };
        let visit = self.arrive(host, target);
        let reply = self.web.reply(host, target, visit.earlier);
        if !reply.delay.is_zero() {
            tokio::time::sleep(reply.delay).await;
        }
        if let Some(log) = &self.log {
            let entry = Entry {
                at_us: log.since_start(arrived).as_micros(),
                took_us: arrived.elapsed().as_micros(),
                host: name,
                target,
                status: reply.status,
                in_flight: visit.in_flight,
                agent: header(request.headers(), &USER_AGENT),
            };
            if let Err(error) = log.write(&entry) {
                eprintln!("cannot write the request log: {error}");
            }
        }
        response(reply)
    }

    /// Counts a request in.
    fn arrive(&self, host: u32, target: &str) -> Visit<'_> {
        let counted = self.web.find(host, target).filter(|place| self.web.counts_attempts(host, *place));
        let mut counts = self.counts();
        counts.requests += 1;
        counts.in_flight[host as usize] += 1;
        let in_flight = counts.in_flight[host as usize];
        let earlier = counted.map_or(0, |place| {
            let attempts = counts.attempts.entry((host, place)).or_default();
            *attempts += 1;
            *attempts - 1
        });
        Visit { server: self, host, earlier, in_flight }
    }

    fn control(&self, target: &str) -> Response<Full<Bytes>> {
        match target {
            "/__truth" => {
                let mut lines = Vec::new();
                for row in truth(&self.web) {
                    lines.extend(serde_json::to_vec(&row).expect("a row is strings and numbers"));
                    lines.push(b'\n');
                }
                typed(lines, "application/jsonl")
            }
            "/__stats" => {
                let requests = self.counts().requests;
                let stats = json!({"requests": requests, "hosts": self.web.hosts(), "port": self.web.port()});
                typed(stats.to_string().into_bytes(), "application/json")
            }
            "/__reset" => {
                let mut counts = self.counts();
                counts.requests = 0;
                counts.attempts.clear();
                typed(b"ok\n".to_vec(), "text/plain")
            }
            _ => {
                response(Reply::error(421, "no such host in this web; hosts are h0.synthetic.test and so on"))
            }
        }
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &hyper::header::HeaderName) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn typed(body: Vec<u8>, content_type: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = typed(reply.body, reply.content_type);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(location) = reply.location.and_then(|location| HeaderValue::try_from(location).ok()) {
        response.headers_mut().insert(LOCATION, location);
    }
    if let Some(seconds) = reply.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
