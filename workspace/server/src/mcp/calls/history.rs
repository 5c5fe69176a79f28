//! The edits of a conversation: told, gone back to, gone on from, written to files.

use super::super::answers::{Answer, EditsAnswer, MovedAnswer, SavedAnswer};
use super::super::arguments::{GoToArguments, Plain, SaveArguments};
use super::super::desk::Call;
use super::super::images::{Named, Shown, named};
use super::super::purse::BudgetForm;
use super::super::tree::EditId;
use super::super::trouble::Trouble;
use super::edit::current;
use super::result::save;
use crate::form::LedgerForm;

pub(super) fn list_edits(call: &Call, _: &Plain) -> Result<Answer, Trouble> {
    let (tree, purse) = (call.conversation.tree(), &call.conversation.purse);
    Answer::new(&EditsAnswer {
        conversation: call.conversation.id.clone(),
        edits: tree.nodes(),
        current: tree.current().map(|id| id.to_string()),
        budget: BudgetForm::from(purse.budget()),
        spent: LedgerForm::from(&purse.spent()),
        budget_left: BudgetForm::from(&purse.left()),
    })
}

pub(super) async fn undo_edit(call: &Call, _: &Plain) -> Result<Answer, Trouble> {
    let undone = call.conversation.tree().undo()?;
    let shown = call.aside(move |call| to_go_on_from(call, undone)).await;
    moved(call, Some(undone), shown.ok(), false)
}

pub(super) async fn go_to_edit(call: &Call, arguments: GoToArguments) -> Result<Answer, Trouble> {
    let GoToArguments { edit, inline, .. } = arguments;
    let edit = named("edit", &edit)?;
    let shown = call.aside(move |call| go_to(call, edit)).await?;
    moved(call, None, Some(shown), inline)
}

pub(super) async fn save_edit(call: &Call, arguments: SaveArguments) -> Result<Answer, Trouble> {
    let SaveArguments { edit, save_to, .. } = arguments;
    let edit = match edit {
        Some(edit) => named("edit", &edit)?,
        None => Named::Edit(current(call)?),
    };
    let form = call.aside(move |call| write(call, edit, &save_to)).await?;
    Answer::new(&form)
}

fn go_to(call: &Call, edit: Named) -> Result<Shown, Trouble> {
    let id = meant(call, edit)?;
    let shown = picture(call, id)?;
    call.conversation.tree().go_to(id)?;
    Ok(shown)
}

fn write(call: &Call, edit: Named, save_to: &str) -> Result<SavedAnswer, Trouble> {
    let destination = call.desk.roots.destination(save_to)?;
    let id = meant(call, edit)?;
    let shown = picture(call, id)?;
    let bytes = shown.file(destination.format, &call.desk)?.len() as u64;
    let saved_to = save(call, &destination, &shown)?;
    Ok(SavedAnswer { conversation: call.conversation.id.clone(), edit: id.to_string(), saved_to, bytes })
}

/// The edit that an argument names; a candidate becomes one.
fn meant(call: &Call, edit: Named) -> Result<EditId, Trouble> {
    match edit {
        Named::Edit(id) => Ok(id),
        Named::Candidate(made) => call.edit_of(&made),
        _ => Err(Trouble::invalid("`edit`: expected an edit such as `e1`, or a candidate of a run")),
    }
}

/// The picture of an edit.
fn picture(call: &Call, id: EditId) -> Result<Shown, Trouble> {
    let made = call.conversation.tree().find(id)?.made.clone();
    Shown::candidate(&call.desk.service, &*call.desk.run(&made.run, call.owner())?, made.candidate)
}

/// The picture to go on from once an edit is undone: the current edit's, or what the undone one began from.
fn to_go_on_from(call: &Call, undone: EditId) -> Result<Shown, Trouble> {
    let current = call.conversation.tree().current();
    if let Some(current) = current {
        return picture(call, current);
    }
    let made = call.conversation.tree().find(undone)?.made.clone();
    Shown::source(&call.desk.service, &*call.desk.run(&made.run, call.owner())?)
}

fn moved(call: &Call, undone: Option<EditId>, shown: Option<Shown>, inline: bool) -> Result<Answer, Trouble> {
    let tree = call.conversation.tree();
    let form = MovedAnswer {
        conversation: call.conversation.id.clone(),
        undone: undone.map(|id| id.to_string()),
        current: tree.current().map(|id| tree.node(id)).transpose()?,
        image: shown.as_ref().map(|shown| shown.form.clone()),
    };
    Ok(Answer::new(&form)?.showing(shown, inline))
}
