//! The words of editscale and the ports between its crates: the first page of the program.
//!
//! A better picture comes out of an editing model by making several and choosing well. A run is that, as one
//! conversation:
//!
//! 1. Somebody asks. An [`EditRequest`] is a source [`Image`], an [`Instruction`] and the [`Seed`] that all others are
//!    counted from.
//! 2. A [`Search`] decides what to do next. Its usual [`Decision`] is to explore: a list of [`Proposal`]s, each of them
//!    what to start from, a seed, and the [`Knobs`] to turn.
//! 3. An editor ([`EditBackend`]) makes a [`Candidate`] of each proposal.
//! 4. Rewards ([`RewardModel`]) judge the candidates. Each gives a [`Score`]; together they fill a [`ScoreCard`].
//! 5. The search hears of each proposal what came of it, a [`Trial`], and what is left to spend ([`Remaining`]). An
//!    [`Objective`] makes one [`Utility`] of a card, and so tells it which candidate is better.
//! 6. Steps 2 to 5 are a round. Rounds follow each other until the search stops with a [`Verdict`], which is the heart
//!    of the [`Outcome`].
//!
//! Two rules hold everywhere. What fails is a value ([`Failure`]) that a search sees, never a score of 0 and never the
//! end of a run; and equal requests, trials and remaining budgets lead to equal decisions, so that a run that was
//! written down can be carried out again.
//!
//! This crate knows no files, clocks, threads, random numbers, wire formats or models: only values, and the traits
//! through which the pure side (searches, objectives) and the world side (editors, rewards) meet the engine. Its
//! modules stand below in reading order, a paragraph a thought.

// What things are called.
mod name;
pub use name::{CandidateId, CriticName, EditorName, KnobName, NameError, PartName, RewardName, RunId};

// What somebody asks for.
mod image;
mod request;
mod seed;
pub use image::{Digest, DigestError, EncodedImage, Image, ImageBytes, ImageReadError, ImageSize, MediaType};
pub use request::{EditRequest, Instruction, InstructionError};
pub use seed::{Seed, SeedError};

// What a search asks for, and what came of it.
mod decision;
mod failure;
mod knobs;
mod perceptual;
mod proposal;
mod score;
mod trial;
pub use decision::{Consulted, Decision, Draw, Earlier, Ranked, StopReason, Verdict};
pub use failure::{Failure, FailureKind};
pub use knobs::{KnobError, KnobScale, KnobSpec, Knobs};
pub use perceptual::{Blind, Look, PerceptualHash};
pub use proposal::{Edge, Lineage, Noise, NoiseTurn, Proposal, Start, Until};
pub use score::{Part, Score, ScoreCard, ScoreError};
pub use trial::Trial;

// What it costs, and what editors and rewards say of themselves before anything runs.
mod card;
mod spend;
mod tower_pictures;
pub use card::{
    CancelRule, Cards, CriticCard, EditorCard, PauseSupport, Recovery, RewardCard, RewardKind, Sampler, SeedRule,
};
pub use spend::{Budget, Cost, Ledger, Remaining, Usd};
pub use tower_pictures::TowerPictures;

// The ports of the pure side.
mod extent;
mod objective;
mod search;
pub use extent::Extent;
pub use objective::{Objective, Scale, Utility};
pub use search::{Lack, Need, RewardSet, Search, SearchFactory};

// The ports of the world side.
mod critic;
mod editor;
mod policy;
mod reward;
mod trajectory;
mod watch;
pub use critic::{
    Attempt, Canvas, Critic, CriticQuestion, Criticism, Critique, EarlierAttempt, LocalCritic, Reviewed, Subject,
};
pub use editor::{Candidate, EditBackend, EditBatch, EditCounters, EditItem, LocalEditor, Submission};
pub use policy::{AdoptedPolicy, PolicyKind, PolicySupport, PolicyWeights};
pub use reward::{Counters, Judgement, LocalReward, RewardBatch, RewardItem, RewardModel};
pub use trajectory::Trajectory;
pub use watch::{NobodyWatches, Watch};

// How a run is followed, and how it ends.
mod event;
mod outcome;
pub use event::{Event, Observer, Silent};
pub use outcome::{Ending, Outcome};

/// A boxed future, named here so that the ports need no runtime.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
