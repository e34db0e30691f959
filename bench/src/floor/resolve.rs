//! Name overrides in curl's spelling, `HOST:PORT:ADDR`: how many host names come to mean one loopback port.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// What `HOST:PORT:ADDR` says: requests for that host and port go to that address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// A host name, or `*` for all.
    pub host: String,
    /// The port of the URLs meant.
    pub port: u16,
    /// Where to connect.
    pub address: IpAddr,
}

/// Why an override cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no HOST:PORT:ADDR, such as `*:8080:127.0.0.1`")]
pub struct ParseOverrideError(String);

impl FromStr for Override {
    type Err = ParseOverrideError;

    fn from_str(text: &str) -> Result<Self, ParseOverrideError> {
        let parse = || {
            let (host, rest) = text.split_once(':')?;
            let (port, address) = rest.split_once(':')?;
            let address = address.trim_start_matches('[').trim_end_matches(']');
            Some(Self { host: host.to_owned(), port: port.parse().ok()?, address: address.parse().ok()? })
        };
        parse().ok_or_else(|| ParseOverrideError(text.to_owned()))
    }
}

/// A resolver that knows the overrides and nothing else: a floor stays on the synthetic web.
#[derive(Debug)]
pub(super) struct Overrides(pub(super) Vec<Override>);

impl Resolve for Overrides {
    fn resolve(&self, name: Name) -> Resolving {
        let hit =
            self.0.iter().find(|known| known.host == "*" || known.host.eq_ignore_ascii_case(name.as_str()));
        let answer = match hit {
            Some(known) => Ok(Box::new(std::iter::once(SocketAddr::new(known.address, known.port))) as Addrs),
            None => Err(format!("no --resolve for {}", name.as_str()).into()),
        };
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::Override;

    #[test]
    fn overrides_are_read_as_curl_writes_them() {
        let any: Override = "*:8080:127.0.0.1".parse().expect("an override");
        assert_eq!((any.host.as_str(), any.port, any.address.is_loopback()), ("*", 8080, true));
        let six: Override = "a.test:80:[::1]".parse().expect("an override");
        assert!(six.address.is_loopback() && six.address.is_ipv6());
        for bad in ["", "a.test", "a.test:80", "a.test:x:127.0.0.1", "a.test:80:there"] {
            assert!(bad.parse::<Override>().is_err(), "{bad}");
        }
    }
}
