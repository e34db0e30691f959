//! A snapshot as text. What strangers named is escaped.

use super::sample::Snapshot;
use crate::table::table;
use serde_json::Value;
use std::time::Duration;
use trawl_dlq_handler::as_text::line;

/// The whole view.
pub(super) fn text(snapshot: &Snapshot) -> String {
    let services: Vec<_> = snapshot
        .services
        .iter()
        .map(|row| {
            let state = if row.trouble.is_empty() { "ready".to_owned() } else { line(&row.trouble) };
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes for people")]
            let memory = bytesize::ByteSize::b(row.memory_bytes as u64).to_string();
            let numbers =
                [number(row.read_per_second), number(row.written_per_second), format!("{:.2}", row.cores)];
            [vec![line(&row.service), row.address.clone()], numbers.to_vec(), vec![memory, state]].concat()
        })
        .collect();
    let mut text =
        table(&["SERVICE", "address", ">read/s", ">written/s", ">cores", ">memory", "state"], &services);

    let groups: Vec<_> = snapshot
        .groups
        .iter()
        .map(|row| {
            vec![
                line(&row.group),
                line(&row.topic),
                number(row.lag),
                age(row.oldest_seconds),
                number(row.read_per_second),
            ]
        })
        .collect();
    section(
        &mut text,
        &["GROUP", "topic", ">behind", ">oldest", ">read/s"],
        &groups,
        "no group has read anything yet",
    );

    let count = |states: &std::collections::BTreeMap<String, f64>, names: &[&str]| {
        number(names.iter().filter_map(|name| states.get(*name)).sum())
    };
    let crawls: Vec<_> = snapshot
        .crawls
        .iter()
        .map(|row| {
            let ends = ["redirected", "excluded", "gone"];
            let counts = [&["queued"][..], &["in_flight"], &["stored", "unchanged"], &ends, &["dead"]];
            let counts = counts.map(|names| count(&row.states, names));
            [vec![line(&row.crawl)], counts.to_vec(), vec![age(row.oldest_host_seconds)]].concat()
        })
        .collect();
    let headings = ["CRAWL", ">queued", ">in flight", ">stored", ">no page", ">dead", ">oldest host"];
    section(&mut text, &headings, &crawls, "no crawl is under way");

    let host = |host: &Value, by: &str| {
        let time = Duration::from_millis(host[by].as_u64().unwrap_or(0));
        let name = line(host["host"].as_str().unwrap_or("?"));
        vec![name, age(time.as_secs_f64()), host["queued"].to_string(), host["under_way"].to_string()]
    };
    let slowest: Vec<_> = snapshot.slowest_hosts.iter().map(|row| host(row, "latency_ms")).collect();
    section(&mut text, &["SLOWEST HOST", ">answers after", ">waiting", ">under way"], &slowest, "");
    let blocked: Vec<_> = snapshot.blocked_hosts.iter().map(|row| host(row, "blocked_for_ms")).collect();
    section(&mut text, &["BLOCKED HOST", ">left alone for", ">waiting", ">under way"], &blocked, "");

    let errors = snapshot.errors.iter();
    let errors: Vec<_> = errors
        .map(|row| {
            vec![line(&row.code), row.what.to_owned(), number(row.per_second), number(row.since_start)]
        })
        .collect();
    section(&mut text, &["ERROR", "what", ">in a second", ">since start"], &errors, "");

    let letters: Vec<_> = snapshot
        .dead_letters
        .iter()
        .map(|letter| {
            let url = line(letter.url.as_deref().unwrap_or("-"));
            let at = letter.at.strftime("%H:%M:%S").to_string();
            vec![at, line(&letter.group), line(&letter.code), url, line(&letter.error)]
        })
        .collect();
    section(&mut text, &["DEAD LETTER", "group", "code", "URL", "error"], &letters, "");
    text
}

fn section(text: &mut String, headings: &[&str], rows: &[Vec<String>], if_empty: &str) {
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(headings, rows));
    } else if !if_empty.is_empty() {
        text.push('\n');
        text.push_str(if_empty);
        text.push('\n');
    }
}

fn number(value: f64) -> String {
    // A sum of nothing is -0.
    let value = value + 0.0;
    if value == 0.0 || value >= 100.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

fn age(seconds: f64) -> String {
    let rounded = if seconds < 10.0 { (seconds * 100.0).round() / 100.0 } else { seconds.round() };
    humantime::format_duration(Duration::from_secs_f64(rounded.max(0.0))).to_string()
}
