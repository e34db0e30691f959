//! Which of the URLs that pages lead to are fetched.

use crate::{
    manager,
    support::{Manager, page, redirect, spec, task},
};
use trawl_shared::{
    model::{RobotsPolicy, TaskEnded, code},
    sql::DatabaseUrl,
};
use trawl_url_manager::{
    JobSpec, ScopeKind, Settings,
    UrlState::{Excluded, Queued, Redirected, Stored},
};

pub(crate) async fn a_shorter_way_brings_a_url_within_the_depth(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&JobSpec { max_depth: Some(2), ..spec("a") }, &["http://a.example/"]).await;
    let home = crawl.dispatch().await;
    crawl.feed(&[page(&home[0], &["http://a.example/1a", "http://a.example/1b"])]).await;
    let first = crawl.dispatch().await;
    crawl.feed(&[page(&first[0], &["http://a.example/2"])]).await;
    let second = crawl.dispatch().await;
    crawl.feed(&[page(&second[0], &["http://a.example/deep", "http://a.example/1b"])]).await;
    assert_eq!(crawl.look(job, "http://a.example/deep").await, Some((Excluded, Some(code::DEPTH.into()), 3)));
    crawl.feed(&[page(&first[1], &["http://a.example/deep"])]).await;
    assert_eq!(crawl.look(job, "http://a.example/deep").await, Some((Queued, None, 2)));
    assert_eq!(crawl.dispatch().await[0].origin.found_on.as_deref(), Some("http://a.example/1b"));
    crawl.counts(job).await;
}

pub(crate) async fn links_that_ask_not_to_be_followed_wait_for_one_that_does_not(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
    let home = crawl.dispatch().await;
    crawl.feed(&[page(&home[0], &["!http://a.example/1", "!http://b.example/", "http://a.example/2"])]).await;
    crawl.expect_state(job, "http://a.example/1", Excluded, Some(code::NOFOLLOW)).await;
    crawl.expect_state(job, "http://b.example/", Excluded, Some(code::NOFOLLOW)).await;
    let second = crawl.dispatch().await;
    let closed =
        TaskEnded { follow: false, ..page(&second[0], &["http://a.example/1", "http://a.example/3"]) };
    crawl.feed(&[closed]).await;
    crawl.expect_state(job, "http://a.example/3", Excluded, Some(code::NOFOLLOW)).await;
    crawl.feed(&[page(&second[0], &["http://a.example/1", "http://b.example/"])]).await;
    crawl.expect_state(job, "http://a.example/1", Queued, None).await;
    crawl.expect_state(job, "http://b.example/", Excluded, Some(code::SCOPE)).await;
    crawl.counts(job).await;

    let mut bold = spec("bold");
    bold.fetch.robots = RobotsPolicy::Ignore;
    let bold = crawl.seed(&bold, &["http://b.example/"]).await;
    let tasks = crawl.dispatch().await;
    let home = tasks.iter().find(|task| task.origin.job == bold).unwrap();
    crawl.feed(&[TaskEnded { follow: false, ..page(home, &["!http://b.example/1"]) }]).await;
    crawl.expect_state(bold, "http://b.example/1", Queued, None).await;
}

pub(crate) async fn a_seed_that_moved_takes_its_job_along(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&spec("a"), &["http://a.example/", "http://x.example/"]).await;
    let seeds = crawl.dispatch().await;
    let second = seeds.iter().find(|task| task.origin.url.as_str() == "http://x.example/").unwrap();
    let first = seeds.iter().find(|task| task.origin.url.as_str() == "http://a.example/").unwrap();
    crawl.feed(&[page(second, &["http://www.a.example/early", "http://other.example/"])]).await;
    crawl.expect_state(job, "http://www.a.example/early", Excluded, Some(code::SCOPE)).await;
    crawl.feed(&[redirect(first, "https://a.example/")]).await;
    crawl.expect_state(job, "https://a.example/", Queued, None).await;
    let hop = crawl.dispatch().await;
    assert_eq!((hop[0].origin.depth, hop[0].origin.redirects), (0, 1));
    crawl.feed(&[redirect(&hop[0], "https://www.a.example/")]).await;
    crawl.expect_state(job, "http://www.a.example/early", Queued, None).await;
    crawl.expect_state(job, "http://other.example/", Excluded, Some(code::SCOPE)).await;
    let tasks = crawl.dispatch().await;
    assert_eq!(tasks.len(), 2);
    // Only seeds do: what a page's link redirects to stays outside.
    let early = tasks.iter().find(|task| task.origin.depth == 1).unwrap();
    crawl.feed(&[redirect(early, "http://other.example/x")]).await;
    crawl.expect_state(job, "http://other.example/x", Excluded, Some(code::SCOPE)).await;
    // Another process knows the wider scope as well.
    let other = manager(&url).await;
    let www = tasks.iter().find(|task| task.origin.depth == 0).unwrap();
    other.feed(&[page(www, &["http://www.a.example/found"])]).await;
    other.expect_state(job, "http://www.a.example/found", Queued, None).await;
    other.counts(job).await;
}

pub(crate) async fn a_process_with_an_old_copy_of_the_scope_asks_again(url: DatabaseUrl) {
    let (one, two) = (manager(&url).await, manager(&url).await);
    let job = one.seed(&spec("a"), &["http://a.example/"]).await;
    let home = one.dispatch().await;
    two.feed(&[page(&home[0], &["http://b.example/1"])]).await;
    two.expect_state(job, "http://b.example/1", Excluded, Some(code::SCOPE)).await;
    one.seed(&spec("a"), &["http://b.example/"]).await;
    two.expect_state(job, "http://b.example/1", Queued, None).await;
    two.feed(&[page(&home[0], &["http://b.example/2"])]).await;
    two.expect_state(job, "http://b.example/2", Queued, None).await;
    two.counts(job).await;
}

pub(crate) async fn redirects_end(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    for most in [10, 12] {
        let mut spec = spec(&format!("at most {most}"));
        spec.fetch.bounds.max_redirects = most;
        let job = crawl.seed(&spec, &["http://a.example/0"]).await;
        for hop in 0..=most {
            let tasks = crawl.dispatch().await;
            assert_eq!(tasks[0].origin.redirects, hop);
            crawl.feed(&[redirect(&tasks[0], &format!("http://a.example/{}", hop + 1))]).await;
        }
        let next = format!("http://a.example/{}", most + 1);
        crawl.expect_state(job, &next, Excluded, Some(code::TOO_MANY_REDIRECTS)).await;
    }
    let circle = crawl.seed(&spec("circle"), &["http://a.example/0"]).await;
    crawl.dispatch().await;
    let start = task(circle, "http://a.example/0");
    crawl.feed(&[redirect(&start, "http://a.example/1")]).await;
    let there = crawl.dispatch().await;
    crawl.feed(&[redirect(&there[0], "http://a.example/0")]).await;
    assert_eq!(crawl.dispatch().await, []);
    assert_eq!(crawl.counts(circle).await, [(Redirected, 2)].into());
}

pub(crate) async fn scopes_of_every_kind(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let links =
        ["http://www.a.example/docs/x", "http://www.a.example/", "http://b.a.example/", "http://c.example/"];
    for (kind, within) in
        [(ScopeKind::Prefix, 1), (ScopeKind::Host, 2), (ScopeKind::Domain, 3), (ScopeKind::Any, 4)]
    {
        let job = crawl
            .seed(&JobSpec { scope: kind, ..spec(kind.as_str()) }, &["http://www.a.example/docs/"])
            .await;
        let home = crawl.dispatch().await;
        crawl.feed(&[page(&home[0], &links)]).await;
        let tasks = crawl.dispatch().await;
        assert_eq!(tasks.len(), within, "{kind}");
        crawl.feed(&tasks.iter().map(|task| page(task, &[])).collect::<Vec<_>>()).await;
        crawl.counts(job).await;
    }
}

pub(crate) async fn a_front_that_forgets_changes_nothing(url: DatabaseUrl) {
    let crawl = Manager::open(&url, Settings { seen_front: 4, ..Settings::default() }).await;
    let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
    let links: Vec<String> = (0..300).map(|n| format!("http://a.example/{n}")).collect();
    let links: Vec<&str> = links.iter().map(String::as_str).collect();
    loop {
        let tasks = crawl.dispatch().await;
        if tasks.is_empty() {
            break;
        }
        crawl.feed(&tasks.iter().map(|task| page(task, &links)).collect::<Vec<_>>()).await;
    }
    assert_eq!(crawl.counts(job).await, [(Stored, 301)].into());
}
