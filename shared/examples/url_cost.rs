//! What a link costs on its way to a canonical URL: `cargo run --release -p trawl-shared --example url_cost`.

use std::{hint::black_box, time::Instant};
use trawl_shared::model::{CanonicalUrl, UrlProfile, UrlRules};

const ROUNDS: u32 = 200_000;

const LINKS: [&str; 8] = [
    "https://www.example.org/",
    "https://www.example.org/docs/guide/chapter-07/section-3.html",
    "https://en.example.org/wiki/Rust_(programming_language)#History",
    "https://shop.example.org/products/4711?colour=blue&size=xl&page=2",
    "https://news.example.org/2026/05/17/a-long-headline-with-many-words?utm_source=feed&utm_medium=rss",
    "https://example.org/%7euser/caf%c3%a9/menu%20du%20jour.html",
    "https://forum.example.org/viewtopic.php;jsessionid=0123456789abcdef?t=42&p=99",
    "https://bücher.example/verzeichnis/größe",
];

fn measure(name: &str, parse: impl Fn(&str) -> Option<CanonicalUrl>) {
    let start = Instant::now();
    for _ in 0..ROUNDS / 8 {
        for link in LINKS {
            black_box(parse(black_box(link)));
        }
    }
    let nanos = start.elapsed().as_nanos() / u128::from(ROUNDS);
    println!("{name:<32} {nanos:>6} ns a link");
}

fn main() {
    measure("canonical", |link| CanonicalUrl::parse(link).ok());
    for (name, profile) in [
        ("canonical + plain", UrlProfile::Plain),
        ("canonical + crawl", UrlProfile::Crawl),
        ("canonical + crawler-commons", UrlProfile::CrawlerCommons),
    ] {
        let rules = UrlRules::of(profile);
        measure(name, |link| rules.parse(link).ok());
    }
}
