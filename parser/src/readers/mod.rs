//! What is not HTML, each kind by its own reader. A reader fills in the facts that its kind has, and
//! says in the outcome where it could make nothing of a body.

mod feed;
mod json;
mod pdf;
mod plain;
mod xml;

use crate::{
    elements::Wanted,
    links::{self, RawLink},
    parse::Parsed,
    resolve::Resolver,
    settings::Settings,
};
use std::borrow::Cow;
use trawl_shared::model::{ExtractSettings, code};
use url::Url;

pub use json::read as json;
pub use pdf::read as pdf;
pub use plain::read as plain;
pub use xml::{read as xml, root};

/// What is wanted of a body, and what holds for it.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// Where it stands.
    pub url: &'a Url,
    /// What the job asks for.
    pub extract: &'a ExtractSettings,
    /// The bounds.
    pub settings: &'a Settings,
}

impl Task<'_> {
    /// A page that has said nothing so far.
    fn page(&self) -> Parsed {
        Parsed::of(self.url, code::OK)
    }

    /// Whether the text is read: fingerprints are those of the text.
    const fn wants_text(&self) -> bool {
        self.extract.text || self.extract.fingerprints
    }

    fn wanted(&self) -> Wanted {
        Wanted::of(self.extract)
    }

    /// Resolves links and adds them to the page.
    fn add_links(&self, parsed: &mut Parsed, raw: Vec<RawLink<'_>>) {
        let resolver = Resolver::new(self.url, encoding_rs::UTF_8);
        let max_bytes = self.settings.max_link_bytes;
        let found = links::resolve_all(raw, &resolver, self.extract, max_bytes);
        parsed.page.links.extend(found.kept);
        parsed.page.other_links = found.other;
        if found.cut > 0 {
            parsed.note_cut(&format!("links left out, past the bound: {}", found.cut));
        }
    }
}

impl Parsed {
    /// Says that the reader could make nothing of the body.
    fn unreadable(mut self, why: String) -> Self {
        self.page.outcome = Some(Cow::Borrowed(code::UNREADABLE));
        self.cut = Some(why);
        self
    }
}
