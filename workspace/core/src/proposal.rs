//! What a search asks an editor to make.

use std::sync::Arc;

use crate::{CandidateId, EditorName, Knobs, Seed};

/// One candidate to be made. Start, seed, instruction and knobs make it again on the same editor.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Its place in the run's ask order: one more than the proposal before.
    pub id: CandidateId,
    /// Who is to make it.
    pub editor: EditorName,
    /// What to start from.
    pub start: Start,
    /// How far to go.
    pub until: Until,
    /// What decides all that is left open.
    pub seed: Seed,
    /// What is done to its noise before the first step.
    pub noise: Noise,
    /// The instruction given to the editor: the request's own, or one that a critic rewrote.
    pub instruction: Arc<str>,
    /// The settings that differ from the editor's own.
    pub knobs: Knobs,
    /// Why the search proposes it: for people, rollouts and the lineage tree. Editors do not look at it.
    pub lineage: Lineage,
}

impl Proposal {
    /// Whether it goes on with an edit that was paused, and is no edit of its own.
    pub fn goes_on(&self) -> bool {
        matches!(self.start, Start::Paused(_))
    }
}

/// What an editor starts from: handles, never pixels or tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The request's source.
    Source,
    /// A finished candidate's picture.
    Candidate(CandidateId),
    /// The state that a paused candidate was left in.
    Paused(CandidateId),
}

/// How far an editor goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// To the finished picture.
    Finished,
    /// To this denoising step, handing out a preview and keeping the state.
    Step(u32),
}

/// What is done to a candidate's noise before the first step. Anything but [`Noise::Own`] needs an editor whose card says
/// that it steers noise ([`EditorCard::steers_noise`](crate::EditorCard)).
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Noise {
    /// Nothing: the noise that the seed makes.
    #[default]
    Own,
    /// The noise that the seed makes, turned in this order: the way to a neighbour, written down so that it can be gone
    /// again. Only for a candidate that begins at noise.
    Turned(Vec<NoiseTurn>),
    /// So many steps are taken back first by adding the noise of the proposal's seed, at most as many as were made. Only
    /// for a candidate that goes on from a paused state. Where a state that was come to this way has been let go, the
    /// whole way is gone again, and may cost more than the card says of an edit.
    Back(u32),
}

/// One turn of a noise vector u towards another direction: `u' = ‖u‖ (c·û + √(1 − c²)·ŵ)`, where ŵ is the unit vector along
/// the noise of `seed` less its part along u (Ma et al., arXiv:2501.09732).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoiseTurn {
    /// Whose noise gives the direction.
    pub seed: Seed,
    /// c, the cosine between old and new noise, from 0 to 1: 1 changes nothing.
    pub cosine: f64,
}

/// Where a proposal stands in the tree of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lineage {
    /// The candidate that it varies or continues.
    pub parent: Option<CandidateId>,
    /// In which way.
    pub edge: Edge,
}

/// The ways in which a proposal can come from what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Edge {
    /// From the source, with a seed of its own.
    Fresh,
    /// From the source again, as the parent was made but with changed knobs or a changed instruction.
    ReEdit,
    /// From the parent's picture.
    EditOfEdit,
    /// On from the parent's paused state.
    Resume,
    /// From the source, with noise near that of the parent.
    Neighbour,
}

impl Edge {
    /// Every edge.
    pub const ALL: [Self; 5] = [Self::Fresh, Self::ReEdit, Self::EditOfEdit, Self::Resume, Self::Neighbour];

    /// The word used in recipes, journals and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::ReEdit => "re_edit",
            Self::EditOfEdit => "edit_of_edit",
            Self::Resume => "resume",
            Self::Neighbour => "neighbour",
        }
    }
}
