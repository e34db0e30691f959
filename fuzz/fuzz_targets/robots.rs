//! robots.txt: a verdict for any file and any path, and the line that decides is one of the file's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trawl_scraper::robots::RobotsRules;

fuzz_target!(|data: &[u8]| {
    let (path, file) = trawl_fuzz::halves(data);
    let (path, file) = if file.is_empty() { (&b"/a/b?c=d"[..], path) } else { (path, file) };
    let rules = RobotsRules::parse(file, &["trawl", "Googlebot"]);
    let Ok(url) = trawl_fuzz::url().join(&String::from_utf8_lossy(path)) else { return };
    if let Some(decider) = rules.decider(&url) {
        assert!(decider.line >= 1 && decider.line as usize <= file.len() + 1, "{decider:?}");
    }
    let _ = (rules.verdict(&url), rules.sitemaps(&url), rules.crawl_delay(), rules.weight());
});
