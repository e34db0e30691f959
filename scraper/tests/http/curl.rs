//! curl's own cases: what a client that has met every server makes of an answer.

use crate::command;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use trawl_shared::corpora::{corpus, rows};

/// Options of curl that we have, or that change nothing about the answer.
const OURS: [&str; 8] =
    ["-L", "--compressed", "--max-redirs", "--max-filesize", "--fail", "--tr-encoding", "-s", "-D"];

/// Where we differ, and why.
const DIFFERENCES: [(&str, &str); 1] =
    [("curl:1124", "hyper refuses a chunk's size that ends in a lone LF, which proxies read in two ways")];

/// Serves the parts of a case, each to the path that asks for it, and closes after each.
async fn serve(parts: BTreeMap<usize, Vec<u8>>, id: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A case that has no more to say closes; nobody else is served by it.
            let _ = answer(stream, &parts, &id).await;
        }
    });
    port
}

async fn answer(mut stream: TcpStream, parts: &BTreeMap<usize, Vec<u8>>, id: &str) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap_or_default();
    let asked = (1..10).find(|part| target.contains(&format!("{id}000{part}"))).unwrap_or(0);
    stream.write_all(&parts[&asked]).await?;
    stream.shutdown().await
}

/// What we make of a case: the error, if one, and the body.
async fn ours(command: &[&str], url: &str) -> (Option<String>, Vec<u8>) {
    let mut args = vec![url, "--allow-private-addresses", "--ignore-robots", "--timeout", "5s"];
    let follows = command.contains(&"-L");
    let mut words = command.iter();
    let mut most_redirects = if follows { "10" } else { "0" };
    while let Some(word) = words.next() {
        match *word {
            "--max-redirs" => most_redirects = words.next().unwrap(),
            "--max-filesize" => args.extend(["--oversize", "exclude", "--max-body", words.next().unwrap()]),
            _ => {}
        }
    }
    args.extend(["--max-redirects", most_redirects]);
    let (report, _) = command::fetch(&args).await;
    let body = STANDARD.decode(report["body_base64"].as_str().unwrap_or_default()).unwrap();
    let code = report["code"].as_str().unwrap().to_owned();
    let status = report["status"].as_u64();
    // curl stops at a status only where it is told to.
    let is_status = code.starts_with("http_") || matches!(code.as_str(), "server_error" | "throttled");
    let error = match code.as_str() {
        "ok" => None,
        "too_many_redirects" if !follows => None,
        _ if is_status => (command.contains(&"--fail") && status >= Some(400)).then_some(code),
        _ => Some(code),
    };
    (error, body)
}

fn is_right(row: &Value, error: Option<&str>, body: &[u8]) -> bool {
    if row["curl_exit"] != 0 || error.is_some() {
        return (row["curl_exit"] != 0) == error.is_some();
    }
    let expected = row["expect_b64"].as_str().or_else(|| {
        // Without a list of what is expected it is what was sent.
        let parts = row["responses_b64"].as_object().unwrap();
        parts.values().next_back().and_then(Value::as_str)
    });
    let expected = STANDARD.decode(expected.unwrap()).unwrap();
    let before = expected.len().checked_sub(body.len());
    expected.ends_with(body) && before.is_some_and(|at| at == 0 || expected[..at].ends_with(b"\n"))
}

#[tokio::test]
async fn http_curl() {
    let Some(folder) = corpus("http-curl") else { return };
    let (mut right, mut all, mut skipped, mut surprises) = (0, 0, 0, Vec::new());
    for row in rows::<Value>(&folder.join("public.jsonl")) {
        let command: Vec<&str> = row["command"]
            .as_str()
            .unwrap()
            .split_whitespace()
            .filter(|word| !word.starts_with("http:"))
            .collect();
        let foreign = |word: &&&str| word.starts_with('-') && !OURS.contains(*word);
        if command.iter().any(|word| foreign(&word)) {
            skipped += 1;
            continue;
        }
        let id = row["id"].as_str().unwrap();
        let part = |name: &str| name.trim_start_matches("data").parse().unwrap_or(0);
        let parts = row["responses_b64"].as_object().unwrap();
        let parts =
            parts.iter().map(|(name, body)| (part(name), STANDARD.decode(body.as_str().unwrap()).unwrap()));
        let port = serve(parts.collect(), id.trim_start_matches("curl:").to_owned()).await;
        let words = row["command"].as_str().unwrap().split_whitespace();
        let url = words.clone().find(|word| word.starts_with("http:")).unwrap();
        let (error, body) = ours(&command, &url.replace("8990", &port.to_string())).await;
        all += 1;
        let known = DIFFERENCES.iter().find(|(known, _)| *known == id);
        if is_right(&row, error.as_deref(), &body) {
            right += 1;
            assert!(known.is_none(), "{id} is no difference any more");
        } else if let Some((_, why)) = known {
            println!("http-curl {id} differs: {why}");
        } else {
            surprises.push(format!("{id} {} expects {}, found {error:?}", row["command"], row["curl_exit"]));
        }
    }
    println!("http-curl: {right}/{all} ({skipped} with options that we do not have)");
    assert!(surprises.is_empty(), "{surprises:#?}");
    assert!(f64::from(right) >= 0.95 * f64::from(all), "{right}/{all}");
}
