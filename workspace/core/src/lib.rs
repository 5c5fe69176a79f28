//! The words of editscale and the ports between its crates.
//!
//! This crate knows no files, clocks, threads, random numbers, wire formats or models: only values, and the traits
//! through which the pure side (searches, objectives) and the world side (editors, rewards) meet the engine. The
//! modules are declared in reading order.

mod card;
mod decision;
mod editor;
mod event;
mod failure;
mod image;
mod knobs;
mod name;
mod objective;
mod outcome;
mod proposal;
mod request;
mod reward;
mod score;
mod search;
mod seed;
mod spend;
mod trajectory;
mod trial;
mod watch;

pub use card::{CancelRule, Cards, EditorCard, PauseSupport, Recovery, RewardCard, RewardKind, Sampler, SeedRule};
pub use decision::{Decision, Draw, Ranked, StopReason, Verdict};
pub use editor::{Candidate, EditBackend, EditBatch, EditCounters, EditItem, LocalEditor, Submission};
pub use event::{Event, Observer, Silent};
pub use failure::{Failure, FailureKind};
pub use image::{Digest, DigestError, EncodedImage, Image, ImageBytes, ImageReadError, ImageSize, MediaType};
pub use knobs::{KnobError, KnobScale, KnobSpec, Knobs};
pub use name::{CandidateId, CriticName, EditorName, KnobName, NameError, PartName, RewardName, RunId};
pub use objective::{Objective, Scale, Utility};
pub use outcome::{Ending, Outcome};
pub use proposal::{Edge, Lineage, Proposal, Start, Until};
pub use request::{EditRequest, Instruction, InstructionError};
pub use reward::{Counters, Judgement, LocalReward, RewardBatch, RewardItem, RewardModel};
pub use score::{Part, Score, ScoreCard, ScoreError};
pub use search::{Lack, Need, RewardSet, Search, SearchFactory};
pub use seed::{Seed, SeedError};
pub use spend::{Budget, Cost, Ledger, Remaining, Usd};
pub use trajectory::Trajectory;
pub use trial::Trial;
pub use watch::{NobodyWatches, Watch};

/// A boxed future, named here so that the ports need no runtime.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
