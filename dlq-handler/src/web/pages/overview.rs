//! The overview: how many letters of which kind, what open ones have in common, when letters died, and which replays run.

use super::{Page, Sorry, ago, chart, instant, layout, query, short};
use crate::{
    cli::stats::Stats,
    filter::Filter,
    replay::Outcome,
    state::State as LetterState,
    web::{State, runs::Run},
};
use axum::extract::{self, Query};
use maud::{Markup, html};
use serde::Deserialize;

/// Lines of each count.
const MOST: usize = 10;

#[derive(Deserialize)]
pub(super) struct Params {
    #[serde(default)]
    span: chart::Span,
}

pub(super) async fn page(extract::State(desk): extract::State<State>, Query(params): Query<Params>) -> Page {
    let stats = Stats::load(&*desk.ledger, &Filter::all(), MOST).await?;
    let chart = chart::Chart::load(&*desk.ledger, params.span).await?;
    let runs = desk.runs.all();
    let content = html! {
        h1.hidden { "Overview" }
        div data-live="overview" {
            (states(&stats))
            (chart.markup())
            section.counts {
                @for (field, groups) in &stats.open {
                    div.card {
                        h2 { "Open, by " (field) }
                        @if groups.is_empty() { p.quiet { "none" } } @else {
                            table {
                                tbody {
                                    @for group in groups {
                                        @let key = group.key[0].as_deref().unwrap_or_default();
                                        @let filter = Filter::all().with("state", "open").with(field.name, key);
                                        tr {
                                            th scope="row" {
                                                a href=(format!("/letters?{}", query(&filter.to_string()))) {
                                                    (if key.is_empty() { "(unknown)".to_owned() } else { short(key, 60) })
                                                }
                                            }
                                            td.number { (group.letters) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            @if !runs.is_empty() { (replays(&runs, desk.access.form())) }
        }
    };
    Ok::<_, Sorry>(layout("Overview", &content))
}

fn states(stats: &Stats) -> Markup {
    html! {
        section.tiles aria-label="Letters by state" {
            @for (state, letters) in &stats.states {
                a class=(format!("tile {state}")) href=(format!("/letters?{}", query(&format!("state={state}")))) {
                    span.figure { (letters) }
                    span.name { (state) }
                    @if *state == LetterState::Open {
                        @if let Some(oldest) = stats.oldest { span.quiet { "oldest: " (ago(oldest)) " ago" } }
                    }
                }
            }
        }
    }
}

fn replays(runs: &[Run], form: &str) -> Markup {
    html! {
        section.card {
            h2 { "Replays from this page" }
            div.wide { table {
                thead { tr { th { "Began" } th { "Letters" } th { "By" } th.number { "Sent" } th.number { "Resolved" }
                             th.number { "Dead again" } th { "How it stands" } } }
                tbody {
                    @for run in runs {
                        tr {
                            td { (instant(run.began)) }
                            td.long { (short(&run.letters, 80)) }
                            td { (short(&run.by, 40)) }
                            td.number { (run.report.sent) " of " (run.chosen) }
                            td.number { (run.report.resolved) }
                            td.number { (run.report.back) }
                            td { (standing(run, form)) }
                        }
                    }
                }
            } }
        }
    }
}

fn standing(run: &Run, form: &str) -> Markup {
    html! {
        @match (&run.error, run.report.outcome) {
            (Some(error), _) => { span.error { (short(error, 200)) } }
            (None, Outcome::Sent) => { "all sent" }
            (None, Outcome::Storm) => { span.error { "stopped by itself: nearly all came back" } }
            (None, Outcome::Stopped) => { "stopped" }
            (None, Outcome::Running) => {
                form.inline method="post" action="/stop" {
                    input type="hidden" name="form" value=(form);
                    input type="hidden" name="run" value=(run.run);
                    "runs " button type="submit" { "Stop" }
                }
            }
        }
    }
}
