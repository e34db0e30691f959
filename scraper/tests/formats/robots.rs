//! robots.txt files, through `scraper robots --jsonl`.

use crate::verbs::ask_robots;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use trawl_scraper::robots::{RobotsRules, product_token};
use trawl_shared::corpora::{Scores, corpus, rows};
use url::Url;

/// Longest time for one question.
const IN_TIME: Duration = Duration::from_millis(50);

/// The question of a row, with these agents and this URL.
fn question(row: &Value, agents: &Value, url: &Value) -> Value {
    let body = if row["robots_b64"].is_string() { "robots_b64" } else { "robots" };
    json!({ body: row[body], "agents": agents, "url": url })
}

#[test]
fn cases_of_other_parsers() {
    let Some(folder) = corpus("robots-unit") else { return };
    let rows: Vec<Value> = rows(&folder.join("public.jsonl.gz"));
    let questions: Vec<Value> = rows.iter().map(|row| question(row, &row["agents"], &row["url"])).collect();
    let begun = Instant::now();
    let answers = ask_robots(&questions);
    let in_time = begun.elapsed() < IN_TIME * u32::try_from(rows.len()).unwrap();
    let mut score = Scores::default();
    for (row, answer) in rows.iter().zip(&answers) {
        let tags: Vec<&str> = row["tags"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let kind =
            tags.iter().find(|tag| tag.starts_with("rfc-2.2.2")).or(tags.first()).copied().unwrap_or("core");
        let right = answer["allowed"] == row["allowed"];
        if !right && (kind == "core" || kind.starts_with("rfc")) {
            println!("{row} found {answer}");
        }
        score.count(kind, right);
    }
    assert!(in_time, "{:?} for {} questions", begun.elapsed(), rows.len());
    let bars = [
        ("core", 100.0),
        ("rfc-2.2.2-percent-encoding", 100.0),
        ("rfc-2.2.2-robotstxt-implicitly-allowed", 100.0),
        ("google-only", 95.0),
    ];
    score.finish("robots-unit", &bars);
}

#[test]
fn files_of_real_sites() {
    let Some(folder) = corpus("robots-real") else { return };
    let rows: Vec<Value> = rows(&folder.join("public.jsonl.gz"));
    let asked: Vec<(&Value, &Value)> = rows
        .iter()
        .flat_map(|row| row["queries"].as_array().unwrap().iter().map(move |q| (row, q)))
        .collect();
    let questions: Vec<Value> =
        asked.iter().map(|(row, query)| question(row, &json!([query[0]]), &query[1])).collect();
    let mut score = Scores::default();
    for ((row, query), answer) in asked.iter().zip(ask_robots(&questions)) {
        let right = answer["allowed"] == (query[2] == 1);
        if !right {
            println!("{} {query} found {answer}", row["id"]);
        }
        score.count("all", right);
        score.count(if query[3] == 1 { "contested" } else { "uncontested" }, right);
    }
    for row in rows.iter().filter(|row| row["sitemaps_contested"] != true && row["sitemaps_contested"] != 1) {
        let url = json!(format!("http://{}/", row["host"].as_str().unwrap()));
        let answer = &ask_robots(&[question(row, &json!(["examplebot"]), &url)])[0];
        let base = url.as_str().unwrap();
        let right = set(&answer["sitemaps"], base) == set(&row["sitemaps"], base);
        if !right {
            println!("{}: sitemaps {} are not {}", row["id"], answer["sitemaps"], row["sitemaps"]);
        }
        score.count("sitemaps", right);
        let delay = answer["crawl_delay"].as_f64().map_or(0.0, |seconds| seconds * 1000.0);
        score.count("crawl-delay", delay == row["crawl_delay_ms_examplebot"].as_f64().unwrap_or_default());
    }
    score.finish(
        "robots-real",
        &[("all", 99.9), ("contested", 98.0), ("sitemaps", 99.0), ("crawl-delay", 99.0)],
    );
}

/// URLs as seen from `base`, in any order.
fn set(urls: &Value, base: &str) -> Vec<String> {
    let base = Url::parse(base).unwrap();
    let urls = urls.as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut urls: Vec<String> = urls.filter_map(|url| base.join(url).ok()).map(String::from).collect();
    urls.sort();
    urls.dedup();
    urls
}

#[test]
fn delays_and_sitemaps() {
    let Some(folder) = corpus("robots-unit") else { return };
    let mut score = Scores::default();
    for row in rows::<Value>(&folder.join("extras.public.jsonl")) {
        let kind = row["kind"].as_str().unwrap();
        let url = row["robots_url"].as_str().filter(|url| url.contains("://")).unwrap_or("http://localhost/");
        let is_of_ours = matches!(
            kind,
            "delay+sitemaps" | "crawl_delay" | "crawl_delay_s" | "getCrawlDelay" | "getSitemaps"
        );
        if !is_of_ours {
            continue;
        }
        let answer = &ask_robots(&[question(&row, &row["agents"], &json!(url))])[0];
        let seconds = answer["crawl_delay"].as_f64();
        let base = url;
        let right = match kind {
            "delay+sitemaps" => {
                seconds.map(|s| s * 1000.0) == row["crawl_delay_ms"].as_f64()
                    && set(&answer["sitemaps"], base) == set(&row["sitemaps"], base)
            }
            "getSitemaps" => set(&answer["sitemaps"], base) == set(&row["expected"], base),
            _ => seconds == row["expected"].as_f64(),
        };
        if !right {
            println!("{row} found {answer}");
        }
        score.count(kind, right);
    }
    score.finish(
        "robots-unit extras",
        &[("getCrawlDelay", 100.0), ("getSitemaps", 100.0), ("delay+sitemaps", 90.0)],
    );
}

#[test]
fn hostile_files_cost_little() {
    let Some(folder) = corpus("security") else { return };
    let mut score = Scores::default();
    for row in rows::<Value>(&folder.join("robots-redos.jsonl")) {
        let text = match row["robots"].as_str() {
            Some(text) => text.to_owned(),
            // The one that is only described: two million rules.
            None => {
                let rules = (0..2_000_000).map(|n| format!("Disallow: /p{n}\n"));
                std::iter::once("User-agent: *\n".to_owned()).chain(rules).collect()
            }
        };
        let url = Url::parse(row["url"].as_str().unwrap()).unwrap();
        let begun = Instant::now();
        let rules = RobotsRules::parse(text.as_bytes(), &[product_token(row["agent"].as_str().unwrap())]);
        let parsed = begun.elapsed();
        let begun = Instant::now();
        let _ = rules.decider(&url);
        let matched = begun.elapsed();
        // What is kept of a file is bounded like what is read of it. Without optimisation its 500 KiB take longer.
        let bounded = rules.weight() < 16 * 1024 * 1024;
        let right = parsed + matched < IN_TIME * if cfg!(debug_assertions) { 10 } else { 1 } && bounded;
        println!("{}: parsed in {parsed:?}, matched in {matched:?}", row["id"]);
        score.count("redos", right);
    }
    score.finish("security, robots.txt", &[("redos", 100.0)]);
}

/// Twice the stars take about twice the time, never its square.
#[test]
fn matching_is_linear() {
    let time = |stars: usize| {
        let text = format!("User-agent: *\nDisallow: /{}b$\n", "*a".repeat(stars));
        let rules = RobotsRules::parse(text.as_bytes(), &["x"]);
        let url = Url::parse(&format!("http://a.example/{}", "a".repeat(stars * 2))).unwrap();
        // The best of some: what else runs on the machine only adds.
        let once = || {
            let begun = Instant::now();
            assert!(rules.decider(&url).is_none());
            begun.elapsed()
        };
        (0..20).map(|_| once()).min().unwrap()
    };
    let (short, long) = (time(500), time(4000));
    assert!(long < short * 8 * 4, "{short:?} for 500 stars, {long:?} for 4000");
}
