//! What chance reaches: random scores and guessed verdicts on groups and ties as they are.

use super::{HumanOrder, PublishedOrder, StrictOrder};
use crate::{Counted, StudyError};

/// Strict accuracy of independent random scores without equal ones, exactly: 1/K! for a group of K without ties, 0 for
/// one with ties, and the mean over groups. `None` without groups.
pub fn random_strict_accuracy(groups: &[HumanOrder]) -> Option<f64> {
    mean(groups.iter().map(|group| if group.has_ties() { 0.0 } else { one_order_of(group.candidates()) }))
}

/// The same of `strict_accuracy_as_published`, exactly, where `within` is the probability that two random scores lie
/// within the threshold: 0 at a threshold of 0. 1/K! for an order of all K letters, `within` for a tie, and 0 for what
/// that code does not understand. The threshold is tuned on the same scores there, which only `random_scores` follows.
pub fn random_strict_accuracy_as_published(groups: &[PublishedOrder], within: f64) -> Option<f64> {
    let chance = |group: &PublishedOrder| match group.strict() {
        StrictOrder::Tie => within,
        StrictOrder::Best(order) if is_whole(&order, group.candidates()) => one_order_of(order.len()),
        StrictOrder::Best(_) | StrictOrder::Never => 0.0,
    };
    mean(groups.iter().map(chance))
}

/// A group that a judge answers with verdicts, not scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuessedGroup {
    /// How many verdicts must all be right: `K(K−1)/2` for K candidates.
    pub verdicts: u32,
    /// Among how many answers each is guessed.
    pub answers: u32,
}

/// The share of groups that guessing each verdict gets wholly right, exactly: the mean of `answers^−verdicts`. `None`
/// without groups; a group without answers has 0.
///
/// The printed random rows follow from this and not from random scores: one verdict of four (A, B, both good, both bad)
/// gives 25 %, printed as 25.81 and 25.90; three of two give 12.5 %, printed as 11.33, where scores give 16.7 %; six of
/// two give 1.6 %, printed as 1.35, where scores give 4.2 %.
pub fn guessed_verdicts(groups: &[GuessedGroup]) -> Option<f64> {
    let chance = |group: &GuessedGroup| match group.answers {
        0 => 0.0,
        answers => f64::from(answers).powf(-f64::from(group.verdicts)),
    };
    mean(groups.iter().map(chance))
}

/// How often to draw scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Simulation {
    /// How often: the error of the mean falls with the root of it.
    pub rounds: u32,
    /// What scores are counted from.
    pub seed: u64,
}

impl Default for Simulation {
    fn default() -> Simulation {
        Simulation { rounds: 1_000, seed: 0 }
    }
}

/// What a measure was on random scores.
#[derive(Debug, Clone, PartialEq)]
pub struct ChanceLevel {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of one round: the sampling error of one judge without skill.
    pub deviation: f64,
    /// In how many rounds the measure was not defined; they are left out.
    pub undefined: u32,
    ascending: Vec<f64>,
}

impl ChanceLevel {
    /// The value below which this share of the rounds lies, from 0 to 1.
    pub fn quantile(&self, share: f64) -> f64 {
        let place = (self.ascending.len() - 1) as f64 * share.clamp(0.0, 1.0);
        self.ascending[place.round() as usize]
    }

    /// The probability of reaching `value` or more by chance: `(1 + rounds that do)/(1 + rounds)`, never 0.
    pub fn p_value(&self, value: f64) -> f64 {
        let reach = self.ascending.len() - self.ascending.partition_point(|each| *each < value);
        (1 + reach) as f64 / (1 + self.ascending.len()) as f64
    }
}

/// Any measure of random scores on groups of the given sizes, by drawing independent even scores of [0, 1) for all
/// candidates: the way to what cannot be written down, such as accuracy with a threshold tuned on the same scores.
///
/// Of measures that look at the order of scores alone, the shape of the distribution has no part in it. `Ok(None)`
/// where the measure is never defined; what it fails with is passed on. Fails without groups and without rounds. Keeps
/// one number a round.
pub fn random_scores<M>(sizes: &[usize], plan: Simulation, mut measure: M) -> Result<Option<ChanceLevel>, StudyError>
where
    M: FnMut(&[Vec<f64>]) -> Result<Option<f64>, StudyError>,
{
    if sizes.is_empty() {
        return Err(StudyError::Empty);
    }
    if plan.rounds == 0 {
        return Err(StudyError::Resamples);
    }
    let mut counted = Counted::new(plan.seed);
    let mut scores: Vec<Vec<f64>> = sizes.iter().map(|size| vec![0.0; *size]).collect();
    let mut found = Vec::with_capacity(plan.rounds as usize);
    for _ in 0..plan.rounds {
        scores.iter_mut().flatten().for_each(|score| *score = counted.unit());
        found.extend(measure(&scores)?);
    }
    Ok(level(found, plan.rounds))
}

fn level(mut found: Vec<f64>, rounds: u32) -> Option<ChanceLevel> {
    let mean = mean(found.iter().copied())?;
    let squares = found.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let deviation = (squares / found.len().saturating_sub(1).max(1) as f64).sqrt();
    found.sort_by(f64::total_cmp);
    Some(ChanceLevel { mean, deviation, undefined: rounds - found.len() as u32, ascending: found })
}

fn is_whole(order: &[usize], candidates: usize) -> bool {
    order.len() == candidates && (0..candidates).all(|index| order.contains(&index))
}

/// 1/K!.
fn one_order_of(candidates: usize) -> f64 {
    (1..=candidates).map(|k| 1.0 / k as f64).product()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::super::{
        ScoredGroup, accuracy_without_ties, best_threshold, pairs_of_group, strict_accuracy,
        strict_accuracy_as_published,
    };
    use super::*;
    use crate::Share;

    fn orders(list: &[(&str, usize)]) -> Vec<HumanOrder> {
        list.iter().map(|(text, candidates)| HumanOrder::parse(text, *candidates).unwrap()).collect()
    }

    const GROUPS: [(&str, usize); 5] = [("A>B", 2), ("A=B=Good", 2), ("B>C>A", 3), ("A>B=C", 3), ("D>A>B>C", 4)];

    fn strict(groups: &[HumanOrder], scores: &[Vec<f64>]) -> Result<Option<f64>, StudyError> {
        let scored = groups.iter().zip(scores);
        let scored = scored.map(|(human, scores)| ScoredGroup { scores: scores.clone(), human: human.clone() });
        Ok(strict_accuracy(&scored.collect::<Vec<_>>(), 0.0)?.value())
    }

    #[test]
    fn exact_values_worked_out_by_hand() {
        let right = random_strict_accuracy(&orders(&GROUPS)).unwrap();
        assert!((right - (0.5 + 1.0 / 6.0 + 1.0 / 24.0) / 5.0).abs() < 1e-12);
        let published: Vec<PublishedOrder> = GROUPS.iter().map(|(text, k)| PublishedOrder::new(*text, *k)).collect();
        let quirky = random_strict_accuracy_as_published(&published, 0.25).unwrap();
        assert!((quirky - (0.5 + 0.25 + 1.0 / 6.0 + 1.0 / 24.0) / 5.0).abs() < 1e-12);
        assert_eq!(random_strict_accuracy_as_published(&[PublishedOrder::new("A>A>B", 3)], 0.0), Some(0.0));
        assert_eq!((random_strict_accuracy(&[]), guessed_verdicts(&[])), (None, None));
    }

    #[test]
    fn guesses_explain_the_printed_random_row() {
        for (verdicts, answers, groups, printed) in [(1, 4, 186, 0.2581), (3, 2, 150, 0.1133), (6, 2, 148, 0.0135)] {
            let chance = guessed_verdicts(&[GuessedGroup { verdicts, answers }]).unwrap();
            let share = Share { hits: (printed * f64::from(groups)).round() as u64, of: groups as u64 };
            assert!(share.errors_above(chance).unwrap().abs() < 1.0, "{verdicts} verdicts");
        }
        // Random scores would be right in half, a sixth and a 24th of the groups: many standard errors away for two
        // candidates.
        assert!(Share { hits: 48, of: 186 }.errors_above(0.5).unwrap() < -6.0);
    }

    #[test]
    fn simulated_scores_reach_the_exact_value() {
        let groups = orders(&GROUPS);
        let sizes: Vec<usize> = groups.iter().map(HumanOrder::candidates).collect();
        let plan = Simulation { rounds: 4_000, seed: 2 };
        let level = random_scores(&sizes, plan, |scores| strict(&groups, scores)).unwrap().unwrap();
        let error = level.deviation / f64::from(plan.rounds).sqrt();
        let exact = random_strict_accuracy(&groups).unwrap();
        assert!((level.mean - exact).abs() < 4.0 * error, "{} and {exact}, error {error}", level.mean);
        assert!(level.quantile(0.0) <= level.quantile(0.5) && level.quantile(1.0) <= 1.0);
    }

    #[test]
    fn random_scores_as_published_reach_the_exact_value_too() {
        let texts: Vec<PublishedOrder> = GROUPS.iter().map(|(text, k)| PublishedOrder::new(*text, *k)).collect();
        let sizes: Vec<usize> = texts.iter().map(PublishedOrder::candidates).collect();
        let measure = |scores: &[Vec<f64>]| {
            let scored = texts.iter().zip(scores);
            let scored = scored.map(|(human, scores)| ScoredGroup { scores: scores.clone(), human: human.clone() });
            Ok(strict_accuracy_as_published(&scored.collect::<Vec<_>>(), 0.1)?.value())
        };
        let plan = Simulation { rounds: 4_000, seed: 3 };
        let level = random_scores(&sizes, plan, measure).unwrap().unwrap();
        // Two even scores of [0, 1) lie within t of each other with probability 1 − (1 − t)².
        let exact = random_strict_accuracy_as_published(&texts, 1.0 - 0.9_f64.powi(2)).unwrap();
        assert!((level.mean - exact).abs() < 4.0 * level.deviation / f64::from(plan.rounds).sqrt());
    }

    #[test]
    fn a_threshold_tuned_on_noise_is_above_a_half() {
        let groups = orders(&[("A>B", 2); 30]);
        let tuned = |scores: &[Vec<f64>]| {
            let pairs = groups.iter().zip(scores).map(|(human, scores)| pairs_of_group(scores, human));
            let pairs: Vec<_> = pairs.collect::<Result<Vec<_>, _>>()?.concat();
            Ok(best_threshold(&pairs)?.accuracy.value())
        };
        let plain = |scores: &[Vec<f64>]| {
            let pairs = groups.iter().zip(scores).map(|(human, scores)| pairs_of_group(scores, human));
            Ok(accuracy_without_ties(&pairs.collect::<Result<Vec<_>, _>>()?.concat()))
        };
        let plain = random_scores(&[2; 30], Simulation::default(), plain).unwrap().unwrap();
        assert!((plain.mean - 0.5).abs() < 0.02 && (plain.deviation - 0.0913).abs() < 0.01);
        assert!(plain.p_value(0.9) < 0.01 && plain.p_value(0.0) == 1.0);
        let tuned = random_scores(&[2; 30], Simulation::default(), tuned).unwrap().unwrap();
        assert!(tuned.mean >= plain.mean);
    }

    #[test]
    fn bad_plans_are_named() {
        let nothing = |_: &[Vec<f64>]| Ok(None);
        assert_eq!(random_scores(&[], Simulation::default(), nothing), Err(StudyError::Empty));
        assert_eq!(random_scores(&[2], Simulation { rounds: 0, seed: 0 }, nothing), Err(StudyError::Resamples));
        assert_eq!(random_scores(&[2], Simulation::default(), nothing), Ok(None));
    }
}
