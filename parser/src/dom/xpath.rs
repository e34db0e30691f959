//! XPath 1.0 over the tree: the view of it that the evaluator asks for.

use super::{Dom, Match};
use ego_tree::{NodeId, NodeRef};
use scraper::Node as Markup;
use std::{borrow::Cow, cmp::Ordering, collections::HashMap};
use xpath_eval::{EvaluationContext, ExpandedName, Expr, Node as Viewed, NodeKind, Value, evaluate, parse};

/// A compiled expression.
#[derive(Debug)]
pub struct Expression(Expr);

/// Places in document order by node. Elements that HTML moves about (text in tables) stand elsewhere in the tree
/// than they were made in.
pub(super) type Order = HashMap<NodeId, usize>;

impl Expression {
    /// Parses an expression, and evaluates it once over an empty page, which finds names that no function has.
    pub(super) fn parse(expression: &str) -> Result<Self, String> {
        let parsed = parse(expression).map_err(|error| error.to_string())?;
        let empty = Dom::build("<p>", &crate::settings::Settings::default());
        let context = EvaluationContext::new(View::of(&empty, empty.html.tree.root()));
        match evaluate(&parsed, &context) {
            Ok(_) => Ok(Self(parsed)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What the expression finds from `node`; elements are made into matches by `place`.
    pub(super) fn evaluate<'d>(
        &self,
        dom: &'d Dom,
        node: NodeRef<'d, Markup>,
        place: impl Fn(NodeRef<'d, Markup>) -> Match<'d>,
    ) -> Vec<Match<'d>> {
        let context = EvaluationContext::new(View::of(dom, node));
        match evaluate(&self.0, &context) {
            Ok(Value::NodeSet(mut nodes)) => {
                nodes.sort_by(|a, b| a.document_order(*b));
                nodes.dedup();
                nodes.into_iter().map(|view| view.found(&place)).collect()
            }
            // An empty text is what `string()` says of nothing.
            Ok(Value::String(text)) if text.is_empty() => Vec::new(),
            Ok(value) => vec![Match::Text(Cow::Owned(value.to_xpath_string()))],
            Err(error) => {
                tracing::debug!(%error, "an XPath expression can't be evaluated here: {error}");
                Vec::new()
            }
        }
    }
}

/// A node as XPath sees it: attributes are nodes too.
#[derive(Clone, Copy)]
struct View<'d> {
    dom: &'d Dom,
    node: NodeRef<'d, Markup>,
    /// The place of an attribute among those of its element.
    attribute: Option<usize>,
}

impl<'d> View<'d> {
    const fn of(dom: &'d Dom, node: NodeRef<'d, Markup>) -> Self {
        Self { dom, node, attribute: None }
    }

    fn found(self, place: impl Fn(NodeRef<'d, Markup>) -> Match<'d>) -> Match<'d> {
        match (self.attribute, self.node.value()) {
            (None, Markup::Element(_) | Markup::Document | Markup::Fragment) => place(self.node),
            _ => Match::Text(self.text()),
        }
    }

    /// Name and value of the attribute that this is.
    fn name_and_value(self) -> Option<(&'d str, &'d str)> {
        self.node.value().as_element()?.attrs().nth(self.attribute?)
    }

    fn text(self) -> Cow<'d, str> {
        if self.attribute.is_some() {
            return Cow::Borrowed(self.name_and_value().map_or("", |(_, value)| value));
        }
        match self.node.value() {
            Markup::Text(text) => Cow::Borrowed(&**text),
            Markup::Comment(comment) => Cow::Borrowed(&**comment),
            Markup::ProcessingInstruction(instruction) => Cow::Borrowed(&*instruction.data),
            _ => Cow::Owned(
                self.node.descendants().filter_map(|node| Some(&**node.value().as_text()?)).collect(),
            ),
        }
    }

    fn is_seen(node: NodeRef<'d, Markup>) -> bool {
        !matches!(node.value(), Markup::Doctype(_))
    }

    fn order(self) -> (usize, Option<usize>) {
        let order = self.dom.order.get_or_init(|| {
            let nodes = self.dom.html.tree.root().descendants();
            nodes.enumerate().map(|(place, node)| (node.id(), place)).collect()
        });
        (order.get(&self.node.id()).copied().unwrap_or(usize::MAX), self.attribute)
    }
}

impl PartialEq for View<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node && self.attribute == other.attribute
    }
}

impl Eq for View<'_> {}

impl<'d> Viewed<'d> for View<'d> {
    fn kind(self) -> NodeKind {
        match self.node.value() {
            _ if self.attribute.is_some() => NodeKind::Attribute,
            Markup::Element(_) => NodeKind::Element,
            Markup::Text(_) => NodeKind::Text,
            Markup::Comment(_) | Markup::Doctype(_) => NodeKind::Comment,
            Markup::ProcessingInstruction(_) => NodeKind::ProcessingInstruction,
            Markup::Document | Markup::Fragment => NodeKind::Root,
        }
    }

    fn parent(self) -> Option<Self> {
        if self.attribute.is_some() {
            return Some(Self::of(self.dom, self.node));
        }
        self.node.parent().map(|parent| Self::of(self.dom, parent))
    }

    fn children(self) -> impl Iterator<Item = Self> + 'd {
        let children = self.attribute.is_none().then(|| self.node.children());
        children
            .into_iter()
            .flatten()
            .filter(|node| Self::is_seen(*node))
            .map(move |node| Self::of(self.dom, node))
    }

    fn attributes(self) -> impl Iterator<Item = Self> + 'd {
        let element = self.node.value().as_element().filter(|_| self.attribute.is_none());
        let count = element.map_or(0, |element| element.attrs().count());
        (0..count).map(move |place| Self { attribute: Some(place), ..self })
    }

    fn namespaces(self) -> impl Iterator<Item = Self> + 'd {
        std::iter::empty()
    }

    fn expanded_name(self) -> Option<ExpandedName> {
        let name = |name: &str| Some(ExpandedName { namespace_uri: None, local_name: name.to_owned() });
        match self.node.value() {
            _ if self.attribute.is_some() => name(self.name_and_value()?.0),
            Markup::Element(element) => name(element.name()),
            Markup::ProcessingInstruction(instruction) => name(&instruction.target),
            _ => None,
        }
    }

    fn string_value(self) -> String {
        self.text().into_owned()
    }

    fn document_order(self, other: Self) -> Ordering {
        self.order().cmp(&other.order())
    }

    fn has_expanded_name(self, namespace: Option<&str>, local_name: &str) -> bool {
        if namespace.is_some() {
            return false;
        }
        match self.node.value() {
            _ if self.attribute.is_some() => {
                self.name_and_value().is_some_and(|(name, _)| name == local_name)
            }
            Markup::Element(element) => element.name() == local_name,
            Markup::ProcessingInstruction(instruction) => &*instruction.target == local_name,
            _ => false,
        }
    }

    fn with_string_value<R>(self, f: impl FnOnce(&str) -> R) -> R {
        f(&self.text())
    }

    fn is_id_attribute(self) -> bool {
        self.name_and_value().is_some_and(|(name, _)| name == "id")
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        dom::{Dom, Match, Query},
        settings::Settings,
    };

    const PAGE: &str = "<!doctype html><div id=a class='x y'><p>one<p>two <b>bold</b></div><p id=c>three<!-- no -->\
        <table><tr><td>cell</table><svg><Title>drawn</Title></svg>";

    #[track_caller]
    fn check(expression: &str, expected: &[&str]) {
        let dom = Dom::build(PAGE, &Settings::default());
        let query = Query::xpath(expression).unwrap();
        let found: Vec<String> = dom
            .top()
            .find(&query, 100)
            .into_iter()
            .map(|found| match found {
                Match::Element(place) => place.line(100),
                Match::Text(text) => text.into_owned(),
            })
            .collect();
        assert_eq!(found, expected, "{expression}");
    }

    #[test]
    fn paths_predicates_functions_and_attributes() {
        check("//p", &["one", "two bold", "three"]);
        check("//div/p[2]/b/text()", &["bold"]);
        check("//p/@id", &["c"]);
        check("id('c')/@id", &["c"]);
        check("//*[contains(@class, 'y')]/p[last()]", &["two bold"]);
        check("count(//p)", &["3"]);
        check("normalize-space(//p[2])", &["two bold"]);
        check("//b/ancestor::div/@class | //td", &["x y", "cell"]);
        check("//p[following-sibling::p]", &["one"]);
        check("string(//none)", &[]);
        check("//none", &[]);
    }

    #[test]
    fn expressions_are_searched_from_their_place() {
        let dom = Dom::build(PAGE, &Settings::default());
        let div = dom.top().find(&Query::css("div").unwrap(), 1);
        let Some(Match::Element(div)) = div.first() else { panic!("there is a div") };
        assert_eq!(div.find(&Query::xpath("p").unwrap(), 10).len(), 2);
        assert_eq!(div.find(&Query::xpath(".//b").unwrap(), 10).len(), 1);
        assert_eq!(div.find(&Query::css(":scope > p").unwrap(), 10).len(), 2);
        assert_eq!(div.find(&Query::css("p").unwrap(), 1).len(), 1);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for wrong in ["//p[", "nosuch(//p)", "", "//p[@id=$x]"] {
            assert!(Query::xpath(wrong).is_err(), "{wrong:?}");
        }
    }
}
