//! The elements that say something of a page, and which of them a job cares for.

use trawl_shared::model::{ExtractSettings, LinkKind, LinkKinds};

/// Kinds of links that are always kept: those a crawl may follow, and `<link>`.
const ALWAYS: LinkKinds = LinkKinds::NONE
    .with(LinkKind::A)
    .with(LinkKind::Area)
    .with(LinkKind::Frame)
    .with(LinkKind::Iframe)
    .with(LinkKind::Refresh)
    .with(LinkKind::Link)
    .with(LinkKind::Sitemap)
    .with(LinkKind::Feed);

/// Attributes that scripts read addresses from.
pub const DATA_ATTRIBUTES: [&str; 3] = ["data-href", "data-url", "data-src"];

/// What is gathered from a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The kinds of links to keep.
    pub kinds: LinkKinds,
    /// Whether meta tags, JSON-LD, feeds and icons are.
    pub metadata: bool,
}

impl Wanted {
    /// What a job asks for.
    #[must_use]
    pub fn of(extract: &ExtractSettings) -> Self {
        let kinds = ALWAYS.union(extract.links).union(extract.follow.unwrap_or_default());
        Self { kinds, metadata: extract.metadata }
    }

    /// All there is.
    pub const ALL: Self = Self { kinds: LinkKinds::ALL, metadata: true };
}

/// An element that says something of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaking {
    /// `<a>`
    A,
    /// `<area>`
    Area,
    /// `<link>`
    Link,
    /// `<meta>`
    Meta,
    /// `<iframe>`
    Iframe,
    /// `<frame>`
    Frame,
    /// `<base>`
    Base,
    /// `<title>`
    Title,
    /// `<html>`
    Html,
    /// `<script>`
    Script,
    /// `<form>`
    Form,
    /// `<img>`
    Img,
    /// `<image>`, which HTML reads as `<img>`.
    Image,
    /// `<input>`
    Input,
    /// `<source>`
    Source,
    /// `<audio>`
    Audio,
    /// `<video>`
    Video,
    /// `<track>`
    Track,
    /// `<embed>`
    Embed,
    /// `<object>`
    Object,
}

impl Speaking {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::A,
        Self::Area,
        Self::Link,
        Self::Meta,
        Self::Iframe,
        Self::Frame,
        Self::Base,
        Self::Title,
        Self::Html,
        Self::Script,
        Self::Form,
        Self::Img,
        Self::Image,
        Self::Input,
        Self::Source,
        Self::Audio,
        Self::Video,
        Self::Track,
        Self::Embed,
        Self::Object,
    ];

    /// The name of the element.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::Area => "area",
            Self::Link => "link",
            Self::Meta => "meta",
            Self::Iframe => "iframe",
            Self::Frame => "frame",
            Self::Base => "base",
            Self::Title => "title",
            Self::Html => "html",
            Self::Script => "script",
            Self::Form => "form",
            Self::Img => "img",
            Self::Image => "image",
            Self::Input => "input",
            Self::Source => "source",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Track => "track",
            Self::Embed => "embed",
            Self::Object => "object",
        }
    }

    /// The element of a name in lower case.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "a" => Self::A,
            "area" => Self::Area,
            "link" => Self::Link,
            "meta" => Self::Meta,
            "iframe" => Self::Iframe,
            "frame" => Self::Frame,
            "base" => Self::Base,
            "title" => Self::Title,
            "html" => Self::Html,
            "script" => Self::Script,
            "form" => Self::Form,
            "img" => Self::Img,
            "image" => Self::Image,
            "input" => Self::Input,
            "source" => Self::Source,
            "audio" => Self::Audio,
            "video" => Self::Video,
            "track" => Self::Track,
            "embed" => Self::Embed,
            "object" => Self::Object,
            _ => return None,
        })
    }

    /// Whether anything it says is wanted.
    #[must_use]
    pub const fn is_wanted(self, wanted: Wanted) -> bool {
        let kinds = wanted.kinds;
        match self {
            Self::Script => wanted.metadata || kinds.contains(LinkKind::Script),
            Self::Form => kinds.contains(LinkKind::Form),
            Self::Img | Self::Image | Self::Input => kinds.contains(LinkKind::Img),
            Self::Source => kinds.contains(LinkKind::Img) || kinds.contains(LinkKind::Media),
            Self::Audio | Self::Video | Self::Track | Self::Embed | Self::Object => {
                kinds.contains(LinkKind::Media)
            }
            Self::A
            | Self::Area
            | Self::Link
            | Self::Meta
            | Self::Iframe
            | Self::Frame
            | Self::Base
            | Self::Title
            | Self::Html => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for element in Speaking::ALL {
            assert_eq!(Speaking::of(element.name()), Some(element));
            assert!(element.is_wanted(Wanted::ALL));
        }
        assert_eq!(Speaking::of("p"), None);
    }

    #[test]
    fn resources_are_opt_in() {
        let quiet: Vec<_> = Speaking::ALL
            .into_iter()
            .filter(|element| !element.is_wanted(Wanted::of(&ExtractSettings::default())))
            .map(Speaking::name)
            .collect();
        let resources = [
            "script", "form", "img", "image", "input", "source", "audio", "video", "track", "embed", "object",
        ];
        assert_eq!(quiet, resources);
        let follow = Some(LinkKinds::NONE.with(LinkKind::Form));
        let wanted = Wanted::of(&ExtractSettings { follow, ..ExtractSettings::default() });
        assert!(Speaking::Form.is_wanted(wanted) && !Speaking::Img.is_wanted(wanted));
    }
}
