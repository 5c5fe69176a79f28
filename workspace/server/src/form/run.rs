//! A run as a whole: its trace.

use editscale_core::{Draw, Ending, StopReason};
use editscale_engine::RunRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::candidate::{CandidateForm, CritiqueForm};
use super::ledger::LedgerForm;

/// How a run was searched, from its request to its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RunForm {
    /// The run's name.
    pub run: String,
    /// What was asked for.
    pub instruction: String,
    /// What the source was called.
    pub source_name: String,
    /// The root of all seeds.
    pub seed: u64,
    /// The candidate of an earlier run that this one continues, as `RUN:CANDIDATE`.
    pub continues: Option<String>,
    /// `search` (it came to its own end) or `cancelled` (somebody stopped it); nothing while it is unfinished.
    pub ending: Option<String>,
    /// `target`, `patience`, `finished`, `budget`, `enough` or `stuck`.
    pub reason: Option<String>,
    /// Why it is stuck.
    pub explanation: Option<String>,
    /// The chosen candidate: the best one, unless the policy or the recipe chooses otherwise.
    pub winner: Option<u32>,
    /// The candidates with a utility: the chosen one, then the others as the policy ranks them.
    pub ranked: Vec<u32>,
    /// What critics made of the request before anything was made, where one was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewritings: Vec<CritiqueForm>,
    /// Every candidate in the order in which the search asked for them.
    pub candidates: Vec<CandidateForm>,
    /// Rounds that were carried out.
    pub rounds: Option<u32>,
    /// What was spent.
    pub ledger: Option<LedgerForm>,
    /// How the winner was drawn, where it was drawn.
    pub draw: Option<DrawForm>,
    /// The recipe with every default spelled out.
    pub recipe: String,
}

/// The figures of a random choice among candidates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DrawForm {
    /// β in w ∝ exp(r/β), or in w ∝ relu(r − λ)/β where the choice is pessimistic, in units of utility.
    pub temperature: f64,
    /// (Σw)²/Σw².
    pub effective_sample_size: f64,
    /// In nats.
    pub kl: f64,
}

impl From<Draw> for DrawForm {
    fn from(draw: Draw) -> Self {
        Self { temperature: draw.temperature, effective_sample_size: draw.effective_sample_size, kl: draw.kl }
    }
}

impl From<&RunRecord> for RunForm {
    fn from(record: &RunRecord) -> Self {
        let (manifest, outcome) = (&record.manifest, record.outcome.as_ref());
        let verdict = outcome.map(|outcome| &outcome.verdict);
        let wish = manifest.request.instruction.as_str();
        let candidate = |record| CandidateForm::new(record, outcome).of_request(record, wish);
        let ending = |ending: Ending| if ending == Ending::Search { "search" } else { "cancelled" };
        Self {
            run: manifest.run.to_string(),
            instruction: manifest.request.instruction.to_string(),
            source_name: manifest.source_name.clone(),
            seed: manifest.request.seed.get(),
            continues: manifest.continues.clone(),
            ending: outcome.map(|outcome| ending(outcome.ending).to_owned()),
            reason: verdict.map(|verdict| verdict.reason.word().to_owned()),
            explanation: match verdict.map(|verdict| &verdict.reason) {
                Some(StopReason::Stuck(why)) => Some(why.to_string()),
                _ => None,
            },
            winner: outcome.and_then(editscale_core::Outcome::winner).map(|id| id.0),
            ranked: verdict.iter().flat_map(|verdict| &verdict.ranked).map(|ranked| ranked.id.0).collect(),
            rewritings: record.rewritings.iter().map(Into::into).collect(),
            candidates: record.candidates.iter().map(candidate).collect(),
            rounds: outcome.map(|outcome| outcome.rounds),
            ledger: outcome.map(|outcome| LedgerForm::from(&outcome.ledger)),
            draw: verdict.and_then(|verdict| verdict.draw).map(DrawForm::from),
            recipe: manifest.resolved_recipe.clone(),
        }
    }
}
