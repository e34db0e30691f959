//! Who looks at a fleet while it is measured: asks for metrics as a Prometheus server does, and takes spans as a
//! collector does. Both run in this process, on nobody's bill.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, anyhow};

/// How long a process may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was seen of a fleet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Answers with metrics, over all services.
    pub(super) scrapes: u64,
    /// Their bytes.
    pub(super) bytes: u64,
    /// What counters and histograms had counted in the end.
    pub(super) updates: f64,
    /// Requests with spans.
    pub(super) posts: u64,
}

/// Looks at the services behind some addresses until it is told to stop.
#[derive(Debug)]
pub(super) struct Watcher {
    stop: Sender<()>,
    thread: JoinHandle<Seen>,
    posts: Arc<AtomicU64>,
    before: u64,
}

impl Watcher {
    /// Begins to look, each `every`.
    pub(super) fn start(listen: Vec<SocketAddr>, every: Duration, collector: &Collector) -> Self {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            let mut seen = Seen::default();
            let mut last = vec![String::new(); listen.len()];
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(every) {
                for (address, last) in listen.iter().zip(&mut last) {
                    // A service that is not up yet, or no longer, is looked for again.
                    let Ok(text) = scrape(*address) else { continue };
                    seen.scrapes += 1;
                    seen.bytes += text.len() as u64;
                    *last = text;
                }
            }
            seen.updates = last.iter().map(|text| updates(text)).sum();
            seen
        });
        let posts = Arc::clone(&collector.posts);
        let before = posts.load(Ordering::Relaxed);
        Self { stop, thread, posts, before }
    }

    /// Stops, and tells what was seen.
    pub(super) fn stop(self) -> anyhow::Result<Seen> {
        drop(self.stop);
        let seen = self.thread.join().map_err(|_| anyhow!("the watcher panicked"))?;
        Ok(Seen { posts: self.posts.load(Ordering::Relaxed) - self.before, ..seen })
    }
}

/// Addresses on loopback that nobody listens on.
pub(super) fn free_addresses(count: usize) -> anyhow::Result<Vec<SocketAddr>> {
    let listeners = (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let listeners = listeners.collect::<Result<Vec<_>, _>>().context("cannot find a free port")?;
    listeners.iter().map(|listener| Ok(listener.local_addr()?)).collect()
}

fn scrape(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// How often something was counted, by what the counters and histograms of a scrape say. A counter that grows by more
/// than one at once makes it more than it was.
fn updates(text: &str) -> f64 {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let counted = lines.filter_map(|line| {
        // An exemplar stands behind the value.
        let line = line.split(" # ").next()?;
        let (series, value) = line.rsplit_once(' ')?;
        let name = series.split('{').next()?;
        let is_count = name.ends_with("_count") || name.ends_with("_total");
        let is_amount = name.ends_with("_bytes_total") || name.starts_with("process_");
        value.parse::<f64>().ok().filter(|_| is_count && !is_amount)
    });
    counted.sum()
}

/// Takes spans over HTTP and keeps none.
#[derive(Debug)]
pub(super) struct Collector {
    /// Where it listens, as a URL.
    pub(super) url: String,
    posts: Arc<AtomicU64>,
}

impl Collector {
    /// Listens on a free port until the process ends.
    pub(super) fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("the collector has no port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let posts = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&posts);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let posts = Arc::clone(&counted);
                std::thread::spawn(move || take_spans(&stream, &posts));
            }
        });
        Ok(Self { url, posts })
    }
}

/// Answers the requests of one connection.
fn take_spans(stream: &TcpStream, posts: &AtomicU64) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line.trim().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok()?;
            }
        }
        std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
        posts.fetch_add(1, Ordering::Relaxed);
        let mut writer = stream;
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_read_off_a_scrape() {
        let text = "# HELP a b\na_total{x=\"y z\"} 3\nb_seconds_count 4 # {trace_id=\"1\"} 0.2 1.5\nb_seconds_sum 9\n\
                    c_bytes_total 100\nprocess_cpu_seconds_total 7\nd 5\n";
        assert!((updates(text) - 7.0).abs() < f64::EPSILON);
    }

    #[test]
    fn spans_are_taken_one_request_after_the_other() {
        let collector = Collector::start().expect("a port");
        let address: SocketAddr = collector.url.trim_start_matches("http://").parse().expect("an address");
        let mut stream = TcpStream::connect(address).expect("it listens");
        let request = "POST /v1/traces HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        for posts in 1..=2 {
            stream.write_all(request.as_bytes()).expect("it reads");
            let mut answered = vec![0; answer.len()];
            stream.read_exact(&mut answered).expect("it answers");
            assert_eq!(answered, answer.as_bytes());
            assert_eq!(collector.posts.load(Ordering::Relaxed), posts);
        }
    }
}
