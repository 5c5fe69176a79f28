//! Edits: a run within what is left of the conversation's budget, followed to its end.

use std::sync::Arc;
use std::time::Duration;

use editscale_core::{Ledger, Usd};
use editscale_engine::read_outcome;
use serde_json::Value;

use super::super::answers::Answer;
use super::super::arguments::{EditArguments, How, RefineArguments, size};
use super::super::conversation::Conversation;
use super::super::desk::Call;
use super::super::images::{Named, named};
use super::super::purse::{BudgetForm, Turn, affords_edit, section};
use super::super::roots::Destination;
use super::super::tree::EditId;
use super::super::trouble::Trouble;
use super::result::{Finished, answer};
use crate::offer::Offer;
use crate::runs::{Live, State};
use crate::wish::{MaskRule, Wish};

/// How long the last news of a run that has ended may take to reach a client.
const LAST_NEWS: Duration = Duration::from_secs(1);

pub(super) async fn edit_image(call: &Call, arguments: EditArguments) -> Result<Answer, Trouble> {
    let EditArguments { image, instruction, how } = arguments;
    let image = named("image", &image)?;
    make(call, Asked { from: image, param: "image", instruction, how }).await
}

pub(super) async fn refine_edit(call: &Call, arguments: RefineArguments) -> Result<Answer, Trouble> {
    let RefineArguments { from, instruction, how } = arguments;
    let from = match from {
        Some(from) => named("from", &from)?,
        None => Named::Edit(current(call)?),
    };
    if !matches!(from, Named::Edit(_) | Named::Candidate(_)) {
        let message = "`from`: expected an edit such as `e1` or a candidate; `edit_image` begins from other pictures";
        return Err(Trouble::invalid(message));
    }
    make(call, Asked { from, param: "from", instruction, how }).await
}

/// The current edit of the conversation.
pub(super) fn current(call: &Call) -> Result<EditId, Trouble> {
    call.conversation.tree().current().ok_or_else(|| {
        let message = "no edit is current in this conversation: name one, or begin with `edit_image`; over a connection \
                       without sessions, pass `conversation` as earlier results name it";
        Trouble::new("no_current_edit", message)
    })
}

/// What a caller asks for.
struct Asked {
    from: Named,
    /// The argument that names what to edit.
    param: &'static str,
    instruction: String,
    how: How,
}

/// What can be asked of the server, once it is this call's turn.
struct Order {
    offer: Arc<Offer>,
    wish: Wish,
    parent: Option<EditId>,
    asked: editscale_core::Budget,
    destination: Option<Destination>,
    inline: bool,
}

async fn make(call: &Call, asked: Asked) -> Result<Answer, Trouble> {
    call.conversation.tree().check_room()?;
    let order = call.aside(move |call| order(call, asked)).await?;
    let Order { offer, mut wish, parent, asked, destination, inline } = order;
    let turn = tokio::select! {
        turn = call.conversation.purse.turn() => turn,
        () = call.gone.cancelled() => return Err(Trouble::new("cancelled", "the call was cancelled")),
    };
    let left = call.conversation.purse.left();
    if !affords_edit(&left, &offer) {
        let message = "the conversation's budget does not allow to make and judge another candidate";
        return Err(Trouble::new("budget_exhausted", message).with_left(BudgetForm::from(&left)));
    }
    wish.sections.extend(section(&left.within(&asked)).map(|budget| ("budget", budget)));
    let live = call.desk.service.accept(wish).await?;
    call.desk.conversations.keep(&call.conversation);
    let (state, spent) = follow(call, &live, turn).await?;
    let finished = Finished { live, state, offer, parent, spent, destination, inline };
    answer(call, finished).await
}

/// Looks at the arguments, and reads what they name.
fn order(call: &Call, asked: Asked) -> Result<Order, Trouble> {
    let Asked { from, param, instruction, how } = asked;
    let destination = how.save_to.as_deref().map(|path| call.desk.roots.destination(path)).transpose()?;
    let (source, parent) = call.source(param, from)?;
    let recipe = how.recipe.or_else(|| inherited(call, parent));
    let offer = call.desk.offer(recipe.as_deref())?;
    let mask = how.mask.as_deref().map(|text| call.bytes("mask", text)).transpose()?;
    let sections = [("search", how.search), ("stop", how.stop)];
    let sections = sections.into_iter().filter_map(|(name, section)| Some((name, Value::Object(section?))));
    let wish = Wish {
        recipe: Some(offer.name.clone()),
        source,
        instruction,
        mask: mask.map(|bytes| (bytes, MaskRule::White)),
        size: how.size.as_deref().map(size).transpose()?,
        seed: how.seed,
        sections: sections.collect(),
        deadline: None,
        owner: call.owner().clone(),
        idempotency: None,
        tied: true,
    };
    let asked = how.budget.map(|budget| budget.checked()).transpose()?.unwrap_or_default();
    Ok(Order { offer, wish, parent, asked, destination, inline: how.inline })
}

/// The recipe of what is gone on from, where it is still served.
fn inherited(call: &Call, parent: Option<EditId>) -> Option<String> {
    let recipe = call.conversation.tree().find(parent?).ok()?.recipe.clone();
    call.desk.offer(Some(&recipe)).ok().map(|offer| offer.name.clone())
}

/// Waits for a run's end, and tells of it meanwhile. What it spent is booked even where nobody waits any more.
async fn follow(call: &Call, live: &Arc<Live>, turn: Turn) -> Result<(State, Ledger), Trouble> {
    let settled = call.desk.under_way.spawn(settle(Arc::clone(&call.conversation), Arc::clone(live), turn));
    let news = async {
        match &call.progress {
            Some(progress) => progress.follow(Arc::clone(live)).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(news, settled);
    let mut has_news = true;
    loop {
        tokio::select! {
            done = &mut settled => {
                if has_news && call.progress.is_some() {
                    tokio::time::timeout(LAST_NEWS, &mut news).await.ok();
                }
                return done.map_err(|panic| {
                    Trouble::new("server_failed", "the server itself failed").reported(&panic.to_string())
                });
            }
            () = &mut news, if has_news => has_news = false,
            () = call.gone.cancelled(), if !live.state().is_final() => {
                call.desk.service.cancel(live).await?;
                return Err(Trouble::new("cancelled", "the call was cancelled, and its run with it"));
            }
        }
    }
}

async fn settle(conversation: Arc<Conversation>, live: Arc<Live>, turn: Turn) -> (State, Ledger) {
    let state = live.ended().await;
    let spent = spent(&live).await;
    conversation.purse.settle(&turn, &spent);
    (state, spent)
}

/// What a run that has ended spent.
async fn spent(live: &Arc<Live>) -> Ledger {
    let path = live.path().to_owned();
    let outcome = tokio::task::spawn_blocking(move || read_outcome(&path).ok().flatten()).await;
    match outcome {
        Ok(Some(outcome)) => outcome.ledger,
        // It broke down, or never began.
        _ => last_told(live).await,
    }
}

/// What was spent by the last event that says so.
async fn last_told(live: &Live) -> Ledger {
    let told = live.events().after(0).await.unwrap_or_default();
    let spent = told.iter().rev().find_map(|told| told.data.get("spent").cloned());
    let form: Option<crate::form::LedgerForm> = spent.and_then(|spent| serde_json::from_value(spent).ok());
    form.map_or_else(Ledger::default, |form| Ledger {
        edits: form.edits,
        reward_calls: form.reward_calls,
        cost: editscale_core::Cost {
            nfe: form.nfe,
            tokens: form.tokens,
            usd: Usd { micros: (form.usd * 1e6).round() as u64 },
        },
        wall: Duration::try_from_secs_f64(form.wall_secs).unwrap_or_default(),
        loading: Duration::try_from_secs_f64(form.load_secs.unwrap_or_default()).unwrap_or_default(),
        pictures: form.pictures.map(Into::into).unwrap_or_default(),
    })
}
