//! Bodies: codings, bounds, broken streams.

use crate::{
    site::{Ask, Reply, Site, Then},
    tasks::{end, fault, handle, handler, page, task},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write};
use std::{
    io::Write as _,
    time::{Duration, Instant},
};
use trawl_shared::model::{Outcome, code};

/// `TEXT`, compressed by the reference encoder.
const BROTLI: &str = "GzsA+I2TpUbpFSXPWGq/hJkN60IUoaUY3cADG4yAmj2Qdw==";
/// 16 MiB of zeroes, compressed by the reference encoder.
const BROTLI_BOMB: &str = "y///P/gnAOKxQCD3/o///3/wTwDEYRGA7v3f";

fn text() -> String {
    "<title>café</title>".repeat(3)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::stream::encode_all(bytes, 3).unwrap()
}

/// A site that answers every request with `body` in `coding`.
async fn coded(coding: &str, body: Vec<u8>) -> Site {
    let header = format!("Content-Encoding: {coding}");
    Site::start(move |_: &Ask| Reply::new(200, &[&header], &body)).await
}

#[tokio::test]
async fn every_coding_is_undone() {
    let text = text();
    let handler = handler(|_| {});
    for (coding, body) in [
        ("identity", text.clone().into_bytes()),
        ("gzip", gzip(text.as_bytes())),
        ("X-GZIP", gzip(text.as_bytes())),
        ("gzip", [gzip(&text.as_bytes()[..20]), gzip(&text.as_bytes()[20..])].concat()),
        ("gzip", [&gzip(text.as_bytes())[..], b"\0\0 padding"].concat()),
        ("deflate", zlib(text.as_bytes())),
        ("deflate", deflate(text.as_bytes())),
        ("br", STANDARD.decode(BROTLI).unwrap()),
        ("zstd", zstd(text.as_bytes())),
        ("gzip, zstd", zstd(&gzip(text.as_bytes()))),
        ("klingon", text.clone().into_bytes()),
    ] {
        let site = coded(coding, body).await;
        let page = page(handle(&handler, task(&site.url("/"))).await);
        assert_eq!(page.body, text.as_bytes(), "{coding}");
        assert!(!page.truncated, "{coding}");
        assert_eq!(site.asks()[0].header("accept-encoding"), Some("gzip, br, zstd, deflate"));
    }
}

#[tokio::test]
async fn headers_and_charset_come_along() {
    let site = Site::start(|_: &Ask| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=latin1\r\nX-Name: caf\u{e9}\r\nX-Two: 1\r\nX-Two: 2\r\n\r\n";
        let latin1: Vec<u8> = head.chars().map(|c| c as u8).collect();
        Reply::raw([&latin1[..], b"abc"].concat(), Then::Close)
    })
    .await;
    let page = page(handle(&handler(|_| {}), task(&site.url("/"))).await);
    assert_eq!(page.charset.as_deref(), Some("windows-1252"));
    assert_eq!(page.header("x-name"), Some("café"));
    let twice: Vec<_> =
        page.headers.iter().filter(|(name, _)| name == "x-two").map(|(_, v)| v.as_str()).collect();
    assert_eq!(twice, ["1", "2"]);
    assert_eq!(page.body, b"abc".as_slice());
    let agent = site.asks()[0].header("user-agent").unwrap().to_owned();
    assert!(agent.starts_with("trawl/"), "{agent}");
}

#[tokio::test]
async fn a_body_past_the_cap_is_cut_and_marked() {
    let long = b"0123456789".repeat(1000);
    let handler = handler(|_| {});
    for (coding, body) in [("identity", long.clone()), ("gzip", gzip(&long)), ("zstd", zstd(&long))] {
        let site = coded(coding, body).await;
        for (cap, truncated) in [(25, true), (9_999, true), (10_000, false)] {
            let mut task = task(&site.url("/"));
            task.fetch.max_body = cap;
            let page = page(handle(&handler, task).await);
            assert_eq!(page.body, long[..usize::try_from(cap).unwrap()], "{coding} {cap}");
            assert_eq!(page.truncated, truncated, "{coding} {cap}");
        }
    }
}

#[tokio::test]
async fn an_endless_body_ends_at_the_cap() {
    let site = Site::start(|_: &Ask| {
        let body = vec![b'x'; 300_000];
        Reply::raw([b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &body].concat(), Then::Hang)
    })
    .await;
    let mut task = task(&site.url("/"));
    task.fetch.max_body = 200_000;
    let page = page(handle(&handler(|_| {}), task).await);
    assert_eq!((page.body.len(), page.truncated), (200_000, true));
}

#[tokio::test]
async fn bombs_are_excluded_by_their_ratio() {
    let zeroes = vec![0; 16 << 20];
    let handler = handler(|_| {});
    for (coding, body) in [
        ("gzip", gzip(&zeroes)),
        ("gzip, gzip", gzip(&gzip(&zeroes))),
        ("deflate", zlib(&zeroes)),
        ("br", STANDARD.decode(BROTLI_BOMB).unwrap()),
        ("zstd", zstd(&zeroes)),
    ] {
        let site = coded(coding, body).await;
        let end = end(handle(&handler, task(&site.url("/"))).await);
        assert_eq!((end.outcome, &*end.code), (Outcome::Excluded, code::BAD_ENCODING), "{coding}");
        assert!(end.detail.is_some_and(|detail| detail.contains("250 times")));
    }
}

#[tokio::test]
async fn what_is_not_in_its_coding_is_tried_again() {
    let handler = handler(|_| {});
    for coding in ["gzip", "br", "zstd", "deflate", "gzip,gzip,gzip,gzip,gzip"] {
        let site = coded(coding, b"<html>plain as day".to_vec()).await;
        let fault = fault(handle(&handler, task(&site.url("/"))).await);
        assert_eq!(fault.code, code::BAD_ENCODING, "{coding}");
        assert!(fault.text().contains(coding), "{}", fault.text());
    }
}

#[tokio::test]
async fn a_stream_that_ends_early_gives_what_can_be_read() {
    let long: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let handler = handler(|_| {});
    for (coding, whole) in [("gzip", gzip(&long)), ("zstd", zstd(&long)), ("deflate", zlib(&long))] {
        let site = coded(coding, whole[..whole.len() / 2].to_vec()).await;
        let page = page(handle(&handler, task(&site.url("/"))).await);
        assert!(page.truncated && !page.body.is_empty(), "{coding}");
        assert_eq!(page.body, long[..page.body.len()], "{coding}");
    }
}

#[tokio::test]
async fn an_empty_body_is_a_page() {
    let site = Site::start(|ask: &Ask| match ask.path.as_str() {
        "/204" => Reply::raw("HTTP/1.1 204 No Content\r\n\r\n", Then::KeepAlive),
        "/gzip" => Reply::new(200, &["Content-Encoding: gzip"], ""),
        _ => Reply::page(""),
    })
    .await;
    let handler = handler(|_| {});
    for (path, status) in [("/", 200), ("/204", 204), ("/gzip", 200)] {
        let page = page(handle(&handler, task(&site.url(path))).await);
        assert_eq!((page.status, page.body.len(), page.truncated), (status, 0, false), "{path}");
    }
    assert_eq!(site.connections(), 1, "connections are used again");
}

#[tokio::test]
async fn time_runs_out_wherever_the_server_stops() {
    let site = Site::start(|ask: &Ask| match ask.path.as_str() {
        "/headers" => Reply::raw("HTTP/1.1 200 OK\r\nContent-", Then::Hang),
        _ => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", Then::Hang),
    })
    .await;
    let handler = handler(|_| {});
    for (path, code, phase) in [
        ("/headers", code::TIMEOUT_HEADERS, "waiting for the answer"),
        ("/body", code::TIMEOUT_BODY, "reading the body"),
    ] {
        let mut task = task(&site.url(path));
        task.fetch.timeout_ms = 200;
        let begun = Instant::now();
        let fault = fault(handle(&handler, task).await);
        assert_eq!(fault.code, code);
        assert!(fault.text().contains(phase), "{}", fault.text());
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn broken_answers_are_named() {
    let site = Site::start(|ask: &Ask| match ask.path.as_str() {
        "/short" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", Then::Close),
        "/chunk" => Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc", Then::Close),
        "/headers" => {
            let endless = "X-A: 0123456789\r\n".repeat(100_000);
            Reply::raw(format!("HTTP/1.1 200 OK\r\n{endless}"), Then::Hang)
        }
        _ => Reply::raw("SSH-2.0-OpenSSH_9.2\r\n", Then::Close),
    })
    .await;
    let handler = handler(|_| {});
    for (path, code) in [
        ("/short", code::BAD_RESPONSE),
        ("/chunk", code::BAD_RESPONSE),
        ("/headers", code::HEADERS_TOO_LARGE),
        ("/ssh", code::BAD_RESPONSE),
    ] {
        let fault = fault(handle(&handler, task(&site.url(path))).await);
        assert_eq!(fault.code, code, "{path}: {}", fault.text());
    }
}
