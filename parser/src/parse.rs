//! A page in, its facts out: the one way through the tiers, pure and synchronous.

use crate::{
    about::{self, About},
    charset::{self, Decoded},
    content,
    content_type::Reader,
    dom::{self, Dom},
    elements::Wanted,
    facts::Facts,
    fingerprint, hidden, json_ld, language, links,
    readers::{self, Task},
    resolve::Resolver,
    rules::Applicable,
    settings::Settings,
    sitemap, stream, xhtml,
};
use encoding_rs::Encoding;
use std::borrow::Cow;
use trawl_shared::model::{ExtractSettings, Feed, Icon, ParsedPage, code};
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
    /// The facts; `outcome` is set.
    pub page: ParsedPage,
    /// Whether the page lets its links be followed.
    pub allows_following: bool,
    /// What was left out because of a bound, or could not be read, for people.
    pub cut: Option<String>,
}

impl Parsed {
    /// A page that has said nothing so far.
    #[must_use]
    pub fn of(url: &Url, outcome: &'static str) -> Self {
        let outcome = Some(Cow::Borrowed(outcome));
        let page = ParsedPage { url: url.as_str().to_owned(), outcome, ..ParsedPage::default() };
        Self { page, allows_following: true, cut: None }
    }

    /// Says that something was left out.
    pub fn note_cut(&mut self, what: &str) {
        self.note(code::CUT, what);
    }

    /// Says that something is not as it should be. Of several outcomes the one about rules stays: who looks for
    /// pages without their fields finds them by it.
    pub fn note(&mut self, outcome: &'static str, what: &str) {
        let is_about_rules = |code: &str| matches!(code, code::INCOMPLETE | code::BAD_RULES);
        if !self.page.outcome.as_deref().is_some_and(is_about_rules) {
            self.page.outcome = Some(Cow::Borrowed(outcome));
        }
        match &mut self.cut {
            Some(cut) => {
                cut.push_str("; ");
                cut.push_str(what);
            }
            None => self.cut = Some(what.to_owned()),
        }
    }
}

/// Extracts the facts of a page. Every page ends in facts: what has no reader, or what its reader can
/// make nothing of, has an outcome that says so.
#[must_use]
pub fn parse(document: &Document<'_>, extract: &ExtractSettings, settings: &Settings) -> Parsed {
    let Document { url, content_type, charset, body } = *document;
    let is_cut = body.len() > settings.max_body_bytes;
    let body = &body[..body.len().min(settings.max_body_bytes)];
    let task = Task { url, extract, settings };
    let mut parsed = sitemap::parse(url, content_type, body, extract, settings).unwrap_or_else(|| {
        match Reader::of(content_type, body) {
            Reader::None => Parsed::of(url, code::NOT_PARSED),
            Reader::Pdf => readers::pdf(&task, body),
            reader => {
                let decoded = charset::decode(body, charset, url.host_str());
                parse_text(reader, &decoded, &task)
            }
        }
    });
    conclude(&mut parsed, extract, settings);
    hidden::add(document, extract, settings, &mut parsed);
    if is_cut {
        parsed.note_cut("what follows the longest body was not read");
    }
    parsed
}

fn parse_text(reader: Reader, decoded: &Decoded<'_>, task: &Task<'_>) -> Parsed {
    let Decoded { text, encoding, .. } = decoded;
    let Task { url, extract, settings } = *task;
    let reader = if reader == Reader::Xml { Reader::of_xml(text) } else { reader };
    match reader {
        Reader::Json | Reader::JsonLd => readers::json(task, text, reader == Reader::JsonLd),
        Reader::Xml => readers::xml(task, text),
        Reader::Plain => readers::plain(task, text),
        Reader::Xhtml => parse_html(&xhtml::open_empty_elements(text), encoding, url, extract, settings),
        Reader::Html | Reader::Pdf | Reader::None => parse_html(text, encoding, url, extract, settings),
    }
}

fn parse_html(
    html: &str,
    encoding: &'static Encoding,
    url: &Url,
    extract: &ExtractSettings,
    settings: &Settings,
) -> Parsed {
    let rules = Applicable::of(extract, url);
    let extract = &*rules.extract(extract, url);
    let wanted = Wanted::of(extract);
    let mut dom = None;
    // Where a tree is needed anyway, it tells everything.
    let needs_tree = extract.text || extract.markdown || rules.need_a_tree();
    let streamed = if needs_tree { None } else { streamed(html, url, wanted, settings) };
    let facts = streamed
        .unwrap_or_else(|| dom.get_or_insert_with(|| Dom::build(html, settings)).facts(wanted, settings));
    let base = base_url(facts.base.as_deref(), url);
    let resolver = Resolver::new(&base, encoding);
    let mut parsed = resolve(facts, &resolver, url, extract, settings);
    if let Some(dom) = dom.as_ref().filter(|_| extract.text || extract.markdown) {
        main_content(&mut parsed, dom, url, &resolver, extract);
    }
    rules.apply(&mut parsed, dom.as_ref(), url, &resolver, settings);
    if extract.structured {
        structured(&mut parsed, html, &base, &mut dom, settings);
    }
    if extract.fingerprints {
        fingerprint::of_html(html).write_to(&mut parsed.page);
    }
    if dom.is_some_and(|dom| dom.cut) {
        parsed.note_cut("the tree ends early: markup nested too deep, or too much of it");
    }
    parsed
}

/// The main content; none where all of the page is frame.
fn main_content(
    parsed: &mut Parsed,
    dom: &Dom,
    url: &Url,
    resolver: &Resolver<'_>,
    extract: &ExtractSettings,
) {
    let resolve = |reference: &str| resolver.resolve(reference);
    if let Some(content) = content::main_content(dom, url, extract.markdown, &resolve) {
        parsed.page.text = Some(content.text).filter(|_| extract.text);
        parsed.page.markdown = content.markdown;
    }
}

/// What the streaming tier tells; `None` where it can't.
fn streamed<'h>(html: &'h str, url: &Url, wanted: Wanted, settings: &'h Settings) -> Option<Facts<'h>> {
    stream::facts(html, wanted, settings)
        .inspect_err(|error| {
            tracing::debug!(%url, %error, "{url}: the streaming pass gave up, the tree is asked");
        })
        .ok()
}

/// Microdata and RDFa, from the tree, on the pages that have some.
fn structured(parsed: &mut Parsed, html: &str, base: &Url, dom: &mut Option<Dom>, settings: &Settings) {
    let (has_microdata, has_rdfa) = (dom::may_have_microdata(html), dom::may_have_rdfa(html));
    if !has_microdata && !has_rdfa {
        return;
    }
    let dom = dom.get_or_insert_with(|| Dom::build(html, settings));
    if has_microdata {
        let found = dom.microdata(base, settings.max_structured_bytes);
        parsed.page.microdata = found.values;
        if found.cut {
            parsed.note_cut("microdata past the bound was left out");
        }
    }
    if has_rdfa {
        let found = dom.rdfa(base, settings.max_structured_bytes);
        parsed.page.rdfa = found.values;
        if found.cut {
            parsed.note_cut("RDFa past the bound was left out");
        }
    }
}

/// What is the same for every reader: what is known of the text, and its bound.
fn conclude(parsed: &mut Parsed, extract: &ExtractSettings, settings: &Settings) {
    let page = &mut parsed.page;
    if let Some(text) = &page.text {
        page.lang_detected = language::detect(text);
        if extract.fingerprints && page.content_hash.is_none() {
            fingerprint::of_text(text).write_to(page);
        }
    }
    if !extract.text {
        page.text = None;
    }
    let mut is_cut = false;
    for text in [&mut page.text, &mut page.markdown].into_iter().flatten() {
        if text.len() > settings.max_text_bytes {
            text.truncate(text.floor_char_boundary(settings.max_text_bytes));
            is_cut = true;
        }
    }
    if is_cut {
        parsed.note_cut("the end of the text was left out");
    }
}

/// Resolves what a tier gathered.
fn resolve(
    facts: Facts<'_>,
    resolver: &Resolver<'_>,
    url: &Url,
    extract: &ExtractSettings,
    settings: &Settings,
) -> Parsed {
    let mut parsed = Parsed::of(url, code::OK);
    parsed.allows_following = !facts.forbids_following();
    let links = links::resolve_all(facts.links, resolver, extract, settings.max_link_bytes);
    let page = &mut parsed.page;
    for offer in facts.offers {
        let Some(url) = resolver.resolve(&offer.href) else { continue };
        if offer.is_icon {
            let (rel, sizes) = (offer.rel.into_owned(), offer.note);
            page.icons.push(Icon { url, rel, sizes, media_type: offer.media_type });
        } else {
            let media_type = offer.media_type.unwrap_or_default();
            page.feeds.push(Feed { url, media_type, title: offer.note });
        }
    }
    for source in &facts.json_ld {
        match json_ld::read(source) {
            json_ld::Block::Sound(value) => page.json_ld.push(value),
            json_ld::Block::Repaired(value) => page.json_ld_repaired.push(value),
            json_ld::Block::Broken => {}
        }
    }
    page.meta = facts.meta;
    if extract.metadata {
        let About { author, published, modified } =
            about::of(&page.meta, page.json_ld.iter().chain(&page.json_ld_repaired));
        (page.author, page.published, page.modified) = (author, published, modified);
    }
    page.title = facts.title;
    page.description = facts.description;
    page.lang = facts.lang.or(facts.content_language);
    page.canonical = facts.canonical.and_then(|href| resolver.resolve(&href));
    page.meta_robots = Some(facts.meta_robots.join(", ")).filter(|directives| !directives.is_empty());
    page.links = links.kept;
    page.other_links = links.other;
    let left_out = links.cut + facts.links_left_out;
    if left_out > 0 {
        parsed.note_cut(&format!("links left out, past the bound: {left_out}"));
    }
    if facts.metadata_left_out {
        parsed.note_cut("meta tags or JSON-LD past the bound were left out");
    }
    parsed
}

/// The URL that links are resolved against (WHATWG, "document base URL").
fn base_url<'u>(base: Option<&str>, url: &'u Url) -> Cow<'u, Url> {
    base.and_then(|href| url.join(href).ok())
        .filter(|base| !matches!(base.scheme(), "data" | "javascript"))
        .map_or(Cow::Borrowed(url), Cow::Owned)
}

/// The facts of the tree tier in the same form, for tests that hold the tiers to each other.
#[must_use]
pub fn parse_by_tree(html: &str, url: &Url, extract: &ExtractSettings, settings: &Settings) -> Parsed {
    let dom = Dom::build(html, settings);
    let facts = dom.facts(Wanted::of(extract), settings);
    let base = base_url(facts.base.as_deref(), url);
    let resolver = Resolver::new(&base, encoding_rs::UTF_8);
    resolve(facts, &resolver, url, extract, settings)
}
