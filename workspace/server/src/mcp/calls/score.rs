//! Pictures judged and compared by the rewards of a recipe.

use std::sync::Arc;
use std::time::Instant;

use editscale_core::ScoreCard;

use super::super::answers::{Answer, CompareAnswer, RankedForm, ScoreAnswer};
use super::super::arguments::{CompareArguments, ScoreArguments};
use super::super::desk::Call;
use super::super::images::{called, named};
use super::super::purse::{BudgetForm, affords_judging};
use super::super::scoring::{Judged, Judging, Patience, ranks, request};
use super::super::trouble::Trouble;
use super::{scale, tamed};
use crate::form::{LedgerForm, scores_form};
use crate::offer::Offer;

pub(super) async fn score_edit(call: &Call, arguments: ScoreArguments) -> Result<Answer, Trouble> {
    let ScoreArguments { source, edited, instruction, recipe, .. } = arguments;
    let asked = Asked { source, pictures: vec![("edited", edited)], instruction, recipe };
    let (judging, judged) = judge(call, asked).await?;
    let utility = utilities(&judging, &judged.cards).into_iter().next().flatten();
    let card = judged.cards.into_iter().next().unwrap_or_default();
    Answer::new(&ScoreAnswer {
        conversation: call.conversation.id.clone(),
        recipe: judging.offer.name.clone(),
        scale: scale(&judging.offer),
        utility,
        scores: tamed(scores_form(&card)),
        spent: LedgerForm::from(&judged.spent),
        budget_left: BudgetForm::from(&call.conversation.purse.left()),
    })
}

pub(super) async fn compare_edits(call: &Call, arguments: CompareArguments) -> Result<Answer, Trouble> {
    let CompareArguments { source, candidates, instruction, recipe, .. } = arguments;
    if !(2..=64).contains(&candidates.len()) {
        let message = format!("`candidates`: expected 2 to 64 pictures, found {}", candidates.len());
        return Err(Trouble::invalid(message));
    }
    let names: Vec<String> = candidates.iter().map(|text| called(text)).collect();
    let pictures = candidates.into_iter().map(|text| ("candidates", text)).collect();
    let (judging, judged) = judge(call, Asked { source, pictures, instruction, recipe }).await?;
    let ranking = ranking(&names, &utilities(&judging, &judged.cards), &judged.cards);
    Answer::new(&CompareAnswer {
        conversation: call.conversation.id.clone(),
        recipe: judging.offer.name.clone(),
        scale: scale(&judging.offer),
        best: ranking.iter().filter(|ranked| ranked.rank == Some(1)).map(|ranked| ranked.index).collect(),
        ranking,
        spent: LedgerForm::from(&judged.spent),
        budget_left: BudgetForm::from(&call.conversation.purse.left()),
    })
}

/// What a caller wants to have judged; pictures stand with the argument that names them.
struct Asked {
    source: String,
    pictures: Vec<(&'static str, String)>,
    instruction: String,
    recipe: Option<String>,
}

/// Judges within what is left of the conversation's budget, when it is this call's turn.
async fn judge(call: &Call, asked: Asked) -> Result<(Judging, Judged), Trouble> {
    let offer = call.desk.offer(asked.recipe.as_deref())?;
    let judging = call.aside(move |call| load(call, offer, &asked)).await?;
    judging.check_size()?;
    let turn = tokio::select! {
        turn = call.conversation.purse.turn() => turn,
        () = call.gone.cancelled() => return Err(Trouble::new("cancelled", "the call was cancelled")),
    };
    let left = call.conversation.purse.left();
    let asked = judging.pictures.len() as u64;
    if !affords_judging(&left, &judging.offer, asked) {
        let message = format!("the conversation's budget does not allow to judge {asked} pictures any more");
        return Err(Trouble::new("budget_exhausted", message).with_left(BudgetForm::from(&left)));
    }
    call.desk.conversations.keep(&call.conversation);
    let longest = call.desk.service.settings().deadline;
    let most = left.wall.map_or(longest, |wall| wall.min(longest));
    let patience = Patience { gone: call.gone.clone(), until: Instant::now() + most };
    let conversation = Arc::clone(&call.conversation);
    // What was begun is paid for, whether or not somebody waits for it.
    let work = call.desk.under_way.spawn(async move {
        let judged = judging.carry_out(&patience).await;
        conversation.purse.settle(&turn, &judged.spent);
        (judging, judged)
    });
    let done = work.await;
    done.map_err(|panic| Trouble::new("server_failed", "the server itself failed").reported(&panic.to_string()))
}

/// Finds and reads the pictures.
fn load(call: &Call, offer: Arc<Offer>, asked: &Asked) -> Result<Judging, Trouble> {
    let source = call.image("source", named("source", &asked.source)?)?;
    let pictures = asked.pictures.iter().map(|(param, text)| call.image(param, named(param, text)?));
    let pictures = pictures.collect::<Result<_, _>>()?;
    Ok(Judging { offer, request: request(source, &asked.instruction)?, pictures })
}

fn utilities(judging: &Judging, cards: &[ScoreCard]) -> Vec<Option<f64>> {
    let cards: Vec<&ScoreCard> = cards.iter().collect();
    let utilities = judging.offer.recipe.objective().utilities(&cards);
    utilities.into_iter().map(|utility| utility.map(editscale_core::Utility::get)).collect()
}

/// The best first, and of equals the one that was named first.
fn ranking(names: &[String], utilities: &[Option<f64>], cards: &[ScoreCard]) -> Vec<RankedForm> {
    let ranks = ranks(utilities);
    let is_tied = |rank: &Option<u32>| rank.is_some() && ranks.iter().filter(|other| *other == rank).count() > 1;
    let each = names.iter().zip(utilities).zip(ranks.iter().zip(cards)).enumerate();
    let ranked = each.map(|(index, ((name, utility), (rank, card)))| RankedForm {
        index: index as u32,
        image: name.clone(),
        rank: *rank,
        is_tied: is_tied(rank),
        utility: *utility,
        scores: tamed(scores_form(card)),
    });
    let mut ranking: Vec<RankedForm> = ranked.collect();
    ranking.sort_by_key(|ranked| (ranked.rank.unwrap_or(u32::MAX), ranked.index));
    ranking
}
