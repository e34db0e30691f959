//! Seeded draws: the only source of chance in the synthetic web.
//!
//! Nothing here depends on a crate's idea of randomness, so that a web drawn from a seed stays the same web when
//! dependencies move. A draw is keyed by what it decides and for whom, never by the order in which things are asked.

/// A stream of pseudo-random numbers (SplitMix64) that belongs to one question about one thing.
#[derive(Clone, Debug)]
pub(super) struct Draw(u64);

impl Draw {
    /// The stream that answers `question` for the thing named by `key` in the web of `seed`.
    pub(super) fn new(seed: u64, question: &str, key: &[u32]) -> Self {
        let mut state = mix(seed ^ 0x7472_6177_6c00_0001);
        for byte in question.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        for part in key {
            state = mix(state ^ (u64::from(*part) << 8));
        }
        Self(state)
    }

    /// The next 64 bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number in `0..bound`, or 0 where `bound` is 0.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        // The high half of the product is uniform enough: the bias is under 2^-32 for any bound used here.
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u32
    }

    /// A number in `low..=high`.
    pub(super) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high - low + 1)
    }

    /// Whether something that happens `rate` times in ten thousand happens now.
    pub(super) fn happens(&mut self, rate: u32) -> bool {
        self.below(10_000) < rate
    }

    /// One of `choices`, which must not be empty.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u32) as usize]
    }
}

/// SplitMix64's finaliser: every input bit reaches every output bit.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::Draw;

    #[test]
    fn a_draw_depends_on_seed_question_and_key_only() {
        let first = Draw::new(1, "size", &[2, 3]).bits();
        assert_eq!(first, Draw::new(1, "size", &[2, 3]).bits());
        for other in
            [Draw::new(2, "size", &[2, 3]), Draw::new(1, "fate", &[2, 3]), Draw::new(1, "size", &[3, 2])]
        {
            assert_ne!(first, other.clone().bits());
        }
    }

    #[test]
    fn the_stream_is_pinned() {
        // Published results name a seed: another value here means another web under the same name.
        let mut draw = Draw::new(42, "pin", &[7]);
        assert_eq!([draw.below(1000), draw.below(1000), draw.below(1000)], [377, 271, 351]);
    }

    #[test]
    fn below_stays_below_and_reaches_everything() {
        let mut draw = Draw::new(9, "below", &[]);
        let mut seen = [0_u32; 7];
        for _ in 0..7000 {
            seen[draw.below(7) as usize] += 1;
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
        assert_eq!(draw.below(0), 0);
        assert_eq!(draw.between(5, 5), 5);
    }
}
