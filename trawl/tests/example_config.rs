//! `trawl.example.toml` holds every setting of every service with its default: it loads for each of them, changes
//! nothing, lacks nothing, and explains each key.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};
use toml::{Table, Value};
use trawl_shared::{
    config::{self, Config, ConfigArgs, Section},
    runtime::{GroupChanges, GroupSettings},
};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../trawl.example.toml");

/// What a service runs with, as one table: what all have in common, and its own under its name.
fn effective<S: Section>(file: Option<&Path>) -> (&'static str, Table) {
    let args = ConfigArgs { config: file.map(PathBuf::from), ..ConfigArgs::default() };
    let Config { common, service } =
        config::load::<S>(&args, []).unwrap_or_else(|error| panic!("for {}: {error}", S::NAME));
    let mut table = Table::try_from(common).unwrap();
    table.insert(S::NAME.to_owned(), Value::Table(Table::try_from(service).unwrap()));
    (S::NAME, table)
}

/// The same for each of the five.
fn of_all(file: Option<&Path>) -> [(&'static str, Table); 5] {
    [
        effective::<trawl_url_manager::Settings>(file),
        effective::<trawl_scraper::Settings>(file),
        effective::<trawl_parser::Settings>(file),
        effective::<trawl_storage::Settings>(file),
        effective::<trawl_dlq_handler::Settings>(file),
    ]
}

/// The paths of all keys and tables.
fn paths(table: &Table, above: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, value) in table {
        let path = format!("{above}{name}");
        if let Value::Table(table) = value {
            found.extend(paths(table, &format!("{path}.")));
        }
        found.insert(path);
    }
    found
}

/// The text with what is switched off (`#key`, without a space) switched on.
fn switched_on(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn it_changes_no_default_of_any_service() {
    for ((name, with), (_, without)) in of_all(Some(Path::new(EXAMPLE))).into_iter().zip(of_all(None)) {
        for (section, defaults) in &without {
            assert_eq!(&with[section], defaults, "[{section}], read by {name}");
        }
    }
}

#[test]
fn it_lacks_no_setting_and_has_no_other() {
    let shown = paths(&toml::from_str(&switched_on(&fs::read_to_string(EXAMPLE).unwrap())).unwrap(), "");
    let mut known = BTreeSet::new();
    for (_, defaults) in of_all(None) {
        assert!(defaults.contains_key("kafka"), "built without the Kafka adapter, this test sees too little");
        known.extend(paths(&defaults, ""));
    }
    let missing: Vec<_> = known.difference(&shown).collect();
    assert!(missing.is_empty(), "not in the example: {missing:?}");
    // The tables that are empty by default are the users' own.
    let open = |path: &&String| {
        [
            "groups.",
            "kafka.options.",
            "kafka.producer_options.",
            "kafka.consumer_options.",
            "telemetry.traces.crawls.",
        ]
        .iter()
        .any(|table| path.starts_with(table))
    };
    let unknown: Vec<_> = shown.difference(&known).filter(|path| !open(path)).collect();
    assert!(unknown.is_empty(), "in the example, but in no service: {unknown:?}");
}

#[test]
fn what_is_switched_off_holds_when_it_is_switched_on() {
    let text = switched_on(&fs::read_to_string(EXAMPLE).unwrap());
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), &text).unwrap();
    of_all(Some(file.path()));

    // Every key of a group is there, with the number that a new group begins with.
    let shown: Table = toml::from_str(&text).unwrap();
    let group = shown["groups"]["another"].clone();
    let changes: GroupChanges = group.clone().try_into().unwrap();
    let begins_with = GroupSettings { handlers: vec!["parser".to_owned()], ..GroupSettings::default() };
    assert_eq!(changes.over(GroupSettings::default()), begins_with);
    let GroupSettings {
        handlers,
        instances,
        concurrency,
        max_in_flight,
        max_in_flight_bytes,
        batch_size,
        batch_wait_ms,
        timeout_ms,
        start,
        replay,
    } = begins_with;
    let all = GroupChanges {
        handlers: Some(handlers),
        instances: Some(instances),
        concurrency: Some(concurrency),
        max_in_flight: Some(max_in_flight),
        max_in_flight_bytes: Some(max_in_flight_bytes),
        batch_size: Some(batch_size),
        batch_wait_ms: Some(batch_wait_ms),
        timeout_ms: Some(timeout_ms),
        start: Some(start),
        replay: Some(replay),
    };
    assert_eq!(group, Value::try_from(all).unwrap());
}

#[tokio::test]
async fn the_groups_that_may_be_changed_are_those_of_the_handlers() {
    let folder = tempfile::tempdir().unwrap();
    let flows = trawl::embedded::flows(folder.path()).await.unwrap();
    let mut handlers: BTreeSet<_> =
        flows.iter().filter(|flow| flow.input.is_some()).map(|flow| flow.handler).collect();
    // Only there where an archive is configured.
    handlers.insert(<trawl_storage::ArchiveHandler as trawl_shared::runtime::BatchHandler>::NAME);
    assert_eq!(handlers, BTreeSet::from(config::HANDLERS));
}

#[test]
fn every_key_is_explained() {
    let text = switched_on(&fs::read_to_string(EXAMPLE).unwrap());
    let lines: Vec<_> = text.lines().collect();
    let mut described = 0;
    for pair in lines.windows(2) {
        if pair[1].split_once(" = ").is_some_and(|(key, _)| !key.starts_with('#')) {
            assert!(pair[0].starts_with("# "), "no comment above {}", pair[1]);
            described += 1;
        }
    }
    assert!(described > 100, "only {described} settings were found");
}
