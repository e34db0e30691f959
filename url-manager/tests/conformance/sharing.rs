//! Several url-managers on one database: shares, budgets, and one that is gone.

use crate::support::{Manager, page, spec};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use trawl_shared::{model::FetchTask, sql::DatabaseUrl};
use trawl_url_manager::{JobSpec, Settings, UrlState::Queued};

const HOUR: Duration = Duration::from_secs(3600);

/// One URL on each of many hosts, each of a domain of its own.
fn seeds(job: &str, hosts: usize) -> Vec<String> {
    (0..hosts).map(|n| format!("http://{job}-{n}.example/")).collect()
}

async fn seed(manager: &Manager, spec: &JobSpec, seeds: &[String]) -> trawl_shared::model::JobId {
    manager.seed(spec, &seeds.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// Two that run until both have given something out.
async fn two(url: &DatabaseUrl) -> (Manager, Manager) {
    let settings = Settings { max_in_flight: 8, ..Settings::default() };
    let (one, two) = (Manager::open(url, settings.clone()).await, Manager::open(url, settings).await);
    let job = seed(&one, &spec("first"), &seeds("first", 400)).await;
    let (mut by_one, mut by_two): (BTreeSet<String>, BTreeSet<String>) = Default::default();
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut more = 0;
    while by_one.is_empty() || by_two.is_empty() {
        assert!(Instant::now() < deadline, "{} and {} URLs were given out", by_one.len(), by_two.len());
        for (manager, given) in [(&one, &mut by_one), (&two, &mut by_two)] {
            let tasks = manager.dispatch().await;
            manager.feed(&tasks.iter().map(|task| page(task, &[])).collect::<Vec<_>>()).await;
            given.extend(tasks.iter().map(|task| task.origin.url.to_string()));
        }
        if one.frontier.status(job).await.unwrap().count(Queued) < 100 {
            more += 1;
            seed(&one, &spec("first"), &seeds(&format!("more-{more}"), 400)).await;
        }
    }
    assert!(by_one.is_disjoint(&by_two));
    one.frontier.pause(job).await.unwrap();
    (one, two)
}

pub(crate) async fn a_budget_is_kept_by_two(url: DatabaseUrl) {
    let (one, two) = two(&url).await;
    let spec = JobSpec { max_pages: Some(5), ..spec("small") };
    let job = seed(&one, &spec, &seeds("small", 100)).await;
    let (first, second) = tokio::join!(one.dispatch(), two.dispatch());
    assert_eq!(first.len() + second.len(), 5, "{} and {}", first.len(), second.len());
    let pages = |tasks: &[FetchTask]| tasks.iter().map(|task| page(task, &[])).collect::<Vec<_>>();
    one.feed(&pages(&first)).await;
    two.feed(&pages(&second)).await;
    assert_eq!((one.dispatch().await, two.dispatch().await), (vec![], vec![]));
    one.counts(job).await;
}

pub(crate) async fn the_hosts_of_one_that_is_gone_are_taken_over(url: DatabaseUrl) {
    let (one, two) = two(&url).await;
    let job = seed(&one, &spec("second"), &seeds("second", 60)).await;
    let before = two.dispatch().await;
    assert!(before.len() < 60);
    // An hour later neither has renewed its lease. (What they have in flight is given out again as well.)
    let settings = Settings { lease_ms: 2 * 3_600_000, max_in_flight: 1000, ..Settings::default() };
    let heir = Manager::open_later(&url, settings, HOUR).await;
    let rest = heir.dispatch().await;
    let rest: BTreeSet<_> =
        rest.iter().filter(|task| task.origin.job == job).map(|task| task.origin.url.as_str()).collect();
    assert_eq!(rest.len(), 60);
    // They were not gone, only away: what they think to own is not theirs any more.
    seed(&one, &spec("third"), &seeds("third", 60)).await;
    let heirs = heir.dispatch().await.len();
    assert_eq!(heirs, 60);
    assert_eq!((one.dispatch().await, two.dispatch().await), (vec![], vec![]));
}
