//! Filters mean the same everywhere: in both databases, and by their plain definition.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod support;

use jiff::Timestamp;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use std::sync::Arc;
use support::{at, death, deliver, deliver_records, garbage, recovery, task};
use trawl_dlq_handler::{
    LetterId, State,
    filter::{Field, Filter, field::Kind},
    store::{self, Change, Ledger, Query},
};
use trawl_shared::{model::JobId, sql::Missing};

/// Texts that mean something to somebody on the way.
const TEXTS: [&str; 13] = [
    "timeout",
    "time_out",
    "time%out",
    "TIMEOUT",
    "a*b",
    "a?b",
    "[ab]",
    r"back\slash",
    "it's",
    "pipe|pipe",
    "é\u{301}",
    "\"quoted\" text",
    "",
];

/// Letters whose fields differ in all ways that filters ask about; answers the first one's id.
async fn fill(ledger: &Arc<dyn Ledger>) -> LetterId {
    let jobs = [JobId::fresh(), JobId::fresh()];
    let mut first = None;
    for (n, text) in (0..).zip(TEXTS) {
        let url = format!("http://host-{}.example/{n}", n % 4);
        let record = task(jobs[n as usize % 2], &url);
        let id = support::id_of(&record, "scraper");
        let mut letter = death(record.clone(), "scraper", 0, n * 60);
        letter.reason.code = text.into();
        letter.reason.message = format!("{text} {text}");
        letter.reason.version = ["0.1.0", "0.2.0"][n as usize % 2].into();
        letter.reason.attempts = n as u32;
        deliver(ledger, [letter]).await;
        let change = |state, remark| Change { state, at: at(n), by: "me", remark };
        match n % 4 {
            1 => drop(ledger.change(id, 0, &change(State::Discarded, Some(text))).await.unwrap()),
            2 => deliver_records(ledger, [recovery(&record, "scraper", 1, n)]).await,
            _ => {}
        }
        first.get_or_insert(id);
    }
    // Nothing is known of it, so most of its fields are empty.
    deliver(ledger, [death(garbage(), "parser", 0, 7200)]).await;
    first.unwrap()
}

/// A value that a field may be asked for, as it is written.
fn value(kind: Kind, operator: &'static str, id: LetterId) -> BoxedStrategy<String> {
    let equal = operator == "=" || operator == "!=";
    let whole = id.to_string();
    let state = || prop::sample::select(vec!["open", "resolved", "dis*", "*", "open|resolved"]);
    match kind {
        Kind::Text => prop_oneof![
            prop::sample::select(TEXTS.to_vec()).prop_map(quoted),
            prop::sample::select(TEXTS.to_vec())
                .prop_map(|text| format!("{}*", quoted(text).trim_matches('"').replace(' ', "?"))),
            "[a-z0-9*?_%.|\\[\\]-]{0,6}",
            prop::sample::select(vec![
                "host-?.example",
                "http://*/1?",
                "*0",
                "0.1.0|0.2.*",
                "parser",
                "[ab]",
                "*[*"
            ])
            .prop_map(str::to_owned),
            state().prop_map(str::to_owned),
        ]
        .boxed(),
        Kind::Id => {
            (1..=32_usize).prop_map(move |digits| whole.replace('-', "")[..digits].to_owned()).boxed()
        }
        Kind::Number if equal => prop_oneof![
            (0..14_u32).prop_map(|n| n.to_string()),
            (0..7_u32, 7..14_u32).prop_map(|(a, b)| format!("{a}..{b}"))
        ]
        .boxed(),
        Kind::Number => (0..14_u32).prop_map(|n| n.to_string()).boxed(),
        Kind::Time if equal => prop_oneof![
            Just("2026-11-21".to_owned()),
            (0..14_i64).prop_map(|n| at(n * 60).to_string()),
            (0..14_i64).prop_map(|n| format!("{}..2026-11-22", at(n * 60))),
            (0..14_i64).prop_map(|n| at(n * 60).to_string()[..16].to_owned()),
        ]
        .boxed(),
        Kind::Time => (0..14_i64).prop_map(|n| at(n * 60).to_string()).boxed(),
        // The letters' day may lie before or behind ours; an hour more or less tells them apart in neither case.
        Kind::Age => prop::sample::select(vec!["1h", "30days", "2years"]).prop_map(str::to_owned).boxed(),
    }
}

fn quoted(text: &str) -> String {
    let escaped: String =
        text.chars().flat_map(|c| if "*?|\\\"".contains(c) { vec!['\\', c] } else { vec![c] }).collect();
    if escaped.contains(' ') { format!("\"{escaped}\"") } else { escaped }
}

fn condition(id: LetterId) -> impl Strategy<Value = String> {
    let of_field = move |field: Field| {
        prop::sample::select(field.kind.operators().to_vec()).prop_flat_map(move |operator| {
            value(field.kind, operator, id).prop_map(move |value| format!("{field}{operator}{value}"))
        })
    };
    prop::sample::select(Field::ALL.to_vec()).prop_flat_map(of_field)
}

async fn filters_mean_the_same(ledger: &Arc<dyn Ledger>) {
    let id = fill(ledger).await;
    let all = ledger.list(&Query::new(Filter::all(), 1000)).await.unwrap();
    assert_eq!(all.len(), TEXTS.len() + 1);
    let mut runner = TestRunner::new(Config::default());
    let strategy = prop::collection::vec(condition(id), 1..3);
    let (mut some, mut tried) = (0, 0);
    while tried < 400 {
        let text = strategy.new_tree(&mut runner).unwrap().current().join(" ");
        // Patterns drawn for other fields may be none that a state can be like.
        let Ok(filter) = text.parse::<Filter>() else {
            assert!(text.contains("state"), "{text}: {}", text.parse::<Filter>().unwrap_err());
            continue;
        };
        tried += 1;
        assert_eq!(filter.to_string().parse::<Filter>().unwrap(), filter, "{text}");
        let now = Timestamp::now();
        let expected: Vec<_> =
            all.iter().filter(|letter| filter.admits(letter, now)).map(|letter| letter.id).collect();
        assert_eq!(support::found(&**ledger, &text).await, expected, "{text}");
        assert_eq!(ledger.count(&filter).await.unwrap(), expected.len() as u64, "{text}");
        some += usize::from(!expected.is_empty() && expected.len() < all.len());
    }
    assert!(some > 50, "only {some} of {tried} filters chose some letters and left others");
    every_field_sorts_and_groups(ledger, &all).await;
}

async fn every_field_sorts_and_groups(ledger: &Arc<dyn Ledger>, all: &[trawl_dlq_handler::Summary]) {
    for field in Field::ALL {
        let sorted = async |descending| {
            let query = Query { sort: field, descending, ..Query::new(Filter::all(), 1000) };
            ledger.list(&query).await.unwrap().iter().map(|letter| letter.id).collect::<Vec<_>>()
        };
        let (up, down) = (sorted(false).await, sorted(true).await);
        assert_eq!((up.len(), down.len()), (all.len(), all.len()), "{field}");
        assert_ne!(up, down, "{field}");
        let paged = Query { sort: field, descending: false, offset: 3, ..Query::new(Filter::all(), 2) };
        let page: Vec<_> = ledger.list(&paged).await.unwrap().iter().map(|letter| letter.id).collect();
        assert_eq!(page, up[3..5], "{field}");
    }
    let codes =
        Query { sort: Field::named("code").unwrap(), descending: false, ..Query::new(Filter::all(), 1000) };
    let codes: Vec<_> = ledger.list(&codes).await.unwrap().into_iter().map(|letter| letter.code).collect();
    assert!(codes.is_sorted(), "by bytes, whatever the database's locale: {codes:?}");
    for field in Field::of_groups() {
        let groups = ledger.groups(&Filter::all(), &[field], 1000).await.unwrap();
        assert_eq!(groups.iter().map(|group| group.letters).sum::<u64>(), all.len() as u64, "{field}");
    }
}

#[tokio::test]
async fn sqlite() {
    let (_folder, ledger) = support::sqlite().await;
    filters_mean_the_same(&ledger).await;
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn postgres() {
    let Some(database) = trawl_shared::sql::testing::ScratchDatabase::create().await else { return };
    let ledger = store::open(&database.url(), Missing::Create).await.unwrap();
    filters_mean_the_same(&ledger).await;
    ledger.close().await;
    database.remove().await;
}
