//! In what cost is counted.

use editscale_core::Ledger;

use crate::args::CostWord;

impl CostWord {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [Self::Edits, Self::RewardCalls, Self::Nfe, Self::Seconds, Self::Usd];

    /// The word in files and on the command line.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Nfe => "nfe",
            Self::Edits => "edits",
            Self::RewardCalls => "reward_calls",
            Self::Seconds => "seconds",
            Self::Usd => "usd",
        }
    }

    /// What an axis says.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Nfe => "denoiser evaluations",
            Self::Edits => "edits",
            Self::RewardCalls => "reward calls",
            Self::Seconds => "seconds",
            Self::Usd => "US dollars",
        }
    }

    /// What was spent of it.
    pub(super) fn of(self, spent: &Ledger) -> f64 {
        match self {
            Self::Nfe => spent.cost.nfe as f64,
            Self::Edits => spent.edits as f64,
            Self::RewardCalls => spent.reward_calls as f64,
            Self::Seconds => spent.wall.as_secs_f64(),
            Self::Usd => spent.cost.usd.dollars(),
        }
    }
}
