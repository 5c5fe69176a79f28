//! How many rows each stratum gets, and the best rows of each.

use std::collections::BTreeMap;

use super::{Ranked, TopK};
use crate::StudyError;

/// How a number of rows is shared out among strata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// As the strata are in size, with largest remainders (Hamilton).
    Proportional,
    /// As many to each; what a small stratum cannot fill goes to the others.
    Equal,
    /// This many to each as far as there are, and the rest in proportion to what is left of them. Where that is more
    /// than there is to give, the minimum is lowered for all alike.
    AtLeast(u64),
}

/// Shares `total` rows out among strata of these sizes. No stratum gets more than it has, and together they get
/// `total`, or all rows where there are fewer. Of equal claims the earlier key's comes first.
pub fn allot<K: Ord + Clone>(sizes: &BTreeMap<K, u64>, total: u64, quota: Quota) -> BTreeMap<K, u64> {
    let columns: Vec<u64> = sizes.values().copied().collect();
    let allotted = match quota {
        Quota::Proportional => proportional(&columns, total),
        Quota::Equal => equal(&columns, total),
        Quota::AtLeast(minimum) => at_least(&columns, total, minimum),
    };
    sizes.keys().cloned().zip(allotted).collect()
}

fn proportional(sizes: &[u64], total: u64) -> Vec<u64> {
    let all: u128 = sizes.iter().map(|size| u128::from(*size)).sum();
    let total = u128::from(total).min(all);
    let claim = |size: &u64| u128::from(*size) * total;
    let mut allotted: Vec<u64> = sizes.iter().map(|size| (claim(size) / all.max(1)) as u64).collect();
    let given: u128 = allotted.iter().map(|given| u128::from(*given)).sum();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    // The sort is stable: of equal remainders the earlier comes first.
    order.sort_by_key(|index| std::cmp::Reverse(claim(&sizes[*index]) % all.max(1)));
    order.into_iter().take((total - given) as usize).for_each(|index| allotted[index] += 1);
    allotted
}

/// Fills all up to one level, the smallest first.
fn equal(sizes: &[u64], total: u64) -> Vec<u64> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|index| sizes[*index]);
    let (mut left, mut allotted) = (total, vec![0; sizes.len()]);
    for (place, index) in order.iter().enumerate() {
        let waiting = (order.len() - place) as u64;
        let level = left / waiting;
        if sizes[*index] > level {
            give_level(sizes, &order[place..], left, &mut allotted);
            return allotted;
        }
        allotted[*index] = sizes[*index];
        left -= sizes[*index];
    }
    allotted
}

/// The strata that can all fill the level get it, and the first of them by key one more until nothing is left.
fn give_level(sizes: &[u64], indexes: &[usize], left: u64, allotted: &mut [u64]) {
    let waiting = indexes.len() as u64;
    let (level, mut more) = (left / waiting, left % waiting);
    let mut indexes = indexes.to_vec();
    indexes.sort_unstable();
    for index in indexes {
        let extra = u64::from(more > 0 && sizes[index] > level);
        allotted[index] = level + extra;
        more -= extra;
    }
}

fn at_least(sizes: &[u64], total: u64, minimum: u64) -> Vec<u64> {
    let first: Vec<u64> = sizes.iter().map(|size| minimum.min(*size)).collect();
    let needed = first.iter().fold(0_u64, |sum, each| sum.saturating_add(*each));
    if needed >= total {
        return equal(&first, total);
    }
    let left: Vec<u64> = sizes.iter().zip(&first).map(|(size, first)| size - first).collect();
    let more = proportional(&left, total - needed);
    first.iter().zip(more).map(|(first, more)| first + more).collect()
}

/// The best rows of each stratum, in one pass over rows once their allotment is known: the first pass counts strata for
/// `allot`. Keeps the allotted rows, 16 bytes each.
#[derive(Debug, Clone)]
pub struct Stratified<K> {
    strata: BTreeMap<K, TopK>,
}

impl<K: Ord> Stratified<K> {
    /// Keeps as many rows of each stratum as it is allotted.
    pub fn new(allotted: BTreeMap<K, u64>) -> Stratified<K> {
        let top = |count: u64| TopK::new(usize::try_from(count).unwrap_or(usize::MAX));
        Stratified { strata: allotted.into_iter().map(|(key, count)| (key, top(count))).collect() }
    }

    /// Looks at one more row; one of a stratum without an allotment is not kept. Fails on a score that is not finite.
    pub fn offer(&mut self, stratum: &K, ranked: Ranked) -> Result<(), StudyError> {
        ranked.check()?;
        self.strata.get_mut(stratum).map_or(Ok(()), |top| top.offer(ranked))
    }

    /// The rows kept of each stratum, best first.
    pub fn best_first(self) -> BTreeMap<K, Vec<Ranked>> {
        self.strata.into_iter().map(|(key, top)| (key, top.best_first())).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allotted(sizes: &[u64], total: u64, quota: Quota) -> Vec<u64> {
        let sizes: BTreeMap<usize, u64> = sizes.iter().copied().enumerate().collect();
        allot(&sizes, total, quota).into_values().collect()
    }

    #[test]
    fn shares_worked_out_by_hand() {
        for (sizes, total, quota, expected) in [
            // Claims 5.25, 3.5 and 1.75 of 10.5: the remainders 0.75 and 0.5 come first.
            (&[6, 4, 2][..], 10, Quota::Proportional, &[5, 3, 2][..]),
            (&[1, 1, 1], 2, Quota::Proportional, &[1, 1, 0]),
            (&[100, 2, 50], 30, Quota::Equal, &[14, 2, 14]),
            (&[5, 5, 5], 7, Quota::Equal, &[3, 2, 2]),
            (&[3, 1, 9], 99, Quota::Equal, &[3, 1, 9]),
            // Four each and 8 left for 96, 0 and 16: 6.86, 0 and 1.14.
            (&[100, 3, 20], 19, Quota::AtLeast(4), &[11, 3, 5]),
            (&[100, 3, 20], 8, Quota::AtLeast(4), &[3, 3, 2]),
            (&[], 5, Quota::Equal, &[]),
            (&[0, 0], 5, Quota::Proportional, &[0, 0]),
        ] {
            assert_eq!(allotted(sizes, total, quota), expected, "{sizes:?} {quota:?}");
        }
    }

    #[test]
    fn each_stratum_keeps_its_best() {
        let mut stratified = Stratified::new(BTreeMap::from([("a", 1), ("b", 2)]));
        for (row, (stratum, score)) in
            [("a", 1.0), ("b", 9.0), ("a", 2.0), ("c", 99.0), ("b", 3.0), ("b", 4.0)].iter().enumerate()
        {
            stratified.offer(stratum, Ranked { row: row as u64, score: *score }).unwrap();
        }
        let rows = |kept: &Vec<Ranked>| kept.iter().map(|kept| kept.row).collect::<Vec<_>>();
        let kept: Vec<_> = stratified.best_first().iter().map(|(key, kept)| (*key, rows(kept))).collect();
        assert_eq!(kept, [("a", vec![2]), ("b", vec![1, 5])]);
    }

    proptest! {
        #[test]
        fn all_is_given_and_none_gets_more_than_it_has(
            sizes in prop::collection::vec(0_u64..50, 0..9), total in 0_u64..300, minimum in 0_u64..20
        ) {
            for quota in [Quota::Proportional, Quota::Equal, Quota::AtLeast(minimum)] {
                let found = allotted(&sizes, total, quota);
                prop_assert!(found.iter().zip(&sizes).all(|(given, size)| given <= size));
                prop_assert_eq!(found.iter().sum::<u64>(), total.min(sizes.iter().sum()));
            }
            let least = allotted(&sizes, total, Quota::AtLeast(minimum));
            if sizes.iter().map(|size| *size.min(&minimum)).sum::<u64>() <= total {
                prop_assert!(least.iter().zip(&sizes).all(|(given, size)| given >= size.min(&minimum)));
            }
        }
    }
}
