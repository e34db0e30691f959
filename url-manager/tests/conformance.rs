//! One suite, both databases: what must hold of a frontier. Each scenario has a database to itself.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use std::{collections::BTreeSet, future::Future, time::Duration};
use support::{Manager, ended, page, record_of, redirect, spec, task, task_record, urls};
use trawl_shared::{
    model::{Outcome, RobotsPolicy, TaskEnded, code},
    runtime::Failure,
    sql::DatabaseUrl,
};
use trawl_url_manager::{
    JobSpec, JobState, ScopeKind, Settings,
    UrlState::{Dead, Excluded, Gone, InFlight, Queued, Redirected, Stored},
};

const HOUR: Duration = Duration::from_secs(3600);

macro_rules! scenarios {
    ($($(#[doc = $doc:literal])* async fn $name:ident($url:ident: DatabaseUrl) $body:block)*) => {
        $($(#[doc = $doc])* async fn $name($url: DatabaseUrl) $body)*

        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::on_sqlite(super::$name).await; })*
        }

        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::on_postgres(super::$name).await; })*
        }
    };
}

async fn on_sqlite<F: Future<Output = ()>>(scenario: impl FnOnce(DatabaseUrl) -> F) {
    let folder = tempfile::tempdir().unwrap();
    scenario(DatabaseUrl::sqlite(folder.path())).await;
}

#[cfg(feature = "postgres")]
async fn on_postgres<F: Future<Output = ()>>(scenario: impl FnOnce(DatabaseUrl) -> F) {
    let Some(database) = trawl_shared::sql::testing::ScratchDatabase::create().await else { return };
    scenario(database.url()).await;
    database.remove().await;
}

async fn manager(url: &DatabaseUrl) -> Manager {
    Manager::open(url, Settings::default()).await
}

scenarios! {
    async fn a_crawl_runs_to_its_end_and_knows_each_url_once(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let job = crawl.seed(&spec("a"), &["http://a.example/", "http://a.example/#again"]).await;
        let mut fetched = Vec::new();
        loop {
            let tasks = crawl.dispatch().await;
            if tasks.is_empty() {
                break;
            }
            let pages: Vec<TaskEnded> = tasks.iter().map(|task| match task.origin.url.as_str() {
                "http://a.example/" => page(task, &["http://a.example/x", "http://a.example/gone", "http://b.example/", "mailto:a@b"]),
                "http://a.example/x" => page(task, &["http://a.example/#top", "http://a.example/y", "http://a.example/y#z"]),
                "http://a.example/gone" => ended(task, Outcome::Gone, "http_404"),
                _ => page(task, &["http://a.example/x"]),
            }).collect();
            crawl.feed(&pages).await;
            crawl.counts(job).await;
            fetched.extend(tasks);
        }
        assert_eq!(urls(&fetched), ["http://a.example/", "http://a.example/x", "http://a.example/gone", "http://a.example/y"]);
        let found: Vec<_> = fetched.iter().map(|task| (task.origin.depth, task.origin.found_on.as_deref())).collect();
        let home = Some("http://a.example/");
        assert_eq!(found, [(0, None), (1, home), (1, home), (2, Some("http://a.example/x"))]);
        assert_eq!(crawl.counts(job).await, [(Stored, 3), (Excluded, 1), (Gone, 1)].into());
        crawl.expect_state(job, "http://b.example/", Excluded, Some(code::SCOPE)).await;
        let status = crawl.frontier.status(job).await.unwrap();
        assert_eq!((status.state, status.hosts, status.urls()), (JobState::Done, 2, 5));
        assert!(status.finished_at.is_some());
        crawl.feed(&[page(&fetched[3], &["http://a.example/late"])]).await;
        assert_eq!(crawl.frontier.status(job).await.unwrap().state, JobState::Running, "more came in");
        assert_eq!(urls(&crawl.dispatch().await), ["http://a.example/late"]);
    }

    async fn facts_may_come_twice(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
        let home = crawl.dispatch().await;
        let batch = [page(&home[0], &["http://a.example/1", "http://a.example/2", "http://a.example/3", "http://b.example/"])];
        crawl.feed(&batch).await;
        let tasks = crawl.dispatch().await;
        let facts = [page(&tasks[0], &["http://a.example/4"]), redirect(&tasks[1], "http://a.example/5"), ended(&tasks[2], Outcome::Gone, "http_410")];
        crawl.feed(&facts).await;
        let (rows, counts) = (crawl.rows(job).await, crawl.counts(job).await);
        assert_eq!(rows.len(), 7);
        // To another process too, that has seen nothing yet, and in one batch.
        let other = manager(&url).await;
        other.feed(&batch).await;
        other.feed(&[facts.clone().as_slice(), facts.as_slice()].concat()).await;
        other.feed(&[ended(&tasks[0], Outcome::Gone, "http_404")]).await;
        assert_eq!((other.rows(job).await, other.counts(job).await), (rows, counts));
    }

    async fn a_shorter_way_brings_a_url_within_the_depth(url: DatabaseUrl) {
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

    async fn links_that_ask_not_to_be_followed_wait_for_one_that_does_not(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
        let home = crawl.dispatch().await;
        crawl.feed(&[page(&home[0], &["!http://a.example/1", "!http://b.example/", "http://a.example/2"])]).await;
        crawl.expect_state(job, "http://a.example/1", Excluded, Some(code::NOFOLLOW)).await;
        crawl.expect_state(job, "http://b.example/", Excluded, Some(code::NOFOLLOW)).await;
        let second = crawl.dispatch().await;
        let closed = TaskEnded { follow: false, ..page(&second[0], &["http://a.example/1", "http://a.example/3"]) };
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

    async fn a_seed_that_moved_takes_its_job_along(url: DatabaseUrl) {
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

    async fn a_process_with_an_old_copy_of_the_scope_asks_again(url: DatabaseUrl) {
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

    async fn redirects_end(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let job = crawl.seed(&spec("a"), &["http://a.example/0"]).await;
        for hop in 0..=10 {
            let tasks = crawl.dispatch().await;
            assert_eq!(tasks[0].origin.redirects, hop);
            crawl.feed(&[redirect(&tasks[0], &format!("http://a.example/{}", hop + 1))]).await;
        }
        crawl.expect_state(job, "http://a.example/11", Excluded, Some(code::TOO_MANY_REDIRECTS)).await;
        let circle = crawl.seed(&spec("circle"), &["http://a.example/0"]).await;
        crawl.dispatch().await;
        let start = task(circle, "http://a.example/0");
        crawl.feed(&[redirect(&start, "http://a.example/1")]).await;
        let there = crawl.dispatch().await;
        crawl.feed(&[redirect(&there[0], "http://a.example/0")]).await;
        assert_eq!(crawl.dispatch().await, []);
        assert_eq!(crawl.counts(circle).await, [(Redirected, 2)].into());
    }

    async fn a_budget_is_kept(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let job = crawl.seed(&JobSpec { max_pages: Some(4), ..spec("a") }, &["http://a.example/"]).await;
        let home = crawl.dispatch().await;
        let links: Vec<String> = (0..10).map(|n| format!("http://a.example/{n}")).collect();
        crawl.feed(&[page(&home[0], &links.iter().map(String::as_str).collect::<Vec<_>>())]).await;
        let three = crawl.dispatch().await;
        assert_eq!(three.len(), 3, "with the one that is stored that makes four");
        assert_eq!(crawl.dispatch().await, []);
        crawl.feed(&[ended(&three[0], Outcome::Gone, "http_404"), page(&three[1], &[]), page(&three[2], &[])]).await;
        let last = crawl.dispatch().await;
        assert_eq!(last.len(), 1, "what was not there costs no page");
        crawl.feed(&[page(&last[0], &["http://a.example/more"])]).await;
        assert_eq!(crawl.dispatch().await, []);
        crawl.dispatch().await;
        assert_eq!(crawl.counts(job).await, [(Stored, 4), (Gone, 1), (Excluded, 7)].into());
        crawl.expect_state(job, "http://a.example/more", Excluded, Some(code::BUDGET)).await;
        assert_eq!(crawl.frontier.status(job).await.unwrap().state, JobState::Done);
    }

    async fn an_ended_lease_gives_the_same_task_again(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
        let first = crawl.dispatch().await;
        assert_eq!(crawl.dispatch().await, []);
        let later = Manager::open_later(&url, Settings::default(), HOUR).await;
        let again = later.dispatch().await;
        assert_eq!(again[0].origin, first[0].origin);
        later.feed(&[page(&again[0], &[])]).await;
        later.feed(&[page(&first[0], &[])]).await;
        assert_eq!(later.counts(job).await, [(Stored, 1)].into());
    }

    async fn a_task_that_waits_keeps_its_lease(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
        let tasks = crawl.dispatch().await;
        crawl.wait(&tasks[0], 1, jiff::Timestamp::now() + HOUR).await;
        crawl.wait(&tasks[0], 1, jiff::Timestamp::now()).await;
        crawl.expect_state(job, "http://a.example/", InFlight, Some(code::TIMEOUT)).await;
        let found = crawl.frontier.explain(&tasks[0].origin.url, None).await.unwrap().remove(0);
        assert_eq!((found.recorded.failures, found.recorded.dispatches), (1, 1));
        assert_eq!(Manager::open_later(&url, Settings::default(), HOUR).await.dispatch().await, []);
        assert_eq!(Manager::open_later(&url, Settings::default(), 2 * HOUR).await.dispatch().await.len(), 1);
    }

    async fn dead_letters_and_replays(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let job = crawl.seed(&spec("a"), &["http://a.example/1", "http://a.example/2", "http://a.example/3"]).await;
        let tasks = crawl.dispatch().await;
        crawl.letter(task_record(&tasks[0]), "scraper").await;
        crawl.expect_state(job, "http://a.example/1", Dead, Some(code::SERVER_ERROR)).await;
        crawl.feed(&[page(&tasks[0], &[])]).await;
        crawl.expect_state(job, "http://a.example/1", Stored, Some(code::OK)).await;
        crawl.letter(task_record(&tasks[0]), "scraper").await;
        crawl.expect_state(job, "http://a.example/1", Stored, Some(code::OK)).await;

        // A page that could not be stored, in both orders; the fact itself changes nothing any more.
        let stored = page(&tasks[1], &["http://a.example/found"]);
        crawl.letter(record_of(&stored), "storage").await;
        crawl.feed(std::slice::from_ref(&stored)).await;
        crawl.expect_state(job, "http://a.example/2", Dead, Some(code::SERVER_ERROR)).await;
        crawl.expect_state(job, "http://a.example/found", Queued, None).await;
        crawl.feed(&[page(&tasks[2], &[])]).await;
        crawl.letter(record_of(&page(&tasks[2], &[])), "storage").await;
        crawl.expect_state(job, "http://a.example/3", Dead, Some(code::SERVER_ERROR)).await;
        crawl.feed_replayed(&stored, 1).await;
        crawl.expect_state(job, "http://a.example/2", Stored, Some(code::OK)).await;
        crawl.counts(job).await;

        // Bytes that nobody can read: the headers say what they were about. A letter about nothing
        // of ours is taken and forgotten.
        let found = crawl.dispatch().await;
        let broken = trawl_shared::message::Record { payload: bytes::Bytes::from_static(b"\xff"), ..task_record(&found[0]) };
        crawl.letter(broken, "scraper").await;
        crawl.expect_state(job, "http://a.example/found", Dead, Some(code::SERVER_ERROR)).await;
        crawl.letter(task_record(&task(trawl_shared::model::JobId::fresh(), "http://a.example/")), "scraper").await;
        crawl.counts(job).await;
    }

    async fn facts_about_strangers_are_refused_alone(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
        let tasks = crawl.dispatch().await;
        let strange_job = task(trawl_shared::model::JobId::fresh(), "http://a.example/");
        let facts = [&strange_job, &task(job, "http://b.example/"), &task(job, "http://a.example/never"), &tasks[0]];
        let answers = crawl.feed_answers(&facts.map(|task| page(task, &["http://a.example/x"]))).await;
        assert!(answers[..3].iter().all(|answer| matches!(answer, Err(Failure::Reject(_)))), "{answers:?}");
        assert!(answers[3].is_ok());
        assert_eq!(crawl.counts(job).await, [(Stored, 1), (Queued, 1)].into());
    }

    async fn the_gap_between_requests_is_kept_by_all_jobs_together(url: DatabaseUrl) {
        let settings = Settings { horizon_ms: 60_000, ..Settings::default() };
        let slow = |name| JobSpec { delay_ms: Some(700), ..spec(name) };
        let seeds = ["http://a.example/1", "http://a.example/2", "http://a.example/3", "http://a.example/4", "http://a.example/5", "http://a.example/6"];
        let crawl = Manager::open(&url, settings.clone()).await;
        let job = crawl.seed(&slow("a"), &seeds).await;
        crawl.seed(&slow("b"), &seeds).await;
        let mut tasks = crawl.dispatch().await;
        assert_eq!(tasks.len(), 2 * 4, "so many as two seconds hold, and one");
        // Another process goes on where the slots end.
        let other = Manager::open(&url, settings).await;
        other.feed(&[TaskEnded { crawl_delay_ms: Some(5_000), ..page(&tasks[0], &[]) }, page(&tasks[1], &[]), page(&tasks[2], &[])]).await;
        let more = other.dispatch().await;
        assert_eq!(more.len(), 1, "the host asks for five seconds, of which two are ahead");
        assert_eq!(more[0].fetch.delay_ms, 5_000);
        tasks.extend(more);
        let mut slots: Vec<_> = tasks[1..].iter().map(|task| task.earliest_fetch_at.unwrap()).collect();
        slots.sort_unstable();
        let gaps: Vec<_> = slots.windows(2).map(|pair| (pair[1] - pair[0]).total(jiff::Unit::Millisecond).unwrap()).collect();
        assert!(gaps.iter().all(|gap| *gap >= 699.0), "{gaps:?}");
        other.counts(job).await;
    }

    async fn a_slot_beyond_the_horizon_is_not_given_out(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let spec = JobSpec { delay_ms: Some(30_000), ..spec("a") };
        crawl.seed(&spec, &["http://a.example/1", "http://a.example/2", "http://b.example/"]).await;
        let tasks = crawl.dispatch().await;
        assert_eq!(tasks.len(), 2, "one for each host");
        crawl.feed(&tasks.iter().map(|task| page(task, &[])).collect::<Vec<_>>()).await;
        assert_eq!(crawl.dispatch().await, []);
        let soon = Manager::open_later(&url, Settings::default(), Duration::from_secs(25)).await;
        assert_eq!(urls(&soon.dispatch().await), ["http://a.example/2"]);
    }

    async fn a_hot_host_starves_nobody(url: DatabaseUrl) {
        let settings = Settings { max_in_flight: 20, queue_ahead: 16, ..Settings::default() };
        let crawl = Manager::open(&url, settings).await;
        let hot: Vec<String> = (0..500).map(|n| format!("http://hot.example/{n}")).collect();
        let hot: Vec<&str> = hot.iter().map(String::as_str).collect();
        let big = crawl.seed(&spec("big"), &[hot.as_slice(), &["http://cold.example/"]].concat()).await;
        let small = crawl.seed(&spec("small"), &["http://small.example/1", "http://small.example/2"]).await;
        let tasks = crawl.dispatch().await;
        assert_eq!(tasks.len(), 19, "two of the small job, one of the cold host, as many as it may of the hot one");
        assert_eq!(tasks.iter().filter(|task| task.origin.job == small).count(), 2);
        assert!(urls(&tasks).contains(&"http://cold.example/"));
        assert_eq!(crawl.dispatch().await, []);
        crawl.feed(&tasks.iter().map(|task| page(task, &[])).collect::<Vec<_>>()).await;
        assert_eq!(crawl.dispatch().await.len(), 16);
        crawl.counts(big).await;
    }

    async fn the_best_urls_go_first(url: DatabaseUrl) {
        let crawl = Manager::open(&url, Settings { max_in_flight: 1, ..Settings::default() }).await;
        crawl.seed(&spec("a"), &["http://a.example/old", "http://a.example/young"]).await;
        let mut order = Vec::new();
        while let Some(task) = crawl.dispatch().await.pop() {
            let links: &[&str] = if order.is_empty() { &["http://a.example/deep"] } else { &[] };
            crawl.feed(&[page(&task, links)]).await;
            order.push(task.origin.url.to_string());
        }
        assert_eq!(order, ["http://a.example/old", "http://a.example/young", "http://a.example/deep"]);
    }

    async fn a_paused_job_gives_nothing_out(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
        crawl.frontier.set_job_state(job, JobState::Paused).await.unwrap();
        assert_eq!(crawl.dispatch().await, []);
        assert_eq!(crawl.frontier.status(job).await.unwrap().state, JobState::Paused);
        crawl.frontier.set_job_state(job, JobState::Running).await.unwrap();
        assert_eq!(crawl.dispatch().await.len(), 1);
    }

    async fn two_dispatchers_never_give_out_the_same(url: DatabaseUrl) {
        let settings = Settings { queue_ahead: 1000, max_in_flight: 2000, batch: 40, ..Settings::default() };
        let (one, two) = (Manager::open(&url, settings.clone()).await, Manager::open(&url, settings).await);
        let seeds: Vec<String> = (0..600).map(|n| format!("http://h{}.example/{n}", n % 7)).collect();
        let job = one.seed(&spec("a"), &seeds.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let drain = async |manager: &Manager| {
            let mut taken = Vec::new();
            while manager.frontier.status(job).await.unwrap().count(Queued) > 0 {
                let tasks = manager.dispatch().await;
                manager.feed(&tasks.iter().map(|task| page(task, &["http://h0.example/common"])).collect::<Vec<_>>()).await;
                taken.extend(tasks.into_iter().map(|task| task.origin.url.to_string()));
            }
            taken
        };
        let (first, second) = tokio::join!(drain(&one), drain(&two));
        let all: Vec<_> = first.into_iter().chain(second).collect();
        assert_eq!(all.len(), 601);
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 601);
        assert_eq!(one.counts(job).await, [(Stored, 601)].into());
    }

    async fn going_on_after_everything_in_memory_was_lost(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let job = crawl.seed(&spec("a"), &["http://a.example/1", "http://a.example/2", "http://a.example/3", "http://a.example/4"]).await;
        let tasks = crawl.dispatch().await;
        let gone = TaskEnded { status: Some(404), ..ended(&tasks[2], Outcome::Gone, "http_404") };
        let robots = ended(&tasks[3], Outcome::Excluded, code::ROBOTS_DISALLOWED);
        crawl.feed(&[page(&tasks[0], &[]), page(&tasks[1], &["http://a.example/5"]), gone, robots]).await;
        assert_eq!(crawl.dispatch().await.len(), 1);

        let again = manager(&url).await;
        assert_eq!(again.frontier.release_all_leases().await.unwrap(), 1);
        let stored = [tasks[1].origin.task, tasks[2].origin.task].map(Ok::<_, trawl_url_manager::FrontierError>);
        let requeued = again.frontier.reconcile(job, futures_util::stream::iter(stored)).await.unwrap();
        assert_eq!(requeued, 1);
        assert_eq!(urls(&again.dispatch().await), ["http://a.example/1", "http://a.example/5"]);
        assert_eq!(again.counts(job).await, [(InFlight, 2), (Stored, 1), (Gone, 1), (Excluded, 1)].into());
    }

    async fn scopes_of_every_kind(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let links = ["http://www.a.example/docs/x", "http://www.a.example/", "http://b.a.example/", "http://c.example/"];
        for (kind, within) in [(ScopeKind::Prefix, 1), (ScopeKind::Host, 2), (ScopeKind::Domain, 3), (ScopeKind::Any, 4)] {
            let job = crawl.seed(&JobSpec { scope: kind, ..spec(kind.as_str()) }, &["http://www.a.example/docs/"]).await;
            let home = crawl.dispatch().await;
            crawl.feed(&[page(&home[0], &links)]).await;
            let tasks = crawl.dispatch().await;
            assert_eq!(tasks.len(), within, "{kind}");
            crawl.feed(&tasks.iter().map(|task| page(task, &[])).collect::<Vec<_>>()).await;
            crawl.counts(job).await;
        }
    }

    async fn text_that_a_database_can_not_hold_is_mended(url: DatabaseUrl) {
        let crawl = manager(&url).await;
        let job = crawl.seed(&spec("a"), &["http://a.example/"]).await;
        let tasks = crawl.dispatch().await;
        let detail = Some("zero\0and a \u{1f578}, 'quoted' \"twice\" \\".to_owned());
        crawl.feed(&[TaskEnded { detail, ..ended(&tasks[0], Outcome::Gone, "http_404") }]).await;
        let found = crawl.frontier.explain(&tasks[0].origin.url, Some(job)).await.unwrap().remove(0);
        assert_eq!(found.recorded.detail.as_deref(), Some("zero and a \u{1f578}, 'quoted' \"twice\" \\"));
        let odd = "http://a.example/'%00%22?q=%27%5C%F0%9F%95%B8";
        crawl.feed(&[page(&tasks[0], &[odd])]).await;
        assert_eq!(urls(&crawl.dispatch().await), [odd]);
    }

    async fn a_front_that_forgets_changes_nothing(url: DatabaseUrl) {
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
}
