//! A candidate of a run.

use std::collections::BTreeMap;

use editscale_core::Outcome;
use editscale_engine::CandidateRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::score::{FailureForm, ScoreForm, failure_form, scores_form};

/// One candidate: how it was made, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CandidateForm {
    /// Its place in the order in which the search asked.
    pub id: u32,
    /// The round that asked for it, from 0.
    pub round: u32,
    /// The candidate that it varies or continues.
    pub parent: Option<u32>,
    /// In which way: `fresh`, `re_edit`, `edit_of_edit` or `resume`.
    pub edge: String,
    /// Who made it.
    pub editor: String,
    /// From which seed.
    pub seed: u64,
    /// The settings that differ from the editor's own.
    pub knobs: BTreeMap<String, f64>,
    /// Its picture's path in the run's folder.
    pub image: Option<String>,
    /// Why it has no picture.
    pub failure: Option<FailureForm>,
    /// What the rewards said, by reward.
    pub scores: BTreeMap<String, ScoreForm>,
    /// What the objective makes of the scores, at the end.
    pub utility: Option<f64>,
    /// The chance that one draw falls on it, for policies that draw.
    pub selection_probability: Option<f64>,
}

impl CandidateForm {
    /// A candidate, as it stands in its run's record; with the verdict, where there is one.
    pub fn new(record: &CandidateRecord, outcome: Option<&Outcome>) -> Self {
        let proposal = &record.proposal;
        let ranked = outcome.and_then(|outcome| outcome.verdict.ranked.iter().find(|ranked| ranked.id == proposal.id));
        let made = record.made.as_ref();
        let image = made.and_then(|made| made.as_ref().ok()).map(|made| &made.image);
        Self {
            id: proposal.id.0,
            round: record.round,
            parent: proposal.lineage.parent.map(|id| id.0),
            edge: proposal.lineage.edge.word().to_owned(),
            editor: proposal.editor.to_string(),
            seed: proposal.seed.get(),
            knobs: proposal.knobs.iter().map(|(name, value)| (name.to_string(), value)).collect(),
            image: image.map(|image| format!("images/{}.{}", image.digest(), image.media().extension())),
            failure: made.and_then(|made| made.as_ref().err()).map(failure_form),
            scores: scores_form(&record.card),
            utility: ranked.map(|ranked| ranked.utility.get()),
            selection_probability: ranked.and_then(|ranked| ranked.selection_probability),
        }
    }
}
