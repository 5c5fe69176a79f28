//! Training and validation without leaks: rows that share a source, or something else, stay on one side.

use std::collections::BTreeMap;

use super::hamming_index::count;
use super::union_find::UnionFind;
use crate::StudyError;
use crate::counted::mix;

/// The side of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// To train on.
    Train,
    /// To measure on.
    Validation,
}

/// A split that depends on each source's digest alone: equal digests fall on one side, in any order, on any machine,
/// and also when rows are added later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    validation: f64,
    salt: u64,
}

impl Split {
    /// About the share `validation` of sources, from 0 to 1, is held out; its error is that of so many coins. Another
    /// salt gives another split. Fails on a share outside 0 to 1.
    pub fn new(validation: f64, salt: u64) -> Result<Split, StudyError> {
        if (0.0..=1.0).contains(&validation) {
            Ok(Split { validation, salt })
        } else {
            Err(StudyError::Fraction(validation))
        }
    }

    /// The side of a source with this key.
    pub fn side_of(&self, key: u64) -> Side {
        let unit = (mix(key ^ mix(self.salt)) >> 11) as f64 / (1_u64 << 53) as f64;
        if unit < self.validation { Side::Validation } else { Side::Train }
    }

    /// The side of each row where rows also hang together otherwise: each of `links` has one label a row, such as the
    /// groups of `near_duplicate_groups`, and rows with equal labels stay together, in chains too. A chain falls where
    /// its smallest key falls, so adding a row can move a chain. Keeps 16 bytes a row and link. Fails where a list of
    /// labels has another length.
    pub fn sides_of_linked(&self, keys: &[u64], links: &[&[u32]]) -> Result<Vec<Side>, StudyError> {
        let mut sets = UnionFind::new(count(keys.len())?);
        join_equal(keys, &mut sets);
        for labels in links {
            if labels.len() != keys.len() {
                return Err(StudyError::Unequal { left: keys.len(), right: labels.len() });
            }
            join_equal(labels, &mut sets);
        }
        let sets = sets.labels();
        let mut smallest = keys.to_vec();
        for (row, set) in sets.iter().enumerate() {
            smallest[*set as usize] = smallest[*set as usize].min(keys[row]);
        }
        Ok(sets.iter().map(|set| self.side_of(smallest[*set as usize])).collect())
    }
}

fn join_equal<K: Ord>(labels: &[K], sets: &mut UnionFind) {
    let mut first: BTreeMap<&K, u32> = BTreeMap::new();
    for (row, label) in (0_u32..).zip(labels) {
        sets.join(*first.entry(label).or_insert(row), row);
    }
}

/// A key of any digest or name: FNV-1a of 64 bits. Two of a million sources share a key with a probability of 3·10⁻⁸,
/// and then only fall on one side.
pub fn key_of(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_those_of_the_reference() {
        assert_eq!(key_of(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(key_of(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_share_is_about_what_was_asked_for() {
        let split = Split::new(0.1, 0).unwrap();
        let held_out = |split: Split| {
            let keys = (0..10_000_u32).map(|source| key_of(&source.to_le_bytes()));
            keys.map(|key| split.side_of(key)).collect::<Vec<Side>>()
        };
        let of = |sides: &[Side]| sides.iter().filter(|side| **side == Side::Validation).count();
        // The standard deviation is 30.
        let sides = held_out(split);
        assert!((900..1100).contains(&of(&sides)), "{}", of(&sides));
        let other = held_out(Split::new(0.1, 1).unwrap());
        let both = sides.iter().zip(&other).filter(|(a, b)| **a == Side::Validation && a == b).count();
        assert!((60..140).contains(&both), "another salt splits independently: {both}");
        assert_eq!(of(&held_out(Split::new(0.0, 0).unwrap())), 0);
        assert_eq!(of(&held_out(Split::new(1.0, 0).unwrap())), 10_000);
        assert_eq!(Split::new(1.5, 0), Err(StudyError::Fraction(1.5)));
    }

    proptest! {
        #[test]
        fn what_is_linked_stays_together(
            rows in prop::collection::vec((0_u64..12, 0_u32..12, 0_u32..12), 1..30), turn in 0_usize..30
        ) {
            let split = Split::new(0.5, 7).unwrap();
            let columns = |rows: &[(u64, u32, u32)]| -> (Vec<u64>, Vec<u32>, Vec<u32>) {
                let keys = rows.iter().map(|row| row.0).collect();
                (keys, rows.iter().map(|row| row.1).collect(), rows.iter().map(|row| row.2).collect())
            };
            let (keys, near, cluster) = columns(&rows);
            let sides = split.sides_of_linked(&keys, &[&near, &cluster]).unwrap();
            for i in 0..rows.len() {
                for j in 0..i {
                    if keys[i] == keys[j] || near[i] == near[j] || cluster[i] == cluster[j] {
                        prop_assert_eq!(sides[i], sides[j]);
                    }
                }
            }
            // The order of rows does not matter.
            let turn = turn % rows.len();
            let (keys, near, cluster) = columns(&[&rows[turn..], &rows[..turn]].concat());
            let turned = split.sides_of_linked(&keys, &[&near, &cluster]).unwrap();
            prop_assert_eq!(turned, [&sides[turn..], &sides[..turn]].concat());
        }
    }

    #[test]
    fn without_links_only_keys_count() {
        let split = Split::new(0.5, 7).unwrap();
        let keys = [3, 1, 3, 9];
        assert_eq!(split.sides_of_linked(&keys, &[]).unwrap(), keys.map(|key| split.side_of(key)));
        let wrong = split.sides_of_linked(&keys, &[&[0]]);
        assert_eq!(wrong, Err(StudyError::Unequal { left: 4, right: 1 }));
    }
}
