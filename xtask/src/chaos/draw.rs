//! Seeded draws: the only source of chance in a schedule of faults, so that a seed names a schedule.

use std::ops::RangeInclusive;
use std::time::Duration;

/// A stream of pseudo-random numbers (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The stream of a seed, for one purpose.
    pub(crate) fn new(seed: u64, purpose: &str) -> Self {
        Self(purpose.bytes().fold(mix(seed), |state, byte| mix(state ^ u64::from(byte))))
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `range`.
    pub(crate) fn number(&mut self, range: RangeInclusive<u64>) -> u64 {
        let size = u128::from(range.end() - range.start()) + 1;
        // The high half of the product; its bias is far below what a schedule could show.
        range.start() + ((u128::from(self.bits()) * size) >> 64) as u64
    }

    /// A span of so many milliseconds.
    pub(crate) fn millis(&mut self, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.number(range))
    }

    /// One of `choices`, which must not be empty.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let last = choices.len().saturating_sub(1) as u64;
        &choices[self.number(0..=last) as usize]
    }

    /// Heads or tails.
    pub(crate) fn coin(&mut self) -> bool {
        self.bits() >> 63 == 1
    }

    /// Random bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| (self.bits() >> 56) as u8).collect()
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::Draw;

    #[test]
    fn a_seed_and_a_purpose_name_a_stream() {
        let first = |seed, purpose| Draw::new(seed, purpose).bits();
        assert_eq!(first(1, "kills"), first(1, "kills"));
        assert!(first(1, "kills") != first(2, "kills") && first(1, "kills") != first(1, "stops"));
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_its_ends() {
        let mut draw = Draw::new(3, "range");
        let drawn: Vec<_> = (0..200).map(|_| draw.number(4..=6)).collect();
        assert!((4..=6).all(|number| drawn.contains(&number)) && drawn.iter().all(|n| (4..=6).contains(n)));
    }
}
