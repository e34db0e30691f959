//! What was extracted from one page.

use serde::{Deserialize, Serialize};

/// The facts of a page. Names are published: `docs/schema/parsed-page.json`.
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
    /// `<link rel=canonical>`, absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical: Option<String>,
    /// The directives of `<meta name=robots>`, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta_robots: Option<String>,
    /// Every link, in document order, repeats included.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Visible text, where the job asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// One link of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Link {
    /// Whether `rel` holds the token `nofollow` (any case).
    #[must_use]
    pub fn is_nofollow(&self) -> bool {
        self.rel.as_deref().is_some_and(|rel| {
            rel.split_ascii_whitespace().any(|token| token.eq_ignore_ascii_case("nofollow"))
        })
    }
}

/// Where in a page a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    /// `<a href>`
    A,
    /// `<area href>`
    Area,
    /// `<frame src>` and `<iframe src>`
    Frame,
    /// `<meta http-equiv=refresh>`
    Refresh,
    /// `<link href>`: canonical, next, prev, alternate, ...
    Link,
}

impl LinkKind {
    /// Whether a crawl follows links of this kind unless its job says otherwise.
    #[must_use]
    pub const fn is_navigational(self) -> bool {
        matches!(self, Self::A | Self::Area | Self::Frame | Self::Refresh)
    }
}
