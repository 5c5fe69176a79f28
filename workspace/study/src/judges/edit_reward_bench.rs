//! EditReward-Bench as a whole: groups of two, three and four candidates, as published and rightly.

use std::collections::BTreeMap;

use super::{
    Calibrated, HeldOut, HumanOrder, Pair, PairCounts, PublishedOrder, ScoredGroup, accuracy_without_ties,
    accuracy_without_ties_as_published, best_threshold, held_out_threshold, pairs_of_group, strict_accuracy,
    strict_accuracy_as_published,
};
use crate::{Clusters, Folds, Share, StudyError};

/// What `evaluate_edit_reward_bench` of the published code says of groups of one size, or of all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PublishedBench {
    /// Pairwise accuracy: with ties and a threshold tuned on the same pairs for groups of two and for all groups
    /// together, without ties for three and more. `None` where it is not defined.
    pub pairwise: Option<f64>,
    /// The threshold that was tuned; 0 for three and more.
    pub threshold: f64,
    /// Strict ranking accuracy, the number that tables print. That of all groups pools the sizes, each with its own
    /// threshold.
    pub strict: Share,
}

/// The statistically right values for groups of one size, or of all. Groups whose ranking cannot be read are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct RightBench {
    /// Accuracy without ties, equal scores counting half.
    pub without_ties: Option<f64>,
    /// Accuracy with ties at the best threshold of the same pairs: too good.
    pub tuned: Calibrated,
    /// Accuracy with ties where each fold of groups is judged with the threshold of the others; `None` where there is
    /// only one group.
    pub held_out: Option<HeldOut>,
    /// Strict accuracy where every verdict must be right, at thresholds held out likewise, or at 0 for one group.
    pub strict: Share,
}

/// Groups of one size, or all.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchPart {
    /// How many groups.
    pub groups: usize,
    /// How many pairs of candidates they make.
    pub pairs: usize,
    /// Groups whose ranking is no order of their candidates; they count as wrong as published.
    pub unreadable: usize,
    /// As the published code computes it.
    pub published: PublishedBench,
    /// As it should be; `None` where no group can be read.
    pub right: Option<RightBench>,
}

/// Evaluates scored groups: one part for each number of candidates, and all together. Folds are cut with `folds`;
/// groups are clusters. Fails without groups, on a group of one candidate or none, and where a group's numbers of
/// scores and candidates differ.
pub fn edit_reward_bench(
    groups: &[ScoredGroup<PublishedOrder>],
    folds: Folds,
) -> Result<(BTreeMap<usize, BenchPart>, BenchPart), StudyError> {
    let mut by_size: BTreeMap<usize, Vec<ScoredGroup<PublishedOrder>>> = BTreeMap::new();
    for group in groups {
        if group.scores.len() < 2 {
            return Err(StudyError::SmallGroup { candidates: group.scores.len() });
        }
        by_size.entry(group.scores.len()).or_default().push(group.clone());
    }
    let mut parts = BTreeMap::new();
    for (size, groups) in by_size {
        let published = published_of_size(size, &groups)?;
        parts.insert(size, part(&groups, published, folds)?);
    }
    let strict = parts.values().fold(Share::default(), |sum, part| sum.and(part.published.strict));
    let tuned = best_threshold(&published_pairs(groups))?;
    let published = PublishedBench { pairwise: tuned.accuracy.value(), threshold: tuned.threshold, strict };
    Ok((parts, part(groups, published, folds)?))
}

fn published_of_size(size: usize, groups: &[ScoredGroup<PublishedOrder>]) -> Result<PublishedBench, StudyError> {
    let pairs = published_pairs(groups);
    if size > 2 {
        let strict = strict_accuracy_as_published(groups, 0.0)?;
        return Ok(PublishedBench { pairwise: accuracy_without_ties_as_published(&pairs), threshold: 0.0, strict });
    }
    let Calibrated { threshold, accuracy } = best_threshold(&pairs)?;
    let strict = strict_accuracy_as_published(groups, threshold)?;
    Ok(PublishedBench { pairwise: accuracy.value(), threshold, strict })
}

fn published_pairs(groups: &[ScoredGroup<PublishedOrder>]) -> Vec<Pair> {
    let of_group = |ScoredGroup { scores, human }: &ScoredGroup<PublishedOrder>| {
        let places = (0..scores.len()).flat_map(|i| (i + 1..scores.len()).map(move |j| (i, j)));
        places
            .map(|(i, j)| Pair { human: human.preference(i, j), margin: scores[i] - scores[j] })
            .collect::<Vec<Pair>>()
    };
    groups.iter().flat_map(of_group).collect()
}

fn part(
    groups: &[ScoredGroup<PublishedOrder>],
    published: PublishedBench,
    folds: Folds,
) -> Result<BenchPart, StudyError> {
    let readable = groups.iter().filter_map(|group| {
        let human = group.human.rightly().ok()?;
        Some(ScoredGroup { scores: group.scores.clone(), human })
    });
    let readable: Vec<ScoredGroup<HumanOrder>> = readable.collect();
    let pairs = groups.iter().map(|group| group.scores.len() * (group.scores.len() - 1) / 2).sum();
    let right = if readable.is_empty() { None } else { Some(rightly(&readable, folds)?) };
    Ok(BenchPart { groups: groups.len(), pairs, unreadable: groups.len() - readable.len(), published, right })
}

fn rightly(groups: &[ScoredGroup<HumanOrder>], folds: Folds) -> Result<RightBench, StudyError> {
    let (mut pairs, mut group_of) = (Vec::new(), Vec::new());
    for (number, group) in groups.iter().enumerate() {
        pairs.extend(pairs_of_group(&group.scores, &group.human)?);
        group_of.resize(pairs.len(), number);
    }
    let held_out = match groups.len() {
        1 => None,
        _ => Some(held_out_threshold(&pairs, &Clusters::by_key(group_of), folds)?),
    };
    Ok(RightBench {
        without_ties: accuracy_without_ties(&pairs),
        tuned: best_threshold(&pairs)?,
        strict: held_out_strict(groups, held_out.as_ref(), folds)?,
        held_out,
    })
}

/// The clusters of `held_out` are the groups in their order, so the same folds cut both.
fn held_out_strict(
    groups: &[ScoredGroup<HumanOrder>],
    held_out: Option<&HeldOut>,
    folds: Folds,
) -> Result<Share, StudyError> {
    let Some(held_out) = held_out else { return strict_accuracy(groups, 0.0) };
    let fold_of = folds.of_rows(&Clusters::singles(groups.len()))?;
    let mut strict = Share::default();
    for (group, fold) in groups.iter().zip(fold_of) {
        let threshold = held_out.thresholds.get(fold).copied().unwrap_or(0.0);
        strict = strict.and(strict_accuracy(std::slice::from_ref(group), threshold)?);
    }
    Ok(strict)
}

/// The printed random row of strict accuracy, as counts: the numbers of candidates, and groups right of all. It is
/// shown beside results; `guessed_verdicts` says where it comes from.
pub const PRINTED_RANDOM: [(usize, Share); 3] =
    [(2, Share { hits: 48, of: 186 }), (3, Share { hits: 17, of: 150 }), (4, Share { hits: 2, of: 148 })];

impl RightBench {
    /// Held-out accuracy with ties, or that at a threshold of 0 for one group, which has nothing to be held out.
    pub fn with_ties(&self) -> Option<f64> {
        self.held_out
            .as_ref()
            .map_or_else(|| self.tuned.accuracy.value(), |held_out| PairCounts::accuracy(&held_out.counts))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{GuessedGroup, Simulation, guessed_verdicts, random_scores};
    use super::*;

    const RANKINGS: [(usize, &[&str]); 3] = [
        (2, &["A>B", "B>A", "A=B=Good", "A<B", "A=B", "A=B=Bad"]),
        (3, &["A>B>C", "C>A>B", "B>A>C", "B>C>A", "A>B=C", "C>B>A"]),
        (4, &["A>B>C>D", "D>C>B>A", "B>D>A>C", "C>A>D>B", "A>C>B>D"]),
    ];

    /// Thirty groups of each size with a judge that sees something, and many equal scores.
    fn groups() -> Vec<ScoredGroup<PublishedOrder>> {
        let group = |size: usize, texts: &[&str], number: usize| {
            let text = texts[number % texts.len()];
            let score = |c: usize| {
                let place = text.find(char::from(b'A' + c as u8)).unwrap() / 2;
                let bent = ((number * 7 + c * 13 + size * 3) * 11 % 17) as f64 / 4.0;
                bent - if number.is_multiple_of(3) { 0.0 } else { 1.5 * place as f64 }
            };
            ScoredGroup { scores: (0..size).map(score).collect(), human: PublishedOrder::new(text, size) }
        };
        RANKINGS.iter().flat_map(|(size, texts)| (0..30).map(move |number| group(*size, texts, number))).collect()
    }

    #[test]
    fn the_published_script_says_the_same_of_a_synthetic_set() {
        // `evaluate_edit_reward_bench` at `edb027e`, run with Python, numpy 2.4 and a stand-in for the model on these
        // groups.
        let (parts, all) = edit_reward_bench(&groups(), Folds::default()).unwrap();
        for (size, pairwise, strict, pairs) in
            [(2, 14.0 / 30.0, 13, 30), (3, 0.611_111_111_111_111_2, 5, 90), (4, 0.672_222_222_222_222_3, 8, 180)]
        {
            let part = &parts[&size];
            assert!((part.published.pairwise.unwrap() - pairwise).abs() < 1e-12, "{size}: {part:?}");
            assert_eq!((part.published.strict, part.pairs), (Share { hits: strict, of: 30 }, pairs), "{size}");
        }
        assert!((all.published.pairwise.unwrap() - 0.633_333_333_333_333_3).abs() < 1e-12);
        assert_eq!((all.published.strict, all.pairs, all.unreadable), (Share { hits: 26, of: 90 }, 300, 0));
    }

    #[test]
    fn right_values_are_below_tuned_ones() {
        let (parts, all) = edit_reward_bench(&groups(), Folds::default()).unwrap();
        for part in parts.values().chain([&all]) {
            let right = part.right.as_ref().unwrap();
            assert!(right.with_ties() <= right.tuned.accuracy.value());
            assert_eq!(right.held_out.as_ref().unwrap().counts.all() as usize, part.pairs);
            assert_eq!(right.strict.of as usize, part.groups);
        }
    }

    #[test]
    fn random_scores_have_their_own_level() {
        let groups = groups();
        let sizes: Vec<usize> = groups.iter().map(|group| group.scores.len()).collect();
        let strict_of = |size: usize| {
            let measure = |scores: &[Vec<f64>]| {
                let scored = groups.iter().zip(scores);
                let scored: Vec<_> =
                    scored.map(|(group, scores)| ScoredGroup { scores: scores.clone(), ..group.clone() }).collect();
                Ok(edit_reward_bench(&scored, Folds { folds: 2, seed: 0 })?.0[&size].published.strict.value())
            };
            random_scores(&sizes, Simulation { rounds: 100, seed: 4 }, measure).unwrap().unwrap()
        };
        // Of six rankings of three, one is never right as published and five have one order of six: 5/36, give or take
        // 0.0063.
        let level = strict_of(3);
        assert!((level.mean - 5.0 / 36.0).abs() < 0.025, "{}", level.mean);
        for (size, share) in PRINTED_RANDOM {
            let (verdicts, answers) = (size as u32 * (size as u32 - 1) / 2, if size == 2 { 4 } else { 2 });
            let guessed = guessed_verdicts(&[GuessedGroup { verdicts, answers }]).unwrap();
            assert!(share.errors_above(guessed).unwrap().abs() < 1.0);
        }
    }

    #[test]
    fn groups_that_cannot_be_read_count_as_wrong_as_published_alone() {
        let group = |scores: &[f64], text: &str| ScoredGroup {
            scores: scores.to_vec(),
            human: PublishedOrder::new(text, scores.len()),
        };
        let (parts, _) =
            edit_reward_bench(&[group(&[2.0, 1.0], "A>B"), group(&[2.0, 1.0], "?")], Folds::default()).unwrap();
        let part = &parts[&2];
        assert_eq!((part.unreadable, part.published.strict), (1, Share { hits: 1, of: 2 }));
        assert_eq!(part.right.as_ref().unwrap().strict, Share { hits: 1, of: 1 });
        let lone = edit_reward_bench(&[group(&[2.0], "A")], Folds::default());
        assert_eq!(lone, Err(StudyError::SmallGroup { candidates: 1 }));
        assert_eq!(edit_reward_bench(&[], Folds::default()), Err(StudyError::Empty));
    }
}
