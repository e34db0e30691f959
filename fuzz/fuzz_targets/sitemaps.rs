//! Sitemaps of every kind: entries are absolute and counted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trawl_shared::content::sitemap::{is_sitemap, read_all};
use url::Url;

fuzz_target!(|data: &[u8]| {
    let url = trawl_fuzz::url();
    let _ = is_sitemap(data);
    for content_type in [None, Some("text/xml; charset=utf-16")] {
        if let Ok((entries, summary)) = read_all(data, &url, content_type) {
            assert_eq!(entries.len(), summary.entries);
            assert!(entries.iter().all(|entry| Url::parse(&entry.loc).is_ok()), "{entries:?}");
        }
    }
});
