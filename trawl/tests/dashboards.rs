//! Dashboards and alerts ask for metrics and labels that there are, and every alert is in the runbook.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use serde_json::Value;
use std::{collections::BTreeSet, fs};
use support::watch::{alerts, dashboards, root};
use trawl_shared::telemetry::catalog::{self, Kind};

/// Labels that Prometheus adds, and `le` of histograms.
const ADDED: [&str; 4] = ["job", "instance", "service", "le"];

/// The words of an expression that may be names: not what stands in quotes.
fn words(expression: &str) -> Vec<(String, char)> {
    let mut words = Vec::new();
    let unquoted: String = expression.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = unquoted.as_str();
    while let Some(at) = rest.find(is_name) {
        let end = rest[at..].find(|c| !is_name(c)).map_or(rest.len(), |length| at + length);
        let behind = rest[end..].trim_start().chars().next().unwrap_or(' ');
        words.push((rest[at..end].to_owned(), behind));
        rest = &rest[end..];
    }
    words
}

/// Checks one expression; answers the metrics it asks for.
#[track_caller]
fn check(place: &str, expression: &str) -> BTreeSet<&'static str> {
    let mut asked = BTreeSet::new();
    for (word, _) in words(expression)
        .iter()
        .filter(|(word, _)| word.starts_with("trawl_") || word.starts_with("process_"))
    {
        let metric = catalog::ALL.iter().find(|metric| match metric.kind {
            Kind::Histogram(_) => {
                ["_bucket", "_sum", "_count"].iter().any(|end| word.strip_suffix(end) == Some(metric.name))
            }
            _ => metric.name == word,
        });
        asked.insert(metric.unwrap_or_else(|| panic!("{place}: there is no metric {word}")).name);
    }
    let labels: BTreeSet<&str> = catalog::ALL
        .iter()
        .filter(|metric| asked.contains(metric.name))
        .flat_map(|metric| metric.labels.iter().copied())
        .chain(ADDED)
        .collect();
    // What stands before a matcher, and what is grouped by.
    let matched =
        words(expression).into_iter().filter(|(_, behind)| matches!(behind, '=' | '!')).map(|(word, _)| word);
    let grouped = expression.split("by (").skip(1).filter_map(|rest| rest.split(')').next());
    let grouped = grouped.flat_map(|list| list.split(',').map(|label| label.trim().to_owned()));
    let is_number = |word: &String| word.chars().all(|c| c.is_ascii_digit());
    for label in matched.chain(grouped).filter(|word| !is_number(word) && !word.starts_with("trawl_")) {
        assert!(labels.contains(label.as_str()), "{place}: {expression} asks for the label {label}");
    }
    asked
}

#[test]
fn panels_ask_for_what_there_is() {
    let mut asked = BTreeSet::new();
    let mut panels = 0;
    for (name, dashboard) in dashboards() {
        assert_eq!(dashboard["uid"], format!("trawl-{name}"));
        for panel in dashboard["panels"].as_array().unwrap() {
            panels += 1;
            assert!(
                panel["description"].as_str().is_some_and(|text| text.len() > 5),
                "{name}: {}",
                panel["title"]
            );
            for target in panel["targets"].as_array().unwrap() {
                let place = format!("{name}, {}", panel["title"]);
                asked.extend(check(&place, target["expr"].as_str().unwrap()));
            }
        }
    }
    println!("dashboards: {panels} panels over {} of {} metrics", asked.len(), catalog::ALL.len());
    assert!(asked.len() > 20, "{asked:?}");
}

#[test]
fn alerts_ask_for_what_there_is_and_stand_in_the_runbook() {
    let runbook = fs::read_to_string(root().join("docs/runbook.md")).unwrap();
    let headings: BTreeSet<&str> = runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let mut named = BTreeSet::new();
    for alert in alerts() {
        let name = alert["alert"].as_str().unwrap().to_owned();
        check(&name, alert["expr"].as_str().unwrap());
        assert!(
            alert["labels"]["severity"].is_string() && alert["annotations"]["summary"].is_string(),
            "{name}"
        );
        let link = format!("docs/runbook.md#{}", name.to_lowercase());
        assert_eq!(alert["annotations"]["runbook"], Value::from(link), "{name}");
        assert!(headings.contains(name.as_str()), "{name} is not in docs/runbook.md");
        named.insert(name);
    }
    let surplus: Vec<_> = headings.iter().filter(|heading| !named.contains(**heading)).collect();
    assert!(surplus.is_empty(), "the runbook has paragraphs for no alert: {surplus:?}");
}

#[test]
fn the_check_finds_what_is_wrong() {
    assert!(
        check("", r#"sum by (service) (rate(trawl_messages_consumed_total{topic="retry"}[1m]))"#).len() == 1
    );
    let wrong = |expression: &'static str| std::panic::catch_unwind(move || check("", expression)).is_err();
    assert!(wrong("trawl_no_such_thing"));
    assert!(wrong(r#"trawl_broker_up{host="x"}"#));
    assert!(wrong("sum by (url) (trawl_broker_up)"));
    assert!(wrong("trawl_handler_duration_seconds"), "a histogram has no series of its own name");
}
