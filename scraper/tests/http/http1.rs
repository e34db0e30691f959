//! llhttp's cases: byte streams that are HTTP/1 answers, or nearly.

use crate::command;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use trawl_shared::corpora::{corpus, rows};

/// Where we differ, by title, and why. The cases are llhttp's opinion in its strict mode; browsers and curl read past most.
const DIFFERENCES: [(&str, &str); 7] = [
    (
        "HTTP 100 first, then 400",
        "an interim answer is not the answer (RFC 9110, section 15.2); the 404 behind it is",
    ),
    (
        "Only LFs present and no body",
        "a lone LF may end a line (RFC 9112, section 2.2), and servers write so",
    ),
    ("Only LFs present", "a lone LF may end a line (RFC 9112, section 2.2), and servers write so"),
    ("RTSP response", "RTSP is not HTTP"),
    (
        "Trailing space on chunked body",
        "space behind a chunk's size is harmless; curl and browsers read past it",
    ),
    (
        "`chunked` before other transfer-encoding",
        "where such a body ends is open to doubt; curl refuses it as well",
    ),
    ("No extension after semicolon", "an empty extension says nothing, and nothing is read from it"),
];

/// Answers one request with `bytes` and closes.
async fn serve(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            // The request is one small packet.
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
    });
    url
}

/// What differs, where something does.
fn difference(row: &Value, report: &Value) -> Option<String> {
    let code = report["code"].as_str().unwrap();
    let is_error = report["status"].is_null() || code == "bad_response";
    if !row["error"].is_null() {
        return (!is_error).then(|| format!("no error, but {}", row["error"]));
    }
    if is_error && row["status"] != 304 {
        return Some(format!("an error ({})", report["reason"]));
    }
    if row["status"] != report["status"] {
        return Some(format!("status {} for {}", report["status"], row["status"]));
    }
    let lower = |names: &Value, name: fn(&Value) -> &Value| {
        let mut names: Vec<String> = names
            .as_array()
            .unwrap()
            .iter()
            .map(|field| name(field).as_str().unwrap().to_ascii_lowercase())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let expected = lower(&row["header_fields"], |field| field);
    let found = lower(&report["headers"], |field| &field[0]);
    (expected != found).then(|| format!("headers {found:?} for {expected:?}"))
}

#[tokio::test]
async fn http1_responses() {
    let Some(folder) = corpus("http1-responses") else { return };
    let (mut right, mut all, mut surprises) = (0, 0, Vec::new());
    for row in rows::<Value>(&folder.join("public.jsonl")).into_iter().filter(|row| row["mode"] == "response")
    {
        let url = serve(STANDARD.decode(row["bytes_b64"].as_str().unwrap()).unwrap()).await;
        let (report, _) =
            command::fetch(&[&url, "--allow-private-addresses", "--ignore-robots", "--max-redirects", "0"])
                .await;
        all += 1;
        let title = row["title"].as_str().unwrap();
        let known = DIFFERENCES.iter().find(|(known, _)| *known == title);
        match (difference(&row, &report), known) {
            (None, None) => right += 1,
            (None, Some(_)) => panic!("{title} is no difference any more"),
            (Some(what), Some((_, why))) => println!("http1-responses {title:?}: {what}: {why}"),
            (Some(what), None) => surprises.push(format!("{title:?}: {what}")),
        }
    }
    println!("http1-responses: {right}/{all}, {} differences known", all - right);
    assert!(surprises.is_empty(), "{surprises:#?}");
}
