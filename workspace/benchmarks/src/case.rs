//! What people said of edits of one picture.

use editscale_rollout::RowPicture;
use editscale_study::judges::Preference;
use serde::{Deserialize, Serialize};

/// One source, one instruction, and the edits that people compared or rated.
#[derive(Debug, Clone)]
pub struct Case {
    /// What the benchmark calls it; unique within its part.
    pub id: String,
    /// The part of the benchmark that it belongs to, such as `2pair`.
    pub part: String,
    /// Which collection the picture comes from, where the file says it.
    pub dataset: Option<String>,
    /// What it belongs to, where the file says it: cases of one group, or of one source, are no independent witnesses.
    pub group: Option<String>,
    /// What was asked for.
    pub instruction: String,
    /// The picture before.
    pub source: RowPicture,
    /// The edits, in the order in which people's words count them (A, B, …).
    pub candidates: Vec<Candidate>,
    /// What people said.
    pub human: Human,
}

/// One edit.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The picture after.
    pub picture: RowPicture,
    /// Who made it, where the file says it.
    pub model: Option<String>,
    /// What people gave it, where they rated each by itself.
    pub rating: Option<f64>,
}

/// What people said of a case. As JSON: `{"ranking": "A>B=C"}`, `{"preferred": "a"}` (`a`, `b` or `tie`) or `"rated"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Human {
    /// A ranking as it is written, such as `A>B=C`.
    Ranking(String),
    /// The verdict on the first two candidates.
    Preferred(#[serde(with = "crate::judged::preference")] Preference),
    /// Only the candidates' ratings.
    Rated,
}
