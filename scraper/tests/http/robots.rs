//! robots.txt: fetched once, obeyed, and what happens when it can't be had.

use crate::{
    site::{Ask, Reply, Site},
    tasks::{end, fault, handle, handler, page, task},
};
use std::{sync::Arc, time::Duration};
use trawl_shared::{
    model::{FetchTask, Outcome, RobotsPolicy, code},
    runtime::FailureClass,
};

fn obeying(url: &str) -> FetchTask {
    let mut task = task(url);
    task.fetch.robots = RobotsPolicy::Obey;
    task
}

/// A site with this robots.txt; every other path is a page.
async fn site(robots: impl Fn(&Ask) -> Reply + Send + Sync + 'static) -> Site {
    Site::start(move |ask: &Ask| if ask.path == "/robots.txt" { robots(ask) } else { Reply::page(&ask.path) })
        .await
}

#[tokio::test]
async fn the_file_is_obeyed_and_its_line_named() {
    let site = site(|_| Reply::page("User-agent: *\nDisallow: /private\nCrawl-delay: 0.01\n")).await;
    let handler = handler(|_| {});
    let page = page(handle(&handler, obeying(&site.url("/open"))).await);
    assert_eq!((&*page.body, page.crawl_delay_ms), (b"/open".as_slice(), Some(10)));
    let ended = end(handle(&handler, obeying(&site.url("/private/x"))).await);
    assert_eq!((ended.outcome, &*ended.code), (Outcome::Excluded, code::ROBOTS_DISALLOWED));
    assert_eq!(ended.detail.as_deref(), Some("robots.txt line 2: Disallow: /private"));
    assert_eq!((ended.crawl_delay_ms, ended.status), (Some(10), None));
    assert_eq!(site.paths(), ["/robots.txt", "/open"]);
}

#[tokio::test]
async fn a_job_may_ignore_it() {
    let site = site(|_| Reply::page("User-agent: *\nDisallow: /")).await;
    page(handle(&handler(|_| {}), task(&site.url("/x"))).await);
    assert_eq!(site.paths(), ["/x"]);
}

#[tokio::test]
async fn everybody_who_waits_shares_one_fetch() {
    let site = site(|_| Reply::page("User-agent: *\nDisallow: /9").after(Duration::from_millis(50))).await;
    let handler = Arc::new(handler(|_| {}));
    let mut tasks = Vec::new();
    for n in 0..10 {
        let (handler, task) = (Arc::clone(&handler), obeying(&site.url(&format!("/{n}"))));
        tasks.push(tokio::spawn(async move { handle(&handler, task).await.unwrap().0.is_some() }));
    }
    let mut pages = 0;
    for task in tasks {
        pages += usize::from(task.await.unwrap());
    }
    assert_eq!(pages, 9);
    assert_eq!(site.paths().iter().filter(|path| *path == "/robots.txt").count(), 1);
}

#[tokio::test]
async fn user_agents_have_their_own_rules() {
    let site = site(|_| Reply::page("User-agent: rude\nDisallow: /\nUser-agent: *\nAllow: /")).await;
    let handler = handler(|_| {});
    let mut rude = obeying(&site.url("/x"));
    rude.fetch.user_agent = "Rude/2.0 (+http://rude.example)".to_owned();
    end(handle(&handler, rude).await);
    page(handle(&handler, obeying(&site.url("/x"))).await);
}

#[tokio::test]
async fn absent_files_allow() {
    for status in [400, 401, 403, 404, 410] {
        let site = site(move |_| Reply::new(status, &[], "Disallow: /")).await;
        page(handle(&handler(|_| {}), obeying(&site.url("/x"))).await);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_had_forbids_for_now() {
    let site = site(|ask| {
        if ask.nth < 2 {
            Reply::new(500 + 3 * u16::try_from(ask.nth).unwrap(), &[], "")
        } else {
            Reply::page("")
        }
    })
    .await;
    let handler = handler(|settings| settings.robots_retry_ms = 0);
    for (status, class) in [("500", FailureClass::Server), ("503", FailureClass::Throttled)] {
        let fault = fault(handle(&handler, obeying(&site.url("/x"))).await);
        assert_eq!((&*fault.code, fault.class), (code::ROBOTS_UNREACHABLE, class));
        assert!(fault.text().contains(status), "{}", fault.text());
    }
    page(handle(&handler, obeying(&site.url("/x"))).await);
    assert_eq!(site.paths(), ["/robots.txt", "/robots.txt", "/robots.txt", "/x"]);
}

#[tokio::test]
async fn a_host_that_is_down_is_named_as_such() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fault = fault(handle(&handler(|_| {}), obeying(&format!("http://{closed}/x"))).await);
    assert_eq!((&*fault.code, fault.class), (code::CONNECT_FAILED, FailureClass::Network));
    assert!(fault.text().contains("robots.txt"), "{}", fault.text());
}

#[tokio::test]
async fn that_it_cannot_be_had_is_remembered_for_a_while() {
    let site = site(|_| Reply::new(500, &[], "")).await;
    let handler = handler(|_| {});
    for _ in 0..3 {
        fault(handle(&handler, obeying(&site.url("/x"))).await);
    }
    assert_eq!(site.paths(), ["/robots.txt"]);
}

#[tokio::test]
async fn who_asks_for_fewer_requests_forbids_and_is_left_alone() {
    let site = site(|_| Reply::new(429, &["Retry-After: 33"], "")).await;
    let fault = fault(handle(&handler(|_| {}), obeying(&site.url("/x"))).await);
    assert_eq!((fault.class, fault.retry_after), (FailureClass::Throttled, Some(Duration::from_secs(33))));
}

#[tokio::test]
async fn redirects_are_followed_five_times() {
    let other = Site::start(|_: &Ask| Reply::page("User-agent: *\nDisallow: /x")).await;
    let elsewhere = other.url("/their-robots.txt");
    for (hops, allowed) in [(5, false), (6, true)] {
        let elsewhere = elsewhere.clone();
        let site = Site::start(move |ask: &Ask| {
            let hop = match ask.path.as_str() {
                "/robots.txt" => 1,
                "/x" => return Reply::page("x"),
                hop => hop[1..].parse::<u32>().unwrap() + 1,
            };
            if hop == hops { Reply::redirect(&elsewhere) } else { Reply::redirect(&format!("/{hop}")) }
        })
        .await;
        let answer = handle(&handler(|_| {}), obeying(&site.url("/x"))).await;
        assert_eq!(answer.unwrap().0.is_some(), allowed, "{hops} hops");
    }
}

#[tokio::test]
async fn only_the_first_500_kib_count() {
    let mut file = String::from("User-agent: *\nDisallow: /a\n");
    while file.len() < 500 * 1024 - 12 {
        file.push_str("# padding\n");
    }
    // The cap falls inside this line, which would forbid everything if it were cut there.
    file.push_str("\nDisallow: /b-and-more\nDisallow: /c");
    let site = site(move |_| Reply::page(&file)).await;
    let handler = handler(|_| {});
    end(handle(&handler, obeying(&site.url("/a"))).await);
    page(handle(&handler, obeying(&site.url("/b"))).await);
    page(handle(&handler, obeying(&site.url("/c"))).await);
}

#[tokio::test]
async fn the_cache_is_bounded() {
    let sites = [
        site(|_| Reply::page("User-agent: *\nAllow: /")).await,
        site(|_| Reply::page("User-agent: *\nAllow: /")).await,
        site(|_| Reply::page("User-agent: *\nAllow: /")).await,
    ];
    let handler = handler(|settings| settings.robots_cache_files = 2);
    for site in [&sites[0], &sites[1], &sites[0], &sites[2], &sites[0], &sites[1]] {
        page(handle(&handler, obeying(&site.url("/x"))).await);
    }
    let fetched =
        sites.each_ref().map(|site| site.paths().iter().filter(|path| *path == "/robots.txt").count());
    assert_eq!(fetched, [1, 2, 1], "the one asked for longest ago goes first");
}

#[tokio::test]
async fn sitemaps_come_with_the_first_page_of_a_job_that_wants_them() {
    let site = Site::start(|ask: &Ask| match ask.path.as_str() {
        "/robots.txt" => Reply::page("Sitemap: /map.xml\nUser-agent: *\nSitemap: https://b.example/map.xml"),
        "/moved" => Reply::redirect("/page"),
        _ => Reply::page(""),
    })
    .await;
    let handler = handler(|_| {});
    let plain = obeying(&site.url("/page"));
    assert_eq!(page(handle(&handler, plain.clone()).await).sitemaps, [""; 0]);
    let mut wanting = plain;
    wanting.fetch.sitemaps = true;
    let mut moved = wanting.clone();
    moved.origin.url = site.url("/moved").parse().unwrap();
    end(handle(&handler, moved).await);
    let first = page(handle(&handler, wanting.clone()).await);
    assert_eq!(first.sitemaps, [site.url("/map.xml"), "https://b.example/map.xml".to_owned()]);
    assert_eq!(page(handle(&handler, wanting).await).sitemaps, [""; 0], "they were told");
}
