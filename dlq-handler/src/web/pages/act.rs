//! The questions before something is done, and doing it. A question says how many letters it is about.

use super::{Page, Sorry, layout, short, url_encoded};
use crate::{
    filter::Filter,
    letter::LetterId,
    replay::{self, Letters, Speed},
    web::{State, error::Refused, runs::Wanted},
};
use axum::{
    extract::{self, RawQuery},
    response::Redirect,
};
use maud::{Markup, html};
use std::time::Duration;

/// What a question or its answer is about.
#[derive(Default)]
struct Choice {
    filter: String,
    id: Vec<String>,
    form: String,
    by: String,
    reason: String,
    rate: String,
    after: String,
    run: String,
}

impl Choice {
    /// Reads a form; a tick for each letter gives `id` more than once.
    fn read(form: &str) -> Self {
        let mut choice = Self::default();
        for (name, value) in url::form_urlencoded::parse(form.as_bytes()) {
            let field = match &*name {
                "id" => {
                    choice.id.push(value.into_owned());
                    continue;
                }
                "where" => &mut choice.filter,
                "form" => &mut choice.form,
                "by" => &mut choice.by,
                "reason" => &mut choice.reason,
                "rate" => &mut choice.rate,
                "after" => &mut choice.after,
                "run" => &mut choice.run,
                _ => continue,
            };
            *field = value.into_owned();
        }
        choice
    }

    /// The ticked letters; else those of the filter, open ones unless it says otherwise.
    async fn letters(&self, desk: &State) -> Result<Letters, Refused> {
        letters(desk, &self.id, &self.filter).await
    }

    /// Refuses what did not come from a page of ours.
    fn check(&self, desk: &State) -> Result<(), Refused> {
        if desk.access.is_own_form(&self.form) {
            return Ok(());
        }
        Err(Refused::forbidden(
            "this form is from before the service was restarted, or from elsewhere: go back and reload",
        ))
    }

    fn by(&self) -> String {
        who(&self.by, "page")
    }
}

/// Who did something by which door.
pub(in crate::web) fn who(name: &str, door: &str) -> String {
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(60).collect();
    if name.is_empty() { format!("somebody ({door})") } else { format!("{name} ({door})") }
}

/// Letters by their ids, or those of a filter.
pub(in crate::web) async fn letters(desk: &State, ids: &[String], filter: &str) -> Result<Letters, Refused> {
    if ids.is_empty() {
        let filter: Filter = filter.parse()?;
        let filter = if filter.mentions("state") { filter } else { filter.with("state", "open") };
        return Ok(Letters::Where(filter));
    }
    let mut chosen: Vec<LetterId> = Vec::with_capacity(ids.len());
    for name in ids {
        chosen.push(super::letter::named(desk, name).await?);
    }
    Ok(Letters::Ids(chosen))
}

/// What both questions have: which letters, and the proof that the form is ours.
fn about(choice: &Choice, letters: &Letters, count: u64, form: &str) -> Markup {
    html! {
        p.question {
            strong { (count) } (if count == 1 { " letter" } else { " letters" })
            @match letters {
                Letters::Ids(ids) => {
                    ": " @for id in ids.iter().take(20) { code { (id.short()) } " " }
                    @if ids.len() > 20 { "…" }
                }
                Letters::Where(filter) => { ": all of " code { (short(&filter.to_string(), 500)) } }
            }
        }
        input type="hidden" name="form" value=(form);
        input type="hidden" name="where" value=(choice.filter);
        @for id in &choice.id { input type="hidden" name="id" value=(id); }
        label for="by" { "Your name, for the history" }
        input #by name="by" maxlength="60" autocomplete="name";
    }
}

pub(super) async fn ask_replay(
    extract::State(desk): extract::State<State>,
    RawQuery(query): RawQuery,
) -> Page {
    let choice = Choice::read(&query.unwrap_or_default());
    let letters = choice.letters(&desk).await?;
    let count = letters.count(&*desk.ledger).await?;
    let content = html! {
        h1 { "Send again?" }
        form.narrow method="post" action="/replay" {
            (about(&choice, &letters, count, desk.access.form()))
            label for="rate" { "At most so many" }
            input #rate name="rate" value=(Speed::default()) pattern="[0-9.]+/[smh]" required;
            label for="after" { "Each waits first" }
            input #after name="after" value="0s" required;
            p.quiet { "The messages keep their ids, so effects they already had stay single. The run stops by itself when nearly all come back." }
            div.buttons {
                button type="submit" disabled[count == 0] { "Replay " (count) }
                a href=(format!("/letters?{}", super::query(&choice.filter))) { "Rather not" }
            }
        }
    };
    Ok(layout("Replay", &content))
}

pub(super) async fn ask_discard(
    extract::State(desk): extract::State<State>,
    RawQuery(query): RawQuery,
) -> Page {
    let choice = Choice::read(&query.unwrap_or_default());
    let letters = choice.letters(&desk).await?;
    let count = letters.count(&*desk.ledger).await?;
    let content = html! {
        h1 { "Discard?" }
        form.narrow method="post" action="/discard" {
            (about(&choice, &letters, count, desk.access.form()))
            label for="reason" { "Why" }
            input #reason name="reason" required maxlength="500";
            p.quiet { "Nothing is deleted: a discarded letter can still be read and replayed." }
            div.buttons {
                button.danger type="submit" disabled[count == 0] { "Discard " (count) }
                a href=(format!("/letters?{}", super::query(&choice.filter))) { "Rather not" }
            }
        }
    };
    Ok(layout("Discard", &content))
}

/// Back to the table, with a word of what was done.
fn back(choice: &Choice, done: &str) -> Redirect {
    match choice.id.as_slice() {
        // It was found by this, so it is hexadecimal digits.
        [id] => Redirect::to(&format!("/letters/{id}")),
        _ => Redirect::to(&format!("/letters?{}", url_encoded(&[("where", &choice.filter), ("done", done)]))),
    }
}

pub(super) async fn replay(
    extract::State(desk): extract::State<State>,
    form: String,
) -> Result<Redirect, Sorry> {
    let choice = Choice::read(&form);
    choice.check(&desk)?;
    let letters = choice.letters(&desk).await?;
    let speed: Speed = choice.rate.parse().map_err(Refused::bad)?;
    let after: Duration = humantime::parse_duration(&choice.after)
        .map_err(|error| Refused::bad(format!("{:?} is no duration: {error}", choice.after)))?;
    let count = letters.count(&*desk.ledger).await?;
    desk.runs.start(Wanted { letters, by: choice.by(), speed, after }, count);
    Ok(back(&choice, &format!("{count} are sent again. The overview shows how it goes.")))
}

pub(super) async fn discard(
    extract::State(desk): extract::State<State>,
    form: String,
) -> Result<Redirect, Sorry> {
    let choice = Choice::read(&form);
    choice.check(&desk)?;
    if choice.reason.trim().is_empty() {
        return Err(Refused::bad("say why: it stays with the letters").into());
    }
    let letters = choice.letters(&desk).await?;
    let discarded = replay::discard(&*desk.ledger, &letters, &choice.by(), choice.reason.trim()).await?;
    Ok(back(&choice, &format!("{discarded} were discarded.")))
}

pub(super) async fn stop(
    extract::State(desk): extract::State<State>,
    form: String,
) -> Result<Redirect, Sorry> {
    let choice = Choice::read(&form);
    choice.check(&desk)?;
    let run = choice.run.parse().map_err(|_| Refused::missing("such run"))?;
    if desk.runs.stop(run) { Ok(Redirect::to("/")) } else { Err(Refused::missing("such run").into()) }
}
