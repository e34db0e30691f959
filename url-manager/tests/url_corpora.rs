//! URLs as the corpora have them: what browsers resolve (web-platform-tests, links of real pages), what
//! crawler-commons makes of them, and the public suffix list. Each test prints its score.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

use serde_json::Value;
use trawl_shared::{
    corpora,
    model::{
        CanonicalUrl, HostKey,
        url::{Normalised, UrlError, UrlProfile, UrlRules, normalise, resolve},
    },
};
use url::Url;

/// The rows of a file of a corpus.
fn corpus(name: &str, file: &str) -> Option<Vec<Value>> {
    Some(corpora::rows(&corpora::corpus(name)?.join(file)))
}

/// Prints a score and holds it to its bar, in per mille.
#[track_caller]
fn score(name: &str, passed: usize, total: usize, bar: usize, failed: &[String]) {
    println!("{name}: {passed}/{total}");
    failed.iter().for_each(|row| println!("  {row}"));
    assert!(passed * 1000 >= total * bar, "{name}: {passed}/{total} is below {bar} per mille");
}

fn href(row: &Value) -> Option<String> {
    let base = match row["base"].as_str() {
        Some(base) => Some(Url::parse(base).ok()?),
        None => None,
    };
    resolve(base.as_ref(), row["input"].as_str().unwrap()).ok().map(|resolved| resolved.href())
}

#[track_caller]
fn check_hrefs(name: &str, rows: &[Value]) {
    let mut failed = Vec::new();
    for row in rows {
        let found = href(row);
        if found.as_deref() != row["href"].as_str() {
            failed.push(format!("{row}: {found:?}"));
        }
    }
    score(name, rows.len() - failed.len(), rows.len(), 999, &failed);
}

#[test]
fn hrefs_of_web_platform_tests() {
    let Some(mut rows) = corpus("url-wpt", "public.jsonl") else { return };
    rows.retain(|row| row["http"] == true);
    check_hrefs("url-wpt (http and https)", &rows);
}

#[test]
fn hrefs_of_real_pages() {
    let Some(rows) = corpus("url-real", "public.jsonl.gz") else { return };
    check_hrefs("url-real", &rows);
}

#[test]
fn registrable_domains() {
    let Some(rows) = corpus("url-psl", "public.jsonl") else { return };
    let mut failed = Vec::new();
    for row in &rows {
        let url = CanonicalUrl::parse(&format!("http://{}/", row["input"].as_str().unwrap()));
        let found = url.as_ref().ok().and_then(CanonicalUrl::registrable_domain);
        // Ours are in ASCII, as in the URL.
        let expected = row["registrable_domain"].as_str().map(|name| name.parse::<HostKey>().unwrap());
        if found != expected.as_ref().map(HostKey::as_str) {
            failed.push(format!("{row}: {found:?}"));
        }
    }
    score("url-psl", rows.len() - failed.len(), rows.len(), 1000, &failed);
}

fn canonical(text: &str, unicode_hosts: bool) -> Result<Normalised, UrlError> {
    let profile = UrlProfile::CrawlerCommons;
    normalise(text, None, profile, &UrlRules::of(profile), unicode_hosts)
}

#[test]
fn canonical_forms_of_the_declared_profile() {
    let Some(mut rows) = corpus("url-canon", "public.jsonl") else { return };
    rows.retain(|row| row["profile"].as_str().unwrap().starts_with("crawler-commons-basic"));
    let mut failed = Vec::new();
    for row in &rows {
        let unicode_hosts = row["options"]["idn"] == "UNICODE";
        let found = canonical(row["input"].as_str().unwrap(), unicode_hosts).map(|url| url.canonical);
        if found.as_deref().ok() != row["expected"].as_str() {
            failed.push(format!("{row}: {found:?}"));
        }
    }
    score("url-canon (crawler-commons-basic)", rows.len() - failed.len(), rows.len(), 1000, &failed);
}

/// Whatever other crawlers' tests hold: no profile panics, and twice is once.
#[test]
fn canonical_forms_are_stable() {
    let Some(rows) = corpus("url-canon", "public.jsonl") else { return };
    let (mut passed, mut failed) = (0, Vec::new());
    for row in &rows {
        let text = row["input"].as_str().unwrap();
        let unstable =
            [UrlProfile::Plain, UrlProfile::Crawl, UrlProfile::CrawlerCommons].into_iter().find(|profile| {
                let rules = UrlRules { drop_index: true, ..UrlRules::of(*profile) };
                let once = normalise(text, None, *profile, &rules, false).map(|url| url.canonical);
                let twice = once.as_ref().map(|once| normalise(once, None, *profile, &rules, false));
                match (once.as_ref(), twice) {
                    (Ok(once), Ok(twice)) => twice.is_ok_and(|twice| twice.canonical != *once),
                    _ => false,
                }
            });
        match unstable {
            None => passed += 1,
            Some(profile) => failed.push(format!("{profile:?}: {text:?}")),
        }
    }
    score("url-canon (idempotent, all profiles)", passed, rows.len(), 1000, &failed);
}
