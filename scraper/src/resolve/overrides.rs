//! `HOST:PORT:ADDRESS`: answers that stand in for DNS, in curl's form.

use serde::{Deserialize, Serialize};
use std::{collections::HashMap, fmt, net::IpAddr, str::FromStr};

/// One override: connections to `host:port` go to `addresses`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResolveOverride {
    /// Lower-case host name, or `*` for every name without an override of its own.
    pub host: String,
    /// The URL's port.
    pub port: u16,
    /// Where to connect instead; the port stays.
    pub addresses: Vec<IpAddr>,
}

/// A text that is not `HOST:PORT:ADDRESS`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not HOST:PORT:ADDRESS ({why}); write something like example.org:443:192.0.2.7 or *:80:[::1]"
)]
pub struct OverrideError {
    text: String,
    why: &'static str,
}

impl FromStr for ResolveOverride {
    type Err = OverrideError;

    fn from_str(text: &str) -> Result<Self, OverrideError> {
        let fail = |why| OverrideError { text: text.to_owned(), why };
        let mut parts = text.splitn(3, ':');
        let (Some(host), Some(port), Some(addresses)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(fail("there are not three parts"));
        };
        // The name takes the form that URLs have, or a look-up would never meet it.
        let host = match host {
            "*" => host.to_owned(),
            name => match url::Host::parse(name) {
                Ok(url::Host::Domain(domain)) => domain,
                Ok(_) => return Err(fail("an address is never looked up")),
                Err(_) => return Err(fail("the host is not a name")),
            },
        };
        let port = port.parse().map_err(|_| fail("the port is not a number up to 65535"))?;
        let address = |part: &str| {
            let bare = part.strip_prefix('[').and_then(|p| p.strip_suffix(']')).unwrap_or(part);
            bare.parse::<IpAddr>()
        };
        let addresses: Vec<IpAddr> = addresses
            .split(',')
            .map(address)
            .collect::<Result<_, _>>()
            .map_err(|_| fail("the address is not an IP address"))?;
        Ok(Self { host, port, addresses })
    }
}

impl fmt::Display for ResolveOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.host, self.port)?;
        for (i, address) in self.addresses.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            match address {
                IpAddr::V4(ip) => write!(f, "{comma}{ip}")?,
                IpAddr::V6(ip) => write!(f, "{comma}[{ip}]")?,
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for ResolveOverride {
    type Error = OverrideError;
    fn try_from(text: String) -> Result<Self, OverrideError> {
        text.parse()
    }
}

impl From<ResolveOverride> for String {
    fn from(value: ResolveOverride) -> Self {
        value.to_string()
    }
}

/// All overrides, by port and host. A later one for the same pair wins.
#[derive(Debug, Default)]
pub struct Overrides {
    by_port: HashMap<u16, HashMap<String, Vec<IpAddr>>>,
}

impl Overrides {
    /// Collects overrides.
    #[must_use]
    pub fn new(overrides: &[ResolveOverride]) -> Self {
        let mut by_port: HashMap<u16, HashMap<String, Vec<IpAddr>>> = HashMap::new();
        for one in overrides {
            by_port.entry(one.port).or_default().insert(one.host.clone(), one.addresses.clone());
        }
        Self { by_port }
    }

    /// The addresses set for `host:port`, where some are.
    #[must_use]
    pub fn get(&self, host: &str, port: u16) -> Option<&[IpAddr]> {
        let hosts = self.by_port.get(&port)?;
        hosts.get(host).or_else(|| hosts.get("*")).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curls_form_is_read_and_written() {
        for text in ["example.org:443:192.0.2.7", "*:80:[::1]", "a.example:8080:127.0.0.1,[2001:db8::1]"] {
            assert_eq!(text.parse::<ResolveOverride>().unwrap().to_string(), text);
        }
        assert_eq!(
            "EXAMPLE.org:1:::1".parse::<ResolveOverride>().unwrap().to_string(),
            "example.org:1:[::1]"
        );
    }

    #[test]
    fn other_forms_say_what_is_wrong() {
        for (text, why) in [
            ("example.org", "three parts"),
            ("example.org:x:1.2.3.4", "port"),
            ("example.org:80:there", "IP address"),
            ("10.0.0.1:80:1.2.3.4", "never looked up"),
        ] {
            let error = text.parse::<ResolveOverride>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_name_wins_over_the_star_and_ports_are_apart() {
        let set: Vec<ResolveOverride> =
            ["*:80:10.0.0.1", "a.example:80:10.0.0.2"].iter().map(|s| s.parse().unwrap()).collect();
        let overrides = Overrides::new(&set);
        assert_eq!(overrides.get("a.example", 80).unwrap()[0].to_string(), "10.0.0.2");
        assert_eq!(overrides.get("b.example", 80).unwrap()[0].to_string(), "10.0.0.1");
        assert_eq!(overrides.get("a.example", 443), None);
    }
}
