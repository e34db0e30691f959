//! What jobs ask for besides their scope, and what people do to jobs that run.

use crate::{
    manager,
    support::{Manager, page, redirect, spec, urls},
};
use std::time::Duration;
use trawl_shared::{
    model::{FetchTask, TaskEnded, code},
    sql::DatabaseUrl,
};
use trawl_url_manager::{
    Budgets, HostBudget, JobSpec, JobState, ScopeKind, ScopeRules, Settings, TrapRules,
    UrlState::{Excluded, InFlight, Queued, Redirected, Stored},
};

pub(crate) async fn rules_and_traps_keep_urls_out(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let rules = ScopeRules {
        deny: vec!["/private/".to_owned()],
        deny_extensions: vec!["zip".to_owned()],
        max_segments: Some(6),
        ..ScopeRules::default()
    };
    let traps = TrapRules { query_variants: 2, dates: 2, pages: 1, ..TrapRules::default() };
    let job = crawl.seed(&JobSpec { rules, traps, ..spec("a") }, &["http://a.example/"]).await;
    let home = crawl.dispatch().await;
    let found = [
        ("http://a.example/private/x", Some(code::DENIED)),
        ("http://a.example/x.zip", Some(code::EXTENSION)),
        ("http://a.example/1/2/3/4/5/6/7", Some(code::PATH_SEGMENTS)),
        ("http://a.example/a/b/a/a/a", Some(code::TRAP_REPEATING_PATH)),
        ("http://a.example/x?a=1", None),
        ("http://a.example/x?a=2", None),
        ("http://a.example/x?a=3", Some(code::TRAP_QUERY_VARIANTS)),
        ("http://a.example/cal/2026/01/02", None),
        ("http://a.example/cal/2026/01/03", None),
        ("http://a.example/cal/2026/01/04", Some(code::TRAP_CALENDAR)),
        ("http://a.example/list/page/2", None),
        ("http://a.example/list/page/3", Some(code::TRAP_PAGINATION)),
    ];
    let links: Vec<&str> = found.iter().map(|(url, _)| *url).collect();
    crawl.feed(&[page(&home[0], &links)]).await;
    // The same page again changes nothing and counts nothing twice.
    crawl.feed(&[page(&home[0], &links)]).await;
    for (url, code) in found {
        crawl.expect_state(job, url, if code.is_some() { Excluded } else { Queued }, code).await;
    }
    let by_rule = crawl.frontier.excluded_by(job).await.unwrap();
    assert_eq!(by_rule.values().sum::<u64>(), 7, "{by_rule:?}");
    assert_eq!(by_rule.get(code::TRAP_CALENDAR), Some(&1), "{by_rule:?}");
    let scraped = crawl.scrape();
    for code in [code::TRAP_CALENDAR, code::TRAP_PAGINATION, code::TRAP_QUERY_VARIANTS, code::DENIED] {
        let line = format!("trawl_urls_excluded_total{{code=\"{code}\"}} 1");
        assert!(scraped.lines().any(|scraped| scraped == line), "{line} is not in\n{scraped}");
    }
    let explained = crawl.frontier.explain(&found[0].0.parse().unwrap(), Some(job)).await.unwrap();
    assert_eq!(explained[0].rule.as_deref(), Some("matches the denied \"/private/\""));
    crawl.counts(job).await;
}

pub(crate) async fn one_page_has_one_url(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&spec("a"), &["http://a.example/?utm_source=mail"]).await;
    let home = crawl.dispatch().await;
    assert_eq!(urls(&home), ["http://a.example/"]);
    let links =
        ["http://a.example/x?gclid=1&p=2", "http://u:p@a.example/x?p=2", "http://a.example/y;jsessionid=7"];
    crawl.feed(&[page(&home[0], &links)]).await;
    let tasks = crawl.dispatch().await;
    assert_eq!(urls(&tasks), ["http://a.example/x?p=2", "http://a.example/y"]);
    // A site that insists on its session gets it; one that only marks visitors does not.
    crawl.feed(&[redirect(&tasks[0], "http://a.example/z?fbclid=3")]).await;
    crawl.feed(&[redirect(&tasks[1], "http://a.example/y;jsessionid=8")]).await;
    crawl.expect_state(job, "http://a.example/z", Queued, None).await;
    crawl.expect_state(job, "http://a.example/y;jsessionid=8", Queued, None).await;
    let alias = crawl.frontier.explain(&tasks[0].origin.url, Some(job)).await.unwrap().remove(0);
    assert_eq!((alias.state.0, alias.alias_of.as_deref()), (Redirected, Some("http://a.example/z?fbclid=3")));
}

fn sized(task: &FetchTask, bytes: u64, links: &[&str]) -> TaskEnded {
    TaskEnded { body_bytes: bytes, ..page(task, links) }
}

pub(crate) async fn budgets_of_bytes_and_time(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let budgets = Budgets { bytes: Some(100), ..Budgets::default() };
    let small = crawl.seed(&JobSpec { budgets, ..spec("small") }, &["http://a.example/"]).await;
    let home = crawl.dispatch().await;
    crawl.feed(&[sized(&home[0], 60, &["http://a.example/1"])]).await;
    let next = crawl.dispatch().await;
    crawl.feed(&[sized(&next[0], 60, &["http://a.example/2"])]).await;
    assert_eq!(crawl.dispatch().await.len(), 0);
    crawl.expect_state(small, "http://a.example/2", Excluded, Some(code::BUDGET)).await;

    let budgets = Budgets { time_ms: Some(60_000), ..Budgets::default() };
    let short = crawl.seed(&JobSpec { budgets, ..spec("short") }, &["http://b.example/"]).await;
    let home = crawl.dispatch().await;
    let later = Manager::open_later(&url, Settings::default(), Duration::from_secs(61)).await;
    later.feed(&[page(&home[0], &["http://b.example/1"])]).await;
    assert_eq!(later.dispatch().await.len(), 0);
    later.expect_state(short, "http://b.example/1", Excluded, Some(code::BUDGET)).await;
    later.dispatch().await;
    assert_eq!(later.frontier.status(short).await.unwrap().state, JobState::Done);
}

pub(crate) async fn a_budget_for_each_host(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let host = HostBudget { pages: Some(2), ..HostBudget::default() };
    let budgets = Budgets { host, ..Budgets::default() };
    let spec = JobSpec { budgets, scope: ScopeKind::Any, ..spec("a") };
    let job = crawl.seed(&spec, &["http://a.example/", "http://b.example/"]).await;
    let home = crawl.dispatch().await;
    let links = ["http://a.example/1", "http://a.example/2", "http://b.example/1"];
    crawl.feed(&[page(&home[0], &links)]).await;
    crawl.feed(&[page(&home[1], &[])]).await;
    let next = crawl.dispatch().await;
    assert_eq!(next.len(), 2, "one more of each host, however many wait: {:?}", urls(&next));
    for task in &next {
        crawl.feed(&[page(task, &[])]).await;
    }
    assert_eq!(crawl.dispatch().await.len(), 0);
    let counts = crawl.counts(job).await;
    assert_eq!((counts[&Stored], counts[&Excluded]), (4, 1));
    assert_eq!(crawl.frontier.excluded_by(job).await.unwrap()[code::HOST_BUDGET], 1);
}

pub(crate) async fn a_stopped_job_ends_all_it_has(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
    let home = crawl.dispatch().await;
    crawl.feed(&[page(&home[0], &["http://a.example/1", "http://b.example/"])]).await;
    let first = crawl.dispatch().await;
    crawl.seed(&spec("a"), &["http://a.example/2"]).await;
    assert_eq!(crawl.frontier.stop(job).await.unwrap(), 1);
    crawl.expect_state(job, "http://a.example/2", Excluded, Some(code::STOPPED)).await;
    crawl.expect_state(job, "http://a.example/1", InFlight, None).await;
    crawl.feed(&[page(&first[0], &["http://a.example/3"])]).await;
    crawl.expect_state(job, "http://a.example/1", Stored, Some(code::OK)).await;
    crawl.expect_state(job, "http://a.example/3", Excluded, Some(code::STOPPED)).await;
    assert_eq!(crawl.dispatch().await.len(), 0);
    crawl.counts(job).await;
}

pub(crate) async fn other_settings_judge_what_was_found(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let old = JobSpec { max_depth: Some(1), ..spec("a") };
    let job = crawl.seed(&old, &["http://www.a.example/"]).await;
    let home = crawl.dispatch().await;
    let links = [
        "http://www.a.example/keep",
        "http://www.a.example/drop",
        "http://shop.a.example/",
        "!http://www.a.example/no",
    ];
    crawl.feed(&[page(&home[0], &links)]).await;
    let rules = ScopeRules { deny: vec!["drop".to_owned()], ..ScopeRules::default() };
    let new = JobSpec { scope: ScopeKind::Domain, rules, max_depth: None, ..old };
    let judged = crawl.frontier.update(job, &new).await.unwrap();
    assert_eq!((judged.queued, judged.excluded), (1, 1));
    crawl.expect_state(job, "http://www.a.example/drop", Excluded, Some(code::DENIED)).await;
    crawl.expect_state(job, "http://shop.a.example/", Queued, None).await;
    crawl.expect_state(job, "http://www.a.example/no", Excluded, Some(code::NOFOLLOW)).await;
    let tasks = crawl.dispatch().await;
    assert_eq!(tasks.len(), 2);
    let deep = ["http://blog.a.example/deep", "http://www.a.example/drop/2"];
    crawl.feed(&[page(&tasks[0], &deep)]).await;
    crawl.expect_state(job, deep[0], Queued, None).await;
    crawl.expect_state(job, deep[1], Excluded, Some(code::DENIED)).await;
    crawl.counts(job).await;
}

pub(crate) async fn a_deleted_job_is_forgotten(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
    let home = crawl.dispatch().await;
    crawl.feed(&[page(&home[0], &["http://a.example/1"])]).await;
    let late = crawl.dispatch().await;
    assert_eq!(crawl.frontier.delete(job).await.unwrap(), 2);
    assert!(crawl.frontier.statuses().await.unwrap().is_empty());
    // A fact that comes late meets no error and leaves no trace.
    crawl.feed(&[page(&late[0], &["http://a.example/2"])]).await;
    let again = crawl.seed(&spec("a"), &["http://a.example/"]).await;
    assert_ne!(again, job);
    assert_eq!(crawl.rows(again).await.len(), 1);
    assert_eq!(urls(&crawl.dispatch().await), ["http://a.example/"]);
    crawl.counts(again).await;
}

pub(crate) async fn the_job_of_higher_priority_comes_first(url: DatabaseUrl) {
    let crawl = manager(&url).await;
    let seeds: Vec<String> = (0..300).map(|n| format!("http://a{n}.example/")).collect();
    let seeds: Vec<&str> = seeds.iter().map(String::as_str).collect();
    crawl.seed(&spec("usual"), &seeds).await;
    let urgent = JobSpec { priority: 1, ..spec("urgent") };
    let urgent = crawl.seed(&urgent, &["http://x.example/", "http://y.example/"]).await;
    let tasks = crawl.dispatch().await;
    let first = tasks.iter().filter(|task| task.origin.job == urgent).count();
    assert_eq!(first, 2, "all it has, though others wait longer");
}
