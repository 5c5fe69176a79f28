//! Metrics of comparisons: strict accuracy, and accuracy of pairs with ties and without.

#![allow(clippy::unnecessary_wraps, reason = "rules and facts have one signature, and some of them cannot fail")]

use std::collections::BTreeMap;

use editscale_study::judges::{
    HumanOrder, Pair, PairCounts, Preference, PublishedOrder, ScoredGroup, StrictOrder, accuracy_without_ties,
    accuracy_without_ties_as_published, best_threshold, best_threshold_as_published, held_out_threshold,
    random_strict_accuracy, random_strict_accuracy_as_published, strict_accuracy, strict_accuracy_as_published,
};
use editscale_study::{Clusters, Folds, Share, StudyError};

use super::comparison::Comparison;
use super::evaluate::{Definition, Ready, Unjudged, Way};

/// The metrics of `EditReward-Bench`: of groups of one size where `size` says it, else of all.
pub(super) fn groups_as_published(size: Option<usize>) -> Vec<Definition<Comparison>> {
    let published_with_ties = matches!(size, None | Some(2));
    let with_ties = Definition { published: published_with_ties.then_some(tuned_of_groups), ..with_ties() };
    let published_without = size.is_some_and(|size| size > 2);
    let without_ties =
        Definition { published: published_without.then_some(without_ties_as_published), ..without_ties() };
    vec![Definition { published: Some(strict_as_published), ..strict() }, with_ties, without_ties]
}

/// The metrics of `GenAI-Bench` and of AURORA's pairs.
pub(super) fn pairs_as_published() -> Vec<Definition<Comparison>> {
    let with_ties = Definition {
        published: Some(tuned_one_by_one),
        differs: "The published code tunes the tie threshold on the pairs that it is tested on, never tries to tie nothing, and \
                  stops among equal margins (eval_bench.py, calc_accuracy_with_ties); rightly the threshold comes from other \
                  sources.",
        ..with_ties()
    };
    vec![with_ties, Definition { published: Some(without_ties_as_published), ..without_ties() }]
}

/// The metrics of comparisons that no published code was made for.
pub(super) fn right_ones(groups: bool) -> Vec<Definition<Comparison>> {
    let plain = vec![
        Definition { differs: NOT_PUBLISHED, ..with_ties() },
        Definition { differs: NOT_PUBLISHED, ..without_ties() },
    ];
    let strict = groups.then(|| Definition { differs: NOT_PUBLISHED, ..strict() });
    strict.into_iter().chain(plain).collect()
}

/// How a judge treats one editing model: each comparison is that model's candidate against another's.
pub(super) fn of_model() -> Vec<Definition<Comparison>> {
    vec![Definition { facts: Some(wins), differs: NOT_PUBLISHED, ..without_ties() }]
}

/// What is told of an editing model beside its metrics.
pub(crate) const PAIRS_WITH_OTHERS: &str = "pairs with other models";
pub(crate) const PREFERRED_BY_PEOPLE: &str = "preferred by people";
pub(crate) const PREFERRED_BY_JUDGE: &str = "preferred by the judge";

/// Why there is no published value.
pub(super) const NOT_PUBLISHED: &str = "The published code does not compute this.";

fn strict() -> Definition<Comparison> {
    Definition {
        name: "strict_accuracy",
        says: "The share of groups whose whole order is right, ties included.",
        published: None,
        right: Some(strict_held_out),
        differs: "The published code counts a tie as right within a threshold tuned on the same pairs, lets the threshold make \
                  no preference wrong, orders equal scores by place, and cannot read A=B (eval_bench.py, \
                  evaluate_edit_reward_bench, get_gt_ranking); rightly every verdict must hold, at a threshold from other sources.",
        unit: "groups",
        weight: |_| 1,
        unjudged: Unjudged::Counted,
        exact: exact_strict,
        facts: None,
    }
}

fn with_ties() -> Definition<Comparison> {
    Definition {
        name: "accuracy_with_ties",
        says: "The share of pairs on which judge and people agree, where scores within a threshold are a tie.",
        published: None,
        right: Some(tied_held_out),
        differs: "The published code tunes the tie threshold on the pairs that it is tested on and reads A=B as A preferred \
                  (eval_bench.py, calc_accuracy_with_ties_for_edit_reward_bench, get_pairwise_gt); rightly the threshold comes \
                  from other sources.",
        unit: "pairs",
        weight: |group| (group.scores().len() * group.scores().len().saturating_sub(1) / 2) as u64,
        unjudged: Unjudged::Counted,
        exact: |_, _| None,
        facts: Some(thresholds),
    }
}

fn without_ties() -> Definition<Comparison> {
    Definition {
        name: "accuracy_without_ties",
        says: "The share of pairs that people decided on which the judge prefers the same one.",
        published: None,
        right: Some(without_ties_rightly),
        differs: "The published code counts equal scores as wrong and a tie written A=B as a preference (eval_bench.py, \
                  calc_accuracy_without_ties, get_pairwise_gt); rightly equal scores are right half the time, as by a coin.",
        unit: "decided pairs",
        weight: |group| group.pairs().iter().filter(|pair| pair.human != Preference::Tie).count() as u64,
        unjudged: Unjudged::Counted,
        exact: |groups, _| groups.iter().any(is_decided).then_some(0.5),
        facts: None,
    }
}

fn is_decided(group: &Comparison) -> bool {
    group.pairs().iter().any(|pair| pair.human != Preference::Tie)
}

/// At a threshold tuned on random scores a tie is right with a probability that no formula gives.
fn exact_strict(groups: &[Comparison], way: Way) -> Option<f64> {
    let orders: Vec<PublishedOrder> = groups.iter().map(|group| group.published.human.clone()).collect();
    let has_ties = |group: &Comparison| group.order.as_deref().is_some_and(HumanOrder::has_ties);
    match way {
        Way::Published if orders.iter().any(|order| order.strict() == StrictOrder::Tie) => None,
        Way::Published => random_strict_accuracy_as_published(&orders, 0.0),
        // Without ties of people no tie of the judge can be right, so the best threshold is 0.
        Way::Right if groups.iter().any(has_ties) => None,
        Way::Right => {
            let readable: Vec<HumanOrder> = groups.iter().filter_map(|group| group.order.as_deref().cloned()).collect();
            random_strict_accuracy(&readable)
        }
    }
}

fn strict_as_published<'a>(groups: &'a [Comparison], _: &Clusters, _: Folds) -> Result<Ready<'a>, StudyError> {
    let pairs: Vec<Vec<Pair>> = groups.iter().map(|group| group.published_pairs().collect()).collect();
    Ok(Box::new(move |rows| {
        let twos = rows.iter().filter_map(|row| pairs.get(*row)).filter(|pairs| pairs.len() == 1);
        let threshold =
            best_threshold(&twos.flatten().copied().collect::<Vec<Pair>>()).map_or(0.0, |best| best.threshold);
        let mut strict = Share::default();
        for group in rows.iter().filter_map(|row| groups.get(*row)) {
            let threshold = if group.scores().len() == 2 { threshold } else { 0.0 };
            strict = strict.and(strict_accuracy_as_published(std::slice::from_ref(&group.published), threshold).ok()?);
        }
        strict.value()
    }))
}

fn strict_held_out<'a>(groups: &'a [Comparison], clusters: &Clusters, folds: Folds) -> Result<Ready<'a>, StudyError> {
    let held_out = HeldOut::of(groups, clusters, folds)?;
    let mut right: Vec<Option<bool>> = Vec::with_capacity(groups.len());
    for (group, threshold) in groups.iter().zip(held_out.thresholds) {
        let Some(order) = &group.order else {
            right.push(None);
            continue;
        };
        let scored = ScoredGroup { scores: group.scores().to_vec(), human: order.as_ref().clone() };
        right.push(Some(strict_accuracy(&[scored], threshold)?.hits == 1));
    }
    Ok(Box::new(move |rows| {
        let mut strict = Share::default();
        rows.iter().filter_map(|row| right.get(*row).copied().flatten()).for_each(|is_right| strict.count(is_right));
        strict.value()
    }))
}

fn tuned_of_groups<'a>(groups: &'a [Comparison], _: &Clusters, _: Folds) -> Result<Ready<'a>, StudyError> {
    let pairs: Vec<Vec<Pair>> = groups.iter().map(|group| group.published_pairs().collect()).collect();
    Ok(Box::new(move |rows| best_threshold(&gathered(&pairs, rows)).ok()?.accuracy.value()))
}

fn tuned_one_by_one<'a>(groups: &'a [Comparison], _: &Clusters, _: Folds) -> Result<Ready<'a>, StudyError> {
    let pairs: Vec<Vec<Pair>> = groups.iter().map(|group| group.published_pairs().collect()).collect();
    Ok(Box::new(move |rows| best_threshold_as_published(&gathered(&pairs, rows)).ok()?.accuracy.value()))
}

fn without_ties_as_published<'a>(groups: &'a [Comparison], _: &Clusters, _: Folds) -> Result<Ready<'a>, StudyError> {
    let pairs: Vec<Vec<Pair>> = groups.iter().map(|group| group.published_pairs().collect()).collect();
    Ok(Box::new(move |rows| accuracy_without_ties_as_published(&gathered(&pairs, rows))))
}

fn without_ties_rightly<'a>(groups: &'a [Comparison], _: &Clusters, _: Folds) -> Result<Ready<'a>, StudyError> {
    let pairs: Vec<Vec<Pair>> = groups.iter().map(Comparison::pairs).collect();
    Ok(Box::new(move |rows| accuracy_without_ties(&gathered(&pairs, rows))))
}

fn tied_held_out<'a>(groups: &'a [Comparison], clusters: &Clusters, folds: Folds) -> Result<Ready<'a>, StudyError> {
    let held_out = HeldOut::of(groups, clusters, folds)?;
    let counted = groups.iter().zip(held_out.thresholds).map(|(group, threshold)| {
        let mut counts = PairCounts::default();
        group.pairs().iter().for_each(|pair| counts.count(pair, threshold));
        counts
    });
    let counts: Vec<PairCounts> = counted.collect();
    Ok(Box::new(move |rows| {
        let counts = rows.iter().filter_map(|row| counts.get(*row));
        counts.fold(PairCounts::default(), |sum, next| sum.and(*next)).accuracy()
    }))
}

fn gathered(pairs: &[Vec<Pair>], rows: &[usize]) -> Vec<Pair> {
    rows.iter().filter_map(|row| pairs.get(*row)).flatten().copied().collect()
}

/// The tie threshold for each group, from the groups of other sources; 0 where there is only one source.
struct HeldOut {
    thresholds: Vec<f64>,
    distinct: Vec<f64>,
}

impl HeldOut {
    fn of(groups: &[Comparison], clusters: &Clusters, folds: Folds) -> Result<HeldOut, StudyError> {
        let mut cluster_of = vec![0; groups.len()];
        for cluster in 0..clusters.len() {
            for row in clusters.members(cluster) {
                cluster_of.get_mut(*row).into_iter().for_each(|of| *of = cluster);
            }
        }
        let readable: Vec<(usize, usize)> = cluster_of
            .iter()
            .copied()
            .enumerate()
            .filter(|(row, _)| groups.get(*row).is_some_and(|group| group.order.is_some()))
            .collect();
        let of_groups = Clusters::by_key(readable.iter().map(|(_, cluster)| *cluster));
        if of_groups.len() < 2 {
            return Ok(HeldOut { thresholds: vec![0.0; groups.len()], distinct: vec![0.0] });
        }
        let (mut pairs, mut cluster_of_pair) = (Vec::new(), Vec::new());
        for (row, cluster) in &readable {
            pairs.extend(groups.get(*row).map(Comparison::pairs).unwrap_or_default());
            cluster_of_pair.resize(pairs.len(), *cluster);
        }
        let found = held_out_threshold(&pairs, &Clusters::by_key(cluster_of_pair), folds)?;
        // The same sources in the same order: the same folds.
        let fold_of = folds.of_rows(&of_groups)?;
        let mut thresholds = vec![0.0; groups.len()];
        for ((row, _), fold) in readable.iter().zip(fold_of) {
            let threshold = found.thresholds.get(fold).copied().unwrap_or(0.0);
            thresholds.get_mut(*row).into_iter().for_each(|of| *of = threshold);
        }
        Ok(HeldOut { thresholds, distinct: found.thresholds })
    }
}

/// What was tuned: the threshold and the accuracy on the pairs that it was tuned on, and how far the held-out thresholds lie
/// apart.
fn thresholds(groups: &[Comparison], clusters: &Clusters, folds: Folds) -> Result<BTreeMap<String, f64>, StudyError> {
    let pairs: Vec<Pair> = groups.iter().flat_map(Comparison::pairs).collect();
    if pairs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let tuned = best_threshold(&pairs)?;
    let held_out = HeldOut::of(groups, clusters, folds)?.distinct;
    let ties = pairs.iter().filter(|pair| pair.human == Preference::Tie).count();
    let mut facts = BTreeMap::from([
        ("tuned on the same pairs: threshold".to_owned(), tuned.threshold),
        ("held-out threshold, least".to_owned(), held_out.iter().copied().fold(f64::INFINITY, f64::min)),
        ("held-out threshold, greatest".to_owned(), held_out.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        ("share of pairs that people tied".to_owned(), ties as f64 / pairs.len() as f64),
    ]);
    facts.extend(tuned.accuracy.value().map(|accuracy| ("tuned on the same pairs: accuracy".to_owned(), accuracy)));
    Ok(facts)
}

/// In what share of its pairs a model is preferred by people and by the judge, ties counting half.
fn wins(groups: &[Comparison], _: &Clusters, _: Folds) -> Result<BTreeMap<String, f64>, StudyError> {
    let pairs: Vec<Pair> = groups.iter().flat_map(Comparison::pairs).collect();
    let share = |said: &dyn Fn(&Pair) -> Preference| {
        let won = pairs.iter().map(|pair| match said(pair) {
            Preference::First => 1.0,
            Preference::Tie => 0.5,
            Preference::Second => 0.0,
        });
        won.sum::<f64>() / pairs.len() as f64
    };
    if pairs.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(BTreeMap::from([
        (PAIRS_WITH_OTHERS.to_owned(), pairs.len() as f64),
        (PREFERRED_BY_PEOPLE.to_owned(), share(&|pair| pair.human)),
        (PREFERRED_BY_JUDGE.to_owned(), share(&|pair| Preference::of_margin(pair.margin, 0.0))),
    ]))
}
