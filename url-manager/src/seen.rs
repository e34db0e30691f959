//! The bounded front of the seen-test: links that need no question to the database.
//!
//! Nineteen of twenty links of a page were seen before. Each costs one hash and one look-up here, no
//! URL parsing and no SQL. The front may forget (it is bounded) and then the table of URLs is asked;
//! it never claims to know a link that was not committed, so the test as a whole is exact.

/// Entries of a bucket: one cache line.
const WAYS: usize = 4;
/// Buckets of an empty front (64 KiB).
const FIRST_BUCKETS: usize = 1024;

/// The low 16 bits of an entry hold what is known, the others the hash.
const KNOWN_BITS: u128 = 0xffff;
const PRESENT: u16 = 1 << 15;
const FOLLOW: u16 = 1 << 14;
const MAX_DEPTH: u32 = (1 << 14) - 1;

/// Hash of a link's text, in its job and scope.
pub(crate) type LinkHash = u128;

/// How a link was found before: at what depth at least, and whether it asked to be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) depth: u32,
    pub(crate) follow: bool,
}

impl Finding {
    /// Whether the other finding can change nothing about a URL that was found like this.
    pub(crate) fn covers(self, other: Self) -> bool {
        self.depth <= other.depth && (self.follow || !other.follow)
    }

    /// Of two findings that do not cover each other, the one that follows is worth more.
    pub(crate) fn beats(self, other: Self) -> bool {
        self.covers(other) || (self.follow && !other.follow)
    }

    /// Depths that have no room are not remembered, which is slow and right.
    fn pack(self) -> Option<u16> {
        let depth = u16::try_from(self.depth).ok().filter(|_| self.depth <= MAX_DEPTH)?;
        Some(PRESENT | depth | if self.follow { FOLLOW } else { 0 })
    }

    fn unpack(entry: u128) -> Self {
        let known = u16::try_from(entry & KNOWN_BITS).unwrap_or_default();
        Self { depth: u32::from(known) & MAX_DEPTH, follow: known & FOLLOW != 0 }
    }
}

/// The front: a set-associative table of 16-byte entries that grows to its bound and then forgets
/// what was not asked for the longest time in its bucket.
#[derive(Debug)]
pub(crate) struct Seen {
    buckets: Vec<[u128; WAYS]>,
    used: usize,
    max_buckets: usize,
}

impl Seen {
    /// A front of at most `entries` entries (rounded to a power of two).
    pub(crate) fn new(entries: usize) -> Self {
        let max_buckets = (entries / WAYS).max(1).next_power_of_two();
        Self { buckets: vec![[0; WAYS]; FIRST_BUCKETS.min(max_buckets)], used: 0, max_buckets }
    }

    /// Whether a link that was found like this is known to change nothing.
    pub(crate) fn knows(&mut self, link: LinkHash, finding: Finding) -> bool {
        let at = self.bucket(link);
        let bucket = &mut self.buckets[at];
        let Some(way) = bucket.iter().position(|entry| is(*entry, link)) else { return false };
        let known = Finding::unpack(bucket[way]).covers(finding);
        bucket.swap(way, way.saturating_sub(1));
        known
    }

    /// Remembers a link whose URL is in the table as it was found here (or can't be fetched at all).
    pub(crate) fn remember(&mut self, link: LinkHash, finding: Finding) {
        let Some(packed) = finding.pack() else { return };
        let at = self.bucket(link);
        let bucket = &mut self.buckets[at];
        let entry = (link & !KNOWN_BITS) | u128::from(packed);
        if let Some(way) = bucket.iter().position(|entry| is(*entry, link)) {
            if finding.beats(Finding::unpack(bucket[way])) {
                bucket[way] = entry;
            }
            return;
        }
        match bucket.iter().position(|entry| *entry == 0) {
            Some(free) => {
                bucket[free] = entry;
                self.used += 1;
            }
            None => bucket[WAYS - 1] = entry,
        }
        if self.used * 2 > self.buckets.len() * WAYS && self.buckets.len() < self.max_buckets {
            self.grow();
        }
    }

    /// Bits that are kept in the entry, so that growing can move it.
    fn bucket(&self, link: LinkHash) -> usize {
        usize::try_from(link >> 96).unwrap_or_default() & (self.buckets.len() - 1)
    }

    fn grow(&mut self) {
        let size = self.buckets.len() * 2;
        let old = std::mem::replace(&mut self.buckets, vec![[0; WAYS]; size]);
        for entry in old.into_iter().flatten().filter(|entry| *entry != 0) {
            let at = self.bucket(entry);
            // The entries of one bucket go to one of two, so there is room.
            if let Some(free) = self.buckets[at].iter_mut().find(|slot| **slot == 0) {
                *free = entry;
            }
        }
    }
}

fn is(entry: u128, link: LinkHash) -> bool {
    entry != 0 && (entry ^ link) & !KNOWN_BITS == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const fn at(depth: u32, follow: bool) -> Finding {
        Finding { depth, follow }
    }

    fn link(n: u64) -> LinkHash {
        xxhash_rust::xxh3::xxh3_128(&n.to_le_bytes())
    }

    #[test]
    fn a_better_finding_is_news() {
        let mut seen = Seen::new(64);
        assert!(!seen.knows(link(1), at(3, true)));
        seen.remember(link(1), at(3, false));
        assert!(seen.knows(link(1), at(3, false)) && seen.knows(link(1), at(4, false)));
        assert!(!seen.knows(link(1), at(2, false)) && !seen.knows(link(1), at(5, true)));
        seen.remember(link(1), at(5, true));
        assert!(seen.knows(link(1), at(5, true)) && !seen.knows(link(1), at(4, true)));
        seen.remember(link(1), at(2, true));
        assert!(seen.knows(link(1), at(2, false)));
        seen.remember(link(2), at(MAX_DEPTH + 1, true));
        assert!(!seen.knows(link(2), at(MAX_DEPTH + 1, true)), "no room for the depth, so not known");
    }

    #[test]
    fn it_grows_to_its_bound_and_remembers_most() {
        let mut seen = Seen::new(100_000);
        (0..90_000).for_each(|n| seen.remember(link(n), at(1, true)));
        let known = (0..90_000).filter(|n| seen.knows(link(*n), at(1, true))).count();
        assert!(known > 80_000, "{known} of 90000");
        assert_eq!(seen.buckets.len() * WAYS, 131_072);
        (0..1_000_000).for_each(|n| seen.remember(link(n), at(1, true)));
        assert_eq!(seen.buckets.len() * WAYS, 131_072);
    }

    proptest! {
        /// It may forget; it never knows what it was not told.
        #[test]
        fn it_never_claims_too_much(told in prop::collection::vec((0u64..50, 0u32..5, any::<bool>()), 0..200)) {
            let mut seen = Seen::new(16);
            let mut findings: HashMap<u64, Vec<Finding>> = HashMap::new();
            for (n, depth, follow) in told {
                if seen.knows(link(n), at(depth, follow)) {
                    let before = findings.get(&n).map_or(&[][..], Vec::as_slice);
                    prop_assert!(before.iter().any(|finding| finding.covers(at(depth, follow))));
                }
                seen.remember(link(n), at(depth, follow));
                findings.entry(n).or_default().push(at(depth, follow));
            }
        }
    }
}
