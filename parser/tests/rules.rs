//! Extraction rules over pages of our own: every kind of source, step and type, and what is said of links.

#![expect(clippy::unwrap_used, reason = "test helpers fail the test")]

use serde_json::{Value, json};
use trawl_parser::{Document, Settings, parse, parse::Parsed};
use trawl_shared::model::{ExtractSettings, code};
use url::Url;

const URL: &str = "https://shop.example/lamps/brass?id=7";

fn parsed(rules: &str, html: &str) -> Parsed {
    let url = Url::parse(URL).unwrap();
    let document =
        Document { url: &url, content_type: Some("text/html"), charset: None, body: html.as_bytes() };
    let extract = ExtractSettings { rules: Some(rules.into()), ..ExtractSettings::default() };
    parse(&document, &extract, &Settings::default())
}

/// The first item that these fields make of the page.
#[track_caller]
fn check(fields: &str, html: &str, expected: Value) {
    let parsed = parsed(&format!("[[pages]]\n{fields}"), html);
    assert_eq!(parsed.page.items, [expected], "{fields}\n{:?}", parsed.cut);
}

#[test]
fn sources() {
    let html = "<html lang=en><title>T</title><meta name=description content=D><meta property=og:price content=5>
        <link rel=canonical href=/c><h1 id=h> One <b>two</b>\n three</h1><a href=x?y>link</a><div data-n=1>a<p>b</div>
        <pre>a\n  b</pre><time datetime=2020-01-02>";
    check("fields.a = 'h1'", html, json!({"a": "One two three"}));
    check("fields.a = { xpath = '//h1/@id' }", html, json!({"a": "h"}));
    check("fields.a = { xpath = 'count(//p)', type = 'number' }", html, json!({"a": 1}));
    check("fields.a = { css = 'a', attr = 'HREF' }", html, json!({"a": "x?y"}));
    check(
        "fields.a = { css = 'a', attr = 'href', type = 'url' }",
        html,
        json!({"a": "https://shop.example/lamps/x?y"}),
    );
    check("fields.a = { css = 'h1', take = 'html' }", html, json!({"a": "One <b>two</b>\n three"}));
    check("fields.a = { css = 'div', take = 'lines' }", html, json!({"a": "a\nb"}));
    check("fields.a = { css = 'pre', take = 'raw', trim = false }", html, json!({"a": "a\n  b"}));
    check("fields.a = { css = 'title' }", html, json!({"a": "T"}));
    check("fields.a = { page = 'title' }\nfields.b = { page = 'url' }", html, json!({"a": "T", "b": URL}));
    check(
        "fields.a = { page = 'lang' }\nfields.b = { page = 'canonical' }",
        html,
        json!({"a": "en", "b": "https://shop.example/c"}),
    );
    check("fields.a = { meta = 'OG:price', type = 'number' }", html, json!({"a": 5}));
    check(
        "fields.a = { const = 7 }\nfields.b = { const = ['x', true] }",
        html,
        json!({"a": 7, "b": ["x", true]}),
    );
    check("items = 'div'\nfields.a = { attr = 'data-n', type = 'number' }", html, json!({"a": 1}));
    check("fields.a = { css = 'time', attr = 'datetime', type = 'date' }", html, json!({"a": "2020-01-02"}));
}

#[test]
fn steps_and_types() {
    let html =
        "<p class='star Three'>x</p><p>1.234,50 €</p><p>3. März 2024</p><ul><li> a <li>b<li></ul><i>no</i>";
    check(
        "fields.a = { css = '.star', attr = 'class', split = ' ', pick = -1 }",
        html,
        json!({"a": "Three"}),
    );
    check("fields.a = { css = 'li', list = true }", html, json!({"a": ["a", "b"]}));
    check("fields.a = { css = 'li', join = ', ' }", html, json!({"a": "a, b"}));
    check(
        "fields.a = { css = 'p', regex = '([0-9.,]+) €', type = 'number', locale = 'de' }",
        html,
        json!({"a": 1234.5}),
    );
    check(
        "locale = 'de'\nfields.a = { css = 'p', regex = '.* 2024', type = 'date' }",
        html,
        json!({"a": "2024-03-03"}),
    );
    check(
        "fields.a = { css = 'i', type = 'boolean' }\nfields.b = { css = 'u', type = 'boolean' }",
        html,
        json!({"a": false, "b": false}),
    );
    check("fields.a = { css = 'p', regex = 'x', type = 'boolean' }", html, json!({"a": true}));
    check("fields.a = { css = 'u', default = 'none' }\nfields.b = 'u'", html, json!({"a": "none"}));
}

#[test]
fn a_list_page_makes_many_items_with_items_in_them() {
    let html = "<div class=card><h2>Lamp</h2><table><tr><th>Watt<td>5<tr><th>Hue</table></div>
        <div class=card><table></table></div>";
    let rules = "[[pages]]\nname = 'product'\nitems = '.card'\nfields.title = { css = 'h2', required = true }\n\
        [pages.fields.specs]\ncss = 'tr'\nlist = true\nfields.name = 'th'\nfields.value = { css = 'td', required = true }\n";
    let parsed = parsed(rules, html);
    let specs = json!([{"name": "Watt", "value": "5"}, {"name": "Hue"}]);
    let first = json!({"type": "product", "title": "Lamp", "specs": specs, "_missing": ["specs.value"]});
    let second = json!({"type": "product", "_missing": ["title"]});
    assert_eq!(parsed.page.items, [first, second]);
    assert_eq!(parsed.page.outcome.as_deref(), Some(code::INCOMPLETE));
    let detail = parsed.cut.unwrap();
    assert!(detail.contains("items without a required field: 2 (missing: specs.value, title)"), "{detail}");
    assert_eq!(parsed.page.rules.unwrap().len(), 32);
}

#[test]
fn sets_are_for_their_pages() {
    for (condition, applies) in [
        ("", true),
        ("host = 'shop.example'", true),
        ("host = ['other.example', '*.example']", true),
        ("host = 'other.example'", false),
        ("prefix = '/lamps/'", true),
        ("prefix = ['https://shop.example/chairs/', 'https://shop.example/lamps']", true),
        ("prefix = '/chairs/'", false),
        ("regex = 'id=\\d+$'", true),
        ("host = 'shop.example'\nregex = '/chairs/'", false),
    ] {
        let parsed = parsed(&format!("[[pages]]\n{condition}\nfields.a = 'p'"), "<p>x");
        assert_eq!(parsed.page.items.len(), usize::from(applies), "{condition}");
        assert_eq!(parsed.page.rules.is_some(), applies, "{condition}");
    }
}

#[test]
fn links_are_marked() {
    let html = "<a href=/next class=next>n</a><a href=/item/1>1</a><a href=/item/2>2</a><a href=/about>a</a>
        <button data-more=/page/3>more</button><img src=/pic>";
    let rules = "[[pages]]\nfollow_others = false\n[[pages.follow]]\ncss = '.next'\npriority = 10\n\
        [[pages.follow]]\nregex = '/item/1$'\npriority = -5\n[[pages.follow]]\nxpath = '//button/@data-more'\n\
        [[pages.follow]]\ncss = 'a'\nregex = '/item/2'\nfollow = false\n";
    let parsed = parsed(rules, html);
    let links: Vec<_> =
        parsed.page.links.iter().map(|link| (link.url.as_str(), link.is_followed(), link.priority)).collect();
    let expected = [
        ("https://shop.example/next", true, Some(10)),
        ("https://shop.example/item/1", true, Some(-5)),
        ("https://shop.example/item/2", false, None),
        ("https://shop.example/about", false, None),
        ("https://shop.example/page/3", true, None),
    ];
    assert_eq!(links, expected);
    assert!(parsed.page.items.is_empty() && parsed.page.outcome.as_deref() == Some(code::OK));
}

#[test]
fn rules_that_cannot_be_used_cost_no_page() {
    let parsed = parsed("[[pages]]\nfields.a = '['\n", "<title>T</title><a href=x>y</a>");
    assert_eq!((parsed.page.title.as_deref(), parsed.page.links.len()), (Some("T"), 1));
    assert_eq!(parsed.page.outcome.as_deref(), Some(code::BAD_RULES));
    assert!(parsed.cut.unwrap().contains("line 2: pages[0].fields.a.css"));
}

#[test]
fn items_are_bounded() {
    let url = Url::parse(URL).unwrap();
    let html = "<p>".to_owned() + &"x".repeat(4000);
    let document =
        Document { url: &url, content_type: Some("text/html"), charset: None, body: html.as_bytes() };
    let rules = "[[pages]]\nfields.a = 'p'\n[[pages]]\nfields.b = 'p'\n";
    let extract = ExtractSettings { rules: Some(rules.into()), ..ExtractSettings::default() };
    let settings = Settings { max_structured_bytes: 6000, ..Settings::default() };
    let parsed = parse(&document, &extract, &settings);
    assert_eq!((parsed.page.items.len(), parsed.page.outcome.as_deref()), (1, Some(code::CUT)));
}
