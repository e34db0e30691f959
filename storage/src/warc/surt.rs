//! Sort-friendly URI keys: `http://www.example.com/A?b=1` is `com,example)/a?b=1`.
//!
//! The rules are those that replay tools look captures up by: a host's labels reversed, `www` left out,
//! everything in lower case, query arguments in order, session ids and the last slash dropped.

use url::{Host, Url};

/// The key of a URL; what is no URL with a host is its own key.
#[must_use]
pub fn surt(uri: &str) -> String {
    let Some(url) = Url::parse(uri).ok().filter(Url::has_host) else {
        return uri.to_ascii_lowercase();
    };
    let mut key = match url.host() {
        Some(Host::Domain(name)) => reversed(name),
        Some(address) => address.to_string(),
        None => String::new(),
    };
    if let Some(port) = url.port() {
        key.push_str(&format!(":{port}"));
    }
    key.push(')');
    let path = url.path().to_ascii_lowercase();
    let path = path.split_once(";jsessionid=").map_or(path.as_str(), |(path, _)| path);
    key.push_str(match path.trim_end_matches('/') {
        "" => "/",
        path => path,
    });
    let query = url.query().unwrap_or_default().to_ascii_lowercase();
    let mut arguments: Vec<&str> =
        query.split('&').filter(|argument| !argument.is_empty() && !is_session(argument)).collect();
    arguments.sort_unstable();
    if !arguments.is_empty() {
        key.push('?');
        key.push_str(&arguments.join("&"));
    }
    key
}

fn reversed(name: &str) -> String {
    let name = name.trim_end_matches('.');
    let name = match name.split_once('.') {
        Some((first, rest)) if is_www(first) && rest.contains('.') => rest,
        _ => name,
    };
    name.rsplit('.').collect::<Vec<_>>().join(",")
}

/// `www`, `www2`, ...
fn is_www(label: &str) -> bool {
    label.strip_prefix("www").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_session(argument: &str) -> bool {
    let name = argument.split('=').next().unwrap_or_default();
    matches!(name, "jsessionid" | "phpsessid" | "sid" | "cfid" | "cftoken")
        || name.starts_with("aspsessionid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_bring_captures_of_one_page_together() {
        for (uri, key) in [
            ("http://www.Example.com:80/A/B/?z=1&A=2", "com,example)/a/b?a=2&z=1"),
            ("https://www2.example.com:8443", "com,example:8443)/"),
            ("http://www.com/", "com,www)/"),
            ("http://10.0.0.1/x;jsessionid=5?PHPSESSID=4", "10.0.0.1)/x"),
            ("metadata://gnu.org/software/MANIFEST.txt", "org,gnu)/software/manifest.txt"),
            ("dns:Example.com", "dns:example.com"),
        ] {
            assert_eq!(surt(uri), key, "{uri}");
        }
    }
}
