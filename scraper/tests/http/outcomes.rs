//! What each kind of answer becomes.

use crate::{
    site::{Ask, Reply, Site, Then},
    tasks::{end, fault, handle, handler, page, task},
};
use std::{io::Write as _, net::TcpListener, time::Duration};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use trawl_shared::{
    model::{Outcome, Oversize, Validators, code},
    runtime::FailureClass,
};

#[tokio::test]
async fn a_redirect_is_an_end_with_an_absolute_target() {
    let site = Site::start(|ask: &Ask| {
        Reply::redirect(if ask.path == "/a" { "../b?x=1#f" } else { "https://a.example" })
    })
    .await;
    let handler = handler(|_| {});
    let ended = end(handle(&handler, task(&site.url("/a"))).await);
    assert_eq!((ended.outcome, &*ended.code, ended.status), (Outcome::Redirected, code::REDIRECT, Some(302)));
    assert_eq!(ended.redirect_to, Some(site.url("/b?x=1")));
    let ended = end(handle(&handler, task(&site.url("/c"))).await);
    assert_eq!(ended.redirect_to.as_deref(), Some("https://a.example/"));
    assert_eq!(site.paths(), ["/a", "/c"], "nothing was followed");
}

#[tokio::test]
async fn useless_redirects_are_gone() {
    let site = Site::start(|ask: &Ask| match ask.path.as_str() {
        "/none" => Reply::new(301, &[], ""),
        "/two" => Reply::new(301, &["Location: /a", "Location: /b"], ""),
        "/self" => Reply::redirect("/self#again"),
        "/mail" => Reply::redirect("mailto:a@b.example"),
        "/secret" => Reply::redirect("http://user:pw@a.example/"),
        _ => Reply::redirect("http://["),
    })
    .await;
    let handler = handler(|_| {});
    for (path, detail) in [
        ("/none", "without a Location"),
        ("/two", "several Locations"),
        ("/self", "itself"),
        ("/mail", "mailto"),
        ("/secret", "user"),
        ("/bad", "http://["),
    ] {
        let ended = end(handle(&handler, task(&site.url(path))).await);
        assert_eq!((ended.outcome, &*ended.code), (Outcome::Gone, code::BAD_REDIRECT), "{path}");
        let said = ended.detail.unwrap();
        assert!(said.contains(detail), "{path}: {said}");
    }
}

#[tokio::test]
async fn the_eleventh_redirect_in_a_row_is_one_too_many() {
    let site = Site::start(|_: &Ask| Reply::redirect("/next")).await;
    let handler = handler(|_| {});
    for (redirects, outcome, code) in
        [(9, Outcome::Redirected, code::REDIRECT), (10, Outcome::Excluded, code::TOO_MANY_REDIRECTS)]
    {
        let mut task = task(&site.url("/"));
        task.origin.redirects = redirects;
        let ended = end(handle(&handler, task).await);
        assert_eq!((ended.outcome, &*ended.code), (outcome, code), "{redirects}");
    }
}

#[tokio::test]
async fn final_refusals_are_gone_and_their_connection_lives() {
    let site = Site::start(|ask: &Ask| {
        Reply::new(ask.path[1..].parse().unwrap(), &["Content-Type: text/plain"], "no such page")
    })
    .await;
    let handler = handler(|_| {});
    for status in [400, 401, 403, 404, 410, 451] {
        let ended = end(handle(&handler, task(&site.url(&format!("/{status}")))).await);
        assert_eq!((ended.outcome, ended.status), (Outcome::Gone, Some(status)));
        assert_eq!(ended.code, format!("http_{status}"));
        assert_eq!(ended.content_type.as_deref(), Some("text/plain"));
        assert!(ended.fetched_at.is_some());
    }
    assert_eq!(site.connections(), 1);
}

#[tokio::test]
async fn the_body_of_a_refusal_is_not_read_to_its_end() {
    let site = Site::start(|_: &Ask| {
        let head = format!("HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n", 50_000_000);
        Reply::raw([head.as_bytes(), &vec![b'x'; 1_000_000]].concat(), Then::Hang)
    })
    .await;
    let ended = end(handle(&handler(|_| {}), task(&site.url("/"))).await);
    assert_eq!((&*ended.code, ended.body_bytes), ("http_404", 64 * 1024));
}

#[tokio::test]
async fn a_304_that_nobody_asked_for_is_a_bad_answer() {
    let site = Site::start(|_: &Ask| Reply::raw("HTTP/1.1 304 Not Modified\r\n\r\n", Then::KeepAlive)).await;
    let ended = end(handle(&handler(|_| {}), task(&site.url("/"))).await);
    assert_eq!((ended.outcome, &*ended.code, ended.status), (Outcome::Gone, code::BAD_RESPONSE, Some(304)));
}

#[tokio::test]
async fn server_errors_are_tried_again() {
    let site = Site::start(|ask: &Ask| Reply::new(ask.path[1..].parse().unwrap(), &[], "")).await;
    let handler = handler(|_| {});
    for status in [408, 425, 500, 502, 504] {
        let fault = fault(handle(&handler, task(&site.url(&format!("/{status}")))).await);
        assert_eq!((fault.class, &*fault.code), (FailureClass::Server, code::SERVER_ERROR), "{status}");
        assert!(fault.text().contains(&status.to_string()));
    }
}

#[tokio::test]
async fn throttling_carries_the_wait_in_both_forms() {
    let date = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(90));
    let site = Site::start(move |ask: &Ask| match ask.path.as_str() {
        "/429" => Reply::new(429, &[], ""),
        "/503" => Reply::new(503, &[], ""),
        "/seconds" => Reply::new(429, &["Retry-After: 7"], ""),
        _ => Reply::new(503, &[&format!("Retry-After: {date}")], ""),
    })
    .await;
    for (path, expected) in
        [("/429", None), ("/503", None), ("/seconds", Some(7..=7)), ("/date", Some(80..=90))]
    {
        // A handler each: the host is left alone for a while after such an answer.
        let fault = fault(handle(&handler(|_| {}), task(&site.url(path))).await);
        assert_eq!((fault.class, &*fault.code), (FailureClass::Throttled, code::THROTTLED), "{path}");
        let seconds = fault.retry_after.map(|after| after.as_secs());
        assert!(
            expected.map_or(seconds.is_none(), |range| range.contains(&seconds.unwrap())),
            "{path}: {seconds:?}"
        );
    }
}

#[tokio::test]
async fn no_connection_no_name_and_no_tls_are_told_apart() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let tls = format!("https://{}/", plain.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in plain.incoming() {
            let _ = stream.and_then(|mut stream| stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    let handler = handler(|_| {});
    for (url, code, class) in [
        (format!("http://{closed}/"), code::CONNECT_FAILED, FailureClass::Network),
        ("http://no-such-name.invalid/".to_owned(), code::DNS_FAILED, FailureClass::Dns),
        (tls, code::TLS_FAILED, FailureClass::Network),
    ] {
        let fault = fault(handle(&handler, task(&url)).await);
        assert_eq!((&*fault.code, fault.class), (code, class), "{url}: {}", fault.text());
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_no_answer() {
    let site = Site::start(|ask: &Ask| match (ask.path.as_str(), ask.nth) {
        ("/stale", 0) | ("/never", _) => Reply::raw("", Then::Close),
        _ => Reply::page("here"),
    })
    .await;
    let handler = handler(|_| {});
    page(handle(&handler, task(&site.url("/"))).await);
    assert_eq!(&*page(handle(&handler, task(&site.url("/stale"))).await).body, b"here");
    assert_eq!(site.paths(), ["/", "/stale", "/stale"]);
    let fault = fault(handle(&handler, task(&site.url("/never"))).await);
    assert_eq!(fault.code, code::BAD_RESPONSE, "{}", fault.text());
    assert_eq!(site.paths()[3..], ["/never", "/never"], "on a new connection it is the answer");
}

#[tokio::test]
async fn idle_connections_are_bounded_in_total() {
    for (total, connections) in [(0, 3), (1, 3), (8, 1)] {
        let (one, other) =
            (Site::start(|_: &Ask| Reply::page("")).await, Site::start(|_: &Ask| Reply::page("")).await);
        let handler = handler(|settings| settings.pool_idle_total = total);
        for site in [&one, &other, &one, &other, &one] {
            page(handle(&handler, task(&site.url("/"))).await);
        }
        assert_eq!(one.connections(), connections, "of {total}");
    }
}

#[tokio::test]
async fn a_page_carries_what_the_parser_needs() {
    let site = Site::start(|_: &Ask| Reply::page("hello")).await;
    let mut task = task(&site.url("/"));
    task.extract.text = true;
    let page = page(handle(&handler(|_| {}), task.clone()).await);
    assert_eq!((page.origin, page.extract, page.robots), (task.origin, task.extract, task.fetch.robots));
    assert_eq!(
        (page.status, &*page.body, page.charset.as_deref()),
        (200, b"hello".as_slice(), Some("UTF-8"))
    );
    assert_eq!(page.crawl_delay_ms, None);
    assert_eq!(page.address, Some(site.address.ip()));
}

#[tokio::test]
async fn an_address_that_does_not_answer_leaves_time_for_the_next() {
    let (silent, _waiting, _listener) = crate::proxies::silent().await;
    let good = tokio::net::TcpListener::bind(("127.0.0.2", silent.port())).await.unwrap();
    let set = format!("two.example:{}:127.0.0.1,127.0.0.2", silent.port());
    let handler = handler(|settings| settings.resolve.push(set.parse().unwrap()));
    let mut task = task(&format!("http://two.example:{}/", silent.port()));
    task.fetch.bounds.connect_ms = 2_000;
    let (answer, ()) = tokio::join!(handle(&handler, task), async {
        let (mut stream, _) = good.accept().await.unwrap();
        // The request is one small packet.
        let _ = stream.read(&mut [0; 4096]).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhere").await.unwrap();
    });
    let page = page(answer);
    assert_eq!((&*page.body, page.address), (b"here".as_slice(), Some([127, 0, 0, 2].into())));
}

#[tokio::test]
async fn a_page_that_did_not_change_is_asked_for_once_more() {
    let site = Site::start(|ask: &Ask| {
        let known = ask.header("if-none-match") == Some("\"v1\"")
            && ask.header("if-modified-since") == Some("Thu, 01 Jan 2026 00:00:00 GMT");
        if known {
            Reply::raw("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n", Then::KeepAlive)
        } else {
            Reply::page("new")
        }
    })
    .await;
    let handler = handler(|_| {});
    let mut task = task(&site.url("/"));
    page(handle(&handler, task.clone()).await);
    task.validators = Some(Validators {
        etag: Some("\"v1\"".to_owned()),
        last_modified: Some("Thu, 01 Jan 2026 00:00:00 GMT".to_owned()),
    });
    let ended = end(handle(&handler, task).await);
    assert_eq!((ended.outcome, &*ended.code), (Outcome::Unchanged, code::NOT_MODIFIED));
    assert_eq!(ended.validators.unwrap().etag.as_deref(), Some("\"v1\""));
}

#[tokio::test]
async fn types_are_judged_by_header_and_by_bytes() {
    let site = Site::start(|ask: &Ask| match ask.path.as_str() {
        "/html" => Reply::page("<p>text"),
        // Hangs: only its header is looked at.
        "/pdf" => Reply::raw(
            "HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: 99\r\n\r\n",
            Then::Hang,
        ),
        "/none" => Reply::new(200, &[], b"%PDF-1.7"),
        _ => Reply::new(200, &["Content-Type: text/plain"], b"\x00\x01\x02"),
    })
    .await;
    let handler = handler(|_| {});
    for (path, found) in [
        ("/html", None),
        ("/pdf", Some("application/pdf")),
        ("/none", Some("application/pdf")),
        ("/lie", Some("application/octet-stream")),
    ] {
        let mut task = task(&site.url(path));
        task.fetch.types.accept = vec!["text/*".to_owned()];
        let answer = handle(&handler, task).await;
        match found {
            None => assert_eq!(page(answer).mime, None),
            Some(found) => {
                let ended = end(answer);
                assert_eq!((ended.outcome, &*ended.code), (Outcome::Excluded, code::CONTENT_TYPE), "{path}");
                assert_eq!(ended.status, Some(200));
                assert!(ended.detail.unwrap().contains(found), "{path}");
            }
        }
    }
    assert_eq!(
        page(handle(&handler, task(&site.url("/none"))).await).mime.as_deref(),
        Some("application/pdf")
    );
}

#[tokio::test]
async fn a_job_may_leave_large_pages_out() {
    let site = Site::start(|ask: &Ask| match ask.path.as_str() {
        "/declared" => Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc", Then::Hang),
        "/small" => Reply::page("0123456789"),
        _ => Reply::raw([b"HTTP/1.1 200 OK\r\n\r\n".as_slice(), &[b'x'; 5000]].concat(), Then::Hang),
    })
    .await;
    let handler = handler(|_| {});
    for (path, code) in
        [("/declared", Some(code::TOO_LARGE)), ("/endless", Some(code::TOO_LARGE)), ("/small", None)]
    {
        let mut task = task(&site.url(path));
        task.fetch.max_body = 10;
        task.fetch.oversize = Oversize::Exclude;
        let answer = handle(&handler, task).await;
        match code {
            Some(code) => assert_eq!(&*end(answer).code, code, "{path}"),
            None => assert_eq!(page(answer).body.len(), 10),
        }
    }
}

#[tokio::test]
async fn cookies_are_a_job_s_own_and_opt_in() {
    let site = Site::start(|ask: &Ask| {
        let body = ask.header("cookie").unwrap_or_default().to_owned();
        Reply::new(200, &["Set-Cookie: id=1; Path=/", "Set-Cookie: b=2; Path=/b"], body)
    })
    .await;
    let handler = handler(|_| {});
    let mut first = task(&site.url("/"));
    first.fetch.cookies = true;
    let mut again = first.clone();
    again.origin.url = trawl_shared::model::CanonicalUrl::parse(&site.url("/b/c")).unwrap();
    assert_eq!(&*page(handle(&handler, first.clone()).await).body, b"");
    assert_eq!(&*page(handle(&handler, again).await).body, b"b=2; id=1");
    assert_eq!(&*page(handle(&handler, first).await).body, b"id=1");
    let mut other = task(&site.url("/"));
    other.fetch.cookies = true;
    assert_eq!(&*page(handle(&handler, other).await).body, b"", "another job has another jar");
    assert_eq!(&*page(handle(&handler, task(&site.url("/"))).await).body, b"");
}
