//! The address guard: which IP addresses a crawl may dial.
//!
//! Only globally reachable unicast addresses pass. An IPv6 address that carries an IPv4 address
//! (mapped, compatible, 6to4, NAT64, Teredo) is as special as what it carries, because a gateway
//! may deliver it there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

/// Whether special addresses may be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// Only addresses that are globally reachable.
    Public,
    /// Every address: the job says `allow_private_addresses`.
    Anywhere,
}

impl From<bool> for Reach {
    fn from(allow_private_addresses: bool) -> Self {
        if allow_private_addresses { Self::Anywhere } else { Self::Public }
    }
}

/// An address that may not be dialled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host} is at {address}, {what}; only public addresses are dialled unless private ones are allowed")]
pub struct Blocked {
    /// The host as the URL names it.
    pub host: String,
    /// The address that was refused.
    pub address: IpAddr,
    /// The range it is in.
    pub what: &'static str,
}

impl Reach {
    /// Checks one address of `host` before it is dialled.
    ///
    /// # Errors
    /// When the address is special and the job wants public ones only.
    pub fn check(self, host: &str, address: IpAddr) -> Result<(), Blocked> {
        match (self, special(address)) {
            (Self::Public, Some(what)) => Err(Blocked { host: host.to_owned(), address, what }),
            _ => Ok(()),
        }
    }

    /// Checks a URL whose host is an address already: such a host never meets the resolver.
    ///
    /// # Errors
    /// As [`Reach::check`]; a host that is a name passes, its addresses are checked when known.
    pub fn check_literal(self, url: &Url) -> Result<(), Blocked> {
        match url.host() {
            Some(Host::Ipv4(ip)) => self.check(url.host_str().unwrap_or_default(), ip.into()),
            Some(Host::Ipv6(ip)) => self.check(url.host_str().unwrap_or_default(), ip.into()),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }
}

/// Names the special range an address is in; `None` for an address anybody may reach.
#[must_use]
pub fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(ip) => special_v4(ip),
        IpAddr::V6(ip) => special_v6(ip),
    }
}

/// The IPv4 ranges of the IANA special-purpose registry that are not globally reachable.
fn special_v4(ip: Ipv4Addr) -> Option<&'static str> {
    Some(match ip.octets() {
        [0, ..] => "an address of \"this network\"",
        [127, ..] => "a loopback address",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "a private address",
        [100, 64..=127, ..] => "a carrier-grade NAT address",
        [169, 254, ..] => "a link-local address",
        [192, 0, 0, last] if last != 9 && last != 10 => "a protocol-assignment address",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "a documentation address",
        [192, 88, 99, _] => "a 6to4 relay address",
        [198, 18..=19, ..] => "a benchmarking address",
        [224..=239, ..] => "a multicast address",
        [240..=255, ..] => "a reserved address",
        _ => return None,
    })
}

fn special_v6(ip: Ipv6Addr) -> Option<&'static str> {
    let s = ip.segments();
    Some(match s {
        _ if ip.is_unspecified() => "the unspecified address",
        _ if ip.is_loopback() => "a loopback address",
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            return special_v4(embedded(high, low));
        }
        [0x2002, high, low, ..] => return special_v4(embedded(high, low)),
        // Teredo carries its server in the clear and its client with every bit turned over.
        [0x2001, 0, server_high, server_low, _, _, high, low] => {
            return special_v4(embedded(server_high, server_low))
                .or_else(|| special_v4(embedded(!high, !low)));
        }
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => "a documentation address",
        [0x2001, 0..=0x01ff, ..] => "a protocol-assignment address",
        [0xfc00..=0xfdff, ..] => "a unique-local address",
        [0xfe80..=0xfebf, ..] => "a link-local address",
        [0xff00..=0xffff, ..] => "a multicast address",
        // Everything that was ever handed out for global use is in 2000::/3.
        [0x2000..=0x3fff, ..] => return None,
        _ => "a reserved address",
    })
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Option<&str>) {
        let found = special(address.parse().unwrap());
        match expected {
            Some(word) => assert!(found.is_some_and(|what| what.contains(word)), "{address}: {found:?}"),
            None => assert_eq!(found, None, "{address}"),
        }
    }

    #[test]
    fn special_ranges_are_named() {
        check("127.8.9.1", Some("loopback"));
        check("10.1.2.3", Some("private"));
        check("172.31.255.255", Some("private"));
        check("192.168.0.1", Some("private"));
        check("169.254.169.254", Some("link-local"));
        check("100.64.0.1", Some("carrier-grade"));
        check("0.0.0.0", Some("this network"));
        check("255.255.255.255", Some("reserved"));
        check("224.0.0.1", Some("multicast"));
        check("198.19.0.1", Some("benchmarking"));
        check("203.0.113.7", Some("documentation"));
        check("::", Some("unspecified"));
        check("::1", Some("loopback"));
        check("fd00::1", Some("unique-local"));
        check("fe80::1", Some("link-local"));
        check("fec0::1", Some("reserved"));
        check("ff02::1", Some("multicast"));
        check("2001:db8::1", Some("documentation"));
        check("64:ff9b:1::1", Some("reserved"));
        check("100::1", Some("reserved"));
    }

    #[test]
    fn ipv4_inside_ipv6_is_found() {
        check("::ffff:127.0.0.1", Some("loopback"));
        check("::127.0.0.1", Some("loopback"));
        check("64:ff9b::10.0.0.1", Some("private"));
        check("2002:7f00:0001::", Some("loopback"));
        check("2001:0:808:808:0:0:80ff:fffe", Some("loopback"));
        check("::ffff:8.8.8.8", None);
        check("64:ff9b::8.8.8.8", None);
        check("2002:808:808::1", None);
    }

    #[test]
    fn public_addresses_pass() {
        for address in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]
        {
            check(address, None);
        }
    }

    #[test]
    fn odd_spellings_are_read_by_the_url_parser_first() {
        for url in [
            "http://0x7f.1/",
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://[::ffff:7f00:1]/",
            "http://127.1/",
        ] {
            let url = Url::parse(url).unwrap();
            assert!(Reach::Public.check_literal(&url).is_err(), "{url}");
            assert!(Reach::Anywhere.check_literal(&url).is_ok(), "{url}");
        }
    }
}
