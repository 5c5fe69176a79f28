//! Preference pairs out of several candidates of one source.

use crate::normal::normal_below;
use crate::order::ascending;
use crate::{StudyError, check};

/// One candidate of a source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CandidateScore {
    /// μ.
    pub mean: f64,
    /// σ, where the judge states it.
    pub sigma: Option<f64>,
}

/// Which pairs are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pairing {
    /// The best against the worst: one pair a source.
    #[default]
    BestAgainstWorst,
    /// The best against each of the others.
    BestAgainstRest,
    /// Every two.
    All,
}

/// When a pair is clear enough.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PairRule {
    /// Which pairs are looked at.
    pub pairing: Pairing,
    /// How much better the chosen one must be at least. Equal scores are never a pair, also at 0.
    pub margin: f64,
    /// How probable it must be at least that the chosen one is better, from 0 to 1. Above 0, a pair without both σ is
    /// left out.
    pub confidence: f64,
}

/// One candidate preferred to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreferencePair {
    /// The place of the better one, from 0.
    pub chosen: usize,
    /// The place of the other one.
    pub rejected: usize,
    /// μ of the chosen less μ of the rejected, above 0.
    pub margin: f64,
    /// The probability that the chosen one is better, `Φ((μ₁ − μ₂)/√(σ₁² + σ₂²))` with errors taken as independent and
    /// normal; `None` where a σ is not known.
    pub confidence: Option<f64>,
}

/// The pairs of one source's candidates, in descending order of the chosen and then of the rejected; of equal scores
/// the earlier comes first. Fails on no candidates and on scores that are not finite.
pub fn preference_pairs(candidates: &[CandidateScore], rule: &PairRule) -> Result<Vec<PreferencePair>, StudyError> {
    let means: Vec<f64> = candidates.iter().map(|candidate| candidate.mean).collect();
    check(&means)?;
    check(&candidates.iter().map(|candidate| candidate.sigma.unwrap_or(0.0)).collect::<Vec<f64>>())?;
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|a, b| ascending(means[*b], means[*a]));
    let wanted: Vec<(usize, usize)> = match rule.pairing {
        Pairing::BestAgainstWorst => vec![(0, order.len() - 1)],
        Pairing::BestAgainstRest => (1..order.len()).map(|rejected| (0, rejected)).collect(),
        Pairing::All => (0..order.len()).flat_map(|a| (a + 1..order.len()).map(move |b| (a, b))).collect(),
    };
    let pairs = wanted.into_iter().map(|(chosen, rejected)| pair(candidates, order[chosen], order[rejected]));
    Ok(pairs.filter(|pair| rule.takes(pair)).collect())
}

fn pair(candidates: &[CandidateScore], chosen: usize, rejected: usize) -> PreferencePair {
    let (better, worse) = (candidates[chosen], candidates[rejected]);
    let margin = better.mean - worse.mean;
    let confidence = better.sigma.zip(worse.sigma).map(|(a, b)| match a.hypot(b) {
        0.0 => f64::from(u8::from(margin > 0.0)).max(0.5),
        spread => normal_below(margin / spread),
    });
    PreferencePair { chosen, rejected, margin, confidence }
}

impl PairRule {
    fn takes(&self, pair: &PreferencePair) -> bool {
        let is_sure = self.confidence <= 0.0 || pair.confidence.is_some_and(|sure| sure >= self.confidence);
        pair.margin > 0.0 && pair.margin >= self.margin && is_sure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(list: &[(f64, Option<f64>)], rule: PairRule) -> Vec<(usize, usize)> {
        let list: Vec<CandidateScore> =
            list.iter().map(|(mean, sigma)| CandidateScore { mean: *mean, sigma: *sigma }).collect();
        preference_pairs(&list, &rule).unwrap().iter().map(|pair| (pair.chosen, pair.rejected)).collect()
    }

    #[test]
    fn pairs_worked_out_by_hand() {
        let list = [(1.0, None), (3.0, None), (3.0, None), (2.5, None)];
        let rule = |pairing, margin| PairRule { pairing, margin, confidence: 0.0 };
        assert_eq!(found(&list, rule(Pairing::BestAgainstWorst, 0.0)), [(1, 0)]);
        assert_eq!(found(&list, rule(Pairing::BestAgainstRest, 0.0)), [(1, 3), (1, 0)], "a tie is left out");
        assert_eq!(found(&list, rule(Pairing::All, 0.0)), [(1, 3), (1, 0), (2, 3), (2, 0), (3, 0)]);
        assert_eq!(found(&list, rule(Pairing::All, 1.5)), [(1, 0), (2, 0), (3, 0)]);
        let zeros = [(-0.0, None), (0.0, None), (-1.0, None)];
        assert_eq!(found(&zeros, rule(Pairing::All, 0.0)), [(0, 2), (1, 2)], "the zeros are equal");
        assert_eq!(found(&list[..1], rule(Pairing::All, 0.0)), []);
        assert_eq!(found(&list[1..3], rule(Pairing::BestAgainstWorst, -1.0)), []);
    }

    #[test]
    fn doubt_can_be_too_much() {
        // Margin 1 with σ 0.6 and 0.8: Φ(1) = 0.841.
        let list = [(2.0, Some(0.6)), (1.0, Some(0.8))];
        let rule = |confidence| PairRule { confidence, ..PairRule::default() };
        assert_eq!(found(&list, rule(0.84)), [(0, 1)]);
        assert_eq!(found(&list, rule(0.85)), []);
        assert_eq!(found(&[(2.0, Some(0.0)), (1.0, Some(0.0))], rule(0.99)), [(0, 1)]);
        assert_eq!(found(&[(2.0, None), (1.0, Some(0.0))], rule(0.5)), []);
    }

    #[test]
    fn bad_candidates_are_named() {
        assert_eq!(preference_pairs(&[], &PairRule::default()), Err(StudyError::Empty));
        let wrong = [CandidateScore { mean: 1.0, sigma: Some(f64::NAN) }];
        assert!(matches!(preference_pairs(&wrong, &PairRule::default()), Err(StudyError::NotFinite { index: 0, .. })));
    }
}
