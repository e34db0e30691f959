//! One letter: what it is about, why it died, every attempt, what was done about it, its headers and its payload.

use super::{Page, Sorry, download, instant, layout, short, state, time};
use crate::{
    as_text::{hex_dump, line, lines},
    cli::show::{Story, payload as readable, shown_bytes},
    letter::{Death, LetterId, Summary},
    state::{Event, State as LetterState},
    web::{State, error::Refused},
};
use axum::{
    extract::{self, Path},
    response::Response,
};
use maud::{Markup, html};

/// Characters of a payload that a page shows.
const PAYLOAD_SHOWN: usize = 64 * 1024;
/// Characters of a header or of a cause that a page shows.
const LINE_SHOWN: usize = 2000;

/// The letter that a path names.
pub(in crate::web) async fn named(desk: &State, name: &str) -> Result<LetterId, Refused> {
    match desk.ledger.ids_with_prefix(name, 2).await?[..] {
        [id] => Ok(id),
        [] => Err(Refused::missing("such letter")),
        _ => Err(Refused::bad("several letters begin like that: give more digits")),
    }
}

pub(super) async fn page(extract::State(desk): extract::State<State>, Path(name): Path<String>) -> Page {
    let id = named(&desk, &name).await?;
    let story = Story::load(&*desk.ledger, id).await?.ok_or_else(|| Refused::missing("such letter"))?;
    let letter = &story.summary;
    let content = html! {
        div data-live="letter" {
            div.row {
                h1 { "Letter " (letter.id.short()) " " (state(letter.state)) }
                @if letter.state != LetterState::Resolved {
                    form.buttons method="get" {
                        input type="hidden" name="id" value=(letter.id);
                        button type="submit" formaction="/ask/replay" { "Replay…" }
                        @if letter.state != LetterState::Discarded {
                            button.second type="submit" formaction="/ask/discard" { "Discard…" }
                        }
                    }
                }
            }
            (facts(letter))
            @for death in story.deaths.iter().rev() { (causes(death)) }
            (attempts(&story))
            (history(&story.events))
        }
        (headers(&story))
        (body(&story))
    };
    Ok::<_, Sorry>(layout(&format!("Letter {}", letter.id.short()), &content))
}

fn facts(letter: &Summary) -> Markup {
    let about = |name: &str, value: Option<String>| {
        html! { @if let Some(value) = value { dt { (name) } dd { (short(&value, LINE_SHOWN)) } } }
    };
    html! {
        dl.facts {
            // A link to where strangers want people to go is no service to them: the address is text.
            (about("URL", letter.url.clone()))
            (about("Host", letter.host.clone()))
            dt { "Code" } dd { (short(&letter.code, 200)) " (" (short(&letter.class, 60)) ")" }
            dt { "Died" } dd { (time(letter.died_at)) " UTC" @if letter.first_died_at != letter.died_at { ", first " (time(letter.first_died_at)) } }
            dt { "In" } dd { "group " (short(&letter.group, 100)) ", " (short(&letter.service, 100)) " " (short(&letter.version, 40)) ", " (short(&letter.instance, 100)) }
            (about("Crawl", letter.job.map(|job| job.to_string())))
            (about("Task", letter.task.map(|task| task.0.to_string())))
            dt { "Message" } dd { (letter.message) " " span.quiet { (short(letter.kind.as_deref().unwrap_or("no envelope"), 100)) } }
            (about("Caused by", letter.causation.map(|message| message.to_string())))
            (about("Trace", letter.trace.clone()))
            dt { "Letter" } dd { (letter.id) }
        }
    }
}

fn causes(death: &Death) -> Markup {
    let source = death.source;
    html! {
        section.card {
            h2 { "Why it died" @if death.generation > 0 { ", after replay " (death.generation) } }
            ol.causes {
                @for cause in &death.causes { li { (short(cause, LINE_SHOWN)) } }
            }
            p.quiet {
                (instant(death.failed_at)) " UTC, stage " (short(&death.stage, 20)) "; read from "
                (source.topic) "/" (source.partition) " at " (source.offset)
                @if let Some(made) = death.time { ", made " (instant(made)) }
                @if death.edited.is_some() { "; its payload was edited before this replay" }
            }
        }
    }
}

fn attempts(story: &Story) -> Markup {
    html! {
        section.card {
            h2 { "Attempts" }
            div.wide { table {
                thead { tr { th.number { "#" } th { "Ended (UTC)" } th.number { "Took" } th { "Code" } th { "Worker" } th { "Error" } } }
                tbody {
                    @for (at, attempt) in story.attempts().into_iter().enumerate() {
                        tr {
                            td.number { (at + 1) }
                            td { (instant(attempt.at)) }
                            td.number { (attempt.took_ms) " ms" }
                            td { (short(&attempt.code, 60)) " (" (short(&attempt.class, 40)) ")" }
                            td { (short(&attempt.worker, 80)) }
                            td.long { (short(&attempt.error, LINE_SHOWN)) }
                        }
                    }
                }
            } }
        }
    }
}

fn history(events: &[Event]) -> Markup {
    html! {
        section.card {
            h2 { "History" }
            div.wide { table {
                thead { tr { th { "When (UTC)" } th { "Became" } th { "By" } th { "Why" } } }
                tbody {
                    @for event in events {
                        tr {
                            td { (instant(event.at)) }
                            td { (state(event.state)) }
                            td { (short(&event.by, 100)) }
                            td.long { (short(event.remark.as_deref().unwrap_or_default(), LINE_SHOWN)) }
                        }
                    }
                }
            } }
        }
    }
}

fn headers(story: &Story) -> Markup {
    html! {
        section.card {
            h2 { "Record" }
            details {
                summary { (story.record.headers.len()) " headers" }
                div.wide { table.headers { tbody {
                    @if let Some(key) = &story.record.key { tr { th scope="row" { "(key)" } td.long { (short(&shown_bytes(key), LINE_SHOWN)) } } }
                    @for (name, value) in story.record.headers.iter() {
                        tr { th scope="row" { (short(name, 200)) } td.long { (short(&shown_bytes(value), LINE_SHOWN)) } }
                    }
                } } }
            }
        }
    }
}

fn body(story: &Story) -> Markup {
    let record = &story.record;
    let text = readable(record);
    let cut = text.char_indices().nth(PAYLOAD_SHOWN).map(|(at, _)| at);
    let is_hex = std::str::from_utf8(&record.payload).is_err();
    let id = story.summary.id;
    html! {
        section.card {
            div.row {
                h2 { "Payload " span.quiet { (record.payload.len()) " bytes" } }
                a href=(format!("/letters/{id}/payload")) download { "Download, byte for byte" }
            }
            pre.payload tabindex="0" { (lines(&text[..cut.unwrap_or(text.len())])) }
            @if cut.is_some() { p.quiet { "The first " (PAYLOAD_SHOWN) " characters. The download has all of it." } }
            @if !is_hex && !record.payload.is_empty() {
                details {
                    summary { "In hexadecimal" }
                    pre.payload tabindex="0" { (hex_dump(&record.payload[..record.payload.len().min(PAYLOAD_SHOWN / 16)])) }
                }
            }
        }
    }
}

/// The payload as a file.
pub(super) async fn payload(
    extract::State(desk): extract::State<State>,
    Path(name): Path<String>,
) -> Result<Response, Sorry> {
    let id = named(&desk, &name).await?;
    let record = desk.ledger.record(id).await?.ok_or_else(|| Refused::missing("such letter"))?;
    Ok(download(&line(&format!("letter-{}.bin", id.short())), record.payload))
}
