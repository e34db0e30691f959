//! What is served, over real sockets: a polite walk that reads HTML and robots.txt must find exactly the truth, which
//! reads neither.

use std::collections::{BTreeMap, VecDeque};

use crate::support::{client, settings, start};
use bench::floor::dom;
use bench::web::{End, Excluded, Preset, Web, truth};
use reqwest::{Client, Response, StatusCode, header};
use serde_json::Value;
use url::Url;

/// How often the walk asks before it gives a URL up.
const ATTEMPTS: usize = 4;

/// The rules for everyone in a robots.txt: allowed or not, and the prefix.
fn rules(text: &str) -> Vec<(bool, String)> {
    let everyone = text.split("User-agent: *\n").nth(1).unwrap_or_default();
    let rule = |line: &str| match line.split_once(": ")? {
        ("Allow", prefix) => Some((true, prefix.to_owned())),
        ("Disallow", prefix) => Some((false, prefix.to_owned())),
        _ => None,
    };
    everyone.lines().filter_map(rule).collect()
}

fn allowed(rules: &[(bool, String)], url: &Url) -> bool {
    let target = &url[url::Position::BeforePath..];
    let longest =
        rules.iter().filter(|(_, prefix)| target.starts_with(prefix)).max_by_key(|(_, prefix)| prefix.len());
    longest.is_none_or(|(allow, _)| *allow)
}

async fn get(client: &Client, url: &str) -> Response {
    client.get(url).send().await.expect("an answer")
}

/// Asks for a URL until it gives a lasting answer, or for the last time.
async fn insist(client: &Client, url: &str) -> Response {
    for _ in 1..ATTEMPTS {
        let response = get(client, url).await;
        let status = response.status();
        if !(status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS) {
            return response;
        }
        let has_retry_after = response.headers().contains_key(header::RETRY_AFTER);
        assert_eq!(has_retry_after, status == StatusCode::TOO_MANY_REQUESTS);
    }
    get(client, url).await
}

async fn visit(client: &Client, url: &Url) -> (End, Vec<Url>) {
    let response = insist(client, url.as_str()).await;
    let status = response.status();
    if status.is_redirection() {
        let location = response.headers()[header::LOCATION].to_str().expect("a location");
        let to = url.join(location).expect("a URL");
        return (End::Redirected { to: to.to_string() }, vec![to]);
    }
    if status.is_server_error() {
        return (End::Dead { status: status.as_u16() }, Vec::new());
    }
    if !status.is_success() {
        return (End::Gone { status: status.as_u16() }, Vec::new());
    }
    if response.headers()[header::CONTENT_TYPE] != "text/html; charset=utf-8" {
        return (End::Excluded { why: Excluded::Type }, Vec::new());
    }
    (End::Stored, dom(&response.bytes().await.expect("a body"), url).links)
}

async fn walk(web: &Web) -> BTreeMap<String, End> {
    let client = client(web);
    let mut robots = Vec::new();
    for host in 0..web.hosts() {
        let response = get(&client, &format!("{}robots.txt", web.seeds()[host as usize])).await;
        let found = response.status().is_success();
        robots.push(if found { rules(&response.text().await.expect("a body")) } else { Vec::new() });
    }
    let mut ends = BTreeMap::new();
    let mut queue: VecDeque<Url> = web.seeds().iter().map(|seed| Url::parse(seed).expect("a URL")).collect();
    while let Some(url) = queue.pop_front() {
        let Some(host) = url.host_str().and_then(|name| web.host_of(name)) else { continue };
        if ends.contains_key(url.as_str()) {
            continue;
        }
        let (end, links) = if allowed(&robots[host as usize], &url) {
            visit(&client, &url).await
        } else {
            (End::Excluded { why: Excluded::Robots }, Vec::new())
        };
        ends.insert(url.to_string(), end);
        queue.extend(links);
    }
    ends
}

#[tokio::test]
async fn a_polite_walk_of_a_wild_web_finds_the_truth() {
    let mut settings = settings(Preset::Wild, 5, 900);
    settings.profile.latency_ms = 0;
    let web = start(settings, None).await;
    let found = walk(&web).await;
    let expected: BTreeMap<String, End> = truth(&web).into_iter().map(|row| (row.url, row.end)).collect();
    for (url, end) in &expected {
        assert_eq!(found.get(url), Some(end), "{url}");
    }
    assert_eq!(found.len(), expected.len());
}

#[tokio::test]
async fn requests_are_logged_with_what_was_in_flight() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("requests.jsonl");
    let mut settings = settings(Preset::Wild, 2, 40);
    // Long enough for all requests of the burst to be under way together.
    settings.profile.latency_ms = 1_000;
    let web = start(settings, Some(&file)).await;
    let client = client(&web);
    let seed = &web.seeds()[0];
    let burst: Vec<String> = (0..5).map(|number| format!("{seed}?n={number}")).collect();
    futures_util::future::join_all(burst.iter().map(|url| get(&client, url))).await;
    let log = std::fs::read_to_string(&file).expect("a log");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("an entry")).collect();
    assert_eq!(lines.len(), 5);
    assert!(lines.iter().all(|line| line["host"].as_str().is_some_and(|host| host.starts_with("h0."))));
    assert!(lines.iter().all(|line| line["status"] == 404 && line["took_us"].as_u64() >= Some(1000)));
    let most = lines.iter().filter_map(|line| line["in_flight"].as_u64()).max();
    assert_eq!(most, Some(5), "{log}");
}

#[tokio::test]
async fn the_control_surface_tells_the_truth_counts_and_forgets() {
    let web = start(settings(Preset::Docs, 2, 30), None).await;
    let client = client(&web);
    let control = format!("http://127.0.0.1:{}", web.port());
    let listed = get(&client, &format!("{control}/__truth")).await.text().await.expect("a body");
    assert_eq!(listed.lines().count(), 30);
    for seed in web.seeds() {
        assert_eq!(get(&client, &seed).await.status(), StatusCode::OK);
    }
    let requests = async || {
        let stats = get(&client, &format!("{control}/__stats")).await.text().await.expect("a body");
        serde_json::from_str::<Value>(&stats).expect("counts")["requests"].as_u64()
    };
    assert_eq!(requests().await, Some(2));
    get(&client, &format!("{control}/__reset")).await;
    assert_eq!(requests().await, Some(0));
    assert_eq!(get(&client, &format!("{control}/")).await.status(), StatusCode::MISDIRECTED_REQUEST);
}
