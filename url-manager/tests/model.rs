//! Any sequence of events, on SQLite and on a model that fits on a page: the same states, and kept
//! counts that are what there is.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use support::{Manager, ended, page, record_of, redirect, spec, task, task_record};
use trawl_shared::{
    model::{FetchTask, JobId, Outcome, TaskEnded, code},
    sql::DatabaseUrl,
};
use trawl_url_manager::{
    JobSpec, Settings,
    UrlState::{self, Dead, Excluded, Gone, InFlight, Queued, Redirected, Stored},
};

const MAX_DEPTH: u32 = 2;
const HOSTS: [&str; 3] = ["a.example", "b.example", "c.example"];

/// The `n`-th of a few URLs on three hosts.
fn url(n: usize) -> String {
    format!("http://{}/{}", HOSTS[n % 3], n / 3)
}

#[derive(Clone, Debug)]
enum Event {
    Dispatch,
    Page { of: usize, links: Vec<(usize, bool)>, follow: bool },
    Gone { of: usize },
    Redirect { of: usize, to: usize },
    GivenUp { of: usize },
    NotStored { of: usize },
    Replayed { of: usize },
    Seed { of: usize },
    LeasesEnd,
    Restart,
}

fn event() -> impl Strategy<Value = Event> {
    let any = || 0..9usize;
    let links = prop::collection::vec((any(), prop::bool::weighted(0.3)), 0..6);
    prop_oneof![
        4 => Just(Event::Dispatch),
        6 => (any(), links, prop::bool::weighted(0.8)).prop_map(|(of, links, follow)| Event::Page { of, links, follow }),
        1 => any().prop_map(|of| Event::Gone { of }),
        2 => (any(), any()).prop_map(|(of, to)| Event::Redirect { of, to }),
        1 => any().prop_map(|of| Event::GivenUp { of }),
        1 => any().prop_map(|of| Event::NotStored { of }),
        1 => any().prop_map(|of| Event::Replayed { of }),
        1 => any().prop_map(|of| Event::Seed { of }),
        1 => Just(Event::LeasesEnd),
        1 => Just(Event::Restart),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    state: UrlState,
    why: Option<&'static str>,
    depth: u32,
    /// Rank of the fact that decided; 0 for the frontier itself.
    fact: u32,
}

#[derive(Default)]
struct Model {
    rows: BTreeMap<usize, Row>,
    scope: BTreeSet<usize>,
}

impl Model {
    fn judge(&self, of: usize, depth: u32) -> Option<&'static str> {
        match (self.scope.contains(&(of % 3)), depth > MAX_DEPTH) {
            (false, _) => Some(code::SCOPE),
            (true, true) => Some(code::DEPTH),
            (true, false) => None,
        }
    }

    /// A URL was found; `kept_out` says why it must not be fetched.
    fn found(&mut self, of: usize, depth: u32, kept_out: Option<&'static str>) {
        let state = if kept_out.is_some() { Excluded } else { Queued };
        let new = Row { state, why: kept_out, depth, fact: 0 };
        let Some(row) = self.rows.get_mut(&of) else {
            self.rows.insert(of, new);
            return;
        };
        let rank = |why: Option<&str>| {
            [Some(code::NOFOLLOW), Some(code::SCOPE), Some(code::DEPTH), None]
                .iter()
                .position(|x| *x == why)
                .unwrap()
        };
        match row.state {
            Excluded if row.fact == 0 => {
                let (old, new_rank) = (rank(row.why), rank(kept_out));
                if new_rank > old || (new_rank == old && depth < row.depth) {
                    *row = new;
                }
            }
            Queued | InFlight if kept_out.is_none() => row.depth = row.depth.min(depth),
            _ => {}
        }
    }

    fn fact(&mut self, of: usize, fact: u32, state: UrlState, why: &'static str) {
        if let Some(row) = self.rows.get_mut(&of)
            && row.fact < fact
        {
            *row = Row { state, why: Some(why), fact, ..*row };
        }
    }

    fn widen(&mut self, host: usize) {
        if self.scope.insert(host) {
            let waiting: Vec<_> = self
                .rows
                .iter()
                .filter(|(_, row)| row.fact == 0 && row.why == Some(code::SCOPE))
                .map(|(of, row)| (*of, row.depth))
                .collect();
            for (of, depth) in waiting.into_iter().filter(|(of, _)| of % 3 == host) {
                let kept_out = self.judge(of, depth);
                self.found(of, depth, kept_out);
            }
        }
    }

    fn links(&mut self, of: usize, links: &[(usize, bool)], follow: bool) {
        let depth = self.rows[&of].depth + 1;
        for (link, nofollow) in links {
            let kept_out = if *nofollow || !follow { Some(code::NOFOLLOW) } else { self.judge(*link, depth) };
            self.found(*link, depth, kept_out);
        }
    }
}

struct Both {
    model: Model,
    real: Manager,
    place: DatabaseUrl,
    job: JobId,
}

impl Both {
    fn task(&self, of: usize) -> Option<FetchTask> {
        let mut task = task(self.job, &url(of));
        task.origin.depth = self.model.rows.get(&of)?.depth;
        Some(task)
    }

    fn page(task: &FetchTask, links: &[(usize, bool)], follow: bool) -> TaskEnded {
        let links: Vec<String> = links
            .iter()
            .map(|(link, nofollow)| format!("{}{}", if *nofollow { "!" } else { "" }, url(*link)))
            .collect();
        TaskEnded { follow, ..page(task, &links.iter().map(String::as_str).collect::<Vec<_>>()) }
    }

    async fn happens(&mut self, event: &Event) {
        match event {
            Event::Dispatch => {
                let tasks = self.real.dispatch().await;
                let given: BTreeSet<String> = tasks.iter().map(|task| task.origin.url.to_string()).collect();
                let queued: Vec<usize> = self
                    .model
                    .rows
                    .iter()
                    .filter(|(_, row)| row.state == Queued)
                    .map(|(of, _)| *of)
                    .collect();
                assert_eq!(given, queued.iter().map(|of| url(*of)).collect());
                for of in queued {
                    self.model.rows.get_mut(&of).unwrap().state = InFlight;
                }
            }
            Event::Page { of, links, follow } => {
                let Some(task) = self.task(*of) else { return };
                let fact = Self::page(&task, links, *follow);
                self.real.feed(&[fact.clone(), fact]).await;
                self.model.fact(*of, 2, Stored, code::OK);
                self.model.links(*of, links, *follow);
            }
            Event::Gone { of } => {
                let Some(task) = self.task(*of) else { return };
                self.real.feed(&[ended(&task, Outcome::Gone, "http_404")]).await;
                self.model.fact(*of, 2, Gone, "http_404");
            }
            Event::Redirect { of, to } => {
                let Some(task) = self.task(*of) else { return };
                self.real.feed(&[redirect(&task, &url(*to))]).await;
                if task.origin.depth == 0 {
                    self.model.widen(to % 3);
                }
                self.model.fact(*of, 2, Redirected, code::REDIRECT);
                let depth = self.model.rows[of].depth;
                let kept_out = self.model.judge(*to, depth);
                self.model.found(*to, depth, kept_out);
            }
            Event::GivenUp { of } => {
                let Some(task) = self.task(*of) else { return };
                self.real.letter(task_record(&task), "scraper").await;
                self.model.fact(*of, 1, Dead, code::SERVER_ERROR);
            }
            Event::NotStored { of } => {
                let Some(task) = self.task(*of) else { return };
                self.real.letter(record_of(&page(&task, &[])), "storage").await;
                self.model.fact(*of, 3, Dead, code::SERVER_ERROR);
            }
            Event::Replayed { of } => {
                let Some(task) = self.task(*of) else { return };
                self.real.feed_replayed(&page(&task, &[]), 1).await;
                self.model.fact(*of, 4, Stored, code::OK);
            }
            Event::Seed { of } => {
                self.real.seed(&spec("a"), &[&url(*of)]).await;
                self.model.widen(of % 3);
                self.model.found(*of, 0, None);
            }
            Event::LeasesEnd => {
                self.real.frontier.release_all_leases().await.unwrap();
                self.model
                    .rows
                    .values_mut()
                    .filter(|row| row.state == InFlight)
                    .for_each(|row| row.state = Queued);
            }
            Event::Restart => {
                self.real.frontier.close().await;
                self.real = Manager::open(&self.place, Settings::default()).await;
            }
        }
    }

    async fn agree(&self) {
        for of in 0..9 {
            let real = self.real.look(self.job, &url(of)).await;
            let model =
                self.model.rows.get(&of).map(|row| (row.state, row.why.map(str::to_owned), row.depth));
            assert_eq!(real, model, "{}", url(of));
        }
        let mut states: BTreeMap<UrlState, u64> = BTreeMap::new();
        self.model.rows.values().for_each(|row| *states.entry(row.state).or_default() += 1);
        assert_eq!(self.real.counts(self.job).await, states);
        for (host, name) in HOSTS.iter().enumerate() {
            let Some((of, _)) = self.model.rows.iter().find(|(of, _)| *of % 3 == host) else { continue };
            let found = self
                .real
                .frontier
                .explain(&url(*of).parse().unwrap(), None)
                .await
                .unwrap()
                .remove(0)
                .recorded;
            let count = |state| {
                self.model.rows.iter().filter(|(of, row)| *of % 3 == host && row.state == state).count()
                    as u64
            };
            assert_eq!(
                (found.queued_on_host, found.leased_on_host),
                (count(Queued), count(InFlight)),
                "{name}"
            );
        }
    }
}

async fn compare(events: Vec<Event>) {
    let folder = tempfile::tempdir().unwrap();
    let place = DatabaseUrl::sqlite(folder.path());
    let real = Manager::open(&place, Settings::default()).await;
    let job = real.seed(&JobSpec { max_depth: Some(MAX_DEPTH), ..spec("a") }, &[&url(0)]).await;
    let mut both = Both { model: Model::default(), real, place, job };
    both.model.widen(0);
    both.model.found(0, 0, None);
    for event in &events {
        both.happens(event).await;
        both.agree().await;
    }
    both.real.frontier.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn the_frontier_is_the_model(events in prop::collection::vec(event(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(events));
    }
}
