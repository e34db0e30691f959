//! How many URLs of a shape came in: bounded memory for the traps that count.
//!
//! Each url-manager counts for itself, from its start on, so a trap that is entered anew after a restart is
//! left a second time at the same bound. That keeps counting free of statements: a site of ten million
//! pages has ten million shapes, and nearly all of them have one URL.

use std::collections::HashMap;

/// Shapes counted at once (about 16 bytes each).
const MAX_SHAPES: usize = 1 << 20;

/// URLs by shape and queue.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    counts: HashMap<u64, u32>,
}

impl Growth {
    /// URLs of a shape so far.
    pub(crate) fn count(&self, shape: u64) -> u32 {
        self.counts.get(&shape).copied().unwrap_or(0)
    }

    /// More URLs of shapes came in. Where there is no room any more, the shapes with the fewest URLs are
    /// forgotten: what grows stays.
    pub(crate) fn add(&mut self, more: &HashMap<u64, u32>) {
        for (shape, urls) in more {
            let count = self.counts.entry(*shape).or_default();
            *count = count.saturating_add(*urls);
        }
        let mut least = 1;
        while self.counts.len() > MAX_SHAPES {
            self.counts.retain(|_, count| *count > least);
            least = least.saturating_mul(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_is_remembered() {
        let mut growth = Growth::default();
        growth.add(&HashMap::from([(7, 3)]));
        growth.add(&(1000..1000 + MAX_SHAPES as u64).map(|shape| (shape, 1)).collect());
        assert_eq!(growth.count(7), 3);
        assert!(growth.counts.len() <= MAX_SHAPES);
        growth.add(&HashMap::from([(7, u32::MAX)]));
        assert_eq!(growth.count(7), u32::MAX);
    }
}
