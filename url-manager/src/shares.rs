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
