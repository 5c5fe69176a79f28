//! All that a study found, as `study.json` has it.

use serde::Serialize;

use super::curves::Scaling;
use super::pairs::Comparison;
use super::paths::{Front, Path};
use super::runs::{Group, LeftOut};

/// A study: see `docs/json.md`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) version: u32,
    pub(super) program: String,
    pub(super) seed: u64,
    pub(super) confidence: f64,
    pub(super) cost: &'static str,
    pub(super) proxy: String,
    pub(super) gold: Gold,
    pub(super) groups: Vec<Group>,
    pub(super) left_out: Vec<LeftOut>,
    /// What could not be told, and why.
    pub(super) remarks: Vec<String>,
    pub(super) scaling: Vec<Scaling>,
    pub(super) paths: Vec<Path>,
    pub(super) fronts: Vec<Front>,
    pub(super) comparisons: Vec<Comparison>,
    /// What each group chose, request by request.
    #[serde(skip)]
    pub(super) choices: Vec<Choice>,
}

/// What is wanted.
#[derive(Debug, Serialize)]
pub(super) struct Gold {
    /// `proxy` where nothing else was named, `reward`, or `judge`.
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// Name and revision of the rewards that judged now.
    pub(super) rewards: Vec<(String, String)>,
}

impl Gold {
    /// Whether it is something that the policies did not choose by.
    pub(super) fn is_held_out(&self) -> bool {
        self.kind != "proxy"
    }
}

/// What one group chose for one request in the end.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) group: String,
    pub(super) request: String,
    pub(super) runs: usize,
    pub(super) gold: f64,
    pub(super) spent: f64,
}
