//! What a recipe says of such a judge.

use std::num::NonZeroU32;

use editscale_core::RewardName;

use super::rubric::Rubric;
use crate::SetupError;
use crate::fleet::Connection;
use crate::judges::asking::AskingOptions;

/// What a recipe says of a judge behind `/chat/completions`.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatJudgeOptions {
    /// What the recipe calls it.
    pub name: RewardName,
    /// How it is asked.
    pub asking: AskingOptions,
    /// What is asked.
    pub rubric: Rubric,
    /// How often each question is asked, with a seed of its own each time; from 1 to 64.
    pub votes: NonZeroU32,
    /// Votes that must come back for there to be a score; more than half where it is not said.
    pub least_votes: Option<NonZeroU32>,
    /// The pixels that the model looks at, at most, where that is known.
    pub pixel_budget: Option<u64>,
}

impl ChatJudgeOptions {
    /// A model on these servers, asked once with our own rubric.
    pub fn new(name: RewardName, model: &str, connection: Connection) -> Result<Self, SetupError> {
        Ok(Self {
            name,
            asking: AskingOptions::new(model, connection, 16_000),
            rubric: Rubric::standard()?,
            votes: NonZeroU32::MIN,
            least_votes: None,
            pixel_budget: None,
        })
    }

    pub(crate) fn check(&self) -> Result<(), SetupError> {
        if self.votes.get() > 64 {
            return Err(SetupError::setting("votes", "1 to 64", &self.votes));
        }
        if let Some(least) = self.least_votes.filter(|least| *least > self.votes) {
            return Err(SetupError::setting("least_votes", "at most as many as there are votes", &least));
        }
        Ok(())
    }

    pub(crate) fn least_votes(&self) -> usize {
        let most = self.votes.get();
        self.least_votes.map_or(most / 2 + 1, NonZeroU32::get).min(most) as usize
    }
}
