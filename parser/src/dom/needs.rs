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

/// What ends a name, a class or an id.
const DELIMITERS: [char; 12] = ['.', '#', '[', ',', '>', '+', '~', '*', ' ', '\t', '\n', '\r'];

impl Need {
    /// One for each alternative of a selector; `None` where it does not say, or where matching element by element would
    /// count siblings again and again.
    pub(super) fn of(selector: &str) -> Option<Vec<Self>> {
        if selector.contains([':', '\\', '(', '|', '&']) {
            return None;
        }
        let mut needs = Vec::new();
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
                needs.push(need.take()?);
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
                '[' => {
                    let inside = &behind[..end_of_brackets(behind)?];
                    rest = &behind[inside.len() + 1..];
                    let inside = inside.trim_start();
                    Self::Attribute(
                        word(inside, &['=', '~', '^', '$', '*', ' ', '\t', '\n', '\r'])?.to_owned(),
                    )
                }
                '.' | '#' => {
                    let word = word(behind, &DELIMITERS)?;
                    rest = &behind[word.len()..];
                    if first == '.' { Self::Class(word.to_owned()) } else { Self::Attribute("id".to_owned()) }
                }
                _ => {
                    let word = word(rest, &DELIMITERS)?;
                    rest = &rest[word.len()..];
                    Self::Name(LocalName::from(word.to_ascii_lowercase()))
                }
            };
            need = need.or(Some(found));
        }
        needs.push(need?);
        Some(needs)
    }

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

/// Where `]` stands; a quoted one closes nothing.
fn end_of_brackets(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, c)| {
        match (quote, c) {
            (None, ']') => return Some(at),
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
    (!word.is_empty() && !word.contains(['/', '"', '\'', ']'])).then_some(word)
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
            ("li:nth-child(2)", None),
            ("[lang|=en]", None),
            ("[x", None),
        ] {
            assert_eq!(Need::of(selector), expected, "{selector}");
        }
    }
}
