//! What a page says of itself, as either tier gathers it: values decoded, nothing resolved yet,
//! because a `<base>` may stand behind the links it is for.

use crate::{
    elements::{DATA_ATTRIBUTES, Speaking, Wanted},
    links::RawLink,
    robots_meta,
    settings::Settings,
    srcset, text,
};
use std::borrow::Cow;
use trawl_shared::model::{LinkKind, MetaTag};

/// Longest title, description and the like, in characters.
pub const MAX_VALUE: usize = 4096;

/// Most robots directives read; a page needs one.
const MAX_ROBOTS: usize = 32;

/// Most feeds and most icons kept.
const MAX_OFFERS: usize = 200;

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
    /// The `<meta>`s with a name, where metadata is wanted.
    pub meta: Vec<MetaTag>,
    /// The sources of the JSON-LD scripts, where metadata is wanted.
    pub json_ld: Vec<Cow<'d, str>>,
    /// The `<link>`s to feeds and icons, where metadata is wanted.
    pub offers: Vec<Offer<'d>>,
    /// Whether meta tags or JSON-LD were left out, past the bound.
    pub metadata_left_out: bool,
    /// What is gathered.
    pub wanted: Wanted,
    max_links: usize,
    /// Bytes of metadata that may still be kept.
    metadata_bytes: usize,
    robot_name: &'d str,
}

/// A `<link>` to a feed or an icon.
#[derive(Debug, PartialEq, Eq)]
pub struct Offer<'d> {
    /// Where it leads.
    pub href: Cow<'d, str>,
    /// The `rel` attribute.
    pub rel: Cow<'d, str>,
    /// The attribute `type`.
    pub media_type: Option<String>,
    /// The attribute `title` of a feed, `sizes` of an icon.
    pub note: Option<String>,
    /// Whether it is an icon.
    pub is_icon: bool,
}

/// The attributes of a start tag.
pub trait Attributes<'d> {
    /// The decoded value of the attribute; `name` in lower case.
    fn get(&self, name: &str) -> Option<Cow<'d, str>>;
}

impl<'d> Facts<'d> {
    /// No facts yet.
    #[must_use]
    pub const fn new(wanted: Wanted, settings: &'d Settings) -> Self {
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
            meta: Vec::new(),
            json_ld: Vec::new(),
            offers: Vec::new(),
            metadata_left_out: false,
            wanted,
            max_links: settings.max_links,
            metadata_bytes: settings.max_structured_bytes,
            robot_name: settings.robot_name.as_str(),
        }
    }

    fn push(&mut self, link: RawLink<'d>) {
        if !self.wanted.kinds.contains(link.kind) {
            return;
        }
        if self.links.len() < self.max_links {
            self.links.push(link);
        } else {
            self.links_left_out += 1;
        }
    }

    /// Whether that many bytes of metadata more are within the bound.
    const fn has_room(&mut self, bytes: usize) -> bool {
        match self.metadata_bytes.checked_sub(bytes) {
            Some(left) => self.metadata_bytes = left,
            None => self.metadata_left_out = true,
        }
        !self.metadata_left_out
    }

    /// Takes in an element that says all it has to say in its start tag.
    pub fn element(&mut self, element: Speaking, attributes: &impl Attributes<'d>) {
        match element {
            Speaking::Link => self.link(attributes),
            Speaking::Meta => self.meta(attributes),
            Speaking::Iframe => self.source(LinkKind::Iframe, attributes, "src"),
            Speaking::Frame => self.source(LinkKind::Frame, attributes, "src"),
            Speaking::Base => self.base(attributes),
            Speaking::Html => self.html(attributes),
            Speaking::Area => {
                if let Some(href) = attributes.get("href") {
                    self.anchor(LinkKind::Area, href, attributes.get("rel"), String::new());
                }
            }
            Speaking::Script => self.source(LinkKind::Script, attributes, "src"),
            Speaking::Form => self.form(attributes),
            Speaking::Img | Speaking::Image => {
                self.source(LinkKind::Img, attributes, "src");
                self.candidates(attributes);
            }
            Speaking::Input => {
                if attributes.get("type").is_some_and(|kind| kind.eq_ignore_ascii_case("image")) {
                    self.source(LinkKind::Img, attributes, "src");
                }
            }
            Speaking::Source => {
                self.source(LinkKind::Media, attributes, "src");
                self.candidates(attributes);
            }
            Speaking::Audio | Speaking::Track | Speaking::Embed => {
                self.source(LinkKind::Media, attributes, "src");
            }
            Speaking::Video => {
                self.source(LinkKind::Media, attributes, "src");
                self.source(LinkKind::Media, attributes, "poster");
            }
            Speaking::Object => self.source(LinkKind::Media, attributes, "data"),
            // Their text counts as well: `anchor`, `title`.
            Speaking::A | Speaking::Title => {}
        }
    }

    /// Takes in the addresses that an element keeps for scripts.
    pub fn data(&mut self, attributes: &impl Attributes<'d>) {
        for name in DATA_ATTRIBUTES {
            self.source(LinkKind::Data, attributes, name);
        }
    }

    /// Takes in the address in an attribute. An empty one is none, not the page itself.
    fn source(&mut self, kind: LinkKind, attributes: &impl Attributes<'d>, name: &str) {
        if self.wanted.kinds.contains(kind)
            && let Some(src) = attributes.get(name).filter(|src| !src.trim().is_empty())
        {
            self.push(RawLink::new(kind, src));
        }
    }

    fn candidates(&mut self, attributes: &impl Attributes<'d>) {
        if self.wanted.kinds.contains(LinkKind::Img)
            && let Some(srcset) = attributes.get("srcset")
        {
            for url in srcset::urls(&srcset) {
                self.push(RawLink::new(LinkKind::Img, url));
            }
        }
    }

    fn form(&mut self, attributes: &impl Attributes<'d>) {
        let method = attributes.get("method");
        let is_get = method.is_none_or(|method| {
            !method.eq_ignore_ascii_case("post") && !method.eq_ignore_ascii_case("dialog")
        });
        if is_get {
            self.source(LinkKind::Form, attributes, "action");
        }
    }

    fn html(&mut self, attributes: &impl Attributes<'d>) {
        if self.lang.is_none() {
            let lang = attributes.get("lang").or_else(|| attributes.get("xml:lang"));
            self.lang = lang.and_then(|lang| text::collapsed(&lang, MAX_VALUE));
        }
    }

    fn base(&mut self, attributes: &impl Attributes<'d>) {
        if self.base.is_none() {
            self.base = attributes.get("href");
        }
    }

    /// Takes in a `<title>` by its text.
    pub fn title(&mut self, source: &str) {
        self.title = text::collapsed(source, MAX_VALUE);
    }

    /// Takes in a JSON-LD script by its text.
    pub fn json_ld(&mut self, source: Cow<'d, str>) {
        if self.has_room(source.len()) {
            self.json_ld.push(source);
        }
    }

    fn meta(&mut self, attributes: &impl Attributes<'d>) {
        let Some(content) = attributes.get("content") else { return };
        let name = attributes.get("name");
        if let Some(name) = &name {
            let name = name.trim();
            if name.eq_ignore_ascii_case("description") && self.description.is_none() {
                self.description = text::collapsed(&content, MAX_VALUE);
            } else if self.meta_robots.len() < MAX_ROBOTS
                && (name.eq_ignore_ascii_case("robots") || name.eq_ignore_ascii_case(self.robot_name))
            {
                self.meta_robots.extend(text::collapsed(&content, MAX_VALUE));
            }
        }
        if self.wanted.metadata {
            // Where a tag has both, the vocabulary's name is the one that others read.
            let property = attributes.get("property").filter(|property| !property.is_empty());
            if let Some(name) = property.or(name).filter(|name| !name.is_empty())
                && self.has_room(name.len() + content.len())
            {
                let content = content.clone().into_owned();
                self.meta.push(MetaTag { name: name.into_owned(), content });
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

    fn link(&mut self, attributes: &impl Attributes<'d>) {
        let Some(href) = attributes.get("href") else { return };
        let rel = attributes.get("rel");
        let says = |word: &str| rel.as_deref().is_some_and(|rel| has_token(rel, word));
        if self.canonical.is_none() && says("canonical") {
            self.canonical = Some(href.clone());
        }
        if self.wanted.metadata && self.offers.len() < MAX_OFFERS {
            let is_icon = ["icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon"]
                .into_iter()
                .any(says);
            let media_type = attributes.get("type").map(Cow::into_owned);
            let is_feed =
                says("feed") || says("alternate") && media_type.as_deref().is_some_and(is_feed_type);
            if is_icon || is_feed {
                let note = attributes.get(if is_icon { "sizes" } else { "title" });
                let note = note.and_then(|note| text::collapsed(&note, MAX_VALUE));
                let rel = rel.clone().unwrap_or_default();
                self.offers.push(Offer { href: href.clone(), rel, media_type, note, is_icon });
            }
        }
        self.push(RawLink { rel, ..RawLink::new(LinkKind::Link, href) });
    }

    /// Takes in `<a href>` or `<area href>` with its text.
    pub fn anchor(&mut self, kind: LinkKind, href: Cow<'d, str>, rel: Option<Cow<'d, str>>, text: String) {
        self.push(RawLink { rel, text, ..RawLink::new(kind, href) });
    }

    /// Whether the page itself asks that its links not be followed.
    #[must_use]
    pub fn forbids_following(&self) -> bool {
        self.meta_robots.iter().any(|directives| robots_meta::forbids_following(directives))
    }
}

fn has_token(rel: &str, word: &str) -> bool {
    rel.split_ascii_whitespace().any(|token| token.eq_ignore_ascii_case(word))
}

fn is_feed_type(media_type: &str) -> bool {
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    ["application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json"]
        .iter()
        .any(|feed| media_type.eq_ignore_ascii_case(feed))
}

/// Whether the type of a `<script>` is that of JSON-LD.
#[must_use]
pub fn is_json_ld(script_type: &str) -> bool {
    let essence = script_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/ld+json")
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
