//! The lines of a robots.txt, as lenient as the large crawlers are: misspelt keys, missing colons,
//! any line ending, a byte-order mark in front.

use memchr::memmem;

/// What one line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// `User-agent`: the rules that follow are for this one.
    Agent(&'a [u8]),
    /// `Allow`.
    Allow(&'a [u8]),
    /// `Disallow`.
    Disallow(&'a [u8]),
    /// `Crawl-delay`.
    CrawlDelay(&'a [u8]),
    /// `Sitemap`: belongs to no group.
    Sitemap(&'a [u8]),
}

/// Bytes of one line that are read; a longer one is cut.
const MAX_LINE: usize = 16 * 1024;

/// The lines that say something, numbered from 1 as an editor does.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = (u32, Line<'_>)> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut rest = Some(text);
    let mut number = 0;
    std::iter::from_fn(move || {
        let text = rest?;
        number += 1;
        let (line, next) = match memchr::memchr2(b'\n', b'\r', text) {
            Some(at) => {
                let ending = if text[at..].starts_with(b"\r\n") { 2 } else { 1 };
                (&text[..at], Some(&text[at + ending..]))
            }
            None => (text, None),
        };
        rest = next;
        Some((number, line))
    })
    .filter_map(|(number, line)| Some((number, parse(&line[..line.len().min(MAX_LINE)])?)))
}

fn parse(line: &[u8]) -> Option<Line<'_>> {
    // A comment ends the line, and so does a NUL.
    let line = line.split(|b| matches!(b, b'#' | 0)).next().unwrap_or_default().trim_ascii();
    if is_bare_sitemap(line) {
        return Some(Line::Sitemap(line));
    }
    let (key, value) = match memchr::memchr(b':', line) {
        Some(colon) => (&line[..colon], &line[colon + 1..]),
        None => {
            // `Disallow /x`: a blank for the colon, if nothing else follows.
            let blank = line.iter().position(u8::is_ascii_whitespace)?;
            let value = line[blank..].trim_ascii();
            if value.iter().any(u8::is_ascii_whitespace) {
                return None;
            }
            (&line[..blank], value)
        }
    };
    let (key, value) = (key.trim_ascii(), value.trim_ascii());
    let is = |names: &[&str]| {
        names.iter().any(|name| {
            key.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        })
    };
    Some(if is(&["user-agent", "useragent", "user agent"]) {
        Line::Agent(value)
    } else if is(&["allow"]) {
        Line::Allow(value)
    } else if is(&["disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"]) {
        Line::Disallow(value)
    } else if is(&["crawl-delay", "crawldelay", "crawl delay"]) {
        Line::CrawlDelay(value)
    } else if is(&["sitemap", "site-map"]) {
        Line::Sitemap(value)
    } else {
        return None;
    })
}

/// A sitemap whose key was forgotten.
fn is_bare_sitemap(line: &[u8]) -> bool {
    let starts =
        |scheme: &[u8]| line.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    (starts(b"http://") || starts(b"https://"))
        && memmem::find(line, b"sitemap").is_some()
        && memmem::find(line, b".xml").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_read_leniently() {
        let text = b"\xef\xbb\xbfUser-Agent: * # all\r\n\r\nDISALLOW : /a b\rdisalow /c\nfoo: bar\nAllow\nAllow /x y\ncrawl-delay:5\nSite-map: /s.xml\nhttps://a.example/sitemap.xml";
        let found: Vec<_> = lines(text).collect();
        assert_eq!(
            found,
            [
                (1, Line::Agent(b"*")),
                (3, Line::Disallow(b"/a b")),
                (4, Line::Disallow(b"/c")),
                (8, Line::CrawlDelay(b"5")),
                (9, Line::Sitemap(b"/s.xml")),
                (10, Line::Sitemap(b"https://a.example/sitemap.xml")),
            ]
        );
    }
}
