//! `srcset` (WHATWG, "parse a srcset attribute"): the URLs of the image candidates.

use std::borrow::Cow;

/// Most candidates read of one attribute.
const MAX_CANDIDATES: usize = 64;

/// The URLs of the candidates in order, as written.
pub fn urls<'d>(srcset: &Cow<'d, str>) -> Vec<Cow<'d, str>> {
    match srcset {
        Cow::Borrowed(text) => candidates(text).map(Cow::Borrowed).collect(),
        Cow::Owned(text) => candidates(text).map(|url| Cow::Owned(url.to_owned())).collect(),
    }
}

fn candidates(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (url, after) = rest.split_at(end);
        let bare = url.trim_end_matches(',');
        // A comma at the end of the URL ends the candidate; else descriptors follow up to a comma.
        rest = if bare.len() < url.len() { after } else { behind_descriptors(after) };
        Some(bare)
    })
    .take(MAX_CANDIDATES)
}

/// What stands behind the comma that ends a candidate; commas in parentheses do not.
fn behind_descriptors(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_end_at_commas() {
        for (srcset, expected) in [
            ("a.png", &["a.png"][..]),
            ("a.png 1x, b.png 2x", &["a.png", "b.png"]),
            ("a.png, b.png", &["a.png", "b.png"]),
            ("a.png 1x,b.png 2x", &["a.png", "b.png"]),
            ("data:x,y 1x, b", &["data:x,y", "b"]),
            (" ,, a.png (x, y) 2x ,\n b.png", &["a.png", "b.png"]),
            ("a,b", &["a,b"]),
            ("", &[]),
        ] {
            assert_eq!(urls(&Cow::Borrowed(srcset)), expected, "{srcset:?}");
            assert_eq!(urls(&Cow::Owned(srcset.to_owned())), expected, "{srcset:?}");
        }
    }
}
