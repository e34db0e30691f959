//! Free loopback ports, outside the range from which systems draw the ports of outgoing connections.
//!
//! A server that is killed and restarted must find its port free. In the ephemeral range a client that reconnects
//! meanwhile can be given that very port, and even connect to itself on it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

use anyhow::{Result, bail};

/// Below every customary ephemeral range (Linux from 32768, others from 49152), above the well-known ports.
const RANGE: Range<u16> = 20_000..30_000;

/// Finds `N` distinct ports that are free now.
pub(crate) fn free<const N: usize>() -> Result<[u16; N]> {
    let size = RANGE.end - RANGE.start;
    let first = (RandomState::new().build_hasher().finish() % u64::from(size)) as u16;
    let mut held = Vec::new();
    for step in 0..size {
        let port = RANGE.start + (first + step) % size;
        // Held until all are found, so that none is found twice.
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            held.push((port, listener));
        }
        if held.len() == N {
            return Ok(std::array::from_fn(|i| held[i].0));
        }
    }
    bail!("no free loopback port between {} and {}", RANGE.start, RANGE.end)
}

/// Whether a server could listen on all these ports now.
pub(crate) fn are_free(ports: &[u16]) -> bool {
    ports.iter().all(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_distinct_and_can_be_listened_on() {
        let ports: [u16; 3] = free().unwrap();
        assert!(are_free(&ports));
        assert!(ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2]);
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, ports[1])).unwrap();
        assert!(!are_free(&ports));
    }
}
