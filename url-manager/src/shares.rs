//! Fair shares: everybody gets as much as the others, or as much as there is use for.

/// Shares of `total` for `wants`, in their order. Where there is less than one for each, the first
/// ones get it.
pub(crate) fn fair_shares(total: u64, wants: &[u64]) -> Vec<u64> {
    let mut shares = vec![0; wants.len()];
    let mut left = total;
    loop {
        let hungry: Vec<usize> = (0..wants.len()).filter(|at| shares[*at] < wants[*at]).collect();
        if left == 0 || hungry.is_empty() {
            return shares;
        }
        let portion = (left / hungry.len() as u64).max(1);
        for at in hungry {
            let more = portion.min(wants[at] - shares[at]).min(left);
            shares[at] += more;
            left -= more;
        }
    }
}

/// As [`fair_shares`], for those with the highest priority first, and so on down.
pub(crate) fn shares_by_priority(total: u64, wants: &[u64], priorities: &[i16]) -> Vec<u64> {
    let mut levels: Vec<i16> = priorities.to_vec();
    levels.sort_unstable_by(|one, other| other.cmp(one));
    levels.dedup();
    let mut shares = vec![0; wants.len()];
    let mut left = total;
    for level in levels {
        let places: Vec<usize> = (0..wants.len()).filter(|at| priorities[*at] == level).collect();
        let of_level = fair_shares(left, &places.iter().map(|at| wants[*at]).collect::<Vec<_>>());
        for (at, share) in places.into_iter().zip(of_level) {
            shares[at] = share;
            left -= share;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_modest_leave_theirs_to_the_others() {
        assert_eq!(fair_shares(10, &[1, 100, 100]), [1, 5, 4]);
        assert_eq!(fair_shares(2, &[5, 5, 5]), [1, 1, 0]);
        assert_eq!(fair_shares(100, &[5, 0, 7]), [5, 0, 7]);
        assert_eq!(fair_shares(3, &[]), [0u64; 0]);
    }

    #[test]
    fn the_higher_priority_is_served_first() {
        assert_eq!(shares_by_priority(10, &[6, 6, 6], &[0, 5, 0]), [2, 6, 2]);
        assert_eq!(shares_by_priority(4, &[6, 6, 6], &[-1, 0, 1]), [0, 0, 4]);
        assert_eq!(shares_by_priority(4, &[], &[]), [0u64; 0]);
    }

    proptest! {
        #[test]
        fn all_is_given_and_nobody_gets_much_more(total in 0u64..500, wants in prop::collection::vec(0u64..200, 0..20)) {
            let shares = fair_shares(total, &wants);
            prop_assert_eq!(shares.iter().sum::<u64>(), total.min(wants.iter().sum()));
            let least_unmet = shares.iter().zip(&wants).filter(|(share, want)| share < want).map(|(share, _)| *share).min();
            if let Some(least) = least_unmet {
                prop_assert!(shares.iter().all(|share| *share <= least + 1));
            }
        }
    }
}
