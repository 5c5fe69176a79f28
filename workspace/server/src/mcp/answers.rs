//! What the tools answer, each with its schema.

use std::collections::BTreeMap;

use rmcp::model::{CallToolResult, ContentBlock};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::desk::Call;
use super::images::{PictureForm, Shown};
use super::purse::BudgetForm;
use super::tree::NodeForm;
use super::trouble::Trouble;
use crate::form::{LedgerForm, ScoreForm};

/// The answer of a tool: an object, and the pictures that go along.
#[derive(Debug)]
pub(crate) struct Answer {
    object: Value,
    shown: Vec<Shown>,
    inline: bool,
}

impl Answer {
    pub(crate) fn new(form: &impl Serialize) -> Result<Self, Trouble> {
        let object = serde_json::to_value(form).map_err(|error| {
            Trouble::new("server_failed", "the answer cannot be written").reported(&error.to_string())
        })?;
        Ok(Self { object, shown: Vec::new(), inline: false })
    }

    /// The same with a picture; `inline`: to look at, and not only to follow.
    pub(crate) fn showing(mut self, shown: Option<Shown>, inline: bool) -> Self {
        self.shown.extend(shown);
        Self { inline, ..self }
    }

    /// As it is sent. Clients that know no links to resources get the picture itself, made small.
    pub(crate) async fn into_result(self, call: &Call) -> Result<CallToolResult, Trouble> {
        let (inline, shown) = (self.inline || !call.knows_links, self.shown.clone());
        let mut content = vec![ContentBlock::text(self.object.to_string())];
        if call.knows_links {
            content.extend(self.shown.iter().map(Shown::link));
        }
        if inline && !shown.is_empty() {
            let small = move |call: &Call| shown.iter().map(|shown| shown.inline(&call.desk)).collect();
            content.extend(call.aside::<Vec<ContentBlock>>(small).await?);
        }
        let mut result = CallToolResult::success(content);
        result.structured_content = Some(self.object);
        Ok(result)
    }
}

/// A recipe that can be chosen.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RecipeForm {
    /// What to call it.
    pub(crate) name: String,
    /// One line from whoever serves it.
    pub(crate) about: String,
    /// Whether it is meant where none is named.
    pub(crate) is_usual: bool,
    /// Who makes the candidates.
    pub(crate) editors: Vec<String>,
    /// Whether a mask is honoured.
    pub(crate) masks: bool,
    /// Who judges them.
    pub(crate) rewards: Vec<RewardForm>,
    /// How it searches.
    pub(crate) search: String,
    /// What one run of it may spend.
    pub(crate) budget: BudgetForm,
    /// Whether utilities of different runs compare: `absolute` or `relative`.
    pub(crate) scale: String,
}

/// A reward of a recipe.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RewardForm {
    /// Its name, under which scores stand.
    pub(crate) name: String,
    /// The least score, where there is such a thing.
    pub(crate) least: Option<f64>,
    /// The greatest score, where there is such a thing.
    pub(crate) greatest: Option<f64>,
}

/// All recipes.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RecipesAnswer {
    /// The usual one first.
    pub(crate) recipes: Vec<RecipeForm>,
    /// The folders whose files may be named.
    pub(crate) folders: Vec<String>,
    /// What is left of the conversation's budget.
    pub(crate) budget_left: BudgetForm,
}

/// Another candidate of the same run.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct OtherForm {
    /// Its number.
    pub(crate) candidate: u32,
    /// How good the recipe's objective finds it.
    pub(crate) utility: f64,
    /// Its picture, as a resource, to go on from it instead.
    pub(crate) image: String,
}

/// What an edit came to.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EditAnswer {
    /// The conversation, for later calls.
    pub(crate) conversation: String,
    /// Its name in this conversation. It is the current edit.
    pub(crate) edit: String,
    /// The edit that it goes on from; null where it began from a picture.
    pub(crate) parent: Option<String>,
    /// The current edit.
    pub(crate) current: Option<String>,
    /// The run that made it.
    pub(crate) run: String,
    /// The candidate that won.
    pub(crate) candidate: u32,
    /// Its picture.
    pub(crate) image: PictureForm,
    /// The whole search, as a resource: every candidate with its lineage and scores.
    pub(crate) trace: String,
    /// The recipe that made it.
    pub(crate) recipe: String,
    /// Whether utilities of different runs compare: `absolute` or `relative`.
    pub(crate) scale: String,
    /// How good the recipe's objective finds it.
    pub(crate) utility: Option<f64>,
    /// What the rewards said, by reward. Messages of failures are data from outside.
    pub(crate) scores: BTreeMap<String, ScoreForm>,
    /// The best of the others, the best first.
    pub(crate) others: Vec<OtherForm>,
    /// Candidates that were asked for.
    pub(crate) asked: u32,
    /// Of those, the ones that failed or could not be judged.
    pub(crate) failed: u32,
    /// Why the search ended: `target`, `patience`, `finished`, `budget`, `enough`, `stuck` or `deadline`.
    pub(crate) ended: String,
    /// What the editor noted, as data from outside.
    pub(crate) editor_notes: Vec<String>,
    /// Where it was written.
    pub(crate) saved_to: Option<String>,
    /// Why it was not written.
    pub(crate) not_saved: Option<Value>,
    /// What this call spent.
    pub(crate) spent: LedgerForm,
    /// What is left of the conversation's budget; what is not there is not limited.
    pub(crate) budget_left: BudgetForm,
}

/// What was judged of one picture.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ScoreAnswer {
    /// The conversation, for later calls.
    pub(crate) conversation: String,
    /// The recipe whose rewards judged.
    pub(crate) recipe: String,
    /// Whether utilities of different calls compare: `absolute` or `relative`.
    pub(crate) scale: String,
    /// How good the recipe's objective finds it; null where a gate bars it or a reward could not judge.
    pub(crate) utility: Option<f64>,
    /// What the rewards said, by reward. Messages of failures are data from outside.
    pub(crate) scores: BTreeMap<String, ScoreForm>,
    /// What this call spent.
    pub(crate) spent: LedgerForm,
    /// What is left of the conversation's budget; what is not there is not limited.
    pub(crate) budget_left: BudgetForm,
}

/// A picture among others.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct RankedForm {
    /// Its place among the candidates as they were given, from 0.
    pub(crate) index: u32,
    /// What it was called.
    pub(crate) image: String,
    /// Its rank, from 1; equals share one. Null where it has no utility.
    pub(crate) rank: Option<u32>,
    /// Whether another one has the same rank.
    pub(crate) is_tied: bool,
    /// How good the recipe's objective finds it; null where a gate bars it or a reward could not judge.
    pub(crate) utility: Option<f64>,
    /// What the rewards said, by reward. Messages of failures are data from outside.
    pub(crate) scores: BTreeMap<String, ScoreForm>,
}

/// How pictures compare.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct CompareAnswer {
    /// The conversation, for later calls.
    pub(crate) conversation: String,
    /// The recipe whose rewards judged.
    pub(crate) recipe: String,
    /// Whether utilities of different calls compare: `absolute` or `relative`.
    pub(crate) scale: String,
    /// The best first; those without a utility last.
    pub(crate) ranking: Vec<RankedForm>,
    /// The places of those that share the first rank, as they were given, from 0.
    pub(crate) best: Vec<u32>,
    /// What this call spent.
    pub(crate) spent: LedgerForm,
    /// What is left of the conversation's budget; what is not there is not limited.
    pub(crate) budget_left: BudgetForm,
}

/// The edits of a conversation.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EditsAnswer {
    /// The conversation, for later calls.
    pub(crate) conversation: String,
    /// Every edit in the order in which they were made.
    pub(crate) edits: Vec<NodeForm>,
    /// The current edit; null before the first one, or where all was undone.
    pub(crate) current: Option<String>,
    /// What the conversation may spend in all; what is not there is not limited.
    pub(crate) budget: BudgetForm,
    /// What it has spent.
    pub(crate) spent: LedgerForm,
    /// What is left of the budget.
    pub(crate) budget_left: BudgetForm,
}

/// Where a conversation stands after going to another edit.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct MovedAnswer {
    /// The conversation, for later calls.
    pub(crate) conversation: String,
    /// The edit that was undone, where one was. It can be gone to again.
    pub(crate) undone: Option<String>,
    /// The current edit; null where all was undone.
    pub(crate) current: Option<NodeForm>,
    /// The picture to go on from: the current edit's, or what the undone one began from.
    pub(crate) image: Option<PictureForm>,
}

/// A picture that was written.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct SavedAnswer {
    /// The conversation, for later calls.
    pub(crate) conversation: String,
    /// The edit.
    pub(crate) edit: String,
    /// Where it was written.
    pub(crate) saved_to: String,
    /// Bytes of the file.
    pub(crate) bytes: u64,
}
