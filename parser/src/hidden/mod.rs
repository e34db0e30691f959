//! Addresses that no link declares, for jobs that follow the kinds `style` or `hidden`: those who look after a site,
//! or look for its weak spots, want what a reader never clicks.
//!
//! A pass of its own over the source, so that jobs without these kinds pay nothing. It takes start tags wherever they
//! stand, in comments and scripts too ([`tags`]), the attributes of all times that hold addresses ([`attributes`]),
//! style sheets ([`css`]) and whatever reads like an address ([`strings`]). Much of that is a guess; the frontier's
//! scope and seen-test stand behind it as behind every link.

pub mod attributes;
pub mod css;
pub mod strings;
pub mod tags;

mod search;

use crate::{
    charset,
    parse::{Document, Parsed},
    settings::Settings,
};
use search::Search;
use std::borrow::Cow;
use trawl_shared::{
    content::mime::{MediaType, sniff},
    model::{ExtractSettings, LinkKind, LinkKinds, code},
};

/// Adds the addresses of the body that the page's links do not have yet, as far as the job wants them.
pub fn add(document: &Document<'_>, extract: &ExtractSettings, settings: &Settings, parsed: &mut Parsed) {
    let Some(mut search) = Search::new(document.url, extract, settings, parsed) else { return };
    let media_type = sniff(document.content_type, false, document.body);
    if !is_text(&media_type) {
        return;
    }
    let body = &document.body[..document.body.len().min(settings.max_body_bytes)];
    let text = charset::decode(body, document.charset, document.url.host_str()).text;
    if media_type.is("text", "css") {
        search.style(&text);
    } else {
        search.source(&text);
    }
    if media_type.is_html() {
        search.known_files();
    }
    finish(search, parsed);
}

/// Adds the addresses in the header of a response.
pub fn add_headers(
    headers: &[(String, String)],
    url: &url::Url,
    extract: &ExtractSettings,
    settings: &Settings,
    parsed: &mut Parsed,
) {
    let Some(mut search) = Search::new(url, extract, settings, parsed) else { return };
    for (name, value) in headers {
        search.header(name, value);
    }
    finish(search, parsed);
}

fn finish(search: Search<'_>, parsed: &mut Parsed) {
    let (links, left_out) = search.finish();
    if !links.is_empty() && parsed.page.outcome.as_deref() == Some(code::NOT_PARSED) {
        // It has been read, for its addresses.
        parsed.page.outcome = Some(Cow::Borrowed(code::OK));
    }
    parsed.page.links.extend(links);
    if left_out > 0 {
        parsed.note_cut(&format!("hidden links left out, past the bound: {left_out}"));
    }
}

/// The kinds of this room that a job keeps or follows.
fn wanted(extract: &ExtractSettings) -> LinkKinds {
    let kinds = extract.links.union(extract.follow.unwrap_or_default());
    [LinkKind::Style, LinkKind::Hidden].into_iter().filter(|kind| kinds.contains(*kind)).collect()
}

fn is_text(media_type: &MediaType) -> bool {
    let is_script = media_type.kind() == "application"
        && matches!(media_type.subtype(), "javascript" | "x-javascript" | "ecmascript");
    media_type.kind() == "text" || media_type.is_xml() || media_type.is_json() || is_script
}
