//! What an editor or a reward says of itself once it is ready.

use serde::{Deserialize, Serialize};

/// The card of what was loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Card {
    /// Of an editor.
    Editor(EditorCard),
    /// Of a reward.
    Reward(RewardCard),
}

/// What an editor can do. Everything but the revision has a default that promises nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditorCard {
    /// What exactly would answer: model, weights (by digest or commit) and version of the code. A run is not gone on
    /// with under another revision.
    pub revision: String,
    /// Bits of a seed that count, at most 53; absent where seeds decide nothing.
    #[serde(default)]
    pub seed_bits: Option<u8>,
    /// The most items that one call may hold.
    #[serde(default = "one")]
    pub largest_batch: u32,
    /// How many calls may be under way at a time: the host never has more.
    #[serde(default = "one")]
    pub slots: u32,
    /// Whether it can start from a candidate's picture.
    #[serde(default)]
    pub edits_candidates: bool,
    /// Whether it can stop half way.
    #[serde(default)]
    pub pause: PauseSupport,
    /// Whether its sampler adds noise after the start.
    #[serde(default)]
    pub sampler: SamplerKind,
    /// When a slot is free again after cancelling.
    #[serde(default)]
    pub cancel: CancelRule,
    /// Whether it honours a mask.
    #[serde(default)]
    pub masks: bool,
    /// The settings that a search may turn.
    #[serde(default)]
    pub knobs: Vec<Knob>,
    /// The most that one edit can cost.
    #[serde(default)]
    pub cost: CostNumbers,
    /// What may be done about an edit that was under way when the plugin died.
    #[serde(default)]
    pub recovery: Recovery,
    /// Which other weights it can take up.
    #[serde(default)]
    pub adopts: AdoptSupport,
}

/// What a reward measures in. Everything but the revision has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RewardCard {
    /// What exactly would answer: model, weights, prompts and version of the code.
    pub revision: String,
    /// The least and greatest score, where there is such a thing.
    #[serde(default)]
    pub range: Option<(f64, f64)>,
    /// Whether a score depends on what else is judged with it.
    #[serde(default)]
    pub kind: RewardKind,
    /// Whether its scores carry a standard deviation.
    #[serde(default)]
    pub gives_sigma: bool,
    /// The pixels that it looks at, at most.
    #[serde(default)]
    pub pixel_budget: Option<u64>,
    /// The most items that one call may hold.
    #[serde(default = "one")]
    pub largest_batch: u32,
    /// How many calls may be under way at a time: the host never has more.
    #[serde(default = "one")]
    pub slots: u32,
    /// The most that one judgement can cost.
    #[serde(default)]
    pub cost: CostNumbers,
}

const fn one() -> u32 {
    1
}

/// Whether an editor can stop half way and show what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseSupport {
    /// It cannot.
    #[default]
    None,
    /// It can stop at a step, hand out a preview, and go on.
    Resume,
    /// It can also go on from one state several times, with noise of their own.
    Fork,
}

/// Whether a sampler adds noise after the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamplerKind {
    /// Equal states stay equal.
    #[default]
    Deterministic,
    /// Equal states part.
    Stochastic,
}

/// When a slot is free again after cancelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelRule {
    /// Within moments.
    Promptly,
    /// At the end of the denoising step.
    WithinStep,
    /// Not before the work is done.
    #[default]
    WhenDone,
}

/// What may be done about an edit that was under way when the plugin died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// It died too and cost nothing: do it again.
    #[default]
    Repeat,
    /// It may have been done and paid elsewhere: it counts as spent and failed.
    Unknown,
}

/// Which other weights an editor can take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AdoptSupport {
    /// Low-rank adapters, and what it began with.
    #[serde(default)]
    pub adapters: bool,
    /// Whole models, and what it began with.
    #[serde(default)]
    pub checkpoints: bool,
}

/// A setting that a search may turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Knob {
    /// Its name: lower case, digits and `_`.
    pub name: String,
    /// The least value.
    pub low: f64,
    /// The greatest value.
    pub high: f64,
    /// What it is where nobody turns it.
    pub default: f64,
    /// How it is turned.
    #[serde(default)]
    pub scale: KnobScale,
}

/// How a knob is turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnobScale {
    /// By equal amounts.
    #[default]
    Linear,
    /// By equal factors.
    Logarithmic,
}

/// Whether a score depends on what else is judged with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardKind {
    /// Each candidate is judged alone.
    #[default]
    Pointwise,
    /// Candidates are judged against each other; scores compare within one call only.
    Listwise,
}

/// What a piece of work costs: the most, on a card; the actual, on a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CostNumbers {
    /// Denoiser evaluations.
    #[serde(default)]
    pub nfe: u64,
    /// Language-model tokens, in and out.
    #[serde(default)]
    pub tokens: u64,
    /// Money, in millionths of a US dollar.
    #[serde(default)]
    pub usd_micros: u64,
}
