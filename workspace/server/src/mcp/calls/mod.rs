//! What each tool does.

mod edit;
mod history;
mod recipes;
mod result;
mod score;

use editscale_core::Scale;
use rmcp::model::JsonObject;

use super::answers::Answer;
use super::arguments::read;
use super::desk::Call;
use super::tools::Tool;
use super::trouble::{Trouble, quoted};
use crate::form::ScoreForm;
use crate::offer::Offer;

/// Does what a tool is for.
pub(crate) async fn perform(call: &Call, tool: Tool, arguments: JsonObject) -> Result<Answer, Trouble> {
    match tool {
        Tool::ListRecipes => recipes::list(call, &read(arguments)?),
        Tool::EditImage => edit::edit_image(call, read(arguments)?).await,
        Tool::RefineEdit => edit::refine_edit(call, read(arguments)?).await,
        Tool::ScoreEdit => score::score_edit(call, read(arguments)?).await,
        Tool::CompareEdits => score::compare_edits(call, read(arguments)?).await,
        Tool::ListEdits => history::list_edits(call, &read(arguments)?),
        Tool::UndoEdit => history::undo_edit(call, &read(arguments)?).await,
        Tool::GoToEdit => history::go_to_edit(call, read(arguments)?).await,
        Tool::SaveEdit => history::save_edit(call, read(arguments)?).await,
    }
}

/// What utilities of a recipe compare with.
fn scale(offer: &Offer) -> String {
    let word = match offer.recipe.objective().scale() {
        Scale::Absolute => "absolute",
        Scale::Relative => "relative",
    };
    word.to_owned()
}

/// What rewards said, with the messages of failures not endless.
fn tamed(scores: std::collections::BTreeMap<String, ScoreForm>) -> std::collections::BTreeMap<String, ScoreForm> {
    let tame = |form: ScoreForm| match form {
        ScoreForm::Failed { mut failure } => {
            failure.message = quoted(&failure.message, 300);
            ScoreForm::Failed { failure }
        }
        score @ ScoreForm::Score { .. } => score,
    };
    scores.into_iter().map(|(reward, form)| (reward, tame(form))).collect()
}
