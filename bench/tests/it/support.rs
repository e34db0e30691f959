//! A synthetic web served inside the test.

use std::net::Ipv4Addr;
use std::path::Path;

use bench::floor::Override;
use bench::web::{Preset, Profile, RequestLog, Settings, Web, serve};
use reqwest::redirect::Policy;
use tokio::net::TcpListener;

/// A small web of a preset.
pub(crate) fn settings(preset: Preset, hosts: u32, pages: u32) -> Settings {
    Settings { seed: 7, hosts, pages, profile: Profile::preset(preset) }
}

/// Serves a web until the test's runtime ends, and gives the same web to look at.
pub(crate) async fn start(settings: Settings, log: Option<&Path>) -> Web {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let log = log.map(|path| RequestLog::create(path).expect("the log can be created"));
    tokio::spawn(serve(listener, Web::new(settings.clone(), port), log, std::future::pending()));
    Web::new(settings, port)
}

/// The override that leads every host name to a web.
pub(crate) fn everywhere(web: &Web) -> Override {
    format!("*:{}:127.0.0.1", web.port()).parse().expect("an override")
}

/// A client that reaches a web's hosts by name and follows no redirects.
pub(crate) fn client(web: &Web) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder().no_proxy().redirect(Policy::none());
    for host in 0..web.hosts() {
        builder = builder.resolve(&web.host_name(host), (Ipv4Addr::LOCALHOST, web.port()).into());
    }
    builder.build().expect("a client")
}
