//! What came of a proposal.

use crate::{CandidateId, CriticName, Critique, Digest, Failure, PerceptualHash, ScoreCard};

/// What a search is told, one for each thing it asked for, in ask order.
#[derive(Debug, Clone, PartialEq)]
pub enum Trial {
    /// A candidate was made and judged. Rewards that failed stand as failures on the card.
    Scored {
        /// Which.
        id: CandidateId,
        /// The picture's digest: equal digests are equal pictures.
        image: Digest,
        /// How the picture looks, where the search wants to know and the picture can be read.
        hash: Option<PerceptualHash>,
        /// What the rewards said.
        card: ScoreCard,
    },
    /// A candidate was judged again, or by other rewards. The card holds only what was said this time.
    Rescored {
        /// Which.
        id: CandidateId,
        /// What was said this time.
        card: ScoreCard,
    },
    /// A critic was asked about a candidate.
    Critique {
        /// Which.
        id: CandidateId,
        /// Who.
        critic: CriticName,
        /// What it wrote, or why it did not.
        written: Result<Critique, Failure>,
    },
    /// A critic was asked about the request, before anything was made.
    Rewritten {
        /// Who.
        critic: CriticName,
        /// What it wrote, or why it did not.
        written: Result<Critique, Failure>,
    },
    /// Nothing came of it.
    Failed {
        /// Which.
        id: CandidateId,
        /// Why.
        why: Failure,
    },
}

impl Trial {
    /// The candidate that this is about; nothing where it is about the request.
    pub fn id(&self) -> Option<CandidateId> {
        match self {
            Self::Scored { id, .. }
            | Self::Rescored { id, .. }
            | Self::Critique { id, .. }
            | Self::Failed { id, .. } => Some(*id),
            Self::Rewritten { .. } => None,
        }
    }
}
