//! What an element must have at least for a selector to select it, read off the selector: most elements of a page are
//! passed over by a look at that.

use super::names::lower;
use html5ever::LocalName;
use scraper::node::Element;

/// What each element has that a selector's alternative selects. Necessary, not sufficient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// A name, in lower case.
    Name(LocalName),
    /// A class. Case is left to the selector: whether it counts depends on the page.
    Class(String),
    /// An attribute, whatever its value.
    Attribute(String),
}

/// What a selector says of the elements that it selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    /// One for each alternative: an element must have one of them.
    pub(super) any: Vec<Need>,
    /// Whether siblings are counted (`:nth-child` and the like), for each element anew where elements are matched one by
    /// one.
    pub(super) counts_siblings: bool,
}

/// What ends a name, a class or an id.
const DELIMITERS: [char; 13] = ['.', '#', '[', ':', ',', '>', '+', '~', '*', ' ', '\t', '\n', '\r'];

/// What ends the name of a pseudo-class; a second colon makes it a pseudo-element, which selects nothing here.
const PSEUDO_DELIMITERS: [char; 14] =
    ['(', '.', '#', '[', ':', ',', '>', '+', '~', '*', ' ', '\t', '\n', '\r'];

impl Needs {
    /// Read off a selector; `None` where it does not say.
    pub(super) fn of(selector: &str) -> Option<Self> {
        if selector.contains(['\\', '|', '&']) {
            return None;
        }
        let (mut any, mut counts_siblings) = (Vec::new(), false);
        // Of the compound that was read last, such as `a.next[href]`.
        let (mut need, mut in_compound) = (None, false);
        let mut rest = selector;
        while let Some(first) = rest.chars().next() {
            let behind = &rest[first.len_utf8()..];
            if matches!(first, ' ' | '\t' | '\n' | '\r' | '>' | '+' | '~') {
                (in_compound, rest) = (false, behind);
                continue;
            }
            if first == ',' {
                any.push(need.take()?);
                (in_compound, rest) = (false, behind);
                continue;
            }
            if !std::mem::replace(&mut in_compound, true) {
                need = None;
            }
            let found = match first {
                '*' => {
                    rest = behind;
                    continue;
                }
                ':' => {
                    let name = word(behind, &PSEUDO_DELIMITERS)?;
                    counts_siblings |= name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("nth-"));
                    rest = &behind[name.len()..];
                    if let Some(arguments) = rest.strip_prefix('(') {
                        // An argument may count as well, such as that of `:not(:nth-child(2))`.
                        let end = end_of(arguments, '(', ')')?;
                        counts_siblings |= arguments[..end].contains(':');
                        rest = &arguments[end + 1..];
                    }
                    continue;
                }
                '[' => {
                    let inside = &behind[..end_of(behind, '[', ']')?];
                    rest = &behind[inside.len() + 1..];
                    let inside = inside.trim_start();
                    Need::Attribute(
                        word(inside, &['=', '~', '^', '$', '*', ' ', '\t', '\n', '\r'])?.to_owned(),
                    )
                }
                '.' | '#' => {
                    let word = word(behind, &DELIMITERS)?;
                    rest = &behind[word.len()..];
                    if first == '.' { Need::Class(word.to_owned()) } else { Need::Attribute("id".to_owned()) }
                }
                _ => {
                    let word = word(rest, &DELIMITERS)?;
                    rest = &rest[word.len()..];
                    Need::Name(LocalName::from(word.to_ascii_lowercase()))
                }
            };
            need = need.or(Some(found));
        }
        any.push(need?);
        Some(Self { any, counts_siblings })
    }
}

impl Need {
    /// Whether an element has it.
    pub(super) fn is_met(&self, element: &Element) -> bool {
        match self {
            Self::Name(name) => lower(&element.name.local) == *name,
            Self::Class(class) => element.attrs().any(|(name, value)| {
                name == "class" && value.split_ascii_whitespace().any(|one| one.eq_ignore_ascii_case(class))
            }),
            Self::Attribute(wanted) => element.attrs().any(|(name, _)| name.eq_ignore_ascii_case(wanted)),
        }
    }
}

/// Where what was opened is closed; brackets in quotes count for nothing.
fn end_of(text: &str, opens: char, closes: char) -> Option<usize> {
    let (mut quote, mut depth) = (None, 0_usize);
    text.char_indices().find_map(|(at, c)| {
        match (quote, c) {
            (None, c) if c == closes && depth == 0 => return Some(at),
            (None, c) if c == closes => depth -= 1,
            (None, c) if c == opens => depth += 1,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
        None
    })
}

/// The word at the beginning; `None` where there is none, or a comment begins in it.
fn word<'t>(text: &'t str, delimiters: &[char]) -> Option<&'t str> {
    let word = &text[..text.find(delimiters).unwrap_or(text.len())];
    (!word.is_empty() && !word.contains(['/', '"', '\'', ']', '(', ')'])).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_those_of_last_compounds() {
        let name = |name: &str| Need::Name(name.into());
        let class = |class: &str| Need::Class(class.to_owned());
        let attribute = |name: &str| Need::Attribute(name.to_owned());
        for (selector, expected) in [
            ("h1", Some(vec![name("h1")])),
            ("article p, .x > A[href='a, b]'].next ", Some(vec![name("p"), name("a")])),
            ("my_element", Some(vec![name("my_element")])),
            ("a [ x ] b", Some(vec![name("b")])),
            ("p .price", Some(vec![class("price")])),
            ("[itemprop=price], .größe_x.y", Some(vec![attribute("itemprop"), class("größe_x")])),
            ("*.x , #y", Some(vec![class("x"), attribute("id")])),
            ("a *", None),
            ("p, *", None),
            ("p,", None),
            ("a/**/b", None),
            ("a[href^='http:']:first-child > li:not(.x, [y=')']).z", Some(vec![name("li")])),
            (":is(h1, h2).x", Some(vec![class("x")])),
            ("p:is(.x", None),
            (":root", None),
            ("p::before", None),
            ("[lang|=en]", None),
            ("[x", None),
        ] {
            assert_eq!(Needs::of(selector).map(|needs| needs.any), expected, "{selector}");
        }
    }

    #[test]
    fn who_counts_siblings_is_known() {
        for (selector, counts) in [
            ("li:nth-last-child(2)", true),
            ("p > LI:NTH-child(2n+1) b", true),
            ("li:not(:nth-child(2))", true),
            ("li:first-child:not(.x)", false),
            ("a[title=':nth-child(1)']", false),
        ] {
            assert_eq!(Needs::of(selector).map(|needs| needs.counts_siblings), Some(counts), "{selector}");
        }
    }
}
