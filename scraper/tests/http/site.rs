//! A scripted web server: each request is answered by a closure, byte for byte.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// One request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) at: Instant,
    /// Requests for this path before.
    pub(crate) nth: usize,
}

impl Ask {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// What happens after the bytes are written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    KeepAlive,
    Close,
    /// Nothing more comes, and the connection stays.
    Hang,
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    pub(crate) after: Duration,
    pub(crate) then: Then,
}

impl Reply {
    /// Exactly these bytes.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>, then: Then) -> Self {
        Self { bytes: bytes.into(), after: Duration::ZERO, then }
    }

    /// A well-formed answer. `headers` are lines without their ends.
    pub(crate) fn new(status: u16, headers: &[&str], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut head = format!("HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\n", body.len());
        for header in headers {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        Self::raw([head.as_bytes(), body].concat(), Then::KeepAlive)
    }

    /// A page.
    pub(crate) fn page(body: impl AsRef<[u8]>) -> Self {
        Self::new(200, &["Content-Type: text/html; charset=utf-8"], body)
    }

    /// A redirect.
    pub(crate) fn redirect(target: &str) -> Self {
        Self::new(302, &[&format!("Location: {target}")], "moved")
    }

    /// The same answer, later.
    pub(crate) fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

type Script = dyn Fn(&Ask) -> Reply + Send + Sync;

/// A running server; it ends with the test's runtime.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    asks: Arc<Mutex<Vec<Ask>>>,
    peak: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Site {
    /// Starts a server on a free port.
    pub(crate) async fn start(script: impl Fn(&Ask) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let site = Self { address, asks: Arc::default(), peak: Arc::default(), connections: Arc::default() };
        let talk = Talk {
            script: Arc::new(script),
            asks: Arc::clone(&site.asks),
            now: Arc::default(),
            peak: Arc::clone(&site.peak),
        };
        let connections = Arc::clone(&site.connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(talk.clone().serve(stream));
            }
        });
        site
    }

    /// A URL of this server by its address.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far.
    pub(crate) fn asks(&self) -> Vec<Ask> {
        self.asks.lock().unwrap().clone()
    }

    /// The paths asked for so far.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.asks().into_iter().map(|ask| ask.path).collect()
    }

    /// Most requests under way at one time.
    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::SeqCst)
    }

    /// Connections accepted.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

#[derive(Clone)]
struct Talk {
    script: Arc<Script>,
    asks: Arc<Mutex<Vec<Ask>>>,
    now: Arc<AtomicUsize>,
    peak: Arc<AtomicUsize>,
}

impl Talk {
    async fn serve(self, mut stream: TcpStream) {
        let mut buffer = Vec::new();
        loop {
            let end = loop {
                if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                    break end + 4;
                }
                if stream.read_buf(&mut buffer).await.is_ok_and(|n| n > 0) {
                    continue;
                }
                return;
            };
            let head = String::from_utf8(buffer.drain(..end).collect()).unwrap();
            let path = head.split(' ').nth(1).unwrap().to_owned();
            let ask = {
                let mut asks = self.asks.lock().unwrap();
                let nth = asks.iter().filter(|ask| ask.path == path).count();
                asks.push(Ask { path, head, at: Instant::now(), nth });
                asks.last().unwrap().clone()
            };
            self.peak.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let reply = (self.script)(&ask);
            if !reply.after.is_zero() {
                tokio::time::sleep(reply.after).await;
            }
            // Before the bytes: whoever has read them may ask again at once.
            self.now.fetch_sub(1, Ordering::SeqCst);
            if stream.write_all(&reply.bytes).await.is_err() {
                return;
            }
            match reply.then {
                Then::KeepAlive => {}
                Then::Close => return,
                Then::Hang => std::future::pending().await,
            }
        }
    }
}
