//! What a run came to, as an edit of the conversation.

use editscale_core::{Ledger, Outcome, ScoreCard};
use editscale_engine::RunRecord;

use super::super::answers::{Answer, EditAnswer, OtherForm};
use super::super::desk::Call;
use super::super::images::Shown;
use super::super::purse::BudgetForm;
use super::super::roots::Destination;
use super::super::tree::{Deed, EditId, Made};
use super::super::trouble::{Trouble, quoted};
use super::super::uri;
use super::{scale, tamed};
use crate::form::{LedgerForm, scores_form};
use crate::offer::Offer;
use crate::runs::{Live, State};

/// So many of the candidates that did not win are told of.
const OTHERS: usize = 4;

/// So many notes of an editor are told, and each is so long at most.
const NOTES: (usize, usize) = (8, 300);

/// A run that has ended.
pub(super) struct Finished {
    pub(super) live: std::sync::Arc<Live>,
    pub(super) state: State,
    pub(super) offer: std::sync::Arc<Offer>,
    pub(super) parent: Option<EditId>,
    pub(super) spent: Ledger,
    pub(super) destination: Option<Destination>,
    pub(super) inline: bool,
}

/// Makes an edit of what a run came to.
pub(super) async fn answer(call: &Call, finished: Finished) -> Result<Answer, Trouble> {
    let inline = finished.inline;
    let (form, shown) = call.aside(move |call| conclude(call, &finished)).await?;
    Ok(Answer::new(&form)?.showing(Some(shown), inline))
}

/// Why nothing came of a run, with what is left after it.
fn in_vain(call: &Call, finished: &Finished) -> Trouble {
    let trouble = match &finished.state {
        State::Failed(why) => Trouble::new("run_failed", "no candidate came of the run").reported(why),
        State::Cancelled => Trouble::new("cancelled", "the run was cancelled"),
        State::Expired => Trouble::new("late", "the run's time was up before there was a candidate"),
        State::Paused => Trouble::new("shutting_down", "the server is shutting down, and the run ends with it"),
        State::Done | State::Queued | State::Running => Trouble::new("run_failed", "the run ended without a candidate"),
    };
    trouble.with_left(BudgetForm::from(&call.conversation.purse.left()))
}

fn conclude(call: &Call, finished: &Finished) -> Result<(EditAnswer, Shown), Trouble> {
    let live = &finished.live;
    let record = live.read().ok_or_else(|| crate::Refusal::absent("record of the run", live.id().as_str()))?;
    let outcome = record.outcome.as_ref();
    let winner = outcome.and_then(Outcome::winner).or_else(|| live.events().best());
    // A run whose time was up has what was found until then; one that was ended otherwise is nobody's edit.
    let is_good = matches!(finished.state, State::Done | State::Expired);
    let winner = winner.filter(|_| is_good).ok_or_else(|| in_vain(call, finished))?.0;
    let shown = Shown::candidate(&call.desk.service, live, winner)?;
    let (saved_to, not_saved) = match finished.destination.as_ref().map(|place| save(call, place, &shown)) {
        None => (None, None),
        Some(Ok(path)) => (Some(path), None),
        Some(Err(trouble)) => (None, Some(trouble.to_json())),
    };
    let utility = utility(outcome, winner);
    let deed = Deed {
        parent: finished.parent,
        made: Made { run: live.id().to_string(), candidate: winner },
        instruction: record.manifest.request.instruction.to_string(),
        recipe: finished.offer.name.clone(),
        utility,
    };
    let edit = call.conversation.tree().add(deed);
    let run = live.id().to_string();
    let form = EditAnswer {
        conversation: call.conversation.id.clone(),
        edit: edit.to_string(),
        parent: finished.parent.map(|parent| parent.to_string()),
        current: Some(edit.to_string()),
        candidate: winner,
        image: shown.form.clone(),
        trace: uri::trace(&run),
        recipe: finished.offer.name.clone(),
        scale: scale(&finished.offer),
        utility,
        scores: tamed(scores_form(card(&record, winner))),
        others: others(&run, outcome, winner),
        asked: outcome.map_or(record.candidates.len() as u32, |outcome| outcome.asked),
        failed: outcome.map_or(0, |outcome| outcome.failed),
        ended: ended(&finished.state, outcome),
        editor_notes: notes(&record, winner),
        saved_to,
        not_saved,
        spent: LedgerForm::from(&finished.spent),
        budget_left: BudgetForm::from(&call.conversation.purse.left()),
        run,
    };
    Ok((form, shown))
}

/// Writes a picture in the format that its name says.
pub(super) fn save(call: &Call, destination: &Destination, shown: &Shown) -> Result<String, Trouble> {
    destination.write(&shown.file(destination.format, &call.desk)?)?;
    Ok(destination.called.clone())
}

fn utility(outcome: Option<&Outcome>, id: u32) -> Option<f64> {
    let ranked = outcome?.verdict.ranked.iter().find(|ranked| ranked.id.0 == id)?;
    Some(ranked.utility.get())
}

fn card(record: &RunRecord, id: u32) -> &ScoreCard {
    static NONE: std::sync::LazyLock<ScoreCard> = std::sync::LazyLock::new(ScoreCard::default);
    record.candidates.get(id as usize).map_or(&NONE, |candidate| &candidate.card)
}

fn others(run: &str, outcome: Option<&Outcome>, winner: u32) -> Vec<OtherForm> {
    let ranked = outcome.iter().flat_map(|outcome| &outcome.verdict.ranked).filter(|ranked| ranked.id.0 != winner);
    let form = |ranked: &editscale_core::Ranked| OtherForm {
        candidate: ranked.id.0,
        utility: ranked.utility.get(),
        image: uri::candidate(run, ranked.id.0),
    };
    ranked.take(OTHERS).map(form).collect()
}

fn ended(state: &State, outcome: Option<&Outcome>) -> String {
    match (state, outcome) {
        (State::Done, Some(outcome)) => outcome.verdict.reason.word().to_owned(),
        _ => "deadline".to_owned(),
    }
}

fn notes(record: &RunRecord, id: u32) -> Vec<String> {
    let made = record.candidates.get(id as usize).and_then(|candidate| candidate.made.as_ref()?.as_ref().ok());
    let notes = made.iter().flat_map(|made| &made.notes);
    notes.take(NOTES.0).map(|note| quoted(note, NOTES.1)).collect()
}
