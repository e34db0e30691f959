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
        (&["parse", "-", "--url", "https://example.org/", "--content-type", "image/png"], 1, "has no reader"),
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
