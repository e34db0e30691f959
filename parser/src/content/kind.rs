//! What kind of page it is, as far as that changes what its main content is.

use crate::dom::Entry;
use url::Url;

/// Kinds of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One text, says the page: what stands around it and comments on it is not content.
    Article,
    /// Posts of many people: what would be comments elsewhere is the content.
    Forum,
    /// Products, lists, services, home pages; and articles that do not say so.
    Other,
}

/// Parts of URLs by which forums are known.
const FORUM_PATHS: [&str; 10] = [
    "/forum",
    "/thread",
    "/topic",
    "viewtopic",
    "showthread",
    "/questions/",
    "/discussion",
    "/t/",
    "/comments/",
    "/community/",
];

const FORUM_HOSTS: [&str; 4] = ["forum.", "forums.", "community.", "discuss."];

const FORUM_TYPES: [&str; 2] = ["DiscussionForumPosting", "QAPage"];

const FORUM_SOFTWARE: [&str; 5] = ["Discourse", "vBulletin", "phpBB", "XenForo", "MyBB"];

const ARTICLE_TYPES: [&str; 3] = ["NewsArticle", "BlogPosting", "\"Article\""];

impl Kind {
    pub(super) fn of(nodes: &[Entry<'_>], url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        let path = url
            .as_str()
            .get(url[..url::Position::BeforePath].len()..)
            .unwrap_or_default()
            .to_ascii_lowercase();
        let is_forum = FORUM_HOSTS.iter().any(|part| host.starts_with(part))
            || FORUM_PATHS.iter().any(|part| path.contains(part));
        if is_forum {
            return Self::Forum;
        }
        let mut is_article = false;
        for (at, node) in nodes.iter().enumerate() {
            match node.name {
                "meta" => {
                    let content = node.attribute("content").unwrap_or_default();
                    let says = |attribute, name| node.attribute(attribute) == Some(name);
                    is_article |= says("property", "og:type") && content.eq_ignore_ascii_case("article");
                    if says("name", "generator") && FORUM_SOFTWARE.iter().any(|name| content.contains(name)) {
                        return Self::Forum;
                    }
                }
                "script" if node.attribute("type").is_some_and(|kind| kind.contains("ld+json")) => {
                    let says = |types: &[&str]| {
                        let texts = &nodes[at + 1..node.end];
                        texts.iter().any(|text| types.iter().any(|name| text.text.contains(name)))
                    };
                    if says(&FORUM_TYPES) {
                        return Self::Forum;
                    }
                    is_article |= says(&ARTICLE_TYPES);
                }
                _ => {
                    let kind = node.attribute("itemtype");
                    if kind.is_some_and(|kind| FORUM_TYPES.iter().any(|name| kind.contains(name))) {
                        return Self::Forum;
                    }
                }
            }
        }
        if is_article { Self::Article } else { Self::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dom::Dom, settings::Settings};

    #[test]
    fn pages_say_what_they_are() {
        for (html, url, expected) in [
            ("<p>x", "https://example.org/", Kind::Other),
            ("<meta property=og:type content=Article>", "https://example.org/", Kind::Article),
            (
                "<script type=application/ld+json>{\"@type\": \"NewsArticle\"}</script>",
                "https://example.org/",
                Kind::Article,
            ),
            (
                "<script type=application/ld+json>{\"@type\": \"QAPage\"}</script>",
                "https://example.org/",
                Kind::Forum,
            ),
            ("<div itemscope itemtype=https://schema.org/QAPage>", "https://example.org/", Kind::Forum),
            ("<meta name=generator content='phpBB'>", "https://example.org/", Kind::Forum),
            ("<p>x", "https://example.org/viewtopic.php?id=1", Kind::Forum),
            ("<p>x", "https://forum.example.org/a", Kind::Forum),
        ] {
            let dom = Dom::build(html, &Settings::default());
            assert_eq!(Kind::of(&dom.outline().nodes, &Url::parse(url).unwrap()), expected, "{html} {url}");
        }
    }
}
