//! References as browsers resolve them.
//!
//! The `url` crate does nearly all of it. Two things it does not do yet, and both end in an error there,
//! so that what it takes costs nothing more here: a reference with more than two slashes in front
//! (`///host/`), and names in ASCII whose `xn--` labels are no valid punycode, which the standard takes
//! as they are.

use url::{ParseError, Position, Url};

/// A URL as browsers have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    url: Url,
    /// The host's right spelling, where `url` has a stand-in.
    host: Option<String>,
}

impl Resolved {
    /// The URL's text (`href` of the standard).
    #[must_use]
    pub fn href(&self) -> String {
        self.spell(&self.url)
    }

    /// The URL, if its host is a name that can be looked up.
    #[must_use]
    pub fn into_url(self) -> Option<Url> {
        self.host.is_none().then_some(self.url)
    }

    /// The URL, perhaps with a stand-in for its host.
    pub(super) fn stand_in(&self) -> &Url {
        &self.url
    }

    /// The text of a URL with this one's host.
    pub(super) fn spell(&self, url: &Url) -> String {
        match &self.host {
            Some(host) => format!("{}{host}{}", &url[..Position::BeforeHost], &url[Position::AfterHost..]),
            None => url.as_str().to_owned(),
        }
    }

    /// The host in its right spelling.
    pub(super) fn host(&self) -> Option<&str> {
        self.host.as_deref().or_else(|| self.url.host_str())
    }
}

/// Resolves a reference by the WHATWG standard, against `base` where there is one.
///
/// # Errors
/// When the standard calls it a failure.
pub fn resolve(base: Option<&Url>, reference: &str) -> Result<Resolved, ParseError> {
    match parse(base, reference) {
        Ok(url) => Ok(Resolved { url, host: None }),
        Err(ParseError::EmptyHost) => {
            let base = base.filter(|base| matches!(base.scheme(), "http" | "https" | "ftp" | "ws" | "wss"));
            let base = base.ok_or(ParseError::EmptyHost)?;
            let reference = visible(reference);
            let name = reference.trim_start_matches(['/', '\\']);
            if reference.len() - name.len() < 3 {
                return Err(ParseError::EmptyHost);
            }
            resolve(None, &format!("{}://{name}", base.scheme()))
        }
        Err(ParseError::IdnaError) => ascii_labels(base, &visible(reference)),
        Err(error) => Err(error),
    }
}

fn parse(base: Option<&Url>, reference: &str) -> Result<Url, ParseError> {
    match base {
        Some(base) => base.join(reference),
        None => Url::parse(reference),
    }
}

/// The reference as the standard reads it: no white space around it, no tabs and newlines within.
fn visible(reference: &str) -> String {
    let trimmed = reference.trim_matches(|c: char| c <= ' ');
    trimmed.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect()
}

/// Resolves with a stand-in for each `xn--` label of an ASCII host.
fn ascii_labels(base: Option<&Url>, reference: &str) -> Result<Resolved, ParseError> {
    let host = host_of(reference).ok_or(ParseError::IdnaError)?;
    let name = &reference[host.clone()];
    let is_coded = |label: &str| label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    if !name.is_ascii() || name.contains('%') || !name.split('.').any(is_coded) {
        return Err(ParseError::IdnaError);
    }
    // Nothing that IDNA looks into, and the rest of the label is looked at as it is.
    let stand_in = |label: &str| match label.get(4..).filter(|_| is_coded(label)) {
        Some(rest) => format!("xxxx{rest}"),
        None => label.to_owned(),
    };
    let stand_ins: Vec<String> = name.split('.').map(stand_in).collect();
    let text = format!("{}{}{}", &reference[..host.start], stand_ins.join("."), &reference[host.end..]);
    let url = parse(base, &text)?;
    Ok(Resolved { url, host: Some(name.to_ascii_lowercase()) })
}

/// Where in a reference its host stands, if it names one.
fn host_of(reference: &str) -> Option<std::ops::Range<usize>> {
    let scheme = reference.find(':').filter(|at| reference[..*at].bytes().all(|b| b.is_ascii_alphanumeric()));
    let after_scheme = scheme.map_or(0, |at| at + 1);
    let slashes = reference[after_scheme..].bytes().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
    if slashes < 2 {
        return None;
    }
    let start = after_scheme + slashes;
    let end = reference[start..].find(['/', '\\', '?', '#']).map_or(reference.len(), |at| start + at);
    let start = reference[start..end].rfind('@').map_or(start, |at| start + at + 1);
    let end = reference[start..end].find(':').map_or(end, |at| start + at);
    Some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(base: Option<&str>, reference: &str, expected: Option<&str>) {
        let base = base.map(|base| Url::parse(base).unwrap());
        let href = resolve(base.as_ref(), reference).map(|resolved| resolved.href()).ok();
        assert_eq!(href.as_deref(), expected, "{reference:?}");
    }

    #[test]
    fn slashes_in_front_are_two() {
        let base = Some("https://a.example/x/y");
        check(base, "///b.example/../c", Some("https://b.example/c"));
        check(base, " /\\/\t/b.example", Some("https://b.example/"));
        check(base, "//b.example", Some("https://b.example/"));
        check(base, "///", None);
        check(Some("file:///x"), "///b", Some("file:///b"));
        check(None, "///b.example", None);
    }

    #[test]
    fn ascii_names_stand_as_they_are() {
        check(None, "http://u@A.XN--Zzz1:81/x?y#z", Some("http://u@a.xn--zzz1:81/x?y#z"));
        check(Some("http://b.example/"), "//xn--a", Some("http://xn--a/"));
        check(None, "http://xn--a.é/", None);
        check(None, "http://xn--a b/", None);
    }

    #[test]
    fn such_a_name_is_no_host_to_look_up() {
        assert_eq!(resolve(None, "http://xn--a/").unwrap().into_url(), None);
        assert!(resolve(None, "http://a/").unwrap().into_url().is_some());
    }
}
