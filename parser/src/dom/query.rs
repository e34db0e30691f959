//! Finding places in the tree by CSS selector or XPath, and reading what stands there.

use super::{
    Dom,
    facts::is_template,
    names::Names,
    needs::{Need, Needs},
    text, walk, xpath,
};
use crate::text::{Line, is_hidden, parts_words};
use ego_tree::{NodeRef, iter::Edge};
use scraper::{ElementRef, Node, Selector};
use std::{borrow::Cow, ops::ControlFlow};

/// A compiled CSS selector or XPath 1.0 expression.
#[derive(Debug)]
pub enum Query {
    /// CSS; `:scope` is the place that is searched.
    Css(Css),
    /// XPath; names have no namespace, as in HTML.
    XPath(xpath::Expression),
}

/// A compiled CSS selector.
#[derive(Debug)]
pub struct Css {
    selector: Selector,
    /// What an element must have one of, where the selector says it.
    needs: Option<Needs>,
}

/// What a query found.
#[derive(Clone, Debug)]
pub enum Match<'d> {
    /// An element.
    Element(Place<'d>),
    /// An attribute, a text node, or the value of an XPath expression.
    Text(Cow<'d, str>),
}

/// An element of the page, or the whole page.
#[derive(Clone, Copy, Debug)]
pub struct Place<'d> {
    dom: &'d Dom,
    node: NodeRef<'d, Node>,
}

/// Most elements that count their siblings each for itself: lists of real pages are shorter, and those of hostile ones would
/// be counted for minutes.
const MAX_COUNTING: usize = 500;

impl Query {
    /// Compiles a CSS selector.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub fn css(selector: &str) -> Result<Self, String> {
        let needs = Needs::of(selector);
        Selector::parse(selector)
            .map(|selector| Self::Css(Css { selector, needs }))
            .map_err(|error| error.to_string())
    }

    /// Compiles an XPath 1.0 expression.
    ///
    /// # Errors
    /// With what is wrong with it.
    pub fn xpath(expression: &str) -> Result<Self, String> {
        xpath::Expression::parse(expression).map(Self::XPath)
    }
}

impl Dom {
    /// The whole page as a place.
    #[must_use]
    pub fn top(&self) -> Place<'_> {
        Place { dom: self, node: self.html.tree.root() }
    }
}

/// A search by a CSS selector.
struct Selects<'s, 'd, 't> {
    dom: &'d Dom,
    selector: &'s Selector,
    limit: usize,
    take: &'t mut dyn FnMut(Match<'d>) -> ControlFlow<()>,
}

impl<'d> Selects<'_, 'd, '_> {
    fn give(self, elements: impl Iterator<Item = ElementRef<'d>>) {
        let mut found = elements.take(self.limit).map(|element| Place { dom: self.dom, node: *element });
        let _ = found.try_for_each(|place| (self.take)(Match::Element(place)));
    }

    /// Among all elements that have what the selector needs.
    fn on_the_page(self, needs: &Needs) {
        let (html, selector) = (&self.dom.html, self.selector);
        let candidates = self.dom.names.get_or_init(|| Names::of(html)).among(&needs.any, html);
        // What is counted of siblings is kept from one element to the next only if all are looked at in turn.
        if needs.counts_siblings && candidates.len() > MAX_COUNTING {
            return self.give(html.select(selector));
        }
        let elements = candidates.into_iter().filter_map(|node| ElementRef::wrap(html.tree.get(node)?));
        self.give(elements.filter(|element| selector.matches(element)));
    }

    /// Among those below an element that have one of these.
    fn below(self, scope: ElementRef<'d>, any: &[Need]) {
        let (root, selector) = (*scope, self.selector);
        let nodes = std::iter::successors(walk::next(root, root, true), |node| walk::next(*node, root, true));
        let elements = nodes.filter_map(ElementRef::wrap);
        self.give(elements.filter(|element| {
            any.iter().any(|need| need.is_met(element.value()))
                && selector.matches_with_scope(element, Some(scope))
        }));
    }
}

impl<'d> Place<'d> {
    /// What a query finds below the place, in document order, at most `limit` of it.
    #[must_use]
    pub fn find(&self, query: &Query, limit: usize) -> Vec<Match<'d>> {
        let mut found = Vec::new();
        self.visit(query, limit, &mut |one| {
            found.push(one);
            ControlFlow::Continue(())
        });
        found
    }

    /// The same one by one, until that is enough; a CSS selector looks no further then.
    pub fn visit(&self, query: &Query, limit: usize, take: &mut dyn FnMut(Match<'d>) -> ControlFlow<()>) {
        match query {
            Query::Css(Css { selector, needs }) => {
                let search = Selects { dom: self.dom, selector, limit, take };
                match (needs, ElementRef::wrap(self.node)) {
                    (Some(needs), None) => search.on_the_page(needs),
                    (Some(Needs { any, counts_siblings: false }), Some(scope)) => search.below(scope, any),
                    (_, Some(scope)) => search.give(scope.select(selector)),
                    (None, None) => search.give(self.dom.html.select(selector)),
                }
            }
            Query::XPath(expression) => {
                let place = |node| Match::Element(Place { dom: self.dom, node });
                let found = expression.evaluate(self.dom, self.node, place);
                let _ = found.into_iter().take(limit).try_for_each(take);
            }
        }
    }

    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'d str> {
        super::attribute(self.node.value().as_element()?, name)
    }

    /// The text in one line: white space collapsed, words parted where their elements part them.
    #[must_use]
    pub fn line(&self, limit: usize) -> String {
        let mut line = Line::new(limit);
        let mut hidden = 0_usize;
        for edge in self.node.traverse() {
            let (Edge::Open(node) | Edge::Close(node)) = edge;
            match (node.value(), edge) {
                (Node::Text(text), Edge::Open(_)) if hidden == 0 => line.push(text),
                // What is asked for by name is meant: the text of a <title> or a <script>.
                (Node::Element(element), edge) if node != self.node => {
                    if is_hidden(element.name()) || is_template(element) {
                        match edge {
                            Edge::Open(_) => hidden += 1,
                            Edge::Close(_) => hidden -= 1,
                        }
                    }
                    if parts_words(element.name()) {
                        line.part();
                    }
                }
                _ => {}
            }
            if line.is_full() {
                break;
            }
        }
        line.finish()
    }

    /// The text laid out: a line for each block, empty lines for none.
    #[must_use]
    pub fn lines(&self) -> String {
        text::visible(self.node).unwrap_or_default()
    }

    /// The text as it stands in the source, white space and all.
    #[must_use]
    pub fn raw_text(&self) -> String {
        self.node
            .descendants()
            .filter_map(|node| match node.value() {
                Node::Text(text) => Some(&**text),
                _ => None,
            })
            .collect()
    }

    /// The HTML inside.
    #[must_use]
    pub fn inner_html(&self) -> String {
        ElementRef::wrap(self.node).map_or_else(|| self.dom.html.html(), |element| element.inner_html())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn both_ways_find_the_same() {
        let html = "<div><p class='x y'>1<P CLASS=X>2</p><section id=s><p>3<a href=x>4</a></section></div><svg viewBox=0><linearGradient>";
        let dom = Dom::build(html, &Settings::default());
        let texts = |place: Place<'_>, selector: &str| {
            let found = place.find(&Query::css(selector).unwrap(), 10);
            let text = |found| match found {
                Match::Element(place) => Place::line(&place, 100),
                Match::Text(text) => text.into_owned(),
            };
            found.into_iter().map(text).collect::<Vec<_>>()
        };
        // `:is` is matched the other way.
        for selector in [
            "p",
            "div > p",
            "P.x, section a",
            "linearGradient",
            "none",
            "section p",
            ".x",
            ".X, [href]",
            "p, .y, #s",
            "[viewbox], div .x",
            "[class~=y]",
            "p:not(.x)",
            "a:first-child, p:nth-child(2)",
            "p:nth-last-child(1)",
        ] {
            assert_eq!(
                texts(dom.top(), selector),
                texts(dom.top(), &format!(":is({selector})")),
                "{selector}"
            );
        }
        let list = format!("<ul>{}</ul>", "<li>x".repeat(MAX_COUNTING + 1));
        let long = Dom::build(&list, &Settings::default());
        for (selector, count) in [("li:nth-child(2n)", MAX_COUNTING / 2), ("li:first-child", 1)] {
            assert_eq!(
                long.top().find(&Query::css(selector).unwrap(), usize::MAX).len(),
                count,
                "{selector}"
            );
        }
        let Some(Match::Element(section)) = dom.top().find(&Query::css("section").unwrap(), 1).pop() else {
            panic!("there is a section")
        };
        assert_eq!(texts(section, "p"), ["34"]);
        assert_eq!(texts(section, "div a"), ["4"]);
    }
}
