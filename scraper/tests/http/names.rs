//! Names: our own DNS client, against a name server of the test's.

use crate::tasks::{end, fault, handle, handler, task};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::net::UdpSocket;
use trawl_scraper::{
    Settings,
    address::Reach,
    resolve::{ResolveError, Resolver},
};
use trawl_shared::model::code;

/// A name server that answers the n-th question for an address with `answers(n)`: an address and its time to live in
/// seconds, or that there is no such name.
async fn name_server(
    answers: impl Fn(usize) -> Option<([u8; 4], u32)> + Send + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut packet = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            let question = &packet[12..length];
            let name = question.iter().position(|byte| *byte == 0).unwrap() + 1;
            let is_a = question[name..name + 2] == [0, 1];
            let answer = if is_a { answers(count.fetch_add(1, Ordering::SeqCst)) } else { None };
            let _ = socket.send_to(&reply(&packet[..2], &question[..name + 4], is_a, answer), from).await;
        }
    });
    (address, asked)
}

fn reply(id: &[u8], question: &[u8], is_a: bool, answer: Option<([u8; 4], u32)>) -> Vec<u8> {
    let code = if is_a && answer.is_none() { 0x83 } else { 0x80 };
    let count = u8::from(answer.is_some());
    let mut reply = [id, &[0x81, code, 0, 1, 0, count, 0, 0, 0, 0], question].concat();
    if let Some((ip, ttl)) = answer {
        reply.extend([&[0xc0, 12, 0, 1, 0, 1][..], &ttl.to_be_bytes(), &[0, 4], &ip].concat());
    }
    reply
}

fn settings(server: SocketAddr) -> Settings {
    Settings { dns_servers: vec![server], ..Settings::default() }
}

#[tokio::test]
async fn a_name_that_moves_inside_is_not_followed() {
    let (server, asked) =
        name_server(|n| Some((if n == 0 { [8, 8, 8, 8] } else { [127, 0, 0, 1] }, 0))).await;
    let resolver = Resolver::new(&settings(server));
    let first = resolver.look_up("moves.example", Some(80), Reach::Public).await.unwrap();
    assert_eq!(first, ["8.8.8.8".parse::<IpAddr>().unwrap()]);
    let second = resolver.look_up("moves.example", Some(80), Reach::Public).await.unwrap_err();
    assert!(matches!(second, ResolveError::Blocked(_)), "{second}");
    assert_eq!(asked.load(Ordering::SeqCst), 2, "an answer without a time to live is not kept");
}

#[tokio::test]
async fn a_name_that_leads_inside_is_blocked_before_anybody_is_dialled() {
    let (server, _) = name_server(|_| Some(([127, 0, 0, 1], 60))).await;
    let inside = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut task = task(&format!("http://inside.example:{}/", inside.local_addr().unwrap().port()));
    task.fetch.allow_private_addresses = false;
    let handler = handler(|settings| settings.dns_servers = vec![server]);
    assert_eq!(&*end(handle(&handler, task).await).code, code::SSRF_BLOCKED);
    let nobody = tokio::time::timeout(std::time::Duration::from_millis(50), inside.accept()).await;
    assert!(nobody.is_err());
}

#[tokio::test]
async fn answers_are_kept_for_as_long_as_their_zone_says() {
    let (server, asked) = name_server(|_| Some(([8, 8, 4, 4], 3600))).await;
    let resolver = Resolver::new(&settings(server));
    for _ in 0..5 {
        resolver.look_up("kept.example", None, Reach::Public).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // Our own bound holds over the zone's.
    let forgetful = Resolver::new(&Settings { dns_ttl_ms: 0, ..settings(server) });
    for _ in 0..2 {
        forgetful.look_up("kept.example", None, Reach::Public).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_name_that_is_none_is_named() {
    let (server, _) = name_server(|_| None).await;
    let handler = handler(|settings| settings.dns_servers = vec![server]);
    let fault = fault(handle(&handler, task("http://gone.example/")).await);
    assert_eq!(fault.code, code::DNS_FAILED);
    assert!(fault.text().contains("gone.example"), "{}", fault.text());
}
