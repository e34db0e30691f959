//! The address guard, end to end: no refused address is ever connected to.

use crate::{
    site::{Ask, Reply, Site},
    tasks::{end, handle, handler, page, task},
};
use trawl_shared::model::{FetchTask, Outcome, RobotsPolicy, code};

fn guarded(url: &str) -> FetchTask {
    let mut task = task(url);
    task.fetch.allow_private_addresses = false;
    task
}

#[tokio::test]
async fn no_way_leads_to_loopback() {
    let site = Site::start(|_: &Ask| Reply::page("secret")).await;
    let port = site.address.port();
    let set = format!("public.example:{port}:127.0.0.1");
    let handler = handler(|settings| settings.resolve.push(set.parse().unwrap()));
    for host in
        ["127.0.0.1", "127.1", "0x7f000001", "[::ffff:127.0.0.1]", "localhost", "public.example", "0.0.0.0"]
    {
        for robots in [RobotsPolicy::Ignore, RobotsPolicy::Obey] {
            let mut task = guarded(&format!("http://{host}:{port}/"));
            task.fetch.robots = robots;
            let ended = end(handle(&handler, task).await);
            assert_eq!((ended.outcome, &*ended.code), (Outcome::Excluded, code::SSRF_BLOCKED), "{host}");
            assert!(ended.detail.is_some(), "{host}");
        }
    }
    assert_eq!(site.connections(), 0);
}

#[tokio::test]
async fn an_open_connection_of_another_job_is_no_way_around() {
    let site = Site::start(|_: &Ask| Reply::page("mine")).await;
    let port = site.address.port();
    let handler = handler(|_| {});
    let url = format!("http://localhost:{port}/");
    page(handle(&handler, task(&url)).await);
    end(handle(&handler, guarded(&url)).await);
    assert_eq!(site.asks().len(), 1);
}

#[tokio::test]
async fn overrides_lead_names_to_addresses() {
    let site = Site::start(|ask: &Ask| Reply::page(ask.header("host").unwrap())).await;
    let port = site.address.port();
    let handler = handler(|settings| {
        settings.resolve.push(format!("*:{port}:127.0.0.1").parse().unwrap());
        settings.resolve.push("a.example:1:127.0.0.9".parse().unwrap());
    });
    for host in ["a.example", "b.example"] {
        let page = page(handle(&handler, task(&format!("http://{host}:{port}/"))).await);
        assert_eq!(page.body, format!("{host}:{port}").as_bytes());
    }
}

#[tokio::test]
async fn a_robots_file_may_not_lead_inside_either() {
    // The site itself is reached because the address test is off for it; a second job is guarded.
    let inside = Site::start(|_: &Ask| Reply::page("User-agent: *\nDisallow: /")).await;
    let mut task = guarded(&inside.url("/x"));
    task.fetch.robots = RobotsPolicy::Obey;
    let ended = end(handle(&handler(|_| {}), task).await);
    assert_eq!(&*ended.code, code::SSRF_BLOCKED);
    assert_eq!(inside.connections(), 0);
}
