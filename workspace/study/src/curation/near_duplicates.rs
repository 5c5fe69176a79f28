//! Rows whose pictures are nearly the same, by their perceptual hashes.

use super::hamming_index::{HammingIndex, check_radius, count};
use super::union_find::UnionFind;
use crate::StudyError;
use crate::order::ascending;

/// Groups rows whose hashes are near: for each row the earliest row of its group, which is itself where nothing is like
/// it.
///
/// A row has N hashes, such as one of the source and one of the edited picture; two rows are near where each hash
/// differs in at most `radius` bits from the other row's. Groups are what a chain of near rows connects, so the ends of
/// a long one can be further apart. Exactly equal rows are found by sorting and looked at once. Keeps about 40 bytes a
/// row beside the rows. Fails on a radius above 15, and on more than 2³² − 1 rows.
pub fn near_duplicate_groups<const N: usize>(rows: &[[u64; N]], radius: u32) -> Result<Vec<u32>, StudyError> {
    check_radius(radius)?;
    let mut groups = UnionFind::new(count(rows.len())?);
    let mut order: Vec<u32> = (0..rows.len() as u32).collect();
    order.sort_unstable_by_key(|row| (rows[*row as usize], *row));
    let mut distinct = Vec::new();
    for equal in order.chunk_by(|a, b| rows[*a as usize] == rows[*b as usize]) {
        equal.iter().for_each(|row| groups.join(equal[0], *row));
        distinct.push(equal[0]);
    }
    join_near(rows, &distinct, radius, &mut groups)?;
    Ok(groups.labels())
}

fn join_near<const N: usize>(
    rows: &[[u64; N]],
    distinct: &[u32],
    radius: u32,
    groups: &mut UnionFind,
) -> Result<(), StudyError> {
    let column = most_telling(rows, distinct);
    let hashes: Vec<u64> = distinct.iter().filter_map(|row| rows[*row as usize].get(column)).copied().collect();
    let index = HammingIndex::new(&hashes)?;
    for (number, hash) in (0_u32..).zip(&hashes) {
        let row = distinct[number as usize];
        index.within(*hash, radius, |other, _| {
            let other_row = distinct[other as usize];
            if other > number && are_near(&rows[row as usize], &rows[other_row as usize], radius) {
                groups.join(row, other_row);
            }
        })?;
    }
    Ok(())
}

fn are_near<const N: usize>(a: &[u64; N], b: &[u64; N], radius: u32) -> bool {
    a.iter().zip(b).all(|(a, b)| (a ^ b).count_ones() <= radius)
}

/// The hash with the most distinct values: many edits of one source share the source's.
fn most_telling<const N: usize>(rows: &[[u64; N]], distinct: &[u32]) -> usize {
    let values = |column: usize| {
        let mut values: Vec<u64> = distinct.iter().map(|row| rows[*row as usize][column]).collect();
        values.sort_unstable();
        values.dedup();
        values.len()
    };
    (0..N).max_by_key(|column| (values(*column), std::cmp::Reverse(*column))).unwrap_or(0)
}

/// Which rows to keep so that one of each group stays: the one with the highest score, and of equal scores the
/// earliest. Fails where there are more groups' labels than scores or fewer, and on scores that are not finite.
pub fn keep_best_of_groups(groups: &[u32], scores: &[f64]) -> Result<Vec<bool>, StudyError> {
    if groups.len() != scores.len() {
        return Err(StudyError::Unequal { left: groups.len(), right: scores.len() });
    }
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    crate::check(scores)?;
    let mut order: Vec<usize> = (0..groups.len()).collect();
    let better = |a: &usize, b: &usize| ascending(scores[*b], scores[*a]).then(a.cmp(b));
    order.sort_by(|a, b| groups[*a].cmp(&groups[*b]).then_with(|| better(a, b)));
    let mut keeps = vec![false; groups.len()];
    order.chunk_by(|a, b| groups[*a] == groups[*b]).for_each(|group| keeps[group[0]] = true);
    Ok(keeps)
}

/// A picture of one set that is nearly one of another set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedPicture {
    /// Its number in the first set.
    pub first: u32,
    /// The number of the nearest picture of the second set, the earliest of equally near ones.
    pub second: u32,
    /// In how many bits their hashes differ.
    pub distance: u32,
}

/// The pictures of the first set that are nearly in the second: whether training data and a benchmark share pictures.
/// Keeps an index of the second set, 16 bytes a hash. Fails as `near_duplicate_groups` does.
pub fn shared_pictures(first: &[u64], second: &[u64], radius: u32) -> Result<Vec<SharedPicture>, StudyError> {
    let index = HammingIndex::new(second)?;
    count(first.len())?;
    let mut shared = Vec::new();
    for (number, hash) in (0_u32..).zip(first) {
        let mut nearest: Option<(u32, u32)> = None;
        index.within(*hash, radius, |other, distance| {
            nearest = Some(nearest.map_or((distance, other), |nearest| nearest.min((distance, other))));
        })?;
        shared.extend(nearest.map(|(distance, second)| SharedPicture { first: number, second, distance }));
    }
    Ok(shared)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chains_make_one_group() {
        // 3 differs from 0 by two bits, and 4 from 3; 1 is far, and 2 equals it.
        let rows = [[0b0000], [u64::MAX], [u64::MAX], [0b0011], [0b1111]];
        assert_eq!(near_duplicate_groups(&rows, 2), Ok(vec![0, 1, 1, 0, 0]));
        assert_eq!(near_duplicate_groups(&rows, 1), Ok(vec![0, 1, 1, 3, 4]));
        assert_eq!(near_duplicate_groups::<1>(&[], 2), Ok(vec![]));
    }

    #[test]
    fn both_pictures_must_be_near() {
        // One source with three edits: only the first two edits are alike.
        let rows = [[7, 0b0001], [7, 0b0010], [7, u64::MAX], [u64::MAX, 0b0001]];
        assert_eq!(near_duplicate_groups(&rows, 3), Ok(vec![0, 0, 2, 3]));
        assert_eq!(most_telling(&rows, &[0, 1, 2, 3]), 1);
    }

    #[test]
    fn many_equal_rows_take_no_longer() {
        let rows = vec![[1, 2]; 50_000];
        assert!(near_duplicate_groups(&rows, 10).unwrap().iter().all(|group| *group == 0));
    }

    #[test]
    fn the_best_of_each_group_stays() {
        let kept = keep_best_of_groups(&[0, 1, 0, 1, 4], &[1.0, 3.0, 2.0, 3.0, -5.0]).unwrap();
        assert_eq!(kept, [false, true, true, false, true]);
        assert_eq!(keep_best_of_groups(&[], &[]), Ok(vec![]));
        assert_eq!(keep_best_of_groups(&[0], &[]), Err(StudyError::Unequal { left: 1, right: 0 }));
    }

    #[test]
    fn sets_that_share_pictures() {
        let found = shared_pictures(&[0b111, u64::MAX, 0], &[0b1, 0b11, 0b110], 2).unwrap();
        let shared = |first, second, distance| SharedPicture { first, second, distance };
        assert_eq!(found, [shared(0, 1, 1), shared(2, 0, 1)]);
        assert_eq!(shared_pictures(&[1], &[], 2), Ok(vec![]));
        assert_eq!(shared_pictures(&[1], &[1], 99), Err(StudyError::Radius { radius: 99, largest: 15 }));
    }

    proptest! {
        // Each case sorts into four times 65,536 bins.
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn groups_are_those_of_looking_at_every_pair(
            seeds in prop::collection::vec((0_usize..3, 0_usize..3, prop::collection::vec(0_u32..64, 0..9)), 1..25),
            radius in 0_u32..14
        ) {
            let centres = [0, 0x0123_4567_89ab_cdef, u64::MAX];
            let near = |centre: usize, bits: &[u32]| bits.iter().fold(centres[centre], |hash, bit| hash ^ (1 << bit));
            let rows: Vec<[u64; 2]> =
                seeds.iter().map(|(source, edited, bits)| [centres[*source], near(*edited, bits)]).collect();
            let mut slow = UnionFind::new(rows.len() as u32);
            for i in 0..rows.len() {
                (0..i).filter(|j| are_near(&rows[i], &rows[*j], radius)).for_each(|j| slow.join(i as u32, j as u32));
            }
            prop_assert_eq!(near_duplicate_groups(&rows, radius).unwrap(), slow.labels());
        }
    }
}
