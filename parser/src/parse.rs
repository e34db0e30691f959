//! A page in, its facts out: the one way through the tiers, pure and synchronous.

use crate::{
    charset::{self, Decoded},
    content_type::Reader,
    dom::Dom,
    facts::Facts,
    links,
    resolve::Resolver,
    settings::Settings,
    stream, xhtml,
};
use encoding_rs::Encoding;
use std::borrow::Cow;
use trawl_shared::model::{ExtractSettings, ParsedPage};
use url::Url;

/// A body and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The URL it was fetched from.
    pub url: &'a Url,
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The charset label of the transport.
    pub charset: Option<&'a str>,
    /// The bytes.
    pub body: &'a [u8],
}

/// What came out of a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The facts.
    pub page: ParsedPage,
    /// Whether the page lets its links be followed.
    pub allows_following: bool,
    /// What was left out because of a bound, for people.
    pub cut: Option<String>,
}

/// Extracts the facts of a page. `None` where its type has no reader.
#[must_use]
pub fn parse(document: &Document<'_>, extract: &ExtractSettings, settings: &Settings) -> Option<Parsed> {
    let reader = Reader::of(document.content_type, document.body);
    if reader == Reader::None {
        return None;
    }
    let Decoded { text, encoding, .. } =
        charset::decode(document.body, document.charset, document.url.host_str());
    let html =
        if reader == Reader::Xhtml { xhtml::open_empty_elements(&text) } else { Cow::Borrowed(&*text) };
    Some(parse_html(&html, encoding, document.url, extract, settings))
}

fn parse_html(
    html: &str,
    encoding: &'static Encoding,
    url: &Url,
    extract: &ExtractSettings,
    settings: &Settings,
) -> Parsed {
    let mut dom = None;
    let facts = match stream::facts(html, settings) {
        Ok(facts) => facts,
        Err(error) => {
            tracing::debug!(%url, %error, "{url}: the streaming pass gave up, the tree is asked");
            dom.insert(Dom::build(html, settings)).facts(settings)
        }
    };
    let mut parsed = conclude(facts, encoding, url, settings);
    if extract.text {
        let dom = dom.get_or_insert_with(|| Dom::build(html, settings));
        parsed.page.text = dom.visible_text();
    }
    if let Some(text) = &mut parsed.page.text
        && text.len() > settings.max_text_bytes
    {
        text.truncate(text.floor_char_boundary(settings.max_text_bytes));
        parsed.note_cut("the end of the text was left out");
    }
    if dom.is_some_and(|dom| dom.cut) {
        parsed.note_cut("what follows markup nested too deep was not read");
    }
    parsed
}

impl Parsed {
    fn note_cut(&mut self, what: &str) {
        match &mut self.cut {
            Some(cut) => {
                cut.push_str("; ");
                cut.push_str(what);
            }
            None => self.cut = Some(what.to_owned()),
        }
    }
}

/// Resolves what a tier gathered.
fn conclude(facts: Facts<'_>, encoding: &'static Encoding, url: &Url, settings: &Settings) -> Parsed {
    let allows_following = !facts.forbids_following();
    let base = base_url(facts.base.as_deref(), url);
    let resolver = Resolver::new(&base, encoding);
    let links = links::resolve_all(facts.links, &resolver, settings.max_link_bytes);
    let page = ParsedPage {
        url: url.as_str().to_owned(),
        title: facts.title,
        description: facts.description,
        lang: facts.lang.or(facts.content_language),
        canonical: facts.canonical.and_then(|href| resolver.resolve(&href)),
        meta_robots: Some(facts.meta_robots.join(", ")).filter(|directives| !directives.is_empty()),
        links: links.kept,
        ..ParsedPage::default()
    };
    let left_out = links.cut + facts.links_left_out;
    let cut = (left_out > 0).then(|| format!("links left out, past the bound: {left_out}"));
    Parsed { page, allows_following, cut }
}

/// The URL that links are resolved against (WHATWG, "document base URL").
fn base_url<'u>(base: Option<&str>, url: &'u Url) -> Cow<'u, Url> {
    base.and_then(|href| url.join(href).ok())
        .filter(|base| !matches!(base.scheme(), "data" | "javascript"))
        .map_or(Cow::Borrowed(url), Cow::Owned)
}

/// The facts of the tree tier in the same form, for tests that hold the tiers to each other.
#[must_use]
pub fn parse_by_tree(html: &str, url: &Url, settings: &Settings) -> Parsed {
    let dom = Dom::build(html, settings);
    conclude(dom.facts(settings), encoding_rs::UTF_8, url, settings)
}
