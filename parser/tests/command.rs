//! The binary, as people and scripts meet it.

#![expect(clippy::unwrap_used, reason = "test helpers fail the test")]

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};
use trawl_shared::model::ParsedPage;

fn parser(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_parser"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that fails early does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn standard_input_gives_one_line_of_json() {
    let page = b"<title>T</title><p>x <a href=y>\xe9</a>";
    let arguments =
        ["parse", "-", "--url", "https://example.org/a/", "--content-type", "text/html; charset=iso-8859-1"];
    let output = parser(&arguments, page);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1);
    let page: ParsedPage = serde_json::from_str(&text).unwrap();
    assert_eq!((page.title.as_deref(), page.text.as_deref()), (Some("T"), Some("x é")));
    assert_eq!(page.links[0].url, "https://example.org/a/y");
}

#[test]
fn bad_input_is_named() {
    for (arguments, code, words) in [
        (
            &["parse", "no-such-file.html", "--url", "https://example.org/"][..],
            1,
            "no-such-file.html can't be read",
        ),
        (&["parse", "-", "--url", "example.org"], 2, "not a URL"),
        (&["parse", "-"], 2, "--url"),
        (
            &["parse", "https://example.org/", "--url", "https://example.org/"],
            1,
            "`scraper fetch https://example.org/`",
        ),
        (
            &["parse", "-", "--url", "https://example.org/", "--with", "txt"],
            2,
            "possible values: links, text",
        ),
        (&["parse", "--jsonl", "--url", "https://example.org/"], 2, "cannot be used with"),
        (&["parse", "-", "--url", "https://example.org/", "--set", "parser.max_linsk=1"], 3, "max_links"),
    ] {
        let output = parser(arguments, b"<p>");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(words), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn settings_are_heard() {
    let arguments = ["parse", "-", "--url", "https://example.org/", "--set", "parser.max_links=1"];
    let output = parser(&arguments, b"<a href=1><a href=2>");
    let page: ParsedPage = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(page.links.len(), 1);
    assert!(stderr(&output).contains("links left out, past the bound: 1"), "{}", stderr(&output));
}

#[test]
fn what_has_no_reader_says_so() {
    let arguments = ["parse", "-", "--url", "https://example.org/", "--content-type", "image/png"];
    let output = parser(&arguments, b"\x89PNG");
    assert!(output.status.success(), "{}", stderr(&output));
    let page: ParsedPage = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(page.outcome.as_deref(), Some("not_parsed"));
}

#[test]
fn parts_are_chosen() {
    let page = b"<title>T</title><meta property=og:x content=y><img src=i><a href=a>words</a>";
    for (with, links, meta, text) in [
        ("text", 1, 0, Some("words")),
        ("links", 2, 0, None),
        ("structured,links", 2, 1, None),
        ("metadata,text", 1, 1, Some("words")),
    ] {
        let output = parser(&["parse", "-", "--url", "https://example.org/", "--with", with], page);
        let page: ParsedPage = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((page.links.len(), page.meta.len(), page.text.as_deref()), (links, meta, text), "{with}");
        assert_eq!(page.rdfa.len(), usize::from(with.starts_with("structured")), "{with}");
        assert_eq!(page.content_hash, None, "{with}");
    }
}

#[test]
fn lines_are_answered_in_order() {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let mut input = String::new();
    for n in 0..500 {
        let body = BASE64_STANDARD.encode(format!("<title>{n}</title>"));
        let content_type = if n % 2 == 0 { r#""content_type": "text/html", "# } else { "" };
        input +=
            &format!("{{\"url\": \"https://example.org/{n}\", {content_type}\"body_base64\": \"{body}\"}}\n");
    }
    input += "{\"url\": \"https://example.org/\", \"body_base64\": \"?\"}\nno page\n";
    let output = parser(&["parse", "--jsonl"], input.as_bytes());
    let lines: Vec<serde_json::Value> = String::from_utf8(output.stdout.clone())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 502);
    for (n, line) in lines[..500].iter().enumerate() {
        assert_eq!(
            (&line["url"], &line["title"]),
            (&format!("https://example.org/{n}").into(), &n.to_string().into())
        );
    }
    assert!(lines[500]["error"].as_str().unwrap().contains("not base64"));
    assert!(lines[501]["error"].as_str().unwrap().contains("no page"));
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
}
