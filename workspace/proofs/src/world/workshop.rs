//! Whoever makes and judges candidates for a search.

use editscale_core::{
    CandidateId, Cards, Consulted, Cost, CriticName, Criticism, Digest, EditRequest, Failure, FailureKind,
    PerceptualHash, Proposal, ScoreCard,
};

/// A candidate that was made and judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The picture's name.
    pub image: Digest,
    /// How it looks, where somebody looked.
    pub hash: Option<PerceptualHash>,
    /// What the judges said.
    pub card: ScoreCard,
    /// What making it cost.
    pub edit: Cost,
    /// What judging it cost.
    pub judging: Cost,
    /// How many judgements that were.
    pub judgements: u64,
}

/// A finished candidate that was judged again.
#[derive(Debug, Clone, PartialEq)]
pub struct Again {
    /// What the judges said this time.
    pub card: ScoreCard,
    /// What it cost.
    pub judging: Cost,
    /// How many judgements that were.
    pub judgements: u64,
}

/// Makes and judges candidates for one request, one at a time.
pub trait Workshop {
    /// What is asked for.
    fn request(&self) -> &EditRequest;

    /// What the search may count on.
    fn cards(&self) -> &Cards;

    /// Makes and judges a candidate.
    fn make(&mut self, proposal: &Proposal) -> Result<Piece, Failure>;

    /// Judges a candidate again, each judge this often.
    fn judge(&mut self, who: CandidateId, votes: u32) -> Result<Again, Failure>;

    /// Has a critic of the cards write about a candidate. The critics of these studies look at nothing else.
    fn consult(&mut self, about: Consulted, critic: &CriticName) -> Result<Criticism, Failure> {
        Err(Failure::new(FailureKind::Invalid, format!("there is no critic `{critic}` to write about {}", about.id)))
    }

    /// Has a critic of the cards rewrite the request's instruction before anything is made.
    fn rewrite(&mut self, critic: &CriticName) -> Result<Criticism, Failure> {
        Err(Failure::new(FailureKind::Invalid, format!("there is no critic `{critic}` to rewrite the instruction")))
    }

    /// The truth about a candidate; nothing where it was not finished.
    fn gold(&self, who: CandidateId) -> Option<f64>;
}
