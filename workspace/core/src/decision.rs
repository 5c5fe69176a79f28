//! What a search wants next.

use std::sync::Arc;

use crate::{CandidateId, Canvas, CriticName, Proposal, RewardSet, Utility};

/// The next thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Make and judge these. Ids continue the run's ask order without a gap.
    Explore {
        /// What to make.
        proposals: Vec<Proposal>,
        /// Paused states that are still wanted; all others are released.
        keep: Vec<CandidateId>,
    },
    /// Judge candidates again: finalists, by a held-out judge, or survivors beside newcomers.
    Judge {
        /// Whom.
        who: Vec<CandidateId>,
        /// By which rewards.
        rewards: RewardSet,
        /// How often each reward is asked; their mean and spread are entered.
        votes: u32,
    },
    /// Ask a critic, before anything is made, for words in which the editor does what the request means. What it writes comes back as
    /// one trial.
    Rewrite {
        /// Which critic.
        critic: CriticName,
    },
    /// Ask a critic to write about candidates; what it writes of each comes back as a trial.
    Consult {
        /// Which candidates, and what the instruction written about each will be carried out on.
        who: Vec<Consulted>,
        /// Finished candidates that it is shown beside each of them as attempts made before, the best first.
        earlier: Vec<Earlier>,
        /// Which critic.
        critic: CriticName,
    },
    /// The run is over.
    Stop(Verdict),
}

/// A candidate that a critic is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consulted {
    /// Which.
    pub id: CandidateId,
    /// What the instruction that the critic writes will be carried out on.
    pub canvas: Canvas,
}

/// A candidate that a critic is shown beside the one it is asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Earlier {
    /// Which.
    pub id: CandidateId,
    /// What the objective makes of its score card.
    pub utility: Utility,
}

/// What a search has found.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Every candidate that has a utility, the chosen one first.
    pub ranked: Vec<Ranked>,
    /// Why the search stops.
    pub reason: StopReason,
    /// How the chosen one was drawn, where it was drawn.
    pub draw: Option<Draw>,
}

/// One candidate in a verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// Which.
    pub id: CandidateId,
    /// What the objective makes of its score card.
    pub utility: Utility,
    /// The probability with which the policy chose it at the end; `None` where the choice was not random.
    pub selection_probability: Option<f64>,
}

/// The figures of a random choice among candidates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draw {
    /// β in w ∝ exp(r/β), or in w ∝ relu(r − λ)/β where the choice is pessimistic, in units of utility.
    pub temperature: f64,
    /// (Σw)²/Σw²: how many candidates share the weight, from 1 to their number.
    pub effective_sample_size: f64,
    /// KL divergence of the weights from equal weights, in nats.
    pub kl: f64,
    /// How many different candidates were drawn: so many of the verdict's, from the first. Nothing in records that were made
    /// before it was written down.
    pub drawn: Option<u32>,
}

/// Why a search stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// A candidate reached the target score.
    Target,
    /// Nothing better came for as many rounds as the recipe has patience for.
    Patience,
    /// All that was planned is done.
    Finished,
    /// What is left of the budget does not allow the next round, or did not allow all that was planned.
    Budget,
    /// Another candidate would bring less than it costs.
    Enough,
    /// The search cannot go on.
    Stuck(Arc<str>),
}

impl StopReason {
    /// The word used in journals and reports.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Patience => "patience",
            Self::Finished => "finished",
            Self::Budget => "budget",
            Self::Enough => "enough",
            Self::Stuck(_) => "stuck",
        }
    }
}
