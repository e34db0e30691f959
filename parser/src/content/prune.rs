//! What is not content before any text is weighed: hidden elements, and the frame of the page, known by its
//! elements, roles and names.

use super::{Sizes, kind::Kind};
use crate::dom::Entry;

/// How much is taken for the frame of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pruning {
    /// What elements, roles, classes and ids say.
    ByName,
    /// What elements and roles say: names can mislead.
    ByElement,
}

/// A part that has more of the weight than this is not the frame, whatever it is called.
const MAX_SHARE: f64 = 0.6;

/// Of these even most of the weight is frame: the text of a cookie banner can be longer than the page's.
const BANNERS: [&str; 7] = ["cookie", "cookies", "consent", "onetrust", "gdpr", "usercentrics", "didomi"];

/// Words in classes and ids that name a part of the frame.
const FRAME: &[&str] = &[
    "ad",
    "addthis",
    "ads",
    "adsense",
    "advert",
    "advertisement",
    "advertising",
    "alsoread",
    "aside",
    "backtotop",
    "breadcrumb",
    "breadcrumbs",
    "crumbs",
    "copyright",
    "dfp",
    "disqus",
    "follow",
    "foot",
    "footer",
    "jp",
    "lightbox",
    "login",
    "masthead",
    "megamenu",
    "menu",
    "modal",
    "morelinks",
    "mostread",
    "nav",
    "navbar",
    "navigation",
    "newsletter",
    "newsletters",
    "noprint",
    "offscreen",
    "outbrain",
    "overlay",
    "pager",
    "pagination",
    "paging",
    "paywall",
    "popular",
    "popup",
    "promo",
    "promotion",
    "qc",
    "reactions",
    "readmore",
    "recommendation",
    "recommendations",
    "recommended",
    "register",
    "related",
    "relatedposts",
    "search",
    "searchform",
    "share",
    "sharedaddy",
    "shares",
    "sharing",
    "sidebar",
    "signup",
    "sitemap",
    "sitenav",
    "skip",
    "skiplink",
    "social",
    "socialmedia",
    "socials",
    "sponsor",
    "sponsored",
    "submenu",
    "subnav",
    "subscribe",
    "subscription",
    "taboola",
    "toc",
    "toolbar",
    "topbar",
    "trending",
    "truste",
];

/// Words that do so in articles: who wrote it, when, about what.
const AROUND_ARTICLES: &[&str] = &[
    "author",
    "authorbox",
    "bio",
    "byline",
    "caption",
    "credit",
    "dateline",
    "gallery",
    "meta",
    "metadata",
    "postmeta",
    "print",
    "slideshow",
    "taglist",
    "tags",
    "timestamp",
];

/// Words that do so everywhere but in forums.
const COMMENTS: &[&str] =
    &["comment", "commentary", "commentlist", "comments", "replies", "reply", "respond"];

/// Text in `<noscript>` of more characters than this is the page without scripts, not a request to turn them on.
const NOSCRIPT: usize = 400;

/// Marks what is not shown. Only the top of each hidden subtree is marked.
pub(super) fn hidden(nodes: &[Entry<'_>], body: usize, sizes: &Sizes) -> Vec<bool> {
    let mut hidden = vec![false; nodes.len()];
    let mut at = body + 1;
    while at < nodes[body].end {
        let node = &nodes[at];
        let is_short = |at: usize| sizes.between(at, node.end) < NOSCRIPT;
        if !node.is_text()
            && (is_silent(node.name) || is_hidden(node) || node.name == "noscript" && is_short(at))
        {
            hidden[at] = true;
            at = node.end;
        } else {
            at += 1;
        }
    }
    hidden
}

/// Elements whose text is no text of the page, or belongs to a control or a picture.
fn is_silent(name: &str) -> bool {
    matches!(
        name,
        "applet"
            | "audio"
            | "button"
            | "canvas"
            | "datalist"
            | "dialog"
            | "embed"
            | "figcaption"
            | "head"
            | "iframe"
            | "input"
            | "label"
            | "legend"
            | "map"
            | "math"
            | "menu"
            | "meter"
            | "noframes"
            | "object"
            | "option"
            | "noembed"
            | "progress"
            | "script"
            | "select"
            | "style"
            | "svg"
            | "template"
            | "textarea"
            | "title"
            | "video"
    )
}

fn is_hidden(node: &Entry<'_>) -> bool {
    let by_style = |style: &str| {
        let style: String =
            style.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
        style.contains("display:none") || style.contains("visibility:hidden")
    };
    node.attribute("hidden").is_some()
        || node.attribute("aria-hidden") == Some("true")
        || node.attribute("style").is_some_and(by_style)
}

impl Pruning {
    /// Marks the frame as well as what is hidden; `weights` are those of all that is visible.
    pub(super) fn cut(
        self,
        nodes: &[Entry<'_>],
        body: usize,
        hidden: &[bool],
        weights: &[f64],
        kind: Kind,
    ) -> Vec<bool> {
        let mut cut = hidden.to_vec();
        let total = weights[body].max(1.0);
        // Where the article or main part ends that the walk stands in: headers in it are its own.
        let mut content_end = 0;
        let mut at = body + 1;
        while at < nodes[body].end {
            let node = &nodes[at];
            if cut[at] {
                at = node.end;
                continue;
            }
            if !node.is_text() && self.is_frame(node, weights[at] / total, at < content_end, kind) {
                cut[at] = true;
                at = node.end;
                continue;
            }
            if matches!(node.name, "article" | "main") {
                content_end = content_end.max(node.end);
            }
            at += 1;
        }
        cut
    }

    fn is_frame(self, node: &Entry<'_>, share: f64, in_content: bool, kind: Kind) -> bool {
        let may_be_named = self == Self::ByName && !matches!(node.name, "article" | "main");
        let is_named = |among: &[&[&str]]| {
            may_be_named && has_word(node, &|word| among.iter().any(|words| words.contains(&word)))
        };
        if share < 0.9 && is_named(&[&BANNERS]) {
            return true;
        }
        if share > MAX_SHARE {
            return false;
        }
        if matches!(node.name, "nav" | "footer" | "aside") || node.name == "header" && !in_content {
            return true;
        }
        if node.attribute("role").is_some_and(is_frame_role) {
            return true;
        }
        match kind {
            Kind::Article => is_named(&[FRAME, COMMENTS, AROUND_ARTICLES]),
            Kind::Forum => is_named(&[FRAME]),
            Kind::Other => is_named(&[FRAME, COMMENTS]),
        }
    }
}

fn is_frame_role(role: &str) -> bool {
    matches!(
        role,
        "alert"
            | "alertdialog"
            | "banner"
            | "complementary"
            | "contentinfo"
            | "dialog"
            | "menu"
            | "menubar"
            | "navigation"
            | "search"
            | "tablist"
            | "toolbar"
    )
}

/// Longest word of a class or id that is looked at; those of the lists are shorter.
const MAX_WORD: usize = 24;

/// Whether a word of the element's class or id is one: `post-footer`, `postFooter` and `post_footer` have `footer`.
fn has_word(node: &Entry<'_>, is_one: &dyn Fn(&str) -> bool) -> bool {
    let mut word = String::with_capacity(MAX_WORD);
    for name in ["class", "id"] {
        let Some(value) = node.attribute(name) else { continue };
        let mut after_small = false;
        for c in value.chars().chain([' ']) {
            let ends = !c.is_ascii_alphanumeric() || c.is_ascii_uppercase() && after_small;
            if ends && !word.is_empty() {
                if is_one(&word) {
                    return true;
                }
                word.clear();
            }
            after_small = c.is_ascii_lowercase();
            if c.is_ascii_alphanumeric() {
                word.push(c.to_ascii_lowercase());
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dom::Dom, settings::Settings};

    #[test]
    fn words_of_names() {
        let dom = Dom::build("<p class='postFooter x_y' id=main-nav2>", &Settings::default());
        let outline = dom.outline();
        let p = outline.nodes.iter().find(|node| node.name == "p").unwrap();
        for (word, expected) in
            [("footer", true), ("post", true), ("y", true), ("main", true), ("nav2", true), ("nav", false)]
        {
            assert_eq!(has_word(p, &|found| found == word), expected, "{word}");
        }
    }
}
