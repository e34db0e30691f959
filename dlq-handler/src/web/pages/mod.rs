//! What people see: overview, table, letter, and the questions before something is done. All text goes through the templates'
//! escaping, and through [`crate::as_text`] first, so that nothing turns or hides what stands beside it.

mod act;
mod chart;
mod letter;
mod overview;
mod table;

use super::{State, error::Refused};
use crate::{as_text::line, letter::moment, state::State as LetterState};
use axum::{
    Router,
    http::header,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};
use std::time::Duration;

pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/", get(overview::page))
        .route("/letters", get(table::page))
        .route("/letters/{id}", get(letter::page))
        .route("/letters/{id}/payload", get(letter::payload))
        .route("/ask/replay", get(act::ask_replay))
        .route("/ask/discard", get(act::ask_discard))
        .route("/replay", post(act::replay))
        .route("/discard", post(act::discard))
        .route("/stop", post(act::stop))
}

/// A refusal as a page.
struct Sorry(Refused);

impl<E: Into<Refused>> From<E> for Sorry {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Sorry {
    fn into_response(self) -> Response {
        let Refused { status, why } = self.0;
        (
            status,
            layout(
                "Not so",
                &html! { h1 { "That can't be done" } pre.error { (why) } p { a href="/" { "Overview" } } },
            ),
        )
            .into_response()
    }
}

pub(super) use act::{letters, who};
pub(super) use letter::named;

type Page = Result<Html<String>, Sorry>;

/// The frame of every page.
fn layout(title: &str, content: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · dead letters" }
                link rel="stylesheet" href="/style.css";
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                script src="/live.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header {
                    a.brand href="/" { "Dead letters" }
                    nav {
                        a href="/letters?where=state%3Dopen" { "Open" }
                        a href="/letters" { "All" }
                        a href="/openapi.json" { "REST" }
                    }
                    span.live #live-mark hidden { "live" }
                }
                main #main tabindex="-1" { (content) }
            }
        }
    };
    Html(page.into_string())
}

/// Where a browser shows the token.
pub(super) fn login(error: Option<&str>) -> Html<String> {
    layout(
        "Sign in",
        &html! {
            h1 { "Sign in" }
            @if let Some(error) = error { p.error role="alert" { (error) } }
            form.narrow method="post" action="/login" {
                label for="token" { "Token (the setting dlq-handler.token)" }
                input #token name="token" type="password" required autofocus autocomplete="current-password";
                button type="submit" { "Sign in" }
            }
        },
    )
}

/// A filter in a query of ours.
fn query(filter: &str) -> String {
    url_encoded(&[("where", filter)])
}

/// Pairs as a query writes them.
fn url_encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// An instant of a column, for people and for programs.
fn time(millis: i64) -> Markup {
    instant(moment(millis))
}

fn instant(at: Timestamp) -> Markup {
    html! { time datetime=(at) title=(at) { (at.strftime("%Y-%m-%d %H:%M:%S")) } }
}

/// How long ago it was, in the two greatest units.
fn ago(at: Timestamp) -> String {
    let seconds = Timestamp::now().duration_since(at).as_secs().max(0).unsigned_abs();
    let whole = match seconds {
        0..60 => seconds,
        60..3600 => seconds,
        3600..86_400 => seconds / 60 * 60,
        _ => seconds / 3600 * 3600,
    };
    humantime::format_duration(Duration::from_secs(whole)).to_string()
}

/// A state with its colour; the word says the same.
fn state(state: LetterState) -> Markup {
    html! { span class=(format!("state {state}")) { (state) } }
}

/// Text of strangers in one line, cut.
fn short(text: &str, most: usize) -> String {
    let head: String = text.chars().take(most).collect();
    let cut = head.len() < text.len();
    let shown = line(&head);
    if cut { format!("{shown}…") } else { shown }
}

/// Bytes as a file that no browser interprets.
fn download(name: &str, bytes: impl Into<axum::body::Body>) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    (headers, bytes.into()).into_response()
}
