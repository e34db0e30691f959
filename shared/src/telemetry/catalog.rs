//! Every metric there is, in one table: docs/metrics.md is printed from it, dashboards and alerts are held to it, and
//! nothing can be registered that does not stand here.
//!
//! Names follow Prometheus: a base unit as suffix, `_total` for counters. Labels are bounded: no URL, host or id is one,
//! and what strangers decide (an HTTP status) is folded into a known set before it becomes one.

use std::fmt::Write as _;

/// What kind of metric it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows, until the process restarts.
    Counter,
    /// How things are now.
    Gauge,
    /// How often a value fell below each of these bounds.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The word of the exposition format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug)]
pub struct Metric {
    /// Its name as it is scraped, without what a histogram appends.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its unit, which the name has as a suffix; empty for plain numbers.
    pub unit: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// Which services have it.
    pub by: &'static str,
    /// What it counts, in one sentence without the full stop.
    pub help: &'static str,
}

macro_rules! catalog {
    ($($constant:ident: $name:literal $kind:ident $(($buckets:expr))?, unit $unit:literal, $labels:expr, by $by:literal, $help:literal;)*) => {
        $(#[doc = concat!("`", $name, "`: ", $help, ".")]
        pub static $constant: Metric = Metric {
            name: $name, kind: Kind::$kind $(($buckets))?, unit: $unit, labels: &$labels, by: $by, help: $help,
        };)*

        /// All of them, in the order of the documentation.
        pub static ALL: &[&Metric] = &[$(&$constant),*];
    };
}

/// From a cached parse to a slow fetch, in seconds.
const HANDLER: &[f64] = &[0.000_25, 0.001, 0.004, 0.016, 0.064, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];
/// From a wait that is over on time to one that nobody looked after, in seconds: one second is what is promised.
const LATE: &[f64] = &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 60.0];
/// From a neighbour's answer to a time-out, in seconds.
const FETCH: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// From no wait at all to the longest that a gate allows for, in seconds.
const WAIT: &[f64] = &[0.001, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

const ALL_SERVICES: &str = "all";

catalog! {
    MESSAGES_CONSUMED: "trawl_messages_consumed_total" Counter, unit "", ["service", "group", "topic"], by "all",
        "Messages read by a group";
    MESSAGES_PRODUCED: "trawl_messages_produced_total" Counter, unit "", ["service", "topic"], by "all",
        "Messages that handlers gave and the broker acknowledged";
    MESSAGES_RETRIED: "trawl_messages_retried_total" Counter, unit "", ["service", "topic", "code"], by "all",
        "Messages sent to wait for another attempt, by what failed";
    MESSAGES_DEAD: "trawl_messages_dead_lettered_total" Counter, unit "", ["service", "topic", "code"], by "all",
        "Messages given up, by what failed";
    MESSAGES_DUPLICATE: "trawl_messages_duplicate_total" Counter, unit "", ["service", "group", "topic"], by "all",
        "Messages seen before and not handled again";
    IN_FLIGHT: "trawl_in_flight_messages" Gauge, unit "messages", ["service", "group"], by "all",
        "Messages taken and not finished";
    HANDLER_DURATION: "trawl_handler_duration_seconds" Histogram(HANDLER), unit "seconds", ["service", "group"], by "all",
        "Time a handler took for a message or a batch; the exemplars are sampled traces";
    LAG_MESSAGES: "trawl_consumer_lag_messages" Gauge, unit "messages", ["group", "topic", "partition"], by "all",
        "Messages of a partition that its group has not finished, as its owner last heard of the partition's end";
    LAG_SECONDS: "trawl_consumer_lag_seconds" Gauge, unit "seconds", ["group", "topic", "partition"], by "all",
        "Age of the oldest message of a partition that its group has not finished; 0 when all are";
    COMMIT_FAILURES: "trawl_commit_failures_total" Counter, unit "", ["service", "group"], by "all",
        "Offset commits that the broker did not take; the next one covers the same ground";
    CIRCUIT_OPEN: "trawl_circuit_open" Gauge, unit "", ["service", "group"], by "all",
        "1 while a group has stopped because too many of its messages fail";
    RETRY_HELD: "trawl_retry_held_bytes" Gauge, unit "bytes", ["service", "group"], by "all",
        "Records of retry in memory that wait for their due time";
    RETRY_LATE: "trawl_retry_late_seconds" Histogram(LATE), unit "seconds", ["service", "group"], by "all",
        "Time from the due time of a waiting message to its next attempt";
    TRANSACTIONS: "trawl_transactions_total" Counter, unit "", ["service", "group", "outcome"], by "all",
        "Transactions of groups that deliver exactly once, by how they ended";
    BROKER_UP: "trawl_broker_up" Gauge, unit "", [], by "all",
        "1 when the broker can be reached";
    READY: "trawl_ready" Gauge, unit "", [], by "all",
        "1 when every part of the process is ready, as /readyz says";
    BUILD: "trawl_build_info" Gauge, unit "", ["version"], by "all",
        "1; its label is the version that runs";
    TRACE_SPANS: "trawl_trace_spans_total" Counter, unit "", ["result"], by "all",
        "Spans of sampled traces: exported, or dropped because the collector did not keep up";

    CRAWL_URLS: "trawl_crawl_urls" Gauge, unit "", ["crawl", "state"], by "url-manager",
        "URLs of a crawl by state; crawls that are under way or ended within the hour, the newest 50";
    CRAWL_HOSTS: "trawl_crawl_hosts" Gauge, unit "", ["crawl"], by "url-manager",
        "Hosts that a crawl knows URLs of";
    CRAWL_OLDEST_HOST: "trawl_crawl_oldest_waiting_host_seconds" Gauge, unit "seconds", ["crawl"], by "url-manager",
        "How long the crawl's most delayed host has been due with URLs queued and none given out; 0 when none is late";
    TASKS_DISPATCHED: "trawl_tasks_dispatched_total" Counter, unit "", [], by "url-manager",
        "URLs given out as tasks, repeats included";
    URLS_ENDED: "trawl_urls_ended_total" Counter, unit "", ["outcome", "code"], by "url-manager",
        "URLs that came to an end by what was found out about them, dead ones included";
    URLS_EXCLUDED: "trawl_urls_excluded_total" Counter, unit "", ["code"], by "url-manager",
        "URLs that a rule of their job keeps out, by the rule: scope, bounds, and each trap";

    FETCHES: "trawl_fetches_total" Counter, unit "", ["outcome", "code"], by "scraper",
        "Fetches by what came of them: a page, an end without one, or a failure that is tried again";
    FETCH_DURATION: "trawl_fetch_duration_seconds" Histogram(FETCH), unit "seconds", ["status"], by "scraper",
        "Time from a page's request to the last byte of its answer, by class of status; the exemplars are sampled traces";
    FETCHED_BYTES: "trawl_fetched_bytes_total" Counter, unit "bytes", [], by "scraper",
        "Bytes of the bodies that were fetched, decoded";
    GATE_WAIT: "trawl_gate_wait_seconds" Histogram(WAIT), unit "seconds", [], by "scraper",
        "Time a request waited at its host's gate";
    ROBOTS: "trawl_robots_total" Counter, unit "", ["standing"], by "scraper",
        "robots.txt files asked for, by what came of it";
    HOSTS_KNOWN: "trawl_hosts" Gauge, unit "", ["state"], by "scraper",
        "Hosts with a gate: all that are remembered, with a request under way, waited for, and left alone because they asked for it";

    ROWS_STORED: "trawl_rows_stored_total" Counter, unit "", ["outcome"], by "storage",
        "Ends of tasks written to the store, redeliveries included";

    LETTERS: "trawl_dead_letters" Gauge, unit "", ["state"], by "dlq-handler",
        "Letters in the ledger, by state";
    LETTERS_OPEN: "trawl_dead_letters_open" Gauge, unit "", ["code"], by "dlq-handler",
        "Open letters by code; codes beyond the fifty most frequent are one";
    LETTERS_OLDEST: "trawl_dead_letters_oldest_open_seconds" Gauge, unit "seconds", [], by "dlq-handler",
        "Time since the oldest open letter died; 0 where none is open";
    LETTERS_REPLAYS: "trawl_dead_letters_replays" Gauge, unit "", ["outcome"], by "dlq-handler",
        "Replays of which is known what came of them, by outcome, since the ledger began";

    PROCESS_CPU: "process_cpu_seconds_total" Counter, unit "seconds", [], by "all",
        "CPU time of the process, user and system";
    PROCESS_MEMORY: "process_resident_memory_bytes" Gauge, unit "bytes", [], by "all",
        "Memory of the process that is resident";
    PROCESS_VIRTUAL: "process_virtual_memory_bytes" Gauge, unit "bytes", [], by "all",
        "Address space of the process";
    PROCESS_FDS: "process_open_fds" Gauge, unit "", [], by "all",
        "File descriptors of the process that are open";
    PROCESS_MAX_FDS: "process_max_fds" Gauge, unit "", [], by "all",
        "File descriptors that the process may open";
    PROCESS_THREADS: "process_threads" Gauge, unit "", [], by "all",
        "Threads of the process";
    PROCESS_START: "process_start_time_seconds" Gauge, unit "seconds", [], by "all",
        "When the process was started, in seconds since 1970";
}

/// A short form of `http_<status>` codes: those that sites give every day keep their name, the others share one for
/// each hundred. A stranger's server may answer any number.
#[must_use]
pub fn bounded_code(code: &str) -> &str {
    let Some(status) = code.strip_prefix("http_") else { return code };
    match status {
        "400" | "401" | "403" | "404" | "405" | "406" | "410" | "451" => code,
        _ => match status.as_bytes().first() {
            Some(b'1') => "http_1xx",
            Some(b'2') => "http_2xx",
            Some(b'3') => "http_3xx",
            Some(b'4') => "http_4xx",
            Some(b'5') => "http_5xx",
            _ => "http_other",
        },
    }
}

/// The table as it stands in docs/metrics.md.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from(
        "# Metrics\n\n\
         <!-- Printed by `trawl metrics` from shared/src/telemetry/catalog.rs; a test compares. -->\n\n\
         Each service serves these on `/metrics` of `telemetry.listen`, in the OpenMetrics format. No label is a URL, a host\n\
         or an id; `crawl` is the name that a job was given. A histogram has the series `_bucket`, `_sum` and `_count`.\n\n\
         | metric | kind | unit | labels | by | what it says |\n|---|---|---|---|---|---|\n",
    );
    for metric in ALL {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} |",
            metric.name,
            metric.kind.as_str(),
            or_dash(metric.unit),
            or_dash(&labels.join(", ")),
            if metric.by == ALL_SERVICES { "every service" } else { metric.by },
            metric.help
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_say_what_they_are() {
        for metric in ALL {
            let name = metric.name;
            assert!(name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'_')), "{name}");
            assert!(name.starts_with("trawl_") || name.starts_with("process_"), "{name}");
            assert_eq!(name.ends_with("_total"), metric.kind == Kind::Counter, "{name}");
            let base = name.strip_suffix("_total").unwrap_or(name);
            assert!(base.ends_with(metric.unit), "{name} is in {}", metric.unit);
            assert!(!metric.help.ends_with('.'), "{name}: the format appends the full stop");
            for label in metric.labels {
                assert!(
                    !["url", "host", "id", "trace", "instance", "job", "le"].contains(label),
                    "{name}: {label}"
                );
            }
        }
        let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len(), "a name stands once");
    }

    #[test]
    fn statuses_of_strangers_are_few_labels() {
        let codes: BTreeSet<String> =
            (0..=65535).map(|status| bounded_code(&format!("http_{status}")).to_owned()).collect();
        assert!(codes.len() < 16, "{codes:?}");
        assert_eq!(bounded_code("http_404"), "http_404");
        assert_eq!(bounded_code("robots_disallowed"), "robots_disallowed");
    }
}
