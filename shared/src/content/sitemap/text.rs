//! Sitemaps as text: a URL a line.

use super::{Bounded, Entry, Format, SitemapError, entry};
use std::io::{BufRead, Read as _};
use url::Url;

/// Longest line that is looked at; what is longer holds no URL.
const MAX_LINE: u64 = 16 * 1024;

/// Lines without a URL before the first one, after which the body is taken for something else.
const MAX_STRANGE_LINES: u32 = 100;

pub(super) fn read(
    mut text: impl BufRead,
    url: &Url,
    to: &mut Bounded<'_>,
) -> Result<(Format, Option<String>), SitemapError> {
    let mut line = Vec::new();
    let mut strange = 0;
    loop {
        line.clear();
        if text.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.last() != Some(&b'\n') && line.len() as u64 == MAX_LINE {
            text.skip_until(b'\n')?;
            line.clear();
        }
        match std::str::from_utf8(&line).ok().and_then(|line| loc(line, url)) {
            Some(loc) => {
                let entry = Entry { loc, lastmod: None, priority: None, changefreq: None, index: false };
                if to.give(entry).is_break() {
                    return Ok((Format::Text, None));
                }
            }
            None => strange += 1,
        }
        if to.given == 0 && strange > MAX_STRANGE_LINES {
            break;
        }
    }
    if to.given == 0 {
        return Err(SitemapError::NoSitemap("it is neither XML nor a list of URLs".to_owned()));
    }
    Ok((Format::Text, None))
}

/// The URL of a line. Unlike in XML it has to be absolute, or any text would be a list of paths.
fn loc(line: &str, base: &Url) -> Option<String> {
    let line = line.trim();
    let has_scheme = ["http://", "https://"]
        .iter()
        .any(|scheme| line.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let is_one_word = !line.contains(char::is_whitespace);
    if is_one_word && (has_scheme || entry::names_host(line, base)) { entry::loc(line, base) } else { None }
}
