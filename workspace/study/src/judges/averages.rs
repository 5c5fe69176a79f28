//! Averages of rank correlations, one a group.

/// Spearman's ρ of one group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupRho {
    /// How many items the group has.
    pub items: usize,
    /// Their ρ; `None` where it is not defined, since one side has only one distinct value.
    pub rho: Option<f64>,
}

impl GroupRho {
    /// `atanh ρ`. A perfect ρ would be infinite and outweigh all others: it is taken half a step below,
    /// `1 − 6/(n³ − n)`, where 12/(n³ − n) is the step from 1 to the next ρ of n items without ties. Two items then say
    /// nothing: 0.
    fn fisher(&self) -> Option<f64> {
        let n = self.items as f64;
        let most = if self.items < 2 { 0.0 } else { 1.0 - 6.0 / (n * n * n - n) };
        self.rho.map(|rho| rho.clamp(-most, most).atanh())
    }
}

/// The average through Fisher's z, `tanh(mean(atanh ρ))`, each group counting the same; groups without a ρ are left
/// out.
///
/// From −1 to 1; `None` where no group has a ρ. A perfect ρ counts as half a step below 1, see the source.
pub fn fisher_average(groups: &[GroupRho]) -> Option<f64> {
    mean(groups.iter().filter_map(|group| Some((group.fisher()?, 1.0)))).map(f64::tanh)
}

/// The average through Fisher's z where a group of n items weighs n − 3, which is as the variance of z goes. Groups of
/// three items and fewer weigh nothing; `None` where there are no others.
pub fn weighted_fisher_average(groups: &[GroupRho]) -> Option<f64> {
    let weight = |group: &GroupRho| group.items.saturating_sub(3) as f64;
    mean(groups.iter().filter_map(|group| Some((group.fisher()?, weight(group))))).map(f64::tanh)
}

/// The average of `ImagenHub` as published, `tanh(mean ρ)`: the code's comment says Fisher's z, and its `atanh` is
/// missing (`evaluate_imagenhub_from_json`).
///
/// A ρ of 0.5 in every group averages to 0.462. `None` where a group has no ρ (the code gives NaN) or there is no group
/// (it divides by zero).
pub fn fisher_average_as_published(groups: &[GroupRho]) -> Option<f64> {
    defined(groups).filter(|rhos| !rhos.is_empty()).and_then(|rhos| plain(&rhos)).map(f64::tanh)
}

/// The plain mean of the ρ that are defined; `None` where none is. Biased towards 0 for few items, and biased less so
/// than Fisher's average is away from it.
///
/// Of groups with two items and more, with 0 for none, it is the first figure of `evaluate_imagenhub_from_json_v2`.
pub fn plain_average(groups: &[GroupRho]) -> Option<f64> {
    plain(&groups.iter().filter_map(|group| group.rho).collect::<Vec<f64>>())
}

/// The average of AURORA's single ratings as published (`evaluate_aurora_from_json_pointwise`): the plain mean, 0
/// without groups, and `None` where a group has no ρ (the code gives NaN).
pub fn plain_average_as_published(groups: &[GroupRho]) -> Option<f64> {
    defined(groups).map(|rhos| plain(&rhos).unwrap_or(0.0))
}

fn defined(groups: &[GroupRho]) -> Option<Vec<f64>> {
    groups.iter().map(|group| group.rho).collect()
}

fn plain(rhos: &[f64]) -> Option<f64> {
    mean(rhos.iter().map(|rho| (*rho, 1.0)))
}

/// The mean of values with weights; `None` where the weights add up to nothing.
fn mean(values: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (sum, weights) =
        values.fold((0.0, 0.0), |(sum, weights), (value, weight)| (sum + value * weight, weights + weight));
    (weights > 0.0).then(|| sum / weights)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn groups(list: &[(usize, f64)]) -> Vec<GroupRho> {
        list.iter().map(|(items, rho)| GroupRho { items: *items, rho: Some(*rho) }).collect()
    }

    fn near(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-12), "{found:?}, expected {expected}");
    }

    #[test]
    fn values_worked_out_by_hand() {
        // atanh 0.6 = ½ ln 4 = ln 2 and atanh 0 = 0; with half of it, tanh(½ ln 2) = (2 − 1)/(2 + 1).
        let two = groups(&[(10, 0.6), (10, 0.0)]);
        near(fisher_average(&two), 1.0 / 3.0);
        near(fisher_average_as_published(&two), 0.3_f64.tanh());
        near(plain_average(&two), 0.3);
        near(plain_average_as_published(&two), 0.3);
        // Weights 7 and 14: tanh(⅓ ln 2).
        near(weighted_fisher_average(&groups(&[(10, 0.6), (17, 0.0)])), (2.0_f64.ln() / 3.0).tanh());
    }

    #[test]
    fn equal_groups_average_to_themselves_but_as_published() {
        let same = groups(&[(20, 0.5), (30, 0.5), (40, 0.5)]);
        near(fisher_average(&same), 0.5);
        near(weighted_fisher_average(&same), 0.5);
        near(fisher_average_as_published(&same), 0.462_117_157_260_009_76);
    }

    #[test]
    fn undefined_groups_are_left_out_but_as_published() {
        let mut list = groups(&[(10, 0.4)]);
        list.push(GroupRho { items: 10, rho: None });
        near(fisher_average(&list), 0.4);
        near(plain_average(&list), 0.4);
        assert_eq!((fisher_average_as_published(&list), plain_average_as_published(&list)), (None, None));
        assert_eq!((fisher_average(&[]), fisher_average_as_published(&[])), (None, None));
        assert_eq!((plain_average(&[]), plain_average_as_published(&[])), (None, Some(0.0)));
        assert_eq!(weighted_fisher_average(&groups(&[(3, 0.5)])), None);
    }

    #[test]
    fn a_perfect_group_is_not_infinite() {
        // Half a step below 1 for 4 items: 1 − 6/60.
        near(fisher_average(&groups(&[(4, 1.0)])), 0.9);
        near(fisher_average(&groups(&[(4, 1.0), (4, -1.0)])), 0.0);
        near(fisher_average(&groups(&[(2, 1.0)])), 0.0);
        near(fisher_average(&groups(&[(1, 1.0)])), 0.0);
    }

    proptest! {
        #[test]
        fn averages_stay_within_the_groups(rhos in prop::collection::vec(-0.99_f64..0.99, 1..9)) {
            let list: Vec<(usize, f64)> = rhos.iter().map(|rho| (500, *rho)).collect();
            let list = groups(&list);
            let (low, high) = rhos.iter().fold((1.0_f64, -1.0_f64), |(low, high), rho| (low.min(*rho), high.max(*rho)));
            for average in [fisher_average(&list), weighted_fisher_average(&list), plain_average(&list)] {
                prop_assert!(average.is_some_and(|average| low - 1e-12 <= average && average <= high + 1e-12));
            }
            // Without the atanh, the value is always nearer to 0 than the plain mean.
            let published = fisher_average_as_published(&list).unwrap();
            prop_assert!(published.abs() <= plain_average(&list).unwrap().abs());
        }
    }
}
