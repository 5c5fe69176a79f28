//! How much a run's own plan comes to, before anything runs.

/// How much a run comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// Edits that are begun. A candidate that goes on from a pause is no further one.
    pub edits: u64,
    /// Pictures that are judged, those of candidates that are not done among them.
    pub judged: u64,
    /// What the editor does, in whole edits: a candidate that is left half way is half of one.
    pub work: f64,
}

impl Extent {
    /// So many candidates, each made in one go and judged once.
    pub fn whole(candidates: u64) -> Self {
        Self { edits: candidates, judged: candidates, work: candidates as f64 }
    }
}
