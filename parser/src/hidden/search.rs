//! Gathering: every address once, resolved, within the bounds of a page's links.

use super::{
    attributes::{Holds, holds},
    css, strings,
    tags::{Found, found},
};
use crate::{parse::Parsed, resolve::Resolver, settings::Settings, srcset, text};
use encoding_rs::UTF_8;
use std::{borrow::Cow, collections::HashSet};
use trawl_shared::model::{ExtractSettings, Link, LinkKind, LinkKinds};
use url::Url;

/// Documents within documents (`srcdoc`) that are looked into.
const MAX_NESTED: usize = 2;

/// Files of a site that crawlers know by name.
const KNOWN_FILES: [&str; 2] = ["/robots.txt", "/sitemap.xml"];

/// The addresses of one page so far.
pub(super) struct Search<'a> {
    page: &'a Url,
    /// The first `<base href>`.
    base: Option<Url>,
    kinds: LinkKinds,
    follow: LinkKinds,
    /// What is known already, without fragments.
    seen: HashSet<String>,
    links: Vec<Link>,
    max_links: usize,
    max_bytes: usize,
    left_out: usize,
}

impl<'a> Search<'a> {
    /// A search for what the job wants; `None` where that is nothing.
    pub(super) fn new(
        page: &'a Url,
        extract: &ExtractSettings,
        settings: &Settings,
        parsed: &Parsed,
    ) -> Option<Self> {
        let kinds = super::wanted(extract);
        if kinds.is_empty() {
            return None;
        }
        let known = &parsed.page.links;
        let bytes = known.iter().map(|link| link.url.len() + link.raw.len()).sum();
        let mut seen: HashSet<String> =
            known.iter().map(|link| without_fragment(&link.url).to_owned()).collect();
        seen.insert(without_fragment(page.as_str()).to_owned());
        Some(Self {
            page,
            base: None,
            kinds,
            follow: extract.follow.unwrap_or_default(),
            seen,
            links: Vec::new(),
            max_links: settings.max_links.saturating_sub(known.len()),
            max_bytes: settings.max_link_bytes.saturating_sub(bytes),
            left_out: 0,
        })
    }

    /// The links, and how many more there were past the bounds.
    pub(super) fn finish(self) -> (Vec<Link>, usize) {
        (self.links, self.left_out)
    }

    /// Looks through markup, a script or a text.
    pub(super) fn source(&mut self, source: &str) {
        self.markup(source, 0);
        if self.kinds.contains(LinkKind::Hidden) {
            strings::each(source, |string| self.guess(&string));
        }
    }

    /// Looks through a style sheet or the declarations of an attribute.
    pub(super) fn style(&mut self, sheet: &str) {
        if self.kinds.contains(LinkKind::Style) {
            css::each_url(sheet, |url| {
                self.reference(LinkKind::Style, &url);
            });
        }
    }

    /// The site's files that crawlers know.
    pub(super) fn known_files(&mut self) {
        for file in KNOWN_FILES {
            self.hidden(file);
        }
    }

    /// Looks at a header of the response.
    pub(super) fn header(&mut self, name: &str, value: &str) {
        if !self.kinds.contains(LinkKind::Hidden) {
            return;
        }
        match name {
            "content-location" | "location" | "sourcemap" | "x-sourcemap" => self.hidden(value),
            // Date, server and the like have slashes of their own.
            "content-security-policy" | "content-security-policy-report-only" | "report-to" | "nel" => {
                strings::each(value, |string| self.guess(&string));
            }
            _ => {}
        }
    }

    fn markup(&mut self, source: &str, nested: usize) {
        found(source, |found| match found {
            Found::Attribute { name, value } => self.attribute(name, value, nested),
            Found::Style(sheet) => self.style(sheet),
            Found::SystemId(id) => self.hidden(id),
        });
    }

    fn attribute(&mut self, name: &str, source: &str, nested: usize) {
        let Some(holds) = holds(name) else { return };
        let value = text::attribute_value(source);
        match holds {
            Holds::Address => self.hidden(&value),
            Holds::Base => {
                self.hidden(&value);
                if self.base.is_none() {
                    self.base = self.page.join(&value).ok().filter(|base| !base.cannot_be_a_base());
                }
            }
            Holds::Addresses => {
                let is_break = |c: char| c.is_ascii_whitespace() || c == ',';
                value.split(is_break).for_each(|address| self.hidden(address));
            }
            Holds::Candidates => srcset::urls(&value).iter().for_each(|address| self.hidden(address)),
            Holds::Style => self.style(&value),
            Holds::Markup if nested < MAX_NESTED => self.markup(&value, nested + 1),
            Holds::Markup => {}
        }
    }

    /// An address in an attribute or a header that holds addresses.
    fn hidden(&mut self, reference: &str) {
        let reference = reference.trim();
        if self.kinds.contains(LinkKind::Hidden) && !reference.is_empty() && !reference.starts_with('#') {
            self.reference(LinkKind::Hidden, reference);
        }
    }

    /// Something that reads like an address. Who wrote it is not known, so what it is relative to is not either: the
    /// page, the root of the site, or what the page calls its base.
    fn guess(&mut self, string: &str) {
        let is_new = self.reference(LinkKind::Hidden, string);
        if !is_new || string.contains("://") || string.starts_with("//") {
            return;
        }
        if let Ok(root) = self.page.join("/")
            && !string.starts_with('/')
        {
            self.resolve(LinkKind::Hidden, &root, string);
        }
        if let Some(base) = &self.base
            && let Some(tail) = string.strip_prefix('/')
        {
            let mut folder = base.clone();
            folder.set_query(None);
            folder.set_path(&format!("{}/", base.path().trim_end_matches('/')));
            self.resolve(LinkKind::Hidden, &folder, tail);
        }
    }

    fn reference(&mut self, kind: LinkKind, reference: &str) -> bool {
        let base = self.base.as_ref().map_or(Cow::Borrowed(self.page), |base| Cow::Owned(base.clone()));
        self.resolve(kind, &base, reference)
    }

    /// Adds a link and says whether it was new.
    fn resolve(&mut self, kind: LinkKind, base: &Url, reference: &str) -> bool {
        let Some(url) = Resolver::new(base, UTF_8).resolve(reference) else { return false };
        if self.seen.contains(without_fragment(&url)) {
            return false;
        }
        let raw = if url == reference { String::new() } else { reference.to_owned() };
        let bytes = url.len() + raw.len();
        if self.links.len() >= self.max_links || bytes > self.max_bytes {
            self.left_out += 1;
            return false;
        }
        self.max_bytes -= bytes;
        self.seen.insert(without_fragment(&url).to_owned());
        let follow = self.follow.contains(kind).then_some(true);
        self.links.push(Link { url, raw, kind, follow, ..Link::default() });
        true
    }
}

fn without_fragment(url: &str) -> &str {
    url.split('#').next().unwrap_or(url)
}
