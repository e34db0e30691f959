//! Ways through proxies, and whom credentials are told.

use crate::{
    site::{Ask, Reply, Site},
    tasks::{end, fault, handle, handler, page, task},
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use trawl_shared::model::{Credentials, FetchTask, RobotsPolicy, code};

/// What a proxy was asked, a line for each connection.
type Seen = Arc<Mutex<Vec<String>>>;

/// A proxy that leads everything to `site`: CONNECT where it is asked so, else SOCKS5.
async fn proxy(site: SocketAddr) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Seen::default();
    let saw = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(lead(stream, site, Arc::clone(&saw)));
        }
    });
    (address, seen)
}

async fn lead(mut stream: TcpStream, site: SocketAddr, saw: Seen) -> std::io::Result<()> {
    let mut first = [0];
    stream.peek(&mut first).await?;
    let said = if first[0] == 5 { socks(&mut stream).await? } else { head(&mut stream).await? };
    let forwards = said.starts_with("GET");
    saw.lock().unwrap().push(said.clone());
    let mut onward = TcpStream::connect(site).await?;
    if forwards {
        onward.write_all(said.as_bytes()).await?;
    } else if first[0] != 5 {
        stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
    }
    copy_bidirectional(&mut stream, &mut onward).await.map(drop)
}

async fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8(head).unwrap())
}

/// The server's part of RFC 1928 and 1929; what was asked for.
async fn socks(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting).await?;
    let mut methods = vec![0; greeting[1].into()];
    stream.read_exact(&mut methods).await?;
    let mut user = String::new();
    if methods.contains(&2) {
        stream.write_all(&[5, 2]).await?;
        stream.read_u8().await?;
        for _ in 0..2 {
            let mut word = vec![0; stream.read_u8().await?.into()];
            stream.read_exact(&mut word).await?;
            user.push_str(&String::from_utf8(word).unwrap());
            user.push('.');
        }
        stream.write_all(&[1, 0]).await?;
    } else {
        stream.write_all(&[5, 0]).await?;
    }
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    let target = match request[3] {
        1 => {
            let mut ip = [0; 4];
            stream.read_exact(&mut ip).await?;
            std::net::Ipv4Addr::from(ip).to_string()
        }
        _ => {
            let mut name = vec![0; stream.read_u8().await?.into()];
            stream.read_exact(&mut name).await?;
            String::from_utf8(name).unwrap()
        }
    };
    let port = stream.read_u16().await?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok(format!("socks {user}{target}:{port}"))
}

fn through(url: &str, proxies: &[&str]) -> FetchTask {
    let mut task = task(url);
    task.fetch.proxies = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
    task
}

#[tokio::test]
async fn plain_requests_are_forwarded_and_socks_connects() {
    let site = Site::start(|ask: &Ask| Reply::page(ask.header("host").unwrap())).await;
    let (proxy, seen) = proxy(site.address).await;
    let handler = handler(|settings| settings.resolve.push("known.example:80:127.0.0.9".parse().unwrap()));
    for (scheme, expected) in [
        ("http", "GET http://known.example/x HTTP/1.1"),
        ("socks5", "socks me.pw.127.0.0.9:80"),
        ("socks5h", "socks me.pw.known.example:80"),
    ] {
        let proxy = format!("{scheme}://me:pw@{proxy}");
        let page = page(handle(&handler, through("http://known.example/x", &[&proxy])).await);
        assert_eq!(&*page.body, b"known.example", "{scheme}");
        assert_eq!(page.address, None);
        let said = seen.lock().unwrap().pop().unwrap();
        assert_eq!(said.lines().next(), Some(expected), "{scheme}");
        if scheme == "http" {
            assert!(said.to_lowercase().contains("proxy-authorization: basic bwu6chc="), "{said}");
        }
        let sent = page.request_headers;
        assert!(sent.iter().all(|(name, _)| name != "proxy-authorization"), "{sent:?}");
    }
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (proxy, seen) = proxy(listener.local_addr().unwrap()).await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        stream.write_all(b"not TLS").await
    });
    let task = through("https://known.example:8443/", &[&format!("http://me:pw@{proxy}")]);
    let fault = fault(handle(&handler(|_| {}), task).await);
    // What is behind the tunnel speaks no TLS, so it is there that it ends.
    assert_eq!(fault.code, code::TLS_FAILED, "{}", fault.text());
    let said = seen.lock().unwrap().pop().unwrap();
    assert!(
        said.starts_with("CONNECT known.example:8443 HTTP/1.1\r\nHost: known.example:8443\r\n"),
        "{said}"
    );
    assert!(said.contains("Proxy-Authorization: Basic bWU6cHc=\r\n"), "{said}");
}

#[tokio::test]
async fn the_guard_holds_before_a_proxy_is_asked() {
    let site = Site::start(|_: &Ask| Reply::page("secret")).await;
    let (proxy, seen) = proxy(site.address).await;
    let handler = handler(|settings| settings.resolve.push("inside.example:80:10.0.0.1".parse().unwrap()));
    for scheme in ["http", "socks5", "socks5h"] {
        for url in
            ["http://127.0.0.1/", "http://[::ffff:10.0.0.1]/", "http://inside.example/", "https://localhost/"]
        {
            let mut task = through(url, &[&format!("{scheme}://{proxy}")]);
            task.fetch.allow_private_addresses = false;
            assert_eq!(&*end(handle(&handler, task).await).code, code::SSRF_BLOCKED, "{scheme} {url}");
        }
    }
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_proxy_that_fails_rests_and_another_takes_over() {
    let site = Site::start(|_: &Ask| Reply::page("here")).await;
    let (good, seen) = proxy(site.address).await;
    let dead = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let handler = handler(|_| {});
    let good = format!("http://{good}");
    for n in 0..8 {
        let url = format!("http://h{n}.example/");
        assert_eq!(&*page(handle(&handler, through(&url, &[&dead, &good])).await).body, b"here");
    }
    assert_eq!(seen.lock().unwrap().len(), 8);
    let fault = fault(handle(&handler, through("http://a.example/", &[&dead])).await);
    assert_eq!(fault.code, code::PROXY_FAILED);
    assert!(fault.text().contains("rest"), "{}", fault.text());
}

#[tokio::test]
async fn a_proxy_that_wants_another_password_is_no_page() {
    let proxy = Site::start(|_: &Ask| Reply::new(407, &["Proxy-Authenticate: Basic"], "who are you?")).await;
    let url = format!("http://me:pw@{}", proxy.address);
    let handler = handler(|_| {});
    let fault = fault(handle(&handler, through("http://a.example/", &[&url])).await);
    assert_eq!(fault.code, code::PROXY_FAILED);
    assert!(fault.text().contains("407") && !fault.text().contains("pw@"), "{}", fault.text());
}

/// A proxy that answers `CONNECT` with `status`, and SOCKS5 with `reply`; user and password are wrong where `reply` is 0.
async fn unwilling(status: u16, reply: u8) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut first = [0];
                stream.peek(&mut first).await?;
                if first[0] != 5 {
                    head(&mut stream).await?;
                    return stream.write_all(format!("HTTP/1.1 {status} No\r\n\r\n").as_bytes()).await;
                }
                let mut some = [0; 512];
                let _ = stream.read(&mut some).await?;
                stream.write_all(&[5, 2]).await?;
                let _ = stream.read(&mut some).await?;
                stream.write_all(&[1, u8::from(reply == 0)]).await?;
                let _ = stream.read(&mut some).await?;
                stream.write_all(&[5, reply, 0, 1, 0, 0, 0, 0, 0, 0]).await
            });
        }
    });
    address
}

#[tokio::test]
async fn what_can_t_be_reached_behind_a_proxy_is_not_its_fault() {
    let handler = handler(|_| {});
    let ask = async |proxy: &str| fault(handle(&handler, through("https://a.example/", &[proxy])).await);
    for status in [403, 500, 502, 504] {
        let proxy = format!("http://me:pw@{}", unwilling(status, 1).await);
        // It does not rest, so it is asked again.
        for _ in 0..2 {
            let fault = ask(&proxy).await;
            assert_eq!(fault.code, code::CONNECT_FAILED, "{status}: {}", fault.text());
        }
    }
    for reply in 1..=6 {
        let proxy = format!("socks5h://me:pw@{}", unwilling(502, reply).await);
        for _ in 0..2 {
            let fault = ask(&proxy).await;
            assert_eq!(fault.code, code::CONNECT_FAILED, "{reply}: {}", fault.text());
        }
    }
    for (scheme, status, reply, why) in [
        ("http", 407, 1, "407"),
        ("socks5h", 502, 0, "credentials not accepted"),
        ("socks5h", 502, 7, "command not supported"),
    ] {
        let proxy = format!("{scheme}://me:pw@{}", unwilling(status, reply).await);
        let fault = ask(&proxy).await;
        assert_eq!(fault.code, code::PROXY_FAILED, "{scheme} {status} {reply}: {}", fault.text());
        assert!(fault.text().contains(why) && !fault.text().contains("pw@"), "{}", fault.text());
        assert!(ask(&proxy).await.text().contains("rest"), "{scheme} {status} {reply}");
    }
}

/// An address where nothing is answered, not even that nobody is there: its queue is full.
pub(crate) async fn silent() -> (SocketAddr, Vec<TcpStream>, TcpListener) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    let patience = std::time::Duration::from_millis(200);
    while let Ok(stream) = tokio::time::timeout(patience, TcpStream::connect(address)).await {
        waiting.push(stream.unwrap());
    }
    (address, waiting, listener)
}

#[tokio::test]
async fn a_proxy_that_never_answers_rests_and_another_takes_over() {
    let site = Site::start(|_: &Ask| Reply::page("here")).await;
    let (good, _) = proxy(site.address).await;
    let (silent, _waiting, _listener) = silent().await;
    let handler = handler(|_| {});
    let all = [format!("http://{silent}"), format!("http://{good}")];
    for n in 0..4 {
        let task = through(&format!("http://h{n}.example/"), &[&all[0], &all[1]]);
        assert_eq!(&*page(handle(&handler, task).await).body, b"here");
    }
    let alone = fault(handle(&handler, through("http://a.example/", &[&all[0]])).await);
    assert_eq!(alone.code, code::PROXY_FAILED, "{}", alone.text());
}

#[tokio::test]
async fn credentials_go_to_their_hosts_and_nowhere_else() {
    let site = Site::start(|ask: &Ask| {
        let sent = |name| ask.header(name).unwrap_or("-").to_owned();
        Reply::page([sent("authorization"), sent("x-key"), sent("cookie"), sent("x-all")].join("|"))
    })
    .await;
    let port = site.address.port();
    let handler = handler(|settings| settings.resolve.push(format!("*:{port}:127.0.0.1").parse().unwrap()));
    let ask = |host: &str, auth: &str| {
        let mut task = task(&format!("http://{host}:{port}/"));
        task.fetch.headers = vec!["X-All: yes".parse().unwrap()];
        task.fetch.credentials = Credentials {
            hosts: vec!["mine.example".to_owned()],
            auth: [auth, "header:X-Key:k", "cookie:a=1"].iter().map(|text| text.parse().unwrap()).collect(),
        };
        task
    };
    for (host, auth, expected) in [
        ("mine.example", "basic:me:pw", "Basic bWU6cHc=|k|a=1|yes"),
        ("mine.example", "bearer:t", "Bearer t|k|a=1|yes"),
        ("www.mine.example", "basic:me:pw", "-|-|-|yes"),
        ("other.example", "bearer:t", "-|-|-|yes"),
    ] {
        let page = page(handle(&handler, ask(host, auth)).await);
        assert_eq!(String::from_utf8_lossy(&page.body), expected, "{host}");
        let kept = format!("{page:?}");
        let kept = kept.split("body: ").next().unwrap();
        assert!(!kept.contains("bWU6cHc=") && !kept.contains("Bearer t") && !kept.contains("a=1"), "{kept}");
    }
    // robots.txt of a closed site is behind the same door.
    let mut task = ask("mine.example", "basic:me:pw");
    task.fetch.robots = RobotsPolicy::Obey;
    page(handle(&handler, task).await);
    let robots = site.asks().into_iter().find(|ask| ask.path == "/robots.txt").unwrap();
    assert!(robots.header("authorization").is_some());
}
