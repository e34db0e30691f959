//! TLS: names, authorities, client certificates, HTTP/2.

use crate::tasks::{fault, handle, handler, page, task};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use trawl_shared::model::{FetchTask, Secret, code};

/// An authority that nobody trusts by themselves.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for `name` and its key.
    fn issue(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }
}

/// Serves pages that say whether the client showed a certificate; counts connections.
async fn serve(authority: &Authority, name: &str, asks_for_certificate: bool) -> (u16, Arc<AtomicUsize>) {
    let (certificate, key) = authority.issue(name);
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if asks_for_certificate {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .allow_unauthenticated()
            .build()
            .unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust us goes away.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            count.fetch_add(1, Ordering::SeqCst);
            let known = stream.get_ref().1.peer_certificates().is_some();
            let body = if known { "known" } else { "anybody" };
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (port, served)
}

fn secure(port: u16) -> FetchTask {
    task(&format!("https://localhost:{port}/"))
}

#[tokio::test]
async fn an_authority_must_be_trusted_and_the_name_be_right() {
    let authority = Authority::new();
    let (right, _) = serve(&authority, "localhost", false).await;
    let (wrong, _) = serve(&authority, "other.example", false).await;
    let handler = handler(|_| {});
    let untrusted = fault(handle(&handler, secure(right)).await);
    assert_eq!(untrusted.code, code::TLS_FAILED, "{}", untrusted.text());

    let trusting = |port| {
        let mut task = secure(port);
        task.fetch.tls.ca = vec![authority.pem()];
        task
    };
    assert_eq!(&*page(handle(&handler, trusting(right)).await).body, b"anybody");
    let misnamed = fault(handle(&handler, trusting(wrong)).await);
    assert_eq!(misnamed.code, code::TLS_FAILED);
    assert!(misnamed.text().contains("other.example"), "{}", misnamed.text());

    let mut careless = secure(wrong);
    careless.fetch.tls.insecure = true;
    assert_eq!(&*page(handle(&handler, careless).await).body, b"anybody");
    // What one job trusts is no other job's connection.
    assert_eq!(fault(handle(&handler, secure(wrong)).await).code, code::TLS_FAILED);
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_whom_it_is_for() {
    let authority = Authority::new();
    let (port, _) = serve(&authority, "localhost", true).await;
    let (certificate, key) = authority.issue("client.example");
    let handler = handler(|_| {});
    for (hosts, body) in
        [(vec!["localhost"], "known"), (vec!["other.example"], "anybody"), (vec![], "anybody")]
    {
        let mut task = secure(port);
        task.fetch.tls.ca = vec![authority.pem()];
        task.fetch.tls.client = Some(Secret::new(format!("{}{}", certificate.pem(), key.serialize_pem())));
        task.fetch.credentials.hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        assert_eq!(&*page(handle(&handler, task).await).body, body.as_bytes(), "{hosts:?}");
    }
}

/// Serves HTTP/2; counts connections and requests.
async fn serve_http2(authority: &Authority) -> (u16, Arc<AtomicUsize>) {
    let (certificate, key) = authority.issue("localhost");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec!["h2".into()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            count.fetch_add(1, Ordering::SeqCst);
            let say = service_fn(async |request: hyper::Request<hyper::body::Incoming>| {
                let host = request.headers().get("host").is_some();
                let body = format!("{:?} {} {host}", request.version(), request.uri());
                Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from(body))))
            });
            tokio::spawn(
                http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), say),
            );
        }
    });
    (port, served)
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_agreed_on_over_one_connection() {
    let authority = Authority::new();
    let (port, served) = serve_http2(&authority).await;
    let handler = handler(|_| {});
    let ask = |path: &str| {
        let mut task = task(&format!("https://localhost:{port}{path}"));
        task.fetch.tls.ca = vec![authority.pem()];
        task
    };
    let first = page(handle(&handler, ask("/a?b=c")).await);
    assert_eq!(first.body, format!("HTTP/2.0 https://localhost:{port}/a?b=c false"));
    let more = (0..8).map(|n| handle(&handler, ask(&format!("/{n}"))));
    for (n, answer) in futures_util::future::join_all(more).await.into_iter().enumerate() {
        assert_eq!(page(answer).body, format!("HTTP/2.0 https://localhost:{port}/{n} false"));
    }
    assert_eq!(served.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_time_for_a_connection_is_not_taken_from_the_answer_s() {
    let authority = Authority::new();
    let (port, _) = serve(&authority, "localhost", false).await;
    let slow = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut task = secure(slow.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = slow.accept().await {
            tokio::time::sleep(Duration::from_millis(900)).await;
            let mut onward = TcpStream::connect(("127.0.0.1", port)).await?;
            copy_bidirectional(&mut stream, &mut onward).await?;
        }
        std::io::Result::Ok(())
    });
    task.fetch.tls.ca = vec![authority.pem()];
    task.fetch.bounds.headers_ms = 400;
    assert_eq!(&*page(handle(&handler(|_| {}), task).await).body, b"anybody");
}

#[tokio::test]
async fn certificates_that_are_none_end_the_task() {
    let handler = handler(|_| {});
    let mut task = secure(1);
    task.fetch.tls.ca = vec!["-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n".to_owned()];
    let ended = crate::tasks::end(handle(&handler, task).await);
    assert_eq!(&*ended.code, code::TLS_FAILED);
    assert!(ended.detail.unwrap().contains("CA certificate"));
}
