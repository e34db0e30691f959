//! The domain that somebody registered, by the [public suffix list](https://publicsuffix.org/list/).
//!
//! A crate of its own because of what the list is: code, generic over the labels, and so compiled again in each crate that
//! asks it. Here that is done once, at a level of optimisation that suits a table; within `shared` it was a third of the
//! build.

/// The registrable domain of a host name in lower case: its public suffix and one label before it, by
/// the public suffix list (private domains included). None for an IP address, a public suffix itself, and a name with an
/// empty label.
#[must_use]
pub fn registrable_domain(host: &str) -> Option<&str> {
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_name = !name.starts_with(['.', '[']) && !name.contains("..");
    if !is_name || name.parse::<std::net::Ipv4Addr>().is_ok() {
        return None;
    }
    psl::domain_str(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_below_public_suffixes() {
        for (host, expected) in [
            ("www.example.co.uk", Some("example.co.uk")),
            ("a.b.github.io", Some("b.github.io")),
            ("example.org.", Some("example.org")),
            ("co.uk", None),
            ("localhost", None),
            ("127.0.0.1", None),
            ("[::1]", None),
            (".example.example", None),
            ("a..example.org", None),
        ] {
            assert_eq!(registrable_domain(host), expected, "{host}");
        }
    }
}
