//! Pages that say the same: by the hash of their text, or nearly, by how many bits their SimHashes differ in
//! (Charikar, "Similarity estimation techniques from rounding algorithms", 2002; for web pages 3 bits of 64
//! are what Manku, Jain and Das Sarma found, "Detecting near-duplicates for web crawling", 2007).

use crate::store::{PageStore, record::array, statements};
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use trawl_shared::{model::JobId, sql::SqlError};

/// Most bits that may differ: beyond it, pages that have nothing in common begin to meet.
pub const MAX_DISTANCE: u32 = 7;

/// A page with a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The URL.
    pub url: String,
    /// Hash of the normalised text.
    pub content_hash: Option<String>,
    /// 64 bits in hexadecimal.
    pub simhash: String,
}

/// Pages that say the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alike {
    /// Most bits in which one of them differs from the first.
    pub distance: u32,
    /// Whether all have the very same text.
    pub same_text: bool,
    /// The pages, in the order they were stored in.
    pub pages: Vec<Fingerprint>,
}

/// The fingerprints of a job's pages, or of all, each URL as it was stored last. They are held in memory: some
/// 200 bytes a page.
///
/// # Errors
/// When the store can't be asked.
pub async fn fingerprints(store: &dyn PageStore, job: Option<JobId>) -> Result<Vec<Fingerprint>, SqlError> {
    let job = job.map_or_else(String::new, |job| job.to_string());
    let mut rows = store.ask(statements::FINGERPRINTS, job);
    let mut found: Vec<Fingerprint> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    while let Some(row) = rows.try_next().await? {
        let (url, content_hash, simhash) = array("fingerprint", &row)?;
        let page = Fingerprint { url, content_hash, simhash };
        match places.get(&page.url) {
            Some(&place) => found[place] = page,
            None => {
                places.insert(page.url.clone(), found.len());
                found.push(page);
            }
        }
    }
    Ok(found)
}

/// Groups of two pages and more that are alike, the largest first. A page belongs to a group when it differs in
/// at most `distance` bits (and at most [`MAX_DISTANCE`]) from one of its pages.
#[must_use]
pub fn alike(pages: Vec<Fingerprint>, distance: u32) -> Vec<Alike> {
    let hashes: Vec<Option<u64>> =
        pages.iter().map(|page| u64::from_str_radix(&page.simhash, 16).ok()).collect();
    let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
    for (place, hash) in hashes.iter().enumerate() {
        if let Some(hash) = hash {
            places.entry(*hash).or_default().push(place);
        }
    }
    let mut unique: Vec<u64> = places.keys().copied().collect();
    unique.sort_unstable();
    let mut groups: HashMap<usize, Vec<usize>> = HashMap::new();
    for (index, root) in families(&unique, distance.min(MAX_DISTANCE)).into_iter().enumerate() {
        groups.entry(root).or_default().extend(places.remove(&unique[index]).unwrap_or_default());
    }
    let mut pages: Vec<Option<Fingerprint>> = pages.into_iter().map(Some).collect();
    let mut groups: Vec<Vec<usize>> = groups.into_values().filter(|group| group.len() > 1).collect();
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort_unstable_by_key(|group| (std::cmp::Reverse(group.len()), group[0]));
    let group = |places: Vec<usize>| {
        let first = hashes[places[0]].unwrap_or_default();
        let bits = |place: &usize| (first ^ hashes[*place].unwrap_or_default()).count_ones();
        let distance = places.iter().map(bits).max().unwrap_or_default();
        let pages: Vec<Fingerprint> = places.iter().filter_map(|place| pages[*place].take()).collect();
        let text = pages[0].content_hash.as_ref();
        let same_text = text.is_some() && pages.iter().all(|page| page.content_hash.as_ref() == text);
        Alike { distance, same_text, pages }
    };
    groups.into_iter().map(group).collect()
}

/// For each hash the index of one that stands for its family.
///
/// Cut into one block more than bits may differ, two hashes that are near share a block at least: only those
/// that do are compared.
fn families(hashes: &[u64], distance: u32) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..hashes.len()).collect();
    let blocks = distance + 1;
    for block in 0..blocks {
        let (from, to) = (64 * block / blocks, 64 * (block + 1) / blocks);
        let mask = u64::MAX >> (64 - (to - from));
        let key = |index: &usize| (hashes[*index] >> from) & mask;
        let mut order: Vec<usize> = (0..hashes.len()).collect();
        order.sort_unstable_by_key(key);
        for sharing in order.chunk_by(|a, b| key(a) == key(b)) {
            for (at, &one) in sharing.iter().enumerate() {
                for &other in &sharing[at + 1..] {
                    if (hashes[one] ^ hashes[other]).count_ones() <= distance {
                        let (one, other) = (root(&mut parents, one), root(&mut parents, other));
                        parents[one.max(other)] = one.min(other);
                    }
                }
            }
        }
    }
    (0..hashes.len()).map(|index| root(&mut parents, index)).collect()
}

/// The end of the way up, which is made shorter for the next.
fn root(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(url: &str, simhash: u64, text: &str) -> Fingerprint {
        Fingerprint { url: url.into(), content_hash: Some(text.into()), simhash: format!("{simhash:016x}") }
    }

    fn urls(group: &Alike) -> Vec<&str> {
        group.pages.iter().map(|page| page.url.as_str()).collect()
    }

    #[test]
    fn pages_alike_are_found_whichever_bits_differ() {
        let base = 0x0123_4567_89ab_cdef;
        let pages = vec![
            page("far", !base, "x"),
            page("a", base, "1"),
            page("near", base ^ (1 | 1 << 30 | 1 << 63), "2"),
            page("same", base, "1"),
            page("lone", base ^ 0xffff, "4"),
            page("twin of far", !base, "x"),
        ];
        let found = alike(pages, 3);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (urls(&found[0]), found[0].distance, found[0].same_text),
            (vec!["a", "near", "same"], 3, false)
        );
        assert_eq!(
            (urls(&found[1]), found[1].distance, found[1].same_text),
            (vec!["far", "twin of far"], 0, true)
        );
    }

    proptest! {
        #[test]
        fn comparing_blocks_misses_no_pair(
            base in any::<u64>(),
            flips in prop::collection::vec(prop::collection::vec(0_u32..64, 0..10), 2..12),
            distance in 0..=MAX_DISTANCE,
        ) {
            let mut hashes: Vec<u64> =
                flips.iter().map(|bits| bits.iter().fold(base, |hash, bit| hash ^ (1 << bit))).collect();
            hashes.sort_unstable();
            hashes.dedup();
            let families = families(&hashes, distance);
            for (i, one) in hashes.iter().enumerate() {
                for (j, other) in hashes.iter().enumerate() {
                    if (one ^ other).count_ones() <= distance {
                        prop_assert_eq!(families[i], families[j]);
                    }
                }
            }
        }
    }
}
