//! When a search ends before its plan is done.

use std::fmt::Write as _;

use editscale_core::{Scale, StopReason, Utility};
use thiserror::Error;

/// When a search ends before its plan is done. The default never does.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct StopRule {
    target_score: Option<Utility>,
    patience: Option<u32>,
}

/// Why a stop rule cannot be.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum StopRuleError {
    /// Not a number to be reached.
    #[error("`target_score` is {0}: expected a finite number")]
    Target(f64),
    /// Nothing would ever be tried.
    #[error("`patience` is 0: expected at least 1 round")]
    Patience,
    /// Ranks start anew with every set that is compared.
    #[error("`target_score` needs scores that compare between rounds, and this objective gives ranks")]
    Relative,
}

impl StopRule {
    /// Ends at a utility of at least `target_score`, or after `patience` rounds that brought nothing better.
    pub fn new(target_score: Option<f64>, patience: Option<u32>) -> Result<Self, StopRuleError> {
        let target = |target| Utility::new(target).ok_or(StopRuleError::Target(target));
        if patience == Some(0) {
            return Err(StopRuleError::Patience);
        }
        Ok(Self { target_score: target_score.map(target).transpose()?, patience })
    }

    /// Whether the rule makes sense with utilities of this scale.
    pub fn check(&self, scale: Scale) -> Result<(), StopRuleError> {
        let is_relative = scale == Scale::Relative && self.target_score.is_some();
        if is_relative { Err(StopRuleError::Relative) } else { Ok(()) }
    }

    /// Whether it can end a search at all.
    pub fn is_set(&self) -> bool {
        self.target_score.is_some() || self.patience.is_some()
    }

    /// Whether it ends a search that brings nothing better.
    pub(crate) fn has_patience(&self) -> bool {
        self.patience.is_some()
    }

    /// Whether a search ends whose best is `best` after `without_gain` rounds that brought nothing better.
    pub(crate) fn met(&self, best: Option<Utility>, without_gain: u32) -> Option<StopReason> {
        if self.target_score.is_some_and(|target| best.is_some_and(|best| best >= target)) {
            return Some(StopReason::Target);
        }
        self.patience.is_some_and(|patience| without_gain >= patience).then_some(StopReason::Patience)
    }

    /// The rule in words for a policy's revision.
    pub(crate) fn revision(&self) -> String {
        let mut text = String::new();
        if let Some(target) = self.target_score {
            let _infallible = write!(text, " target_score={}", target.get());
        }
        if let Some(patience) = self.patience {
            let _infallible = write!(text, " patience={patience}");
        }
        text
    }
}
