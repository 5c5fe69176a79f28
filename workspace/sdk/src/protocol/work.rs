//! What a plugin is asked to do, and what comes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cards::CostNumbers;
use super::pictures::{Blob, Picture};

/// Edits to make. Items name pictures by their place in `images`, so that what is shared is sent once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditParameters {
    /// The pictures that items name.
    pub images: Vec<Picture>,
    /// At least one, at most the card's `largest_batch`.
    pub items: Vec<EditItem>,
}

/// One edit to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditItem {
    /// The run that it belongs to; paused states are kept under run and candidate.
    pub run: String,
    /// The picture that somebody asked to have edited.
    pub source: u32,
    /// Where editing is allowed: white = edit here.
    #[serde(default)]
    pub mask: Option<u32>,
    /// What that person wrote. The proposal's instruction is what counts.
    pub request_instruction: String,
    /// The size that the result should have; the editor's own choice where absent.
    #[serde(default)]
    pub output_size: Option<Size>,
    /// The picture that the proposal starts from. For a paused start it is the picture that the first proposal of
    /// `path` started from, and the state is the plugin's own.
    pub start_picture: u32,
    /// What to make.
    pub proposal: EditProposal,
    /// For a paused start, the proposals that led to the state, the first from a picture: a plugin that does not hold
    /// the state any more makes it again from them. Empty otherwise.
    #[serde(default)]
    pub path: Vec<EditProposal>,
}

/// What to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditProposal {
    /// The candidate's number in its run.
    pub candidate: u32,
    /// What it starts from.
    pub start: Start,
    /// The denoising step to stop at, handing out a preview and keeping the state; absent for the finished picture.
    #[serde(default)]
    pub until_step: Option<u32>,
    /// What decides all that is left open; below 2^53.
    pub seed: u64,
    /// The instruction.
    pub instruction: String,
    /// The knobs that are turned.
    #[serde(default)]
    pub knobs: BTreeMap<String, f64>,
}

/// What an edit starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// The source.
    Source,
    /// The picture of this candidate of the same run.
    Candidate(u32),
    /// The state that this candidate of the same run was left in.
    Paused(u32),
}

/// A size in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// A paused state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PausedPlace {
    /// Its run.
    pub run: String,
    /// The candidate that was left there.
    pub candidate: u32,
}

/// Candidates to judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreParameters {
    /// The pictures that items name.
    pub images: Vec<Picture>,
    /// At least one, at most the card's `largest_batch`. For a listwise reward, items with the same source and
    /// instruction are one set.
    pub items: Vec<RewardItem>,
}

/// One candidate to judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RewardItem {
    /// The picture before.
    pub source: u32,
    /// The picture after.
    pub candidate: u32,
    /// What was asked for.
    pub instruction: String,
    /// Where editing was allowed.
    #[serde(default)]
    pub mask: Option<u32>,
}

/// Weights to take up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdoptParameters {
    /// What the trainer calls them.
    pub version: String,
    /// What they are.
    pub kind: WeightsKind,
    /// How strongly an adapter counts.
    pub scale: f32,
}

/// What weights are, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightsKind {
    /// What the editor began with.
    Base,
    /// Low-rank additions at this path.
    Adapter(String),
    /// A whole model at this path.
    Checkpoint(String),
}

/// Weights that were taken up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopted {
    /// What the trainer calls them.
    pub version: String,
    /// What tells these weights from all others.
    pub checksum: String,
}

/// What came of one item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<D> {
    /// It was done.
    Done(D),
    /// It was not.
    Failed(Failed),
}

/// A picture that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edited {
    /// The picture; a preview where the proposal stops half way.
    pub image: Picture,
    /// What was spent.
    #[serde(default)]
    pub cost: CostNumbers,
    /// The seed that was used where it is not the proposal's.
    #[serde(default)]
    pub effective_seed: Option<u64>,
    /// What people should know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What the model computed.
    #[serde(default)]
    pub counters: EditCounters,
    /// The way through the latent space, where it is kept.
    #[serde(default)]
    pub trajectory: Option<TrajectoryParts>,
}

/// What a model computed for one candidate; shared work is counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EditCounters {
    /// Texts that went through a text encoder.
    #[serde(default)]
    pub text_encodes: u64,
    /// Pictures that were brought into the latent space.
    #[serde(default)]
    pub image_encodes: u64,
    /// Calls of the denoiser.
    #[serde(default)]
    pub denoiser_passes: u64,
    /// Pictures that were brought back.
    #[serde(default)]
    pub image_decodes: u64,
    /// Milliseconds that loading networks took, where they are not all kept loaded.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub load_ms: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Latents, times and probabilities of a candidate's steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrajectoryParts {
    /// The dimensions of the latents at one instant.
    pub shape: Vec<u64>,
    /// The latents before the first step and after each: [steps + 1, shape…].
    pub latents: Blob,
    /// What the denoiser was told of the time, before each step.
    pub timesteps: Vec<f32>,
    /// The noise level before the first step and after each.
    pub sigmas: Vec<f32>,
    /// The logarithm of each step's probability density, as a mean over the latents' dimensions; none where the step
    /// added no noise.
    pub log_probabilities: Vec<Option<f32>>,
}

/// A score, and what it cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// The score: finite, higher is better.
    pub mean: f64,
    /// Its standard deviation.
    #[serde(default)]
    pub sigma: Option<f64>,
    /// Named parts.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// What was spent.
    #[serde(default)]
    pub cost: CostNumbers,
    /// What the model computed.
    #[serde(default)]
    pub counters: RewardCounters,
}

/// A named part of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its name: lower case, digits and `_`.
    pub name: String,
    /// Its value.
    pub mean: f64,
    /// Its standard deviation.
    #[serde(default)]
    pub sigma: Option<f64>,
}

/// What a model computed for one judgement; shared work is counted once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RewardCounters {
    /// Pictures that went through a vision tower.
    #[serde(default)]
    pub image_encodes: u64,
    /// Tokens that went through a decoder.
    #[serde(default)]
    pub decoder_tokens: u64,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failed {
    /// Which kind of failure, which decides whether it is tried again.
    pub class: ErrorClass,
    /// A sentence for people: the thing, what was expected, what was found.
    pub message: String,
    /// What was spent in vain.
    #[serde(default)]
    pub cost: CostNumbers,
}

/// The classes of failure that a plugin can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// It will not do this: the same request fails again.
    Refused,
    /// What it was given is broken or outside its limits.
    Invalid,
    /// It is overloaded; another attempt may succeed.
    Unavailable,
    /// It took too long; another attempt may succeed.
    TimedOut,
    /// It was told that the work is not wanted any more.
    Cancelled,
    /// Something broke inside; the same request is likely to fail again.
    Internal,
    /// It may have been done and paid elsewhere: never sent again by itself.
    Ambiguous,
}
