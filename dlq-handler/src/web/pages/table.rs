//! The table: letters of a filter, sorted, by pages; chosen ones can be replayed or discarded.

use super::{Page, ago, layout, short, state, time, url_encoded};
use crate::{
    cli::list::sort,
    filter::Filter,
    letter::{Summary, moment},
    store,
    web::{State, error::Refused},
};
use axum::extract::{self, Query};
use maud::{Markup, html};
use serde::Deserialize;

/// Letters of one page.
const ON_PAGE: usize = 50;

#[derive(Deserialize)]
pub(super) struct Params {
    #[serde(default, rename = "where")]
    filter: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    page: usize,
    #[serde(default)]
    done: String,
}

/// The columns: how a field is called in filters, and above its column.
const COLUMNS: [(&str, &str); 7] = [
    ("state", "State"),
    ("died", "Died (UTC)"),
    ("attempts", "Tries"),
    ("service", "Service"),
    ("code", "Code"),
    ("host", "Host"),
    ("url", "About"),
];

pub(super) async fn page(extract::State(desk): extract::State<State>, Query(params): Query<Params>) -> Page {
    let (filter, fault) = match params.filter.parse::<Filter>() {
        Ok(filter) => (filter, None),
        Err(error) => (Filter::all().with("id", "0"), Some(error.to_string())),
    };
    let order = if params.sort.is_empty() { "-died" } else { &params.sort };
    let (field, descending) = sort(order).map_err(Refused::bad)?;
    let total = if fault.is_some() { 0 } else { desk.ledger.count(&filter).await? };
    let query = store::Query {
        sort: field,
        descending,
        offset: params.page.saturating_mul(ON_PAGE),
        ..store::Query::new(filter.clone(), ON_PAGE)
    };
    let letters = if fault.is_some() { Vec::new() } else { desk.ledger.list(&query).await? };
    let content = html! {
        h1.hidden { "Letters" }
        (search(&params, fault.as_deref()))
        @if !params.done.is_empty() { p.done role="status" { (short(&params.done, 300)) } }
        @if fault.is_none() {
            form method="get" {
                input type="hidden" name="where" value=(params.filter);
                div.row.actions {
                    p data-live="count" { strong { (total) } " letters" }
                    span.buttons {
                        button type="submit" formaction="/ask/replay" { "Replay…" }
                        button.second type="submit" formaction="/ask/discard" { "Discard…" }
                        span.quiet { "those that are ticked, or all of the filter" }
                    }
                }
                div.wide data-live="letters" {
                    (rows(&letters, &params, order))
                    (pages(&params, total))
                }
            }
        }
    };
    Ok(layout("Letters", &content))
}

fn search(params: &Params, fault: Option<&str>) -> Markup {
    html! {
        form.search method="get" action="/letters" role="search" {
            label for="where" { "Filter" }
            input #where name="where" value=(params.filter) placeholder="state=open code=timeout host=*.example age>1h"
                spellcheck="false" autocomplete="off" autocapitalize="off"
                aria-describedby=[fault.map(|_| "fault")] aria-invalid=[fault.map(|_| "true")];
            button type="submit" { "Show" }
        }
        @if let Some(fault) = fault { pre.error #fault role="alert" { (fault) } }
        @else {
            details.help {
                summary { "What a filter can say" }
                pre { "Conditions that all hold, such as: state=open code=timeout host=*.example age>1h attempts>=3" (crate::filter::field::help()) }
            }
        }
    }
}

fn link(params: &Params, order: &str, page: usize) -> String {
    format!(
        "/letters?{}",
        url_encoded(&[("where", &params.filter), ("sort", order), ("page", &page.to_string())])
    )
}

fn rows(letters: &[Summary], params: &Params, order: &str) -> Markup {
    let (name, descending) = order.strip_prefix('-').map_or((order, false), |name| (name, true));
    html! {
        table.letters {
            thead { tr {
                th { span.hidden { "Ticked" } }
                th scope="col" { "Letter" }
                @for (field, title) in COLUMNS {
                    @let sorted = field == name;
                    @let next = if sorted && descending { field.to_owned() } else { format!("-{field}") };
                    th scope="col" aria-sort=[sorted.then_some(if descending { "descending" } else { "ascending" })] {
                        a href=(link(params, &next, 0)) { (title) @if sorted { (if descending { " ↓" } else { " ↑" }) } }
                    }
                }
            } }
            tbody {
                @for letter in letters {
                    tr {
                        td { input type="checkbox" name="id" value=(letter.id) aria-label=(format!("Letter {}", letter.id.short())); }
                        td { a.letter href=(format!("/letters/{}", letter.id)) { (letter.id.short()) } }
                        td { (state(letter.state)) }
                        td { (time(letter.died_at)) " " span.quiet { (ago(moment(letter.died_at))) } }
                        td.number { (letter.attempts) @if letter.generation > 0 { span.quiet title="Replays before" { " +" (letter.generation) "↻" } } }
                        td { (short(&letter.service, 40)) }
                        td { (short(&letter.code, 60)) }
                        td { (short(letter.host.as_deref().unwrap_or_default(), 60)) }
                        td.long { (short(letter.url.as_deref().unwrap_or(&letter.error), 160)) }
                    }
                }
                @if letters.is_empty() { tr { td colspan="9" { "No letter is like that." } } }
            }
        }
    }
}

fn pages(params: &Params, total: u64) -> Markup {
    let last = usize::try_from(total.saturating_sub(1)).unwrap_or(usize::MAX) / ON_PAGE;
    html! {
        @if last > 0 {
            nav.pages aria-label="Pages" {
                @if params.page > 0 { a rel="prev" href=(link(params, &params.sort, params.page - 1)) { "← Before" } }
                span { "Page " (params.page + 1) " of " (last + 1) }
                @if params.page < last { a rel="next" href=(link(params, &params.sort, params.page + 1)) { "Next →" } }
            }
        }
    }
}
