//! The bounded front of the seen-test: links that need no question to the database.
//!
//! Nineteen of twenty links of a page were seen before. Each costs one hash and one look-up here, no
//! URL parsing and no SQL. The front may forget (it is bounded) and then the table of URLs is asked;
//! it never claims to know a link that was not committed, so the test as a whole is exact.

/// Entries of a bucket.
const WAYS: usize = 8;
/// Tables that grow each by itself, so that growing never needs much memory beside what is there.
const TABLES: usize = 64;
/// Buckets of an empty table (a kilobyte).
const FIRST_BUCKETS: usize = 16;

/// What is known of a link: that it is there, whether it is followed, and its depth.
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

    fn unpack(known: u16) -> Self {
        Self { depth: u32::from(known) & MAX_DEPTH, follow: known & FOLLOW != 0 }
    }
}

/// Ten bytes: 64 bits of the hash, lowest first, and what is known. All zero where there is none.
type Entry = [u16; 5];

const NONE: Entry = [0; 5];

/// The front: set-associative tables that grow to their bound and then forget what was not asked for the
/// longest time in its bucket.
///
/// A link is told from others by its table, by the 64 bits kept of its hash, and by nothing else: that a new link
/// is taken for a known one has a probability below one in 10^13 for each link that is asked for.
#[derive(Debug)]
pub(crate) struct Seen {
    tables: Vec<Table>,
    max_buckets: usize,
}

#[derive(Debug)]
struct Table {
    buckets: Vec<[Entry; WAYS]>,
    used: usize,
}

impl Seen {
    /// A front of at most `entries` entries (rounded down to what tables can have, and up to the least of that).
    pub(crate) fn new(entries: usize) -> Self {
        let buckets = (entries / WAYS / TABLES).max(1);
        let max_buckets = if buckets.is_power_of_two() { buckets } else { buckets.next_power_of_two() / 2 };
        let first = FIRST_BUCKETS.min(max_buckets);
        let tables = (0..TABLES).map(|_| Table { buckets: vec![[NONE; WAYS]; first], used: 0 });
        Self { tables: tables.collect(), max_buckets }
    }

    /// Whether a link that was found like this is known to change nothing.
    pub(crate) fn knows(&mut self, link: LinkHash, finding: Finding) -> bool {
        let (table, hash) = self.place(link);
        let bucket = table.bucket(hash);
        let Some(way) = bucket.iter().position(|entry| is(entry, hash)) else { return false };
        let known = Finding::unpack(bucket[way][4]).covers(finding);
        bucket.swap(way, way.saturating_sub(1));
        known
    }

    /// Remembers a link whose URL is in the table as it was found here (or can't be fetched at all).
    pub(crate) fn remember(&mut self, link: LinkHash, finding: Finding) {
        let Some(packed) = finding.pack() else { return };
        let max_buckets = self.max_buckets;
        let (table, hash) = self.place(link);
        let bucket = table.bucket(hash);
        if let Some(way) = bucket.iter().position(|entry| is(entry, hash)) {
            if finding.beats(Finding::unpack(bucket[way][4])) {
                bucket[way][4] = packed;
            }
            return;
        }
        let entry = [hash[0], hash[1], hash[2], hash[3], packed];
        match bucket.iter().position(|entry| *entry == NONE) {
            Some(free) => {
                bucket[free] = entry;
                table.used += 1;
            }
            None => bucket[WAYS - 1] = entry,
        }
        if table.used * 3 > table.buckets.len() * WAYS * 2 && table.buckets.len() < max_buckets {
            table.grow();
        }
    }

    /// The table of a link, by bits that are not kept, and the bits that are.
    #[expect(clippy::cast_possible_truncation, reason = "the hash is cut into its parts")]
    fn place(&mut self, link: LinkHash) -> (&mut Table, [u16; 4]) {
        let table = (link >> 120) as usize % TABLES;
        let hash = [link as u16, (link >> 16) as u16, (link >> 32) as u16, (link >> 48) as u16];
        (&mut self.tables[table], hash)
    }
}

impl Table {
    fn bucket(&mut self, hash: [u16; 4]) -> &mut [Entry; WAYS] {
        let at = Self::at(hash) & (self.buckets.len() - 1);
        &mut self.buckets[at]
    }

    /// By bits that are kept in the entry, so that growing can move it.
    fn at(hash: [u16; 4]) -> usize {
        usize::from(hash[3]) | usize::from(hash[2]) << 16
    }

    fn grow(&mut self) {
        let size = self.buckets.len() * 2;
        let old = std::mem::replace(&mut self.buckets, vec![[NONE; WAYS]; size]);
        for entry in old.into_iter().flatten().filter(|entry| *entry != NONE) {
            let hash = [entry[0], entry[1], entry[2], entry[3]];
            // The entries of one bucket go to one of two, so there is room.
            if let Some(free) = self.bucket(hash).iter_mut().find(|slot| **slot == NONE) {
                *free = entry;
            }
        }
    }
}

fn is(entry: &Entry, hash: [u16; 4]) -> bool {
    entry[4] != 0 && entry[..4] == hash
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
        let size = |seen: &Seen| seen.tables.iter().map(|table| table.buckets.len() * WAYS).sum::<usize>();
        let mut seen = Seen::new(100_000);
        assert_eq!(size(&seen), 8_192);
        (0..50_000).for_each(|n| seen.remember(link(n), at(1, true)));
        let known = (0..50_000).filter(|n| seen.knows(link(*n), at(1, true))).count();
        assert!(known > 45_000, "{known} of 50000");
        assert_eq!(size(&seen), 65_536);
        (0..1_000_000).for_each(|n| seen.remember(link(n), at(1, true)));
        assert_eq!(size(&seen), 65_536);
        let known = (0..1_000_000).filter(|n| seen.knows(link(*n), at(1, true))).count();
        assert!(known > 60_000, "{known} of a million");
        assert!(!(1_000_000..2_000_000).any(|n| seen.knows(link(n), at(1, true))));
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
