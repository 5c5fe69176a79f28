//! What people said of edits of one picture.

use editscale_rollout::RowPicture;
use editscale_study::judges::Preference;

/// One source, one instruction, and the edits that people compared or rated.
#[derive(Debug, Clone)]
pub struct Case {
    /// What the benchmark calls it; unique within its part.
    pub id: String,
    /// The part of the benchmark that it belongs to, such as `2pair`.
    pub part: String,
    /// Which collection the picture comes from, where the file says it.
    pub dataset: Option<String>,
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

/// What people said of a case.
#[derive(Debug, Clone, PartialEq)]
pub enum Human {
    /// A ranking as it is written, such as `A>B=C`.
    Ranking(String),
    /// The verdict on the first two candidates.
    Preferred(Preference),
    /// Only the candidates' ratings.
    Rated,
}
