//! `parser test` and `--rules`, as people and CI meet them.

#![expect(clippy::unwrap_used, reason = "test helpers fail the test")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const RULES: &str = "[[pages]]\nname = 'lamp'\nfields.title = { css = 'h1', required = true }\n";

fn parser(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parser")).current_dir(folder).args(arguments).output().unwrap()
}

fn case(folder: &Path, name: &str, page: &str, expected: &str) {
    let case = folder.join("cases").join(name);
    fs::create_dir_all(&case).unwrap();
    fs::write(case.join("page.html"), page).unwrap();
    fs::write(case.join("expected.json"), expected).unwrap();
}

fn shown(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn cases_hold_or_show_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("rules.toml"), RULES).unwrap();
    let expected = |title| {
        format!(
            r#"{{"url": "https://shop.example/a", "items": [{{"type": "lamp", "title": "{title}"}}], "follow": []}}"#
        )
    };
    case(folder, "good", "<h1>Brass</h1>", &expected("Brass"));
    assert_eq!(
        shown(&parser(folder, &["test", "rules.toml", "cases"])),
        (Some(0), "ok good\n1 of 1 cases hold\n".into())
    );

    case(folder, "other", "<h1>Paper</h1><a href=next>", &expected("Brass"));
    let (code, text) = shown(&parser(folder, &["test", "rules.toml", "cases"]));
    assert_eq!(code, Some(1), "{text}");
    for line in [
        "ok good",
        "FAILED other",
        "  -       \"title\": \"Brass\"",
        "  +       \"title\": \"Paper\"",
        "  +     \"https://shop.example/next\"",
        "1 of 2 cases hold",
    ] {
        assert!(text.contains(line), "{line:?} is not in\n{text}");
    }

    let (code, text) = shown(&parser(folder, &["test", "rules.toml", "cases", "--update"]));
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = shown(&parser(folder, &["test", "rules.toml", "cases/other"]));
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn what_cannot_be_tested_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("rules.toml"), RULES).unwrap();
    fs::write(folder.join("bad.toml"), "[[pages]]\nfields.a = 'p['\n").unwrap();
    fs::create_dir(folder.join("empty")).unwrap();
    case(folder, "no-url", "<h1>x", "{}");
    case(folder, "no-json", "<h1>x", "items");
    for (arguments, code, words) in [
        (&["test", "bad.toml", "cases"][..], 3, "line 2: pages[0].fields.a.css: \"p[\" is no CSS selector"),
        (&["test", "none.toml", "cases"], 3, "none.toml can't be read"),
        (&["test", "rules.toml", "none"], 1, "none can't be read"),
        (&["test", "rules.toml", "empty"], 1, "there is no case in empty"),
        (&["test", "rules.toml", "cases"], 1, "has no \"url\""),
        (&["test", "rules.toml", "cases"], 1, "is no JSON object"),
        (
            &["parse", "cases/no-url/page.html", "--url", "https://x.example/", "--rules", "bad.toml"],
            3,
            "line 2",
        ),
    ] {
        let (found, text) = shown(&parser(folder, arguments));
        assert!(found == Some(code) && text.contains(words), "{arguments:?}: {found:?} {text}");
    }
}

#[test]
fn parse_has_items() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    fs::write(folder.path().join("page.html"), "<h1>Brass</h1>").unwrap();
    let arguments =
        ["parse", "page.html", "--url", "https://shop.example/a", "--rules", "rules.toml", "--with", "links"];
    let (code, text) = shown(&parser(folder.path(), &arguments));
    assert_eq!(code, Some(0), "{text}");
    let page: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(page["items"], serde_json::json!([{"type": "lamp", "title": "Brass"}]));
}
