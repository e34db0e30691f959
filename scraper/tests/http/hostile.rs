//! Servers that mean harm: each case ends in its code within its bound, and memory stays bounded.

use crate::{
    site::{Ask, Reply, Site, Then},
    tasks::{end, fault, handle, handler, page, task},
};
use std::{
    io::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use trawl_shared::{
    model::{Outcome, Oversize, code},
    runtime::Failure,
};
use wait4::Wait4 as _;

/// What each answer of a test gets at most, whatever it does.
const PATIENCE: Duration = Duration::from_secs(5);
/// Memory of a process that fetches.
const MAX_RSS: u64 = 256 * 1024 * 1024;

/// A server that says `head`, then `part` over and over, with a pause between.
async fn drip(head: &'static str, part: &'static [u8], pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(pour(stream, head, part, pause));
        }
    });
    url
}

async fn pour(mut stream: TcpStream, head: &str, part: &[u8], pause: Duration) -> std::io::Result<()> {
    stream.read_u8().await?;
    stream.write_all(head.as_bytes()).await?;
    loop {
        stream.write_all(part).await?;
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[tokio::test]
async fn endless_bodies_are_cut_or_left_out() {
    static BLOCK: [u8; 65_536] = [b'x'; 65_536];
    let handler = handler(|_| {});
    let most: u16 = 50_000;
    for (head, part) in [(OK, BLOCK.as_slice()), (CHUNKED, b"5\r\nhello\r\n".as_slice())] {
        let url = drip(head, part, Duration::ZERO).await;
        let begun = Instant::now();
        let mut task = task(&url);
        task.fetch.max_body = most.into();
        let page = page(handle(&handler, task.clone()).await);
        assert_eq!((page.body.len(), page.truncated), (most.into(), true));
        task.fetch.oversize = Oversize::Exclude;
        let ended = end(handle(&handler, task).await);
        assert_eq!((ended.outcome, &*ended.code), (Outcome::Excluded, code::TOO_LARGE));
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[tokio::test]
async fn endless_headers_are_not_read_to_their_end() {
    let handler = handler(|_| {});
    for part in [b"X-Header: 0123456789\r\n".as_slice(), b"x"] {
        let url = drip("HTTP/1.1 200 OK\r\n", part, Duration::ZERO).await;
        let begun = Instant::now();
        let mut task = task(&url);
        task.fetch.bounds.headers_ms = 2_000;
        let fault = fault(handle(&handler, task).await);
        assert_eq!(fault.code, code::HEADERS_TOO_LARGE, "{}", fault.text());
        assert!(begun.elapsed() < PATIENCE);
    }
    // This one has an end, but is longer than anybody needs.
    let site =
        Site::start(|_: &Ask| Reply::new(200, &[&format!("X: {}", "x".repeat(300_000))], "page")).await;
    assert_eq!(fault(handle(&handler, task(&site.url("/"))).await).code, code::HEADERS_TOO_LARGE);
    let url = drip("", b"HTTP/1.1 100 Continue\r\n\r\n", Duration::ZERO).await;
    let mut task = task(&url);
    task.fetch.bounds.headers_ms = 500;
    let fault = fault(handle(&handler, task).await);
    assert_eq!(fault.code, code::TIMEOUT_HEADERS, "no end of answers before the answer: {}", fault.text());
}

#[tokio::test]
async fn a_byte_now_and_then_is_too_slow() {
    let handler = handler(|_| {});
    let pause = Duration::from_millis(100);
    let headers = drip("HTTP/1.1 200 OK\r\nX: ", b"x", pause).await;
    let mut slow = task(&headers);
    slow.fetch.bounds.headers_ms = 500;
    assert_eq!(fault(handle(&handler, slow).await).code, code::TIMEOUT_HEADERS);

    let body = drip(OK, b"x", pause).await;
    let mut slow = task(&body);
    slow.fetch.timeout_ms = 500;
    assert_eq!(fault(handle(&handler, slow.clone()).await).code, code::TIMEOUT_BODY);
    // The rate is counted over ten seconds.
    slow.fetch.timeout_ms = 60_000;
    let begun = Instant::now();
    let fault = fault(handle(&handler, slow).await);
    assert_eq!(fault.code, code::TOO_SLOW, "{}", fault.text());
    assert!(begun.elapsed() < Duration::from_secs(10) + PATIENCE);
}

#[tokio::test]
async fn who_never_speaks_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let handler = handler(|_| {});
    // The kernel accepts for it.
    for (scheme, code) in [("https", code::TIMEOUT_CONNECT), ("http", code::TIMEOUT_HEADERS)] {
        let mut task = task(&format!("{scheme}://{address}/"));
        task.fetch.bounds.connect_ms = 300;
        task.fetch.bounds.headers_ms = 300;
        let begun = Instant::now();
        let fault = fault(handle(&handler, task).await);
        assert_eq!(fault.code, code, "{}", fault.text());
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[tokio::test]
async fn lies_about_lengths_are_seen() {
    let site = Site::start(|ask: &Ask| {
        let answer = match ask.path.as_str() {
            "/short" => "Content-Length: 10\r\n\r\nabc",
            "/negative" => "Content-Length: -3\r\n\r\nabc",
            "/two" => "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
            "/huge" => "Content-Length: 99999999999999999999999\r\n\r\nabc",
            "/no-size" => "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
            "/big-size" => "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
            "/no-end" => "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "/long-chunk" => "Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
            "/behind" => "Transfer-Encoding: chunked, gzip\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            _ => "Content-Length: 3\r\n\r\nabcdef",
        };
        Reply::raw(format!("HTTP/1.1 200 OK\r\n{answer}"), Then::Close)
    })
    .await;
    let handler = handler(|_| {});
    for path in
        ["/short", "/negative", "/two", "/huge", "/no-size", "/big-size", "/no-end", "/long-chunk", "/behind"]
    {
        let fault = fault(handle(&handler, task(&site.url(path))).await);
        assert_eq!(fault.code, code::BAD_RESPONSE, "{path}: {}", fault.text());
    }
    // What stands behind the end is nobody's, least of all the next answer's.
    for _ in 0..2 {
        assert_eq!(&*page(handle(&handler, task(&site.url("/longer"))).await).body, b"abc");
    }
}

#[tokio::test]
async fn redirects_end_and_lead_nowhere_private() {
    let site = Site::start(|ask: &Ask| {
        let hop: u32 = ask.path[1..].parse().unwrap();
        if hop < 3 {
            Reply::redirect(&format!("/{}", hop + 1))
        } else {
            Reply::redirect("http://169.254.169.254/x")
        }
    })
    .await;
    let handler = handler(|_| {});
    let mut next = task(&site.url("/0"));
    for hops in 0..4 {
        let ended = end(handle(&handler, next.clone()).await);
        assert_eq!(ended.outcome, Outcome::Redirected, "{hops}");
        next.origin.url = ended.redirect_to.unwrap().parse().unwrap();
        next.origin.redirects += 1;
    }
    assert_eq!(next.origin.url.as_str(), "http://169.254.169.254/x");
    next.fetch.allow_private_addresses = false;
    assert_eq!(&*end(handle(&handler, next).await).code, code::SSRF_BLOCKED);
}

/// Runs `scraper fetch` in a process of its own; its answer, and that it took little memory and time.
async fn in_a_process(url: &str, flags: &[&str]) -> serde_json::Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scraper"));
    command.args(["fetch", url, "--allow-private-addresses", "--ignore-robots"]).args(flags);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null());
    let begun = Instant::now();
    let (out, used) = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut out = Vec::new();
        std::io::Read::read_to_end(&mut child.stdout.take().unwrap(), &mut out).unwrap();
        (out, child.wait4().unwrap().rusage.maxrss)
    })
    .await
    .unwrap();
    assert!(begun.elapsed() < PATIENCE, "{url} took {:?}", begun.elapsed());
    assert!(used < MAX_RSS, "{url} took {used} bytes");
    serde_json::from_slice(&out).unwrap()
}

/// A gibibyte of zeroes, in little.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    use flate2::{Compression, write};
    let block = vec![0; 1 << 20];
    let mut gzip = write::GzEncoder::new(Vec::new(), Compression::best());
    let mut zlib = write::ZlibEncoder::new(Vec::new(), Compression::best());
    let mut zstd = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    for _ in 0..256 {
        gzip.write_all(&block).unwrap();
        zlib.write_all(&block).unwrap();
        zstd.write_all(&block).unwrap();
    }
    let gzip = gzip.finish().unwrap();
    let mut twice = write::GzEncoder::new(Vec::new(), Compression::best());
    twice.write_all(&gzip).unwrap();
    vec![
        ("gzip, gzip", twice.finish().unwrap()),
        ("gzip", gzip),
        ("deflate", zlib.finish().unwrap()),
        ("zstd", zstd.finish().unwrap()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_bounded() {
    for (coding, body) in bombs() {
        let header = format!("Content-Encoding: {coding}");
        let site = Site::start(move |_: &Ask| Reply::new(200, &[&header], &body)).await;
        let report = in_a_process(&site.url("/"), &["--max-body", "1GiB"]).await;
        assert_eq!(report["code"], code::BAD_ENCODING, "{coding}");
    }
    static BLOCK: [u8; 65_536] = [b'x'; 65_536];
    let body = drip(OK, &BLOCK, Duration::ZERO).await;
    let report = in_a_process(&body, &[]).await;
    assert_eq!((&report["code"], &report["truncated"]), (&"ok".into(), &true.into()));
    let headers = drip("HTTP/1.1 200 OK\r\n", b"X-Header: 0123456789\r\n", Duration::ZERO).await;
    assert_eq!(in_a_process(&headers, &[]).await["code"], code::HEADERS_TOO_LARGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn security_bombs() {
    use trawl_shared::corpora::{corpus, rows};
    let Some(folder) = corpus("security") else { return };
    let (mut right, mut all) = (0, 0);
    for row in rows::<serde_json::Value>(&folder.join("bombs.jsonl")) {
        let coding = row["content_encoding"].as_str().unwrap_or("identity").to_owned();
        let body = std::fs::read(folder.join(row["file"].as_str().unwrap())).unwrap();
        let header = format!("Content-Encoding: {coding}");
        let site = Site::start(move |_: &Ask| Reply::new(200, &[&header], &body)).await;
        let report = in_a_process(&site.url("/"), &[]).await;
        let is_bomb = coding != "identity" && row["decoded_bytes"].is_u64();
        let expected = if is_bomb { code::BAD_ENCODING } else { code::OK };
        all += 1;
        right += u32::from(report["code"] == expected);
        if report["code"] != expected {
            println!("{} is {}, expected {expected}", row["id"], report["code"]);
        }
    }
    println!("security/bombs: {right}/{all} within {} MiB and {} s each", MAX_RSS >> 20, PATIENCE.as_secs());
    assert_eq!(right, all);
}

#[tokio::test]
async fn a_bomb_is_final_and_nothing_is_tried_again() {
    let (coding, body) = bombs().swap_remove(1);
    let header = format!("Content-Encoding: {coding}");
    let site = Site::start(move |_: &Ask| Reply::new(200, &[&header], &body)).await;
    let answer = handle(&handler(|_| {}), task(&site.url("/"))).await;
    assert!(!matches!(answer, Err(Failure::Retry(_))));
    assert_eq!(&*end(answer).code, code::BAD_ENCODING);
}
