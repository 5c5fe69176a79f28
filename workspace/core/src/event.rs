//! What happens in a run, told to whoever listens: progress bars, event streams, metrics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::{CandidateId, EncodedImage, Image, Ledger, Outcome, Proposal, Remaining, RunId, Trial};

/// Something that happened. Events of one candidate come in order; those of different candidates interleave.
#[derive(Debug)]
pub enum Event<'a> {
    /// A run begins, or goes on after a stop.
    Started {
        /// Which run.
        run: &'a RunId,
        /// What it may spend.
        left: &'a Remaining,
        /// How many candidates are known already, from the journal.
        resumed: u32,
    },
    /// A search asked for candidates.
    Proposed {
        /// The round, from 0.
        round: u32,
        /// What was asked for.
        proposals: &'a [Proposal],
    },
    /// An editor begins a candidate.
    Editing {
        /// Which.
        id: CandidateId,
    },
    /// An editor has done a step of a candidate.
    Step {
        /// Which.
        id: CandidateId,
        /// Steps done.
        step: u32,
        /// Steps in all.
        steps: u32,
    },
    /// What a candidate looks like so far.
    Preview {
        /// Which.
        id: CandidateId,
        /// The picture.
        image: &'a EncodedImage,
    },
    /// A candidate's picture is made and on disk.
    Edited {
        /// Which.
        id: CandidateId,
        /// The picture.
        image: &'a Image,
        /// What the editor wants people to know.
        notes: &'a [Arc<str>],
        /// How long it took.
        took: Duration,
    },
    /// A trial is complete.
    Tried {
        /// The trial.
        trial: &'a Trial,
        /// What was spent so far.
        spent: &'a Ledger,
    },
    /// The run is over.
    Ended {
        /// How.
        outcome: &'a Outcome,
    },
}

/// Hears every event of a run. It is called from the engine's tasks and must not block for long.
pub trait Observer: Send + Sync + fmt::Debug {
    /// Something happened.
    fn observe(&self, event: &Event<'_>);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn observe(&self, _: &Event<'_>) {}
}
