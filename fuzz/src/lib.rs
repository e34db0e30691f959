//! What the targets share: how one run of bytes becomes several inputs.

use url::Url;

/// The URL that pages, sitemaps and rules are said to come from.
///
/// # Panics
/// Never: it is a constant that parses.
#[must_use]
pub fn url() -> Url {
    Url::parse("https://shop.example/list/page?p=1").expect("a constant that parses")
}

/// The input before and behind the first zero byte; without one, all of it and nothing.
#[must_use]
pub fn halves(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == 0) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}
