//! What a page says of itself, as either tier gathers it: values decoded, nothing resolved yet,
//! because a `<base>` may stand behind the links it is for.

use crate::{links::RawLink, robots_meta, settings::Settings, text};
use std::borrow::Cow;
use trawl_shared::model::LinkKind;

/// Longest title, description and the like, in characters.
pub const MAX_VALUE: usize = 4096;

/// Most robots directives read; a page needs one.
const MAX_ROBOTS: usize = 32;

/// The facts of a page in its own words.
#[derive(Debug)]
pub struct Facts<'d> {
    /// The first `<title>` that says something.
    pub title: Option<String>,
    /// The first `<meta name=description>` that says something.
    pub description: Option<String>,
    /// `<html lang>`.
    pub lang: Option<String>,
    /// The language of `<meta http-equiv=content-language>`.
    pub content_language: Option<String>,
    /// The first `<link rel=canonical href>`.
    pub canonical: Option<Cow<'d, str>>,
    /// The first `<base href>`.
    pub base: Option<Cow<'d, str>>,
    /// The robots directives for any robot and for this one, in order.
    pub meta_robots: Vec<String>,
    /// The links in document order, up to `max_links`.
    pub links: Vec<RawLink<'d>>,
    /// Links behind those.
    pub links_left_out: usize,
    max_links: usize,
    robot_name: &'d str,
}

/// The attributes of a start tag.
pub trait Attributes<'d> {
    /// The decoded value of the attribute; `name` in lower case.
    fn get(&self, name: &str) -> Option<Cow<'d, str>>;
}

impl<'d> Facts<'d> {
    /// No facts yet.
    #[must_use]
    pub const fn new(settings: &'d Settings) -> Self {
        Self {
            title: None,
            description: None,
            lang: None,
            content_language: None,
            canonical: None,
            base: None,
            meta_robots: Vec::new(),
            links: Vec::new(),
            links_left_out: 0,
            max_links: settings.max_links,
            robot_name: settings.robot_name.as_str(),
        }
    }

    fn push(&mut self, link: RawLink<'d>) {
        if self.links.len() < self.max_links {
            self.links.push(link);
        } else {
            self.links_left_out += 1;
        }
    }

    /// Takes in `<html>`.
    pub fn html(&mut self, attributes: &impl Attributes<'d>) {
        if self.lang.is_none() {
            let lang = attributes.get("lang").or_else(|| attributes.get("xml:lang"));
            self.lang = lang.and_then(|lang| text::collapsed(&lang, MAX_VALUE));
        }
    }

    /// Takes in `<base>`.
    pub fn base(&mut self, attributes: &impl Attributes<'d>) {
        if self.base.is_none() {
            self.base = attributes.get("href");
        }
    }

    /// Takes in a `<title>` by its text.
    pub fn title(&mut self, source: &str) {
        self.title = text::collapsed(source, MAX_VALUE);
    }

    /// Takes in `<meta>`.
    pub fn meta(&mut self, attributes: &impl Attributes<'d>) {
        let Some(content) = attributes.get("content") else { return };
        if let Some(name) = attributes.get("name") {
            let name = name.trim();
            if name.eq_ignore_ascii_case("description") && self.description.is_none() {
                self.description = text::collapsed(&content, MAX_VALUE);
            } else if self.meta_robots.len() < MAX_ROBOTS
                && (name.eq_ignore_ascii_case("robots") || name.eq_ignore_ascii_case(self.robot_name))
            {
                self.meta_robots.extend(text::collapsed(&content, MAX_VALUE));
            }
        }
        let Some(pragma) = attributes.get("http-equiv") else { return };
        if pragma.eq_ignore_ascii_case("refresh") {
            if let Some(url) = refresh_url(&content) {
                self.push(RawLink::new(LinkKind::Refresh, Cow::Owned(url.to_owned())));
            }
        } else if pragma.eq_ignore_ascii_case("content-language") && self.content_language.is_none() {
            // WHATWG: one language, not a list.
            let language = content.split_whitespace().next().filter(|_| !content.contains(','));
            self.content_language = language.map(str::to_owned);
        }
    }

    /// Takes in `<link>`.
    pub fn link(&mut self, attributes: &impl Attributes<'d>) {
        let Some(href) = attributes.get("href") else { return };
        let rel = attributes.get("rel");
        let is_canonical =
            |rel: &str| rel.split_ascii_whitespace().any(|r| r.eq_ignore_ascii_case("canonical"));
        if self.canonical.is_none() && rel.as_deref().is_some_and(is_canonical) {
            self.canonical = Some(href.clone());
        }
        self.push(RawLink { rel, ..RawLink::new(LinkKind::Link, href) });
    }

    /// Takes in `<a href>` or `<area href>` with its text.
    pub fn anchor(&mut self, kind: LinkKind, href: Cow<'d, str>, rel: Option<Cow<'d, str>>, text: String) {
        self.push(RawLink { rel, text, ..RawLink::new(kind, href) });
    }

    /// Takes in `<frame>` or `<iframe>`.
    pub fn frame(&mut self, attributes: &impl Attributes<'d>) {
        // An empty `src` is a blank frame, not the page itself.
        if let Some(src) = attributes.get("src").filter(|src| !src.trim().is_empty()) {
            self.push(RawLink::new(LinkKind::Frame, src));
        }
    }

    /// Whether the page itself asks that its links not be followed.
    #[must_use]
    pub fn forbids_following(&self) -> bool {
        self.meta_robots.iter().any(|directives| robots_meta::forbids_following(directives))
    }
}

/// The URL of a refresh (WHATWG, shared declarative refresh steps); `None` where the page only
/// reloads itself.
#[must_use]
pub fn refresh_url(content: &str) -> Option<&str> {
    let rest = content.trim_start();
    let after_time = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    // A time is needed, and something that ends it.
    if after_time.len() == rest.len() || !after_time.starts_with([';', ',', ' ', '\t', '\n', '\r', '\x0c']) {
        return None;
    }
    let rest = after_time.trim_start();
    let rest = rest.strip_prefix([';', ',']).unwrap_or(rest).trim_start();
    let url = after_url_word(rest).unwrap_or(rest);
    let url = match url.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let quoted = &url[1..];
            &quoted[..quoted.find(quote).unwrap_or(quoted.len())]
        }
        _ => url,
    };
    Some(url.trim()).filter(|url| !url.is_empty())
}

/// What stands behind `url =`.
fn after_url_word(text: &str) -> Option<&str> {
    let word = text.get(..3).filter(|word| word.eq_ignore_ascii_case("url"))?;
    Some(text[word.len()..].trim_start().strip_prefix('=')?.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refreshes() {
        for (content, expected) in [
            ("0; url=/next", Some("/next")),
            ("5;URL='/a b' x", Some("/a b")),
            ("1.5, url = \"/q\"", Some("/q")),
            ("3 url=/space", Some("/space")),
            ("0;/bare", Some("/bare")),
            ("0;urls/list", Some("urls/list")),
            ("0; url=", None),
            ("30", None),
            ("30;", None),
            ("url=/no-time", None),
            ("5x; url=/x", None),
            ("", None),
            ("0;é", Some("é")),
        ] {
            assert_eq!(refresh_url(content), expected, "{content:?}");
        }
    }
}
