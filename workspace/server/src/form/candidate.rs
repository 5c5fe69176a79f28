//! A candidate of a run.

use std::collections::BTreeMap;

use editscale_core::Outcome;
use editscale_engine::{CandidateRecord, CritiqueRecord};
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
    /// In which way: `fresh`, `re_edit`, `edit_of_edit`, `resume` or `neighbour`.
    pub edge: String,
    /// Who made it.
    pub editor: String,
    /// From which seed.
    pub seed: u64,
    /// The settings that differ from the editor's own.
    pub knobs: BTreeMap<String, f64>,
    /// What the editor was told, where that is not the request's own instruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction: Option<String>,
    /// What critics wrote about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub critiques: Vec<CritiqueForm>,
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

/// What a critic wrote about a candidate, or about the request before anything was made; or why it did not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CritiqueForm {
    /// The round that asked for it, from 0.
    pub round: u32,
    /// Who.
    pub critic: String,
    /// What it thinks of the candidate or of the request.
    pub text: Option<String>,
    /// What the editor is to be told next.
    pub instruction: Option<String>,
    /// Whether the candidate does all that was asked for.
    pub satisfied: bool,
    /// Why nothing was written.
    pub failure: Option<FailureForm>,
}

impl From<&CritiqueRecord> for CritiqueForm {
    fn from(CritiqueRecord { round, critic, written }: &CritiqueRecord) -> Self {
        let critique = written.as_ref().ok();
        Self {
            round: *round,
            critic: critic.to_string(),
            text: critique.map(|critique| critique.text.to_string()),
            instruction: critique.and_then(|critique| critique.instruction.as_ref()).map(ToString::to_string),
            satisfied: critique.is_some_and(|critique| critique.satisfied),
            failure: written.as_ref().err().map(failure_form),
        }
    }
}

impl CandidateForm {
    /// The same of a run that asks for `instruction`.
    #[must_use]
    pub fn of_request(self, record: &CandidateRecord, instruction: &str) -> Self {
        let told = &record.proposal.instruction;
        Self { instruction: (**told != *instruction).then(|| told.to_string()), ..self }
    }

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
            instruction: None,
            critiques: record.critiques.iter().map(Into::into).collect(),
            image: image.map(|image| format!("images/{}.{}", image.digest(), image.media().extension())),
            failure: made.and_then(|made| made.as_ref().err()).map(failure_form),
            scores: scores_form(&record.card),
            utility: ranked.map(|ranked| ranked.utility.get()),
            selection_probability: ranked.and_then(|ranked| ranked.selection_probability),
        }
    }
}
