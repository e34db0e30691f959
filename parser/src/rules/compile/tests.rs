//! What is said of files that are wrong.

use super::*;

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let problems = compile(text).map(|_| ()).unwrap_err().to_string();
    let problems: Vec<&str> = problems.lines().collect();
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem:?} does not start with {expected:?}");
    }
}

#[test]
fn problems_name_line_field_and_remedy() {
    check(
        "[[pages]]\nname = 'book'\nfields.a = 'p['\nfields.b = { css = 'p', regex = '(' }\n\
         fields.c = { css = 'p', type = 'int' }\n",
        &[
            "line 3: pages.book.fields.a.css: \"p[\" is no CSS selector: ",
            "line 4: pages.book.fields.b.regex: \"(\" is no regular expression: unclosed group",
            "line 5: pages.book.fields.c.type: \"int\" is no type: there are text, number",
        ],
    );
    check(
        "[[pages]]\nfields.a = { css = 'p', atr = 'x' }",
        &["line 2: unknown field `atr`, expected one of "],
    );
    check("[[pages]]\n", &["line 1: pages[0]: does nothing: add fields"]);
    check("pages = []", &["line 1: pages: there is no set of rules: add [[pages]]"]);
    check(
        "[[pages]]\nfields.a = 1\n",
        &["line 2: invalid type: integer `1`, expected a CSS selector or a table"],
    );
    check("[[pages]]\nx = = 1\n", &["line 2: "]);
}

#[test]
fn every_key_is_checked() {
    check(
        "locale = 'xx'\n[[pages]]\nhost = ['a b']\nprefix = 'shop/'\nregex = '['\nitems = {}\n\
         fields.a = {}\nfields.b = { css = 'p', xpath = '//p' }\nfields.c = { page = 'size' }\n\
         fields.d = { css = 'p', take = 'all' }\nfields.e = { css = 'p', attr = 'x', take = 'html' }\n\
         fields.f = { const = 1, attr = 'x' }\nfields.g = { css = 'p', format = '%Y' }\n\
         fields.h = { css = 'p', split = '' }\nfields.i = { fields.x = 'p' }\nfields.type = 'p'\n\
         fields.j = { css = 'p', fields.x = '[' }\nfields.k = { xpath = '//p[' }\n\
         [[pages.follow]]\npriority = 1\n",
        &[
            "line 1: locale: \"xx\" is no language",
            "line 3: pages[0].host: \"a b\" is no host",
            "line 4: pages[0].prefix: \"shop/\" is the beginning of no URL",
            "line 5: pages[0].regex: \"[\" is no regular expression",
            "line 6: pages[0].items: says nowhere to look",
            "line 7: pages[0].fields.a: says nowhere to look",
            "line 8: pages[0].fields.b: has 2 places to look: keep one of css, xpath",
            "line 9: pages[0].fields.c.page: \"size\" is nothing that is known of a page",
            "line 10: pages[0].fields.d.take: \"all\" is nothing to take",
            "line 11: pages[0].fields.e.attr: stands beside take",
            "line 12: pages[0].fields.f.attr: has no use with const",
            "line 13: pages[0].fields.g.format: is of dates only",
            "line 14: pages[0].fields.h.split: is empty",
            "line 15: pages[0].fields.i: has fields and nowhere to look",
            "line 16: pages[0].fields.type: is taken",
            "line 17: pages[0].fields.j.fields.x.css: \"[\" is no CSS selector",
            "line 18: pages[0].fields.k.xpath: \"//p[\" is no XPath 1.0 expression",
            "line 19: pages[0].follow: selects no links",
        ],
    );
}
