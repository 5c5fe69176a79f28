//! How many records each stratum gets, with those that a person keeps counted.

use std::collections::BTreeMap;

use editscale_study::curation::allot;

use super::ShareOut;

/// One stratum.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Claim {
    /// How many records it has.
    pub(super) size: u64,
    /// How many of them a person keeps.
    pub(super) kept: u64,
    /// Its own share, where shares have names.
    pub(super) share: Option<f64>,
}

/// Shares `total` records out among strata. A stratum has at least what a person keeps of it, and what that is more than its
/// part is taken from the others.
pub(super) fn shared_out(claims: &[Claim], total: u64, share_out: &ShareOut) -> Vec<u64> {
    let mut fixed = vec![false; claims.len()];
    loop {
        let taken: u64 = claims.iter().zip(&fixed).filter(|(_, fixed)| **fixed).map(|(claim, _)| claim.kept).sum();
        let open: Vec<usize> = (0..claims.len()).filter(|index| !fixed[*index]).collect();
        let parts = parts(claims, &open, total.saturating_sub(taken), share_out);
        let full: Vec<usize> = open
            .iter()
            .zip(&parts)
            .filter(|(index, part)| claims[**index].kept > **part)
            .map(|(index, _)| *index)
            .collect();
        if full.is_empty() {
            let mut allotted: Vec<u64> = claims.iter().map(|claim| claim.kept).collect();
            open.iter().zip(parts).for_each(|(index, part)| allotted[*index] = part);
            return allotted;
        }
        full.into_iter().for_each(|index| fixed[index] = true);
    }
}

fn parts(claims: &[Claim], open: &[usize], total: u64, share_out: &ShareOut) -> Vec<u64> {
    let sizes: BTreeMap<usize, u64> = open.iter().map(|index| (*index, claims[*index].size)).collect();
    match share_out {
        ShareOut::Freely => sizes.into_values().collect(),
        ShareOut::By(quota) => allot(&sizes, total, *quota).into_values().collect(),
        ShareOut::Named(_) => {
            let weights = weights(claims, open);
            by_weight(&weights, &sizes.into_values().collect::<Vec<u64>>(), total)
        }
    }
}

/// Shares that have names, and the rest of 1 for the others as they are in size.
fn weights(claims: &[Claim], open: &[usize]) -> Vec<f64> {
    let named: f64 = claims.iter().filter_map(|claim| claim.share).sum();
    let nameless = |claim: &&Claim| claim.share.is_none();
    let size: u64 = claims.iter().filter(nameless).map(|claim| claim.size).sum();
    let rest = if named > 1.0 - 1e-9 { 0.0 } else { (1.0 - named) / size.max(1) as f64 };
    open.iter().map(|index| claims[*index].share.unwrap_or(claims[*index].size as f64 * rest)).collect()
}

/// Largest remainders, with what a stratum cannot fill shared out among the others.
fn by_weight(weights: &[f64], sizes: &[u64], total: u64) -> Vec<u64> {
    let mut allotted = vec![0; sizes.len()];
    let (mut left, mut open) = (total, (0..sizes.len()).filter(|index| weights[*index] > 0.0).collect::<Vec<_>>());
    loop {
        let all: f64 = open.iter().map(|index| weights[*index]).sum();
        let claim = |index: usize| weights[index] / all * left as f64;
        let (full, rest): (Vec<usize>, Vec<usize>) =
            open.iter().partition(|index| claim(**index) >= sizes[**index] as f64);
        if full.is_empty() {
            give(&rest, &claim, left, &mut allotted);
            return allotted;
        }
        for index in full {
            allotted[index] = sizes[index].min(left);
            left -= allotted[index];
        }
        open = rest;
    }
}

fn give(open: &[usize], claim: &dyn Fn(usize) -> f64, left: u64, allotted: &mut [u64]) {
    // What differs by rounding alone is the same.
    let claim = |index: usize| (claim(index) * 1e9).round() / 1e9;
    open.iter().for_each(|index| allotted[*index] = claim(*index).floor() as u64);
    let given: u64 = open.iter().map(|index| allotted[*index]).sum();
    let mut order = open.to_vec();
    // The sort is stable: of equal remainders the earlier comes first.
    order.sort_by(|a, b| claim(*b).fract().total_cmp(&claim(*a).fract()));
    order.into_iter().take(left.saturating_sub(given) as usize).for_each(|index| allotted[index] += 1);
}

#[cfg(test)]
mod tests {
    use editscale_study::curation::Quota;

    use super::*;

    fn claims(of: &[(u64, u64, Option<f64>)]) -> Vec<Claim> {
        of.iter().map(|(size, kept, share)| Claim { size: *size, kept: *kept, share: *share }).collect()
    }

    #[test]
    fn shares_worked_out_by_hand() {
        let named = ShareOut::Named(Vec::new());
        let found = |of: &[(u64, u64, Option<f64>)], total| shared_out(&claims(of), total, &named);
        assert_eq!(found(&[(100, 0, Some(0.5)), (60, 0, None), (40, 0, None)], 10), [5, 3, 2]);
        assert_eq!(
            found(&[(2, 0, Some(0.5)), (60, 0, None), (40, 0, None)], 12),
            [2, 6, 4],
            "what is lacking is shared"
        );
        assert_eq!(found(&[(10, 0, Some(0.4)), (10, 0, Some(0.6)), (10, 0, None)], 10), [4, 6, 0]);
        assert_eq!(
            found(&[(3, 0, Some(0.4)), (3, 0, Some(0.6)), (10, 0, None)], 10),
            [3, 3, 0],
            "no share, no records"
        );
        assert_eq!(found(&[(9, 0, Some(1.0 / 3.0)), (9, 0, Some(1.0 / 3.0)), (9, 0, None)], 4), [2, 1, 1]);
        assert_eq!(found(&[], 4), [0; 0]);
    }

    #[test]
    fn what_people_keep_counts_and_is_taken_from_the_others() {
        let equal = ShareOut::By(Quota::Equal);
        assert_eq!(shared_out(&claims(&[(9, 6, None), (9, 0, None), (9, 1, None)]), 9, &equal), [6, 2, 1]);
        assert_eq!(shared_out(&claims(&[(9, 6, None), (9, 4, None), (9, 0, None)]), 9, &equal), [6, 4, 0]);
        let proportional = ShareOut::By(Quota::Proportional);
        assert_eq!(shared_out(&claims(&[(80, 0, None), (20, 0, None)]), 10, &proportional), [8, 2]);
    }
}
