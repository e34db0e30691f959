//! What was extracted from one page. Names are published: `docs/schema/parsed-page.json`.

use super::LinkKind;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

/// The facts of a page. What a page does not have, or nobody asked for, is left out of its JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParsedPage {
    /// The URL the page was fetched from.
    pub url: String,
    /// `<title>`, white space collapsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `<meta name=description>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The declared language (`<html lang>`, else `content-language`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// The language that the text is written in, by its letters and words (ISO 639-1). Only where text
    /// is computed and long enough to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang_detected: Option<String>,
    /// `<link rel=canonical>`, absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical: Option<String>,
    /// The directives of `<meta name=robots>`, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta_robots: Option<String>,
    /// Who wrote it, as the page's own data says; several names are parted by `; `.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// When it was published: an RFC 3339 date, with its time where the page tells one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// When it was last changed, in the form of `published`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// Every `<meta>` that has a name (`name` or `property`) and a content, in document order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meta: Vec<MetaTag>,
    /// Every link of the kinds asked for, in document order, repeats included.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Links that no crawler follows, counted.
    #[serde(default, skip_serializing_if = "OtherLinks::is_none")]
    pub other_links: OtherLinks,
    /// Feeds that the page offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<Feed>,
    /// The page's icons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub icons: Vec<Icon>,
    /// The values of the JSON-LD scripts that are JSON, in document order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub json_ld: Vec<Value>,
    /// The values of the JSON-LD scripts that are JSON but for slips which leave no doubt what is
    /// meant (comments, line breaks in strings, commas at the end).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub json_ld_repaired: Vec<Value>,
    /// Top-level microdata items, in document order: `{"type", "id", "properties"}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub microdata: Vec<Value>,
    /// RDFa as expanded JSON-LD: an object for each subject.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rdfa: Vec<Value>,
    /// The text: of HTML the main content, or the visible text where no main part stands out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The main content as Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markdown: Option<String>,
    /// Hash of the extraction rules that were applied: 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    /// What the job's extraction rules made of the page, and the entries of a feed: objects. Of those that rules
    /// made, `type` is the name of the set of rules, and `_missing` lists the required fields that were not found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Value>,
    /// Hash of the normalised text: 32 hexadecimal digits, the same for the same words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
    /// SimHash of the text, 16 hexadecimal digits: few bits differ where few words do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simhash: Option<String>,
    /// How reading the page went: one of [`code`](super::code). In a record the code of the task's end says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Cow<'static, str>>,
}

/// A `<meta>` with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetaTag {
    /// The attribute `property`, else `name`, as written.
    pub name: String,
    /// The attribute `content`, as written.
    pub content: String,
}

/// Links that lead to no page, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OtherLinks {
    /// `javascript:`
    #[serde(skip_serializing_if = "is_zero")]
    pub javascript: u32,
    /// `mailto:`
    #[serde(skip_serializing_if = "is_zero")]
    pub mailto: u32,
    /// `tel:`, `data:` and other schemes, and what is no URL at all.
    #[serde(skip_serializing_if = "is_zero")]
    pub other: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl OtherLinks {
    /// Whether there are none.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.javascript == 0 && self.mailto == 0 && self.other == 0
    }
}

/// A feed that a page offers (`<link rel=alternate type=application/rss+xml>` and the like).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// The absolute URL.
    pub url: String,
    /// The declared type.
    #[serde(rename = "type")]
    pub media_type: String,
    /// The title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// An icon of a page (`<link rel=icon>` and its relatives).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Icon {
    /// The absolute URL.
    pub url: String,
    /// The `rel` attribute as written.
    pub rel: String,
    /// The attribute `sizes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sizes: Option<String>,
    /// The declared type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

/// One link of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The absolute URL (WHATWG resolution against the base URL), fragment kept.
    pub url: String,
    /// The attribute as written; left out where it equals `url`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub raw: String,
    /// Anchor text, white space collapsed, cut at 500 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The `rel` attribute as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rel: Option<String>,
    /// The element (and use) the link comes from.
    pub kind: LinkKind,
    /// Whether the job follows it, where that is not what its kind does by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow: Option<bool>,
    /// How much sooner than its like it is to be fetched (0 without; larger is sooner): from the
    /// job's rules, or a sitemap's `priority` (0.5 is 0, 1.0 is 50).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// When what stands there last changed, as a sitemap or feed says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lastmod: Option<Timestamp>,
}

impl Link {
    /// Whether `rel` holds the token `nofollow` (any case).
    #[must_use]
    pub fn is_nofollow(&self) -> bool {
        self.rel.as_deref().is_some_and(|rel| {
            rel.split_ascii_whitespace().any(|token| token.eq_ignore_ascii_case("nofollow"))
        })
    }

    /// Whether a crawl follows it, as far as the page and the job's choice of kinds go.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        self.follow.unwrap_or_else(|| self.kind.is_navigational())
    }
}
