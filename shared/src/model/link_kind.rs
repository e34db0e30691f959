//! Where in a page a link stands, and sets of such places.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Where in a page a link stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkKind {
    /// `<a href>`
    #[default]
    A,
    /// `<area href>`
    Area,
    /// `<frame src>`
    Frame,
    /// `<iframe src>`
    Iframe,
    /// `<meta http-equiv=refresh>`
    Refresh,
    /// `<link href>`: canonical, next, prev, alternate, amphtml, ...
    Link,
    /// An entry of a sitemap, or a sitemap that a robots.txt or an index names.
    Sitemap,
    /// An entry of a feed.
    Feed,
    /// `<form action>` where the method is GET.
    Form,
    /// `<img src>`, `<img srcset>`, `<source srcset>`, `<input type=image src>`
    Img,
    /// `<script src>`
    Script,
    /// `<audio src>`, `<video src>`, `<video poster>`, `<source src>`, `<track src>`, `<embed src>`, `<object data>`
    Media,
    /// `data-href`, `data-url`, `data-src` on any element that takes links.
    Data,
    /// `url()` and `@import` in style sheets, `<style>` and `style` attributes.
    Style,
    /// Any other address in what a server sends: in attributes that nobody clicks (`ping`, `cite`, `background`, the
    /// action of a POST form), comments, scripts, text and headers that read like one, and the files of a site that
    /// crawlers know (robots.txt, sitemap.xml).
    Hidden,
}

impl LinkKind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::A,
        Self::Area,
        Self::Frame,
        Self::Iframe,
        Self::Refresh,
        Self::Link,
        Self::Sitemap,
        Self::Feed,
        Self::Form,
        Self::Img,
        Self::Script,
        Self::Media,
        Self::Data,
        Self::Style,
        Self::Hidden,
    ];

    /// The name in records, settings and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::Area => "area",
            Self::Frame => "frame",
            Self::Iframe => "iframe",
            Self::Refresh => "refresh",
            Self::Link => "link",
            Self::Sitemap => "sitemap",
            Self::Feed => "feed",
            Self::Form => "form",
            Self::Img => "img",
            Self::Script => "script",
            Self::Media => "media",
            Self::Data => "data",
            Self::Style => "style",
            Self::Hidden => "hidden",
        }
    }

    /// Whether a crawl follows links of this kind unless its job says otherwise.
    #[must_use]
    pub const fn is_navigational(self) -> bool {
        matches!(
            self,
            Self::A | Self::Area | Self::Frame | Self::Iframe | Self::Refresh | Self::Sitemap | Self::Feed
        )
    }
}

impl fmt::Display for LinkKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Not the name of a kind of link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no kind of link; there are a, area, frame, iframe, refresh, link, sitemap, feed, form, img, script, media, data, style, hidden"
)]
pub struct UnknownLinkKind(String);

impl FromStr for LinkKind {
    type Err = UnknownLinkKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownLinkKind(name.to_owned()))
    }
}

/// A set of kinds of links. Its JSON is the list of their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<LinkKind>", into = "Vec<LinkKind>")]
pub struct LinkKinds(u16);

impl LinkKinds {
    /// No kind.
    pub const NONE: Self = Self(0);

    /// Every kind.
    pub const ALL: Self = Self((1 << LinkKind::ALL.len()) - 1);

    /// Every kind that elements of a page declare: all but `style` and `hidden`.
    pub const DECLARED: Self = Self((1 << LinkKind::Style as u16) - 1);

    /// Whether it has no kind.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Whether it has this kind.
    #[must_use]
    pub const fn contains(self, kind: LinkKind) -> bool {
        self.0 & (1 << kind as u16) != 0
    }

    /// This set with one more kind.
    #[must_use]
    pub const fn with(self, kind: LinkKind) -> Self {
        Self(self.0 | 1 << kind as u16)
    }

    /// The kinds of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The kinds, in the order of [`LinkKind::ALL`].
    pub fn iter(self) -> impl Iterator<Item = LinkKind> {
        LinkKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

/// Reads the names of kinds with commas between them, or `all`.
impl FromStr for LinkKinds {
    type Err = UnknownLinkKind;

    fn from_str(names: &str) -> Result<Self, Self::Err> {
        if names.trim() == "all" {
            return Ok(Self::ALL);
        }
        names.split(',').map(|name| name.trim().parse::<LinkKind>()).collect()
    }
}

impl FromIterator<LinkKind> for LinkKinds {
    fn from_iter<I: IntoIterator<Item = LinkKind>>(kinds: I) -> Self {
        kinds.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<Vec<LinkKind>> for LinkKinds {
    fn from(kinds: Vec<LinkKind>) -> Self {
        kinds.into_iter().collect()
    }
}

impl From<LinkKinds> for Vec<LinkKind> {
    fn from(kinds: LinkKinds) -> Self {
        kinds.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways_and_are_those_of_the_wire() {
        for kind in LinkKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("css".parse::<LinkKind>().unwrap_err().to_string().contains("style"));
    }

    #[test]
    fn a_set_is_the_list_of_its_kinds() {
        let kinds = LinkKinds::NONE.with(LinkKind::Img).with(LinkKind::A);
        assert_eq!(serde_json::to_string(&kinds).unwrap(), r#"["a","img"]"#);
        assert_eq!(serde_json::from_str::<LinkKinds>(r#"["img","a","img"]"#).unwrap(), kinds);
        assert!(kinds.contains(LinkKind::A) && !kinds.contains(LinkKind::Data));
        assert_eq!(LinkKind::ALL.into_iter().collect::<LinkKinds>(), LinkKinds::ALL);
        let others = LinkKinds::DECLARED.with(LinkKind::Style).with(LinkKind::Hidden);
        assert!(others == LinkKinds::ALL && !LinkKinds::DECLARED.contains(LinkKind::Style));
    }

    #[test]
    fn people_write_sets_with_commas() {
        assert_eq!("a, img".parse(), Ok(LinkKinds::NONE.with(LinkKind::Img).with(LinkKind::A)));
        assert_eq!("all".parse(), Ok(LinkKinds::ALL));
        for bad in ["", "a,", "a b"] {
            assert!(bad.parse::<LinkKinds>().is_err(), "{bad:?}");
        }
    }
}
