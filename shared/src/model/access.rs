//! How a job gets in: headers, credentials, proxies, TLS. What is secret here shows nowhere but in the
//! request that needs it.

use super::Secret;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use url::Url;

/// A request header that a job adds. Its value may be a secret, so it is kept like one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RequestHeader {
    /// Name, as a person wrote it.
    pub name: String,
    /// Value.
    pub value: Secret,
}

/// A text that is no header, credential or proxy. It never repeats the text, which may hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AccessError(&'static str);

impl FromStr for RequestHeader {
    type Err = AccessError;

    /// Reads `Name: value`. Names are tokens and values have no control characters (RFC 9110, section 5).
    fn from_str(text: &str) -> Result<Self, AccessError> {
        const FORM: AccessError = AccessError("a header is written `Name: value`");
        let (name, value) = text.split_once(':').ok_or(FORM)?;
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(FORM);
        }
        if !is_value(value) {
            return Err(AccessError("the value of a header has no line ends or control characters"));
        }
        if matches!(name.to_ascii_lowercase().as_str(), "host" | "connection" | "transfer-encoding") {
            return Err(AccessError("Host, Connection and Transfer-Encoding are the fetcher's own"));
        }
        Ok(Self { name: name.to_owned(), value: Secret::new(value) })
    }
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

fn is_value(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

/// One way of saying who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// HTTP Basic (RFC 7617), as `user:password`.
    Basic(Secret),
    /// A bearer token (RFC 6750).
    Bearer(Secret),
    /// Any header, such as an API key's.
    Header(RequestHeader),
    /// Cookies, as `name=value; name=value`.
    Cookie(Secret),
}

impl Auth {
    /// Forgets what is secret.
    pub(super) fn redact(&mut self) {
        match self {
            Self::Basic(secret) | Self::Bearer(secret) | Self::Cookie(secret) => *secret = Secret::redacted(),
            Self::Header(header) => header.value = Secret::redacted(),
        }
    }
}

impl FromStr for Auth {
    type Err = AccessError;

    /// Reads `basic:USER:PASSWORD`, `bearer:TOKEN`, `header:NAME:VALUE` or `cookie:NAME=VALUE`.
    fn from_str(text: &str) -> Result<Self, AccessError> {
        const FORMS: AccessError =
            AccessError("write basic:USER:PASSWORD, bearer:TOKEN, header:NAME:VALUE or cookie:NAME=VALUE");
        let (kind, rest) = text.split_once(':').ok_or(FORMS)?;
        if !is_value(rest) || rest.is_empty() {
            return Err(FORMS);
        }
        match kind.trim() {
            "basic" if rest.contains(':') => Ok(Self::Basic(Secret::new(rest))),
            "bearer" if !rest.contains(' ') => Ok(Self::Bearer(Secret::new(rest))),
            "header" => rest.parse().map(Self::Header),
            "cookie" if rest.contains('=') => Ok(Self::Cookie(Secret::new(rest))),
            _ => Err(FORMS),
        }
    }
}

/// Who asks, and whom that is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Credentials {
    /// The hosts that get them: a name or address as URLs have it, `*` for all. Nobody else does, whatever
    /// redirects or links lead there.
    pub hosts: Vec<String>,
    /// What they get.
    pub auth: Vec<Auth>,
}

impl Credentials {
    /// Whether there is nothing to tell anybody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.auth.is_empty()
    }

    /// Whether `host` (without port) may be told.
    #[must_use]
    pub fn are_for(&self, host: &str) -> bool {
        self.hosts.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(host))
    }
}

/// A proxy: `http`, `https`, `socks5` (we look names up) or `socks5h` (it may, where private addresses are
/// allowed). User and password in it are secret.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProxyUrl(Url);

impl ProxyUrl {
    /// The parsed URL, with its secrets.
    #[must_use]
    pub const fn expose(&self) -> &Url {
        &self.0
    }

    /// Forgets user and password.
    pub(super) fn redact(&mut self) {
        // Only a URL without a host can't be changed so, and this one has one.
        let _ = self.0.set_username("");
        let _ = self.0.set_password(None);
    }

    /// The port, given or usual.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(1080)
    }
}

impl FromStr for ProxyUrl {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        const FORM: AccessError = AccessError(
            "write a proxy as http://, https://, socks5:// or socks5h://[USER:PASSWORD@]HOST:PORT",
        );
        let url = Url::parse(text).map_err(|_| FORM)?;
        let known = matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h");
        if !known || url.host_str().is_none_or(str::is_empty) {
            return Err(FORM);
        }
        Ok(Self(url))
    }
}

impl TryFrom<String> for ProxyUrl {
    type Error = AccessError;
    fn try_from(text: String) -> Result<Self, AccessError> {
        text.parse()
    }
}

impl From<ProxyUrl> for String {
    fn from(proxy: ProxyUrl) -> Self {
        proxy.0.into()
    }
}

impl fmt::Display for ProxyUrl {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.0.scheme(), self.0.host_str().unwrap_or_default(), self.port())
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a job wants of TLS besides the certificates that the system trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct TlsSettings {
    /// CA certificates to trust as well, PEM.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ca: Vec<String>,
    /// The client's certificate (with its chain) and private key, PEM, one behind the other. Shown to the hosts
    /// of the job's credentials only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<Secret>,
    /// Takes any certificate for good: who sits on the line reads and changes everything.
    pub insecure: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_show_nowhere() {
        let proxy: ProxyUrl = "http://user:hush@proxy.example:3128".parse().unwrap();
        let auth: Vec<Auth> = ["basic:user:hush", "bearer:hush", "header:X-Key: hush", "cookie:sid=hush"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let tls = TlsSettings { client: Some(Secret::new("hush")), ..TlsSettings::default() };
        let said = format!("{proxy} {proxy:?} {auth:?} {tls:?} {}", Secret::new("hush"));
        assert!(!said.contains("hush"), "{said}");
        assert_eq!(proxy.to_string(), "http://proxy.example:3128");
        for text in ["hush", "basic:hush", "klingon:hush", "cookie:hush", "header:hush", "bearer:a\nhush: b"]
        {
            let error = text.parse::<Auth>().unwrap_err().to_string();
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn they_travel_whole() {
        let proxy: ProxyUrl = "socks5h://user:hush@[::1]".parse().unwrap();
        let json = serde_json::to_string(&proxy).unwrap();
        assert_eq!(serde_json::from_str::<ProxyUrl>(&json).unwrap(), proxy);
        assert_eq!((proxy.port(), proxy.expose().password()), (1080, Some("hush")));
        let auth: Auth = "header:X-Api-Key:a:b".parse().unwrap();
        let again: Auth = serde_json::from_str(&serde_json::to_string(&auth).unwrap()).unwrap();
        assert_eq!(again, auth);
        let Auth::Header(header) = auth else { panic!() };
        assert_eq!((header.name.as_str(), header.value.expose()), ("X-Api-Key", "a:b"));
    }

    #[test]
    fn only_named_hosts_are_told() {
        let one = Credentials { hosts: vec!["a.example".to_owned()], auth: Vec::new() };
        assert!(one.are_for("A.example") && !one.are_for("b.a.example") && !one.are_for("example"));
        assert!(Credentials { hosts: vec!["*".to_owned()], auth: Vec::new() }.are_for("b.example"));
        assert!(!Credentials::default().are_for("a.example"));
    }

    #[test]
    fn proxies_have_four_schemes() {
        for text in ["ftp://a.example", "a.example:8080", "socks4://a.example", "http://"] {
            assert!(text.parse::<ProxyUrl>().is_err(), "{text}");
        }
        assert_eq!("https://a.example".parse::<ProxyUrl>().unwrap().port(), 443);
        assert_eq!("socks5://a.example".parse::<ProxyUrl>().unwrap().port(), 1080);
    }
}
