//! What rewards said.

use std::collections::BTreeMap;

use editscale_core::{Failure, Part, Score, ScoreCard};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A number that a reward gave, higher being better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct PartForm {
    /// Its estimate.
    pub mean: f64,
    /// The standard deviation of the estimate, where the reward gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f64>,
}

/// A score with its parts; or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(untagged)]
pub enum ScoreForm {
    /// The reward's answer.
    Score {
        /// Its estimate; higher is better.
        mean: f64,
        /// The standard deviation of the estimate, where the reward gives one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sigma: Option<f64>,
        /// Named components.
        parts: BTreeMap<String, PartForm>,
    },
    /// The reward has no answer.
    Failed {
        /// Why.
        failure: FailureForm,
    },
}

/// Why something did not come about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct FailureForm {
    /// The class: `refused`, `invalid`, `unavailable`, `timed_out`, `malformed`, `crashed`, `cancelled`, `over_budget` or `ambiguous`.
    pub kind: String,
    /// A sentence for people.
    pub message: String,
}

/// A score as it is sent.
pub fn score_form(score: &Score) -> ScoreForm {
    let part = |part: &Part| (part.name().to_string(), PartForm { mean: part.mean(), sigma: part.sigma() });
    ScoreForm::Score { mean: score.mean(), sigma: score.sigma(), parts: score.parts().iter().map(part).collect() }
}

/// A failure as it is sent.
pub(crate) fn failure_form(failure: &Failure) -> FailureForm {
    FailureForm { kind: failure.kind.word().to_owned(), message: failure.message.to_string() }
}

/// All that was said of a candidate, by reward.
pub(crate) fn scores_form(card: &ScoreCard) -> BTreeMap<String, ScoreForm> {
    let said = card.iter().map(|(reward, said)| {
        let form = match said {
            Ok(score) => score_form(score),
            Err(failure) => ScoreForm::Failed { failure: failure_form(failure) },
        };
        (reward.to_string(), form)
    });
    said.collect()
}
