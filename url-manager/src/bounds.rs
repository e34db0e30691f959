//! Bounds that span hosts: URLs in flight for each registrable domain and address, and slots of all hosts together.

use crate::{
    error::FrontierError,
    settings::Settings,
    store::{Input, decode, statements},
    work::Work,
};
use std::collections::HashMap;

const MINUTE_US: i64 = 60_000_000;

/// What is left of the bounds, in one transaction that gives URLs out.
#[derive(Debug)]
pub(crate) struct Bounds {
    domains: Shared,
    addresses: Shared,
    pace: Pace,
}

impl Bounds {
    /// The most that a host may give away.
    pub(crate) fn room(&self, domain: &str, address: Option<&str>) -> u64 {
        let of_address = address.map_or(u64::MAX, |address| self.addresses.room(address));
        self.domains.room(domain).min(of_address)
    }

    /// The host gives so many away.
    pub(crate) fn take(&mut self, domain: &str, address: Option<&str>, urls: u64) {
        self.domains.take(domain, urls);
        if let Some(address) = address {
            self.addresses.take(address, urls);
        }
    }

    /// The most that may be given away now, over all hosts.
    pub(crate) fn slots(&self, ahead_ms: u64) -> u64 {
        self.pace.slots(ahead_ms)
    }

    /// The next slot of all hosts together, in Unix milliseconds (now, where there is no such bound).
    pub(crate) fn next_slot(&mut self) -> i64 {
        self.pace.next_slot()
    }
}

impl Work<'_> {
    /// Takes the right to give URLs out, which nobody else has until the transaction ends, and looks what the
    /// bounds leave.
    pub(crate) async fn bounds(&mut self, settings: &Settings) -> Result<Bounds, FrontierError> {
        let locked = decode::<i64>(&self.tx.ask(&statements::LOCK_PACE, Input::default()).await?)?;
        let next_at_us = locked.first().copied().unwrap_or(0);
        let mut domains = Shared::new(settings.per_domain);
        let mut addresses = Shared::new(settings.per_address);
        if domains.most.or(addresses.most).is_some() {
            let busy = self.tx.ask(&statements::BUSY_HOSTS, Input::default()).await?;
            for (domain, address, urls) in decode::<(String, Option<String>, u64)>(&busy)? {
                domains.take(&domain, urls);
                if let Some(address) = address {
                    addresses.take(&address, urls);
                }
            }
        }
        let pace = Pace::new(settings.max_per_minute, next_at_us, self.now);
        Ok(Bounds { domains, addresses, pace })
    }

    /// Keeps what was given away of the slots of all hosts together.
    pub(crate) async fn keep_pace(&mut self, bounds: &Bounds) -> Result<(), FrontierError> {
        if bounds.pace.interval_us > 0 {
            self.tx.run(&statements::SET_PACE, Input::scalars([bounds.pace.next_at_us.into()])).await?;
        }
        Ok(())
    }
}

/// URLs in flight of those who share something.
#[derive(Debug)]
struct Shared {
    most: Option<u64>,
    in_flight: HashMap<String, u64>,
}

impl Shared {
    fn new(most: u32) -> Self {
        Self { most: (most > 0).then_some(most.into()), in_flight: HashMap::new() }
    }

    fn room(&self, name: &str) -> u64 {
        let Some(most) = self.most.filter(|_| !name.is_empty()) else { return u64::MAX };
        most.saturating_sub(self.in_flight.get(name).copied().unwrap_or(0))
    }

    fn take(&mut self, name: &str, urls: u64) {
        if self.most.is_some() {
            *self.in_flight.entry(name.to_owned()).or_default() += urls;
        }
    }
}

/// Slots of all hosts together, evenly apart.
#[derive(Debug)]
struct Pace {
    interval_us: i64,
    next_at_us: i64,
    now_us: i64,
}

impl Pace {
    fn new(per_minute: u32, next_at_us: i64, now: i64) -> Self {
        let interval_us = if per_minute == 0 { 0 } else { (MINUTE_US / i64::from(per_minute)).max(1) };
        Self { interval_us, next_at_us, now_us: now.saturating_mul(1000) }
    }

    fn slots(&self, ahead_ms: u64) -> u64 {
        if self.interval_us == 0 {
            return u64::MAX;
        }
        let until =
            i64::try_from(ahead_ms).unwrap_or(i64::MAX).saturating_mul(1000).saturating_add(self.now_us);
        match until - self.next_at_us.max(self.now_us) {
            time if time < 0 => 0,
            time => (time / self.interval_us).unsigned_abs() + 1,
        }
    }

    fn next_slot(&mut self) -> i64 {
        let slot = self.next_at_us.max(self.now_us);
        if self.interval_us == 0 {
            return self.now_us / 1000;
        }
        self.next_at_us = slot.saturating_add(self.interval_us);
        // Up: a slot must not come early by a fraction.
        slot.saturating_add(999) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_of_all_hosts_are_evenly_apart_and_a_short_time_ahead() {
        let mut pace = Pace::new(600, 0, 10_000);
        assert_eq!(pace.slots(1_000), 11);
        assert_eq!([pace.next_slot(), pace.next_slot(), pace.next_slot()], [10_000, 10_100, 10_200]);
        assert_eq!(pace.slots(1_000), 8);
        let full = Pace::new(600, 12_000_000, 10_000);
        assert_eq!(full.slots(1_000), 0);
        let mut free = Pace::new(0, 99_000_000, 10_000);
        assert_eq!((free.slots(0), free.next_slot()), (u64::MAX, 10_000));
    }

    #[test]
    fn who_shares_something_shares_the_bound() {
        let mut domains = Shared::new(3);
        domains.take("a.example", 2);
        assert_eq!((domains.room("a.example"), domains.room("b.example")), (1, 3));
        domains.take("a.example", 2);
        assert_eq!(domains.room("a.example"), 0);
        let mut free = Shared::new(0);
        free.take("a.example", 99);
        assert_eq!(free.room("a.example"), u64::MAX);
    }
}
