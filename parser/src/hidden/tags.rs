//! Start tags wherever they stand: in markup, and in the comments, scripts and strings that hold markup too. What only
//! looks like a tag does no harm here, so no state of the tokeniser is kept.

use crate::stream::source::{element_end, tag_end, tag_name};
use memchr::memchr;

/// Tags without an end that are looked for; behind them the search ends, so that it stays linear.
const MAX_OPEN: usize = 16;

/// Something in a source that may hold an address.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'d> {
    /// An attribute. The name of `<base href>` is `base href`.
    Attribute {
        /// As written.
        name: &'d str,
        /// As written, without its quotes.
        value: &'d str,
    },
    /// The sheet in a `<style>`.
    Style(&'d str),
    /// The address of a document type.
    SystemId(&'d str),
}

/// Calls `take` with all that a source holds.
pub fn found<'d>(source: &'d str, mut take: impl FnMut(Found<'d>)) {
    let (mut at, mut open) = (0, 0);
    while open < MAX_OPEN
        && let Some(next) = memchr(b'<', &source.as_bytes()[at..])
    {
        at += next + 1;
        let rest = &source[at..];
        let is_doctype = rest.get(..8).is_some_and(|word| word.eq_ignore_ascii_case("!doctype"));
        if !is_doctype && !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let end = tag_end(rest);
        let Some(tag) = rest[..end].strip_suffix('>') else {
            open += 1;
            continue;
        };
        at += end;
        if is_doctype {
            system_id(tag).into_iter().for_each(|id| take(Found::SystemId(id)));
            continue;
        }
        let name = tag_name(tag);
        let is_base = name.eq_ignore_ascii_case("base");
        attributes(&tag[name.len()..], |name, value| {
            let name = if is_base && name.eq_ignore_ascii_case("href") { "base href" } else { name };
            take(Found::Attribute { name, value });
        });
        if name.eq_ignore_ascii_case("style") {
            let rest = &source[at..];
            let sheet = &rest[..element_end(rest, "style")];
            take(Found::Style(sheet));
            at += sheet.len();
        }
    }
}

/// The last string of a document type that has one behind `SYSTEM` or `PUBLIC`.
fn system_id(doctype: &str) -> Option<&str> {
    let doctype = doctype.trim_end();
    let quote = doctype.chars().next_back().filter(|c| matches!(c, '"' | '\''))?;
    let (before, id) = doctype[..doctype.len() - 1].rsplit_once(quote)?;
    let ends_with = |word: &str| {
        let before = before.trim_end();
        before
            .len()
            .checked_sub(word.len())
            .and_then(|at| before.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    // A public identifier alone is no address.
    (!ends_with("public")).then_some(id)
}

/// Calls `take` with the name and the value of each attribute that has one.
fn attributes<'d>(tag: &'d str, mut take: impl FnMut(&'d str, &'d str)) {
    let mut rest = tag;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return;
        }
        let is_end = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '/');
        // A name may begin with an equals sign.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[first..].find(is_end).map_or(rest.len(), |end| first + end);
        let (name, after) = rest.split_at(end);
        let Some(value) = after.trim_start().strip_prefix('=').map(str::trim_start) else {
            rest = after;
            continue;
        };
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, behind) = match quote {
            Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            None => value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len())),
        };
        take(name, value);
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(source: &str) -> Vec<Found<'_>> {
        let mut all = Vec::new();
        found(source, |found| all.push(found));
        all
    }

    const fn attribute<'d>(name: &'d str, value: &'d str) -> Found<'d> {
        Found::Attribute { name, value }
    }

    #[test]
    fn attributes_of_tags_anywhere() {
        let source = "<a ping=x  CITE = 'y z'/><!-- <b q=\"<i>\" r> --><script>'<c s=t>'</script></d u=v>";
        let expected =
            [attribute("ping", "x"), attribute("CITE", "y z"), attribute("q", "<i>"), attribute("s", "t")];
        assert_eq!(all(source), expected);
        assert_eq!(all("<BASE HREF=x>"), [attribute("base href", "x")]);
        assert_eq!(all("1 < 2 <b"), []);
    }

    #[test]
    fn sheets_and_document_types() {
        assert_eq!(all("<style a=b>c</Style><i>"), [attribute("a", "b"), Found::Style("c")]);
        for (doctype, id) in [
            ("<!DOCTYPE html SYSTEM \"/x.dtd\">", Some("/x.dtd")),
            ("<!doctype html public '-//W3C' 'y.dtd' >", Some("y.dtd")),
            ("<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01//EN\">", None),
            ("<!doctype html>", None),
        ] {
            assert_eq!(all(doctype), id.map(Found::SystemId).into_iter().collect::<Vec<_>>(), "{doctype}");
        }
    }

    proptest! {
        #[test]
        fn any_source_ends(source in "(<[a/!]?|<!doctype|[ =>'\"aé/]|style){0,40}") {
            all(&source);
        }
    }
}
