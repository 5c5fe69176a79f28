//! What a group is written down as. These types are the file format: a change here is a change of [`Group::VERSION`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All trials of one run of one source, one instruction and one recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// [`Group::VERSION`].
    pub version: u32,
    /// What makes the run this one and no other: the digest of source, mask, instruction, size, recipe, revisions, row id, repeat,
    /// root seed, policy version, and how often it was sampled again. 64 hexadecimal digits.
    pub rollout_id: String,
    /// The digest of source bytes, instruction and recipe: equal for the repeats of a row. 64 hexadecimal digits.
    pub group_id: String,
    /// The row's number in the data set, from 0.
    pub row: u64,
    /// What the data set calls the row.
    pub row_id: String,
    /// Which of the row's repeats, from 0.
    pub repeat: u32,
    /// How often the group was sampled again because its rewards did not differ, or all that was made was lost.
    pub resampled: u32,
    /// Whether the rewards of its candidates do not differ, by the recipe's floor: there is nothing to learn from it.
    pub is_flat: bool,
    /// What was asked for.
    pub instruction: String,
    /// The picture that was edited.
    pub source: Picture,
    /// Where editing was allowed.
    pub mask: Option<Picture>,
    /// The root of all seeds of the run.
    pub root_seed: u64,
    /// The digest of the resolved recipe. 64 hexadecimal digits.
    pub recipe: String,
    /// The search that chose: its name with all of its settings. What is known of how candidates came to be.
    pub behaviour_policy: String,
    /// How the score cards became one number.
    pub objective: String,
    /// The weights that edited.
    pub policy: PolicyStamp,
    /// Editors by name, with what exactly answered.
    pub editors: BTreeMap<String, String>,
    /// Rewards by name, with what exactly answered.
    pub rewards: BTreeMap<String, String>,
    /// Why the search stopped.
    pub stop_reason: String,
    /// How the winner was drawn, where it was drawn.
    pub draw: Option<DrawFigures>,
    /// In ask order.
    pub candidates: Vec<CandidateRow>,
    /// What the whole group has spent, sampling again included.
    pub spent: crate::queue::Spent,
    /// Columns of the data set that are handed on.
    pub extra: serde_json::Map<String, serde_json::Value>,
    /// Who made it and when: what differs between two runs that are otherwise equal.
    pub made: MadeBy,
}

impl Group {
    /// The version of this format that is written and read.
    pub const VERSION: u32 = 1;
}

/// A picture by its digest. The bytes lie in the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// BLAKE3 of the encoded bytes, 64 hexadecimal digits.
    pub digest: String,
    /// The usual file extension of its format, such as `png`.
    pub format: String,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// What the data set calls it, where it has a name.
    pub name: Option<String>,
}

/// The weights that edited.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PolicyStamp {
    /// What the trainer calls them; empty where the recipe names none.
    pub version: String,
    /// BLAKE3 of the adapter's or checkpoint's bytes, or what a server says of them; empty where nothing was loaded.
    pub checksum: String,
}

/// The figures of a random choice among candidates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DrawFigures {
    /// β in w ∝ exp(r/β), in units of utility.
    pub temperature: f64,
    /// How many candidates share the weight, from 1 to their number.
    pub effective_sample_size: f64,
    /// KL divergence of the weights from equal weights, in nats.
    pub kl: f64,
}

/// Who made a group, and when.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MadeBy {
    /// The worker: machine, process and a number.
    pub worker: String,
    /// Seconds since 1970 at its end.
    pub finished_unix_secs: f64,
    /// Active seconds of the run.
    pub wall_secs: f64,
    /// How often the item had been handed out.
    pub delivery: u32,
}

/// One candidate of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateRow {
    /// Its place in ask order, from 0.
    pub candidate: u32,
    /// The round that asked for it, from 0.
    pub round: u32,
    /// Candidates that it varies or continues; empty for one from the source alone.
    pub parents: Vec<u32>,
    /// How it comes from its parent: `fresh`, `re_edit`, `edit_of_edit`, `resume` or `neighbour`.
    pub edge: String,
    /// What the editor started from: `source`, `candidate` or `paused`.
    pub start: String,
    /// The denoising step that it stopped before, for a preview; absent for a finished picture.
    pub until_step: Option<u32>,
    /// The instruction that the editor was given.
    pub effective_instruction: String,
    /// The editor's name.
    pub editor: String,
    /// The settings that differ from the editor's own.
    pub knobs: BTreeMap<String, serde_json::Value>,
    /// The proposal's seed.
    pub seed: u64,
    /// The seed that was used, where it is another.
    pub effective_seed: Option<u64>,
    /// The picture; absent where none was made.
    pub image: Option<Picture>,
    /// Why no picture was made: the class of failure and its words.
    pub failure: Option<FailureNote>,
    /// What the editor wanted people to know.
    pub notes: Vec<String>,
    /// What each reward said, by its name.
    pub scores: BTreeMap<String, Said>,
    /// What the objective makes of the scores; absent where they do not suffice or a gate bars the candidate.
    pub reward: Option<f64>,
    /// What the reward is worth within its group; absent where there is no reward or the group has too few.
    pub advantage: Option<f64>,
    /// Its place in the verdict, from 0 for the chosen one; absent where it is not ranked.
    pub rank: Option<u32>,
    /// Whether the policy chose it.
    pub is_selected: bool,
    /// The probability with which the policy chose it at the end; absent where the choice was not random.
    pub selection_probability: Option<f64>,
    /// Denoiser evaluations, tokens and money for the picture.
    pub cost: Cost,
    /// Seconds that the picture took.
    pub took_secs: f64,
    /// Whether its way through the latent space lies in the pack.
    pub has_trajectory: bool,
}

/// What one reward said of one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// A score with its parts.
    Score {
        /// Higher is better.
        mean: f64,
        /// The standard deviation of the estimate, where the reward gives one.
        sigma: Option<f64>,
        /// Named components, in the reward's own order.
        parts: Vec<PartRow>,
    },
    /// The reward failed.
    Failed(FailureNote),
}

/// A named component of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartRow {
    /// What it measures.
    pub name: String,
    /// Higher is better.
    pub mean: f64,
    /// The standard deviation of the estimate, where the reward gives one.
    pub sigma: Option<f64>,
}

/// A class of failure and its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureNote {
    /// Such as `refused`.
    pub kind: String,
    /// For people.
    pub message: String,
}

/// What one picture cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Denoiser evaluations.
    pub nfe: u64,
    /// Tokens.
    pub tokens: u64,
    /// Millionths of a dollar.
    pub usd_micros: u64,
}
