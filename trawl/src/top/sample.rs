//! From two looks at every process to what is shown: rates are between the two, all else is of the second.

use super::scrape::{Process, Sample};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, btree_map::Entry};
use trawl_shared::telemetry::{LastLetter, catalog};

/// Rows of a list that may be long.
const MOST: usize = 8;

/// A fleet at one look.
#[derive(Debug, Default, Serialize)]
pub(super) struct Snapshot {
    pub(super) services: Vec<ServiceRow>,
    pub(super) groups: Vec<GroupRow>,
    pub(super) crawls: Vec<CrawlRow>,
    pub(super) slowest_hosts: Vec<Value>,
    pub(super) blocked_hosts: Vec<Value>,
    pub(super) errors: Vec<ErrorRow>,
    pub(super) dead_letters: Vec<LastLetter>,
}

/// One process.
#[derive(Debug, Serialize)]
pub(super) struct ServiceRow {
    pub(super) service: String,
    pub(super) address: String,
    /// What is not ready, or why there is no answer; empty when all is well.
    pub(super) trouble: String,
    pub(super) read_per_second: f64,
    pub(super) written_per_second: f64,
    pub(super) cores: f64,
    pub(super) memory_bytes: f64,
}

/// A group on one topic.
#[derive(Debug, Default, Serialize)]
pub(super) struct GroupRow {
    pub(super) group: String,
    pub(super) topic: String,
    pub(super) lag: f64,
    pub(super) oldest_seconds: f64,
    pub(super) read_per_second: f64,
}

/// A crawl.
#[derive(Debug, Default, Serialize)]
pub(super) struct CrawlRow {
    pub(super) crawl: String,
    pub(super) states: BTreeMap<String, f64>,
    pub(super) oldest_host_seconds: f64,
}

/// What goes wrong, by code.
#[derive(Debug, Serialize)]
pub(super) struct ErrorRow {
    pub(super) code: String,
    pub(super) what: &'static str,
    pub(super) per_second: f64,
    pub(super) since_start: f64,
}

/// All samples of the fleet: each with what it grows by in a second.
struct Samples<'a>(Vec<(&'a Sample, f64)>);

impl<'a> Samples<'a> {
    fn of(before: &'a [Process], now: &'a [Process]) -> Self {
        let mut all = Vec::new();
        for process in now {
            let earlier =
                before.iter().find(|other| other.address == process.address && other.name == process.name);
            all.extend(Self::of_process(earlier, process).0);
        }
        Self(all)
    }

    fn of_process(before: Option<&'a Process>, now: &'a Process) -> Self {
        let earlier: BTreeMap<_, f64> = before
            .and_then(|before| before.samples.as_ref().ok())
            .into_iter()
            .flatten()
            .map(|sample| ((&sample.name, &sample.labels), sample.value))
            .collect();
        let seconds = before.map_or(0.0, |before| (now.at - before.at).as_secs_f64());
        let known = before.is_some_and(|before| before.samples.is_ok());
        let rate = |sample: &Sample| {
            // A series that was not there before has grown from nothing; one that shrank began anew.
            let grown = sample.value - earlier.get(&(&sample.name, &sample.labels)).copied().unwrap_or(0.0);
            if known && seconds > 0.0 { grown.max(0.0) / seconds } else { 0.0 }
        };
        Self(now.samples.iter().flatten().map(|sample| (sample, rate(sample))).collect())
    }

    fn named(&self, metric: &'static catalog::Metric) -> impl Iterator<Item = (&'a Sample, f64)> + '_ {
        self.0.iter().filter(|(sample, _)| sample.name == metric.name).copied()
    }

    fn rate(&self, metric: &'static catalog::Metric) -> f64 {
        self.named(metric).map(|(_, rate)| rate).sum()
    }

    fn value(&self, metric: &'static catalog::Metric) -> f64 {
        self.named(metric).map(|(sample, _)| sample.value).sum()
    }
}

fn label<'a>(sample: &'a Sample, name: &str) -> &'a str {
    sample.labels.get(name).map_or("", String::as_str)
}

/// What is shown.
pub(super) fn snapshot(before: &[Process], now: &[Process]) -> Snapshot {
    let all = Samples::of(before, now);
    let (slowest_hosts, blocked_hosts) =
        (hosts(now, "slowest", "latency_ms"), hosts(now, "blocked", "blocked_for_ms"));
    Snapshot {
        services: now.iter().map(|process| service(before, process)).collect(),
        groups: groups(&all),
        crawls: crawls(&all),
        slowest_hosts,
        blocked_hosts,
        errors: errors(&all),
        dead_letters: letters(now),
    }
}

fn service(before: &[Process], now: &Process) -> ServiceRow {
    let earlier = before.iter().find(|other| other.address == now.address && other.name == now.name);
    let samples = Samples::of_process(earlier, now);
    let named = samples.named(&catalog::MESSAGES_CONSUMED).map(|(sample, _)| label(sample, "service"));
    let named =
        named.chain(samples.named(&catalog::IN_FLIGHT).map(|(sample, _)| label(sample, "service"))).next();
    let host = now.name.split(':').next().unwrap_or_default();
    let not_ready = now.status["not_ready"].as_object().into_iter().flatten();
    let not_ready: Vec<String> =
        not_ready.map(|(part, why)| format!("{part}: {}", why.as_str().unwrap_or("?"))).collect();
    ServiceRow {
        service: named.unwrap_or(host).to_owned(),
        address: now.address.map_or_else(|| now.name.clone(), |address| address.to_string()),
        trouble: now.samples.as_ref().err().cloned().unwrap_or_else(|| not_ready.join("; ")),
        read_per_second: samples.rate(&catalog::MESSAGES_CONSUMED),
        written_per_second: samples.rate(&catalog::MESSAGES_PRODUCED),
        cores: samples.rate(&catalog::PROCESS_CPU),
        memory_bytes: samples.value(&catalog::PROCESS_MEMORY),
    }
}

fn groups(all: &Samples<'_>) -> Vec<GroupRow> {
    let mut rows: BTreeMap<(&str, &str), GroupRow> = BTreeMap::new();
    let key = |sample| (label(sample, "group"), label(sample, "topic"));
    for (sample, _) in all.named(&catalog::LAG_MESSAGES) {
        rows.entry(key(sample)).or_default().lag += sample.value;
    }
    for (sample, _) in all.named(&catalog::LAG_SECONDS) {
        let oldest = &mut rows.entry(key(sample)).or_default().oldest_seconds;
        *oldest = oldest.max(sample.value);
    }
    for (sample, rate) in all.named(&catalog::MESSAGES_CONSUMED) {
        rows.entry(key(sample)).or_default().read_per_second += rate;
    }
    let named = rows.into_iter().map(|((group, topic), row)| GroupRow {
        group: group.to_owned(),
        topic: topic.to_owned(),
        ..row
    });
    named.collect()
}

/// Every url-manager shows all crawls, so they are not added up.
fn crawls(all: &Samples<'_>) -> Vec<CrawlRow> {
    let mut rows: BTreeMap<&str, CrawlRow> = BTreeMap::new();
    for (sample, _) in all.named(&catalog::CRAWL_URLS) {
        let states = &mut rows.entry(label(sample, "crawl")).or_default().states;
        match states.entry(label(sample, "state").to_owned()) {
            Entry::Vacant(free) => drop(free.insert(sample.value)),
            Entry::Occupied(mut known) => *known.get_mut() = known.get().max(sample.value),
        }
    }
    for (sample, _) in all.named(&catalog::CRAWL_OLDEST_HOST) {
        let oldest = &mut rows.entry(label(sample, "crawl")).or_default().oldest_host_seconds;
        *oldest = oldest.max(sample.value);
    }
    rows.into_iter().map(|(crawl, row)| CrawlRow { crawl: crawl.to_owned(), ..row }).collect()
}

fn errors(all: &Samples<'_>) -> Vec<ErrorRow> {
    let mut rows: BTreeMap<(&str, &'static str), (f64, f64)> = BTreeMap::new();
    let sources = [
        (&catalog::FETCHES, "fetch"),
        (&catalog::MESSAGES_RETRIED, "tried again"),
        (&catalog::MESSAGES_DEAD, "given up"),
    ];
    for (metric, what) in sources {
        for (sample, rate) in all.named(metric) {
            if what == "fetch"
                && matches!(label(sample, "outcome"), "page" | "redirected" | "unchanged" | "later")
            {
                continue;
            }
            let row = rows.entry((label(sample, "code"), what)).or_default();
            (row.0, row.1) = (row.0 + rate, row.1 + sample.value);
        }
    }
    let mut rows: Vec<ErrorRow> = rows
        .into_iter()
        .map(|((code, what), (per_second, since_start))| ErrorRow {
            code: code.to_owned(),
            what,
            per_second,
            since_start,
        })
        .collect();
    rows.sort_by(|a, b| {
        (b.per_second, b.since_start)
            .partial_cmp(&(a.per_second, a.since_start))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    rows.truncate(MOST);
    rows
}

fn hosts(now: &[Process], list: &str, by: &str) -> Vec<Value> {
    let named = now.iter().filter_map(|process| process.status["hosts"][list].as_array()).flatten();
    let mut hosts: Vec<Value> = named.cloned().collect();
    hosts.sort_by_key(|host| std::cmp::Reverse(host[by].as_u64()));
    hosts.truncate(MOST);
    hosts
}

fn letters(now: &[Process]) -> Vec<LastLetter> {
    let told = now.iter().map(|process| process.status["dead_letters"].clone());
    let mut letters: Vec<LastLetter> = told
        .filter_map(|letters| serde_json::from_value::<Vec<LastLetter>>(letters).ok())
        .flatten()
        .collect();
    letters.sort_by_key(|letter| std::cmp::Reverse(letter.at));
    letters.truncate(MOST);
    letters
}
