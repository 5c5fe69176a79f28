//! Rank correlation within groups: of one editing model, or of one instruction.

use std::collections::BTreeMap;

use super::GroupRho;
use crate::rank_correlation::{RankPairs, average_ranks, pair_counts, pearson, spearman};
use crate::{Clusters, StudyError};

/// One picture that people rated and a judge scored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rated<K> {
    /// What it is compared within.
    pub group: K,
    /// The judge's score.
    pub predicted: f64,
    /// The rating of people.
    pub human: f64,
}

/// Spearman's ρ of each group. Fails on numbers that are not finite, and on no items.
pub fn spearman_by_group<K: Ord + Clone>(items: &[Rated<K>]) -> Result<BTreeMap<K, GroupRho>, StudyError> {
    let mut found = BTreeMap::new();
    for group in groups(items) {
        let rho = spearman(&group.predicted, &group.human)?;
        found.insert(group.key.clone(), GroupRho { items: group.human.len(), rho });
    }
    if found.is_empty() { Err(StudyError::Empty) } else { Ok(found) }
}

/// Spearman within groups, pooled: Pearson's r over all items of the ranks within their groups, each less its group's
/// mean rank. What differs between groups, such as how hard an instruction is, has no part in it; larger groups weigh
/// more.
///
/// From −1 to 1; `None` where one side has one distinct value in every group. Fails as `spearman_by_group` does.
pub fn pooled_spearman<K: Ord>(items: &[Rated<K>]) -> Result<Option<f64>, StudyError> {
    let (mut predicted, mut human) = (Vec::new(), Vec::new());
    for group in groups(items) {
        let middle = (group.human.len() + 1) as f64 / 2.0;
        predicted.extend(average_ranks(&group.predicted)?.into_iter().map(|rank| rank - middle));
        human.extend(average_ranks(&group.human)?.into_iter().map(|rank| rank - middle));
    }
    pearson(&predicted, &human)
}

/// Kendall's τ-b over the pairs of items within groups. From −1 to 1; `None` where one side ties them all. Fails as
/// `spearman_by_group` does.
pub fn pooled_tau_b<K: Ord>(items: &[Rated<K>]) -> Result<Option<f64>, StudyError> {
    let mut pairs = RankPairs::default();
    for group in groups(items) {
        pairs = pairs.and(pair_counts(&group.predicted, &group.human)?);
    }
    if items.is_empty() { Err(StudyError::Empty) } else { Ok(pairs.tau_b()) }
}

/// The second figure of `evaluate_imagenhub_from_json_v2`: scores are standardised within each group (0 where their
/// standard deviation, of the population, is at most 10⁻⁶), groups of one item left out, and correlated with people's
/// ratings as they are. 0 where that is not defined.
///
/// Its quirk: ratings are not standardised, so that differences between groups count as noise and a judge that orders
/// every group rightly stays below 1. `pooled_spearman` does not have it. Fails on numbers that are not finite.
pub fn z_scored_spearman_as_published<K: Ord>(items: &[Rated<K>]) -> Result<f64, StudyError> {
    let (mut predicted, mut human) = (Vec::new(), Vec::new());
    for group in groups(items).filter(|group| group.human.len() > 1) {
        crate::check(&group.predicted)?;
        predicted.extend(standardised(&group.predicted));
        human.extend(group.human);
    }
    Ok(if human.is_empty() { 0.0 } else { spearman(&predicted, &human)?.unwrap_or(0.0) })
}

fn standardised(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    let scaled = |value: &f64| if deviation > 1e-6 { (value - mean) / deviation } else { 0.0 };
    values.iter().map(scaled).collect()
}

/// One group's columns.
struct Columns<'a, K> {
    key: &'a K,
    predicted: Vec<f64>,
    human: Vec<f64>,
}

fn groups<K: Ord>(items: &[Rated<K>]) -> impl Iterator<Item = Columns<'_, K>> {
    let clusters = Clusters::by_key(items.iter().map(|item| &item.group));
    (0..clusters.len()).map(move |cluster| {
        let rows = clusters.members(cluster);
        let column = |of: fn(&Rated<K>) -> f64| rows.iter().map(|row| of(&items[*row])).collect();
        Columns {
            key: &items[rows[0]].group,
            predicted: column(|item| item.predicted),
            human: column(|item| item.human),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rated(list: &[(&'static str, f64, f64)]) -> Vec<Rated<&'static str>> {
        list.iter()
            .map(|(group, predicted, human)| Rated { group: *group, predicted: *predicted, human: *human })
            .collect()
    }

    #[test]
    fn groups_are_compared_within() {
        // Each group is ordered rightly; group b is easy for people and hard for the judge.
        let items = rated(&[("a", 10.0, 1.0), ("a", 20.0, 2.0), ("b", 1.0, 3.0), ("b", 2.0, 4.0), ("c", 0.0, 0.0)]);
        let found = spearman_by_group(&items).unwrap();
        assert_eq!(found["a"], GroupRho { items: 2, rho: Some(1.0) });
        assert_eq!(found["c"], GroupRho { items: 1, rho: None });
        assert_eq!(pooled_spearman(&items), Ok(Some(1.0)));
        assert_eq!(pooled_tau_b(&items), Ok(Some(1.0)));
        // Standardised scores (−1, 1, −1, 1) against (1, 2, 3, 4): ranks (1.5, 3.5, 1.5, 3.5), so 2/√(4·5).
        let published = z_scored_spearman_as_published(&items).unwrap();
        assert!((published - 2.0 / 20.0_f64.sqrt()).abs() < 1e-12, "{published}");
    }

    #[test]
    fn pooled_values_worked_out_by_hand() {
        // Group a: ranks (1, 2, 3) against (1, 3, 2): Σ of the centred products 1, squares 2 and 2.
        // Group b: (1, 2) against (2, 1): −0.5, squares 0.5 and 0.5. ρ = 0.5/2.5.
        let items = rated(&[("a", 1.0, 5.0), ("a", 2.0, 7.0), ("a", 3.0, 6.0), ("b", 1.0, 2.0), ("b", 2.0, 1.0)]);
        let pooled = pooled_spearman(&items).unwrap().unwrap();
        assert!((pooled - 0.2).abs() < 1e-12, "{pooled}");
        // Pairs: two of three concordant in a, none of one in b: (2 − 2)/4.
        assert_eq!(pooled_tau_b(&items), Ok(Some(0.0)));
    }

    #[test]
    fn nearly_equal_scores_are_flat_as_published() {
        let items = rated(&[("a", 1.0, 1.0), ("a", 1.0 + 1e-7, 2.0)]);
        assert_eq!(z_scored_spearman_as_published(&items), Ok(0.0));
        assert_eq!(pooled_spearman(&items), Ok(Some(1.0)));
        assert_eq!(z_scored_spearman_as_published::<u8>(&[]), Ok(0.0));
    }

    #[test]
    fn bad_items_are_named() {
        assert_eq!(spearman_by_group::<u8>(&[]), Err(StudyError::Empty));
        assert_eq!(pooled_tau_b::<u8>(&[]), Err(StudyError::Empty));
        assert!(matches!(pooled_spearman(&rated(&[("a", f64::NAN, 1.0)])), Err(StudyError::NotFinite { .. })));
    }
}
