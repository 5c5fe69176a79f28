//! What all policies share: the rules they are given and the way their settings are refused.

use std::sync::Arc;

use editscale_core::{Objective, Scale};
use thiserror::Error;

use crate::StopRule;

/// What tells a policy which candidate is better and when it is enough.
#[derive(Debug, Clone)]
pub struct Rules {
    /// What the score cards are worth.
    pub objective: Arc<dyn Objective>,
    /// When to end before the plan is done.
    pub stop: StopRule,
}

impl Rules {
    /// The stop rule in words for a policy's revision.
    pub(crate) fn revision(&self) -> String {
        let by_leader = self.stop.has_patience() && self.objective.scale() == Scale::Relative;
        format!("{}{}", self.stop.revision(), if by_leader { " by_leader" } else { "" })
    }
}

/// A setting that a policy cannot have.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("`{setting}` is {found}: expected {expected}")]
pub struct PolicyError {
    /// The setting, as recipes call it.
    pub setting: &'static str,
    /// What it may be.
    pub expected: String,
    /// What it was.
    pub found: String,
}

/// The most candidates that one run may ask for.
pub(crate) const MOST_CANDIDATES: u64 = 100_000;

/// Checks a count against its range, ends included.
pub(crate) fn check_count(setting: &'static str, found: u32, most: u64) -> Result<(), PolicyError> {
    if (1..=most).contains(&u64::from(found)) {
        return Ok(());
    }
    Err(PolicyError { setting, expected: format!("a whole number from 1 to {most}"), found: found.to_string() })
}
