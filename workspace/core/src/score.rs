//! Scores and score cards. A score is finite and higher is better; NaN cannot be built.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use crate::{Failure, PartName, RewardName};

/// What one reward says of one candidate, on that reward's own scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    mean: f64,
    sigma: Option<f64>,
    parts: Vec<Part>,
    features: Option<Arc<[f32]>>,
}

/// A named component of a score, on the same terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    name: PartName,
    mean: f64,
    sigma: Option<f64>,
}

/// Why numbers do not make a score.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ScoreError {
    /// Not a finite mean.
    #[error("a score's mean cannot be {0}: expected a finite number")]
    Mean(f64),
    /// Not a standard deviation.
    #[error("a score's standard deviation cannot be {0}: expected a finite number of at least 0")]
    Sigma(f64),
}

fn check(mean: f64, sigma: Option<f64>) -> Result<(), ScoreError> {
    if !mean.is_finite() {
        return Err(ScoreError::Mean(mean));
    }
    match sigma {
        Some(sigma) if !sigma.is_finite() || sigma < 0.0 => Err(ScoreError::Sigma(sigma)),
        _ => Ok(()),
    }
}

impl Score {
    /// The most numbers that a point can have.
    pub const MOST_FEATURES: usize = 512;

    /// A score of a mean alone.
    pub fn new(mean: f64) -> Result<Self, ScoreError> {
        Self::with_sigma(mean, None)
    }

    /// A score with a standard deviation, where the reward knows how sure it is.
    pub fn with_sigma(mean: f64, sigma: Option<f64>) -> Result<Self, ScoreError> {
        check(mean, sigma)?;
        Ok(Self { mean, sigma, parts: Vec::new(), features: None })
    }

    /// The same score with its parts, in the reward's own order.
    #[must_use]
    pub fn with_parts(self, parts: Vec<Part>) -> Self {
        Self { parts, ..self }
    }

    /// The same score with what the reward saw of the candidate, as a point: candidates whose points lie in one direction
    /// look alike to it. Points that hold anything but finite numbers, nothing, or more than [`Score::MOST_FEATURES`] are
    /// left out: they are written down with every score.
    #[must_use]
    pub fn with_features(self, features: Arc<[f32]>) -> Self {
        let is_point =
            (1..=Self::MOST_FEATURES).contains(&features.len()) && features.iter().all(|value| value.is_finite());
        Self { features: is_point.then_some(features), ..self }
    }

    /// The reward's estimate; higher is better.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation of the estimate, where the reward gives one.
    pub fn sigma(&self) -> Option<f64> {
        self.sigma
    }

    /// What the reward saw of the candidate, where it tells.
    pub fn features(&self) -> Option<&Arc<[f32]>> {
        self.features.as_ref()
    }

    /// The named components, in the reward's own order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The mean of one part.
    pub fn part(&self, name: &str) -> Option<f64> {
        self.parts.iter().find(|part| part.name.as_str() == name).map(|part| part.mean)
    }
}

impl Part {
    /// A named component.
    pub fn new(name: PartName, mean: f64, sigma: Option<f64>) -> Result<Self, ScoreError> {
        check(mean, sigma)?;
        Ok(Self { name, mean, sigma })
    }

    /// What it measures.
    pub fn name(&self) -> &PartName {
        &self.name
    }

    /// Its estimate; higher is better.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The standard deviation of the estimate, where the reward gives one.
    pub fn sigma(&self) -> Option<f64> {
        self.sigma
    }
}

/// What every reward said of one candidate. A judge that failed stands here as its failure, never as 0.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScoreCard(BTreeMap<RewardName, Result<Score, Failure>>);

impl ScoreCard {
    /// Enters what a reward said, replacing what it said before.
    pub fn enter(&mut self, reward: RewardName, said: Result<Score, Failure>) {
        self.0.insert(reward, said);
    }

    /// The score that a reward gave; nothing if it failed or was not asked.
    pub fn score(&self, reward: &RewardName) -> Option<&Score> {
        self.0.get(reward)?.as_ref().ok()
    }

    /// All that was said, in the order of the rewards' names.
    pub fn iter(&self) -> impl Iterator<Item = (&RewardName, &Result<Score, Failure>)> {
        self.0.iter()
    }

    /// This card with another's entries over its own: a later judgement of the same reward wins.
    #[must_use]
    pub fn updated(mut self, later: &Self) -> Self {
        self.0.extend(later.0.iter().map(|(name, said)| (name.clone(), said.clone())));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_scores_can_be_built() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Score::new(bad).is_err());
            assert!(Score::with_sigma(0.0, Some(bad)).is_err());
        }
        assert!(Score::with_sigma(0.0, Some(-1e-9)).is_err());
        assert_eq!(Score::with_sigma(-3.5, Some(0.0)).unwrap().sigma(), Some(0.0));
        let part = |mean| Part::new(PartName::new("likeness").unwrap(), mean, None);
        assert!(part(f64::NAN).is_err() && part(0.5).is_ok());
    }

    #[test]
    fn only_points_of_finite_numbers_are_features() {
        let features = |point: Vec<f32>| Score::new(0.5).unwrap().with_features(point.into()).features().cloned();
        assert_eq!(features(vec![0.5, -1.0]).as_deref(), Some(&[0.5, -1.0][..]));
        assert!(features(vec![1.0; Score::MOST_FEATURES]).is_some());
        for none in [vec![], vec![0.0, f32::NAN], vec![f32::INFINITY], vec![1.0; Score::MOST_FEATURES + 1]] {
            assert_eq!(features(none), None);
        }
    }

    #[test]
    fn a_later_judgement_wins_and_a_failure_is_no_score() {
        let (judge, other) = (RewardName::new("judge").unwrap(), RewardName::new("other").unwrap());
        let mut first = ScoreCard::default();
        first.enter(judge.clone(), Ok(Score::new(0.5).unwrap()));
        first.enter(other.clone(), Ok(Score::new(0.25).unwrap()));
        let mut later = ScoreCard::default();
        later.enter(judge.clone(), Err(Failure::new(crate::FailureKind::TimedOut, "too slow")));
        let card = first.updated(&later);
        assert_eq!((card.score(&judge), card.score(&other).map(Score::mean)), (None, Some(0.25)));
        assert_eq!(card.iter().count(), 2);
    }
}
