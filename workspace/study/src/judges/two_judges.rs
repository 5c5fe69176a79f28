//! Agreement of two judges on the same pairs. For scores of the same pictures see `kendall_tau_b` and its neighbours.

use super::Preference;
use crate::StudyError;

/// What two judges said of the same pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignAgreement {
    /// How often the first judge said the row and the second the column, in the order first, tie, second.
    pub counts: [[u64; 3]; 3],
}

impl SignAgreement {
    /// All pairs.
    pub fn all(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// The share of pairs on which both say the same; `None` of no pairs.
    pub fn observed(&self) -> Option<f64> {
        self.weighed(|row, column| f64::from(u8::from(row == column))).map(|(observed, _)| observed)
    }

    /// Cohen's κ, `(p − e)/(1 − e)` with p the share that agrees and e what independent judges with the same shares of
    /// verdicts would agree on (Cohen 1960).
    ///
    /// From −1 to 1, 0 for chance; `None` where both always say one and the same.
    pub fn kappa(&self) -> Option<f64> {
        self.above_chance(|row, column| f64::from(u8::from(row == column)))
    }

    /// Cohen's κ where a tie against a preference is half an agreement (linear weights, Cohen 1968). Ranges as `kappa`.
    pub fn weighted_kappa(&self) -> Option<f64> {
        self.above_chance(|row, column| 1.0 - row.abs_diff(column) as f64 / 2.0)
    }

    fn above_chance(&self, weight: impl Fn(usize, usize) -> f64) -> Option<f64> {
        let (observed, expected) = self.weighed(weight)?;
        // Only the cells that agree wholly are expected then: shares that add up to 1 but for rounding.
        (1.0 - expected > 1e-12).then(|| (observed - expected) / (1.0 - expected))
    }

    /// The weight of what was said, and of what independent judges would have said.
    fn weighed(&self, weight: impl Fn(usize, usize) -> f64) -> Option<(f64, f64)> {
        let all = self.all() as f64;
        if all == 0.0 {
            return None;
        }
        let row_share = |row: usize| self.counts[row].iter().sum::<u64>() as f64 / all;
        let column_share = |column: usize| self.counts.iter().map(|row| row[column]).sum::<u64>() as f64 / all;
        let (mut observed, mut expected) = (0.0, 0.0);
        for (row, column) in (0..3).flat_map(|row| (0..3).map(move |column| (row, column))) {
            observed += weight(row, column) * self.counts[row][column] as f64 / all;
            expected += weight(row, column) * row_share(row) * column_share(column);
        }
        Some((observed, expected))
    }
}

/// Counts what two judges said of the same pairs. Fails where one judged more pairs than the other.
pub fn sign_agreement(first: &[Preference], second: &[Preference]) -> Result<SignAgreement, StudyError> {
    if first.len() != second.len() {
        return Err(StudyError::Unequal { left: first.len(), right: second.len() });
    }
    let mut agreement = SignAgreement::default();
    for (first, second) in first.iter().zip(second) {
        agreement.counts[*first as usize][*second as usize] += 1;
    }
    Ok(agreement)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use Preference::{First, Second, Tie};

    #[test]
    fn values_worked_out_by_hand() {
        let first = [First, First, First, First, Second, Second, Second, Tie, Tie, Tie];
        let second = [First, First, First, Tie, Second, Second, First, Tie, Tie, Second];
        let found = sign_agreement(&first, &second).unwrap();
        assert_eq!(found.counts, [[3, 1, 0], [0, 2, 1], [1, 0, 2]]);
        // p = 0.7; e = 0.4·0.4 + 0.3·0.3 + 0.3·0.3 = 0.34.
        assert_eq!(found.observed().map(|share| (share * 10.0).round()), Some(7.0));
        assert!((found.kappa().unwrap() - 0.36 / 0.66).abs() < 1e-12);
        // With halves for neighbours: p = 0.7 + 0.5·(0.1 + 0.1) = 0.8; e adds ½·(0.4·0.3 + 0.3·0.4 + 0.3·0.3 + 0.3·0.3)
        // = 0.21.
        assert!((found.weighted_kappa().unwrap() - (0.8 - 0.55) / 0.45).abs() < 1e-12);
    }

    #[test]
    fn judges_that_never_differ_have_no_kappa() {
        let found = sign_agreement(&[First, First], &[First, First]).unwrap();
        assert_eq!((found.observed(), found.kappa()), (Some(1.0), None));
        assert_eq!(sign_agreement(&[], &[]).unwrap().kappa(), None);
        assert!(sign_agreement(&[Tie], &[]).is_err());
    }

    proptest! {
        #[test]
        fn kappa_has_bounds_and_no_sides(said in prop::collection::vec((0_usize..3, 0_usize..3), 1..40)) {
            let of = |index: usize| [First, Tie, Second][index];
            let (first, second): (Vec<_>, Vec<_>) = said.iter().map(|(a, b)| (of(*a), of(*b))).unzip();
            let (plain, turned) = (sign_agreement(&first, &second).unwrap(), sign_agreement(&second, &first).unwrap());
            prop_assert!((plain.kappa().unwrap_or(2.0) - turned.kappa().unwrap_or(2.0)).abs() < 1e-9);
            prop_assert!(plain.kappa().is_none_or(|kappa| (-1.0 - 1e-9..=1.0 + 1e-9).contains(&kappa)));
            let own = sign_agreement(&first, &first).unwrap();
            prop_assert!(own.kappa().is_none_or(|kappa| (kappa - 1.0).abs() < 1e-9));
        }
    }
}
