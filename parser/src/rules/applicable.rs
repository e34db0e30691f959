//! The rules of a job where one of its pages is parsed.

use super::{Page, Rules, cached};
use crate::{dom::Dom, parse::Parsed, resolve::Resolver, settings::Settings};
use std::{borrow::Cow, sync::Arc};
use trawl_shared::model::{ExtractSettings, code};
use url::Url;

/// What a job's rules are for a page.
#[derive(Debug)]
pub enum Applicable {
    /// There are none, or none for this page.
    None,
    /// These.
    Rules(Arc<Rules>),
    /// They can't be used, and why. `trawl crawl` and `parser parse` refuse such a file; a job that was made
    /// otherwise may bring one.
    Bad(String),
}

impl Applicable {
    /// The rules that a job has for a page.
    #[must_use]
    pub fn of(extract: &ExtractSettings, url: &Url) -> Self {
        let Some(text) = &extract.rules else { return Self::None };
        match cached(text.as_str()) {
            Ok(rules) if rules.are_for(url) => Self::Rules(rules),
            Ok(_) => Self::None,
            Err(error) => Self::Bad(error.to_string()),
        }
    }

    /// Whether they read the tree.
    #[must_use]
    pub const fn need_a_tree(&self) -> bool {
        matches!(self, Self::Rules(_))
    }

    /// What is to be extracted so that the rules find what they ask for.
    #[must_use]
    pub fn extract<'e>(&self, extract: &'e ExtractSettings, url: &Url) -> Cow<'e, ExtractSettings> {
        match self {
            Self::Rules(rules) if !extract.metadata && rules.need_metadata(url) => {
                Cow::Owned(ExtractSettings { metadata: true, ..extract.clone() })
            }
            _ => Cow::Borrowed(extract),
        }
    }

    /// Adds the items to a page whose facts are known, marks its links, and notes what is missing.
    pub fn apply(
        &self,
        parsed: &mut Parsed,
        dom: Option<&Dom>,
        url: &Url,
        resolver: &Resolver<'_>,
        settings: &Settings,
    ) {
        let (rules, dom) = match (self, dom) {
            (Self::Rules(rules), Some(dom)) => (rules, dom),
            (Self::Bad(why), _) => {
                return parsed.note(code::BAD_RULES, &format!("the rules can't be used: {why}"));
            }
            _ => return,
        };
        let page = Page { url, dom, resolve: &|reference| resolver.resolve(reference) };
        let applied = rules.apply(page, &mut parsed.page, settings.max_structured_bytes);
        if applied.incomplete > 0 {
            let (count, fields) = (applied.incomplete, applied.missing.join(", "));
            parsed.note(
                code::INCOMPLETE,
                &format!("items without a required field: {count} (missing: {fields})"),
            );
        }
        if applied.cut {
            parsed.note_cut("items past the bound were left out");
        }
    }
}
