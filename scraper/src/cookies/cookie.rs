//! One cookie, as `Set-Cookie` sets it (RFC 6265, sections 5.2 and 5.3) and as the jar keeps it.

use super::date;
use jiff::{SignedDuration, Timestamp};
use trawl_shared::model::url::registrable_domain;
use url::{Host, Url};

/// Longest name and value of a cookie, and longest attribute, in bytes (RFC 6265bis, sections 5.6 and 5.7).
const MAX_PAIR: usize = 4096;
const MAX_ATTRIBUTE: usize = 1024;
/// Longest that a cookie is kept, whatever it says (RFC 6265bis, section 5.5).
const LONGEST: SignedDuration = SignedDuration::from_hours(400 * 24);

/// A cookie that is kept.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Cookie {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) domain: String,
    /// Sent to the very host only, not to those below it.
    pub(super) host_only: bool,
    pub(super) path: String,
    pub(super) secure: bool,
    /// None while the job lasts.
    pub(super) expires: Option<Timestamp>,
    /// The jar's count when it was first set: older ones are sent first.
    pub(super) created: u64,
}

impl Cookie {
    /// Reads one `Set-Cookie` value that came with an answer of `url`. None where it is to be ignored.
    pub(super) fn parse(text: &str, url: &Url, now: Timestamp) -> Option<Self> {
        if text.bytes().any(|byte| matches!(byte, 0..=0x08 | 0x0a..=0x1f | 0x7f)) {
            return None;
        }
        let mut parts = text.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let (name, value) = (trim(name), trim(value));
        if name.is_empty() || name.len() + value.len() > MAX_PAIR {
            return None;
        }
        let host = url.host_str()?;
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: host.to_owned(),
            host_only: true,
            path: default_path(url).to_owned(),
            secure: false,
            expires: None,
            created: 0,
        };
        let (mut domain, mut max_age) = (None, None);
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let (key, value) = (trim(key), trim(value));
            if value.len() > MAX_ATTRIBUTE {
                continue;
            }
            match key.to_ascii_lowercase().as_str() {
                "expires" => cookie.expires = date::parse(value).or(cookie.expires),
                "max-age" => max_age = seconds(value).or(max_age),
                // One that is empty says nothing, and takes nothing back.
                "domain" if !value.is_empty() => {
                    domain = Some(value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase());
                }
                "path" => {
                    let path = if value.starts_with('/') { value } else { default_path(url) };
                    path.clone_into(&mut cookie.path);
                }
                "secure" => cookie.secure = true,
                _ => {}
            }
        }
        if let Some(age) = max_age {
            cookie.expires = Some(now.saturating_add(age).unwrap_or(Timestamp::MAX));
        }
        cookie.expires =
            cookie.expires.map(|at| at.min(now.saturating_add(LONGEST).unwrap_or(Timestamp::MAX)));
        cookie.set_domain(domain.filter(|domain| !domain.is_empty()), url)?;
        cookie.keeps_its_prefix(url).then_some(cookie)
    }

    /// Takes the domain that the site names: its own host or one above it, but no public suffix.
    fn set_domain(&mut self, domain: Option<String>, url: &Url) -> Option<()> {
        let Some(domain) = domain else { return Some(()) };
        if domain == self.domain {
            // A public suffix that is a site itself keeps its cookie for itself.
            self.host_only = is_public_suffix(&domain) || !matches!(url.host(), Some(Host::Domain(_)));
            return Some(());
        }
        if is_public_suffix(&domain) || !domain_matches(url, &domain) {
            return None;
        }
        self.domain = domain;
        self.host_only = false;
        Some(())
    }

    /// `__Secure-` and `__Host-` promise something; who does not keep it is ignored (RFC 6265bis, section 4.1.3).
    fn keeps_its_prefix(&self, url: &Url) -> bool {
        let https = url.scheme() == "https";
        let begins = |prefix: &str| {
            self.name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        if self.secure && !https {
            // From a site without TLS anybody on the line could set it.
            return false;
        }
        if begins("__Host-") {
            return self.secure && self.host_only && self.path == "/";
        }
        !begins("__Secure-") || self.secure
    }

    /// Whether it goes to `url` at `now`.
    pub(super) fn is_for(&self, url: &Url, now: Timestamp) -> bool {
        let host = if self.host_only {
            url.host_str() == Some(&self.domain)
        } else {
            domain_matches(url, &self.domain)
        };
        host && path_matches(url.path(), &self.path)
            && (!self.secure || url.scheme() == "https")
            && !self.is_over(now)
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    /// Whether the other one takes its place.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.domain == other.domain
            && self.path == other.path
            && self.host_only == other.host_only
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// `Max-Age`: seconds, perhaps negative, which means over. More digits than a number holds are for ever.
fn seconds(value: &str) -> Option<SignedDuration> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let most = LONGEST.as_secs();
    let seconds = digits.parse::<i64>().unwrap_or(most).min(most);
    Some(if digits.len() < value.len() { SignedDuration::MIN } else { SignedDuration::from_secs(seconds) })
}

/// The folder of the URL's path (RFC 6265, section 5.1.4).
fn default_path(url: &Url) -> &str {
    match url.path().rfind('/') {
        None | Some(0) => "/",
        Some(at) => &url.path()[..at],
    }
}

fn path_matches(path: &str, cookie: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

/// Whether the URL's host is `domain` or a name below it. An address has nothing below it.
fn domain_matches(url: &Url, domain: &str) -> bool {
    match url.host() {
        Some(Host::Domain(host)) => {
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        }
        Some(_) => url.host_str() == Some(domain),
        None => false,
    }
}

/// Whether anybody can have a name below this one, such as `com` or `co.uk`.
fn is_public_suffix(domain: &str) -> bool {
    registrable_domain(domain).is_none()
}
