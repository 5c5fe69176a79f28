//! Which recipes there are.

use super::super::answers::{Answer, RecipeForm, RecipesAnswer, RewardForm};
use super::super::arguments::Plain;
use super::super::desk::Call;
use super::super::purse::BudgetForm;
use super::super::trouble::Trouble;
use super::scale;
use crate::offer::Offer;

pub(super) fn list(call: &Call, _: &Plain) -> Result<Answer, Trouble> {
    let offers = call.desk.service.offers();
    let recipes = offers.iter().enumerate().map(|(place, offer)| form(offer, place == 0)).collect();
    let budget_left = BudgetForm::from(&call.conversation.purse.left());
    Answer::new(&RecipesAnswer { recipes, folders: call.desk.roots.names(), budget_left })
}

fn form(offer: &Offer, is_usual: bool) -> RecipeForm {
    let reward = |card: &editscale_core::RewardCard| RewardForm {
        name: card.name.to_string(),
        least: card.range.map(|(least, _)| least),
        greatest: card.range.map(|(_, greatest)| greatest),
    };
    RecipeForm {
        name: offer.name.clone(),
        about: offer.about.clone(),
        is_usual,
        editors: offer.editors.iter().map(|editor| editor.card().name.to_string()).collect(),
        masks: offer.editors.iter().all(|editor| editor.card().masks),
        rewards: offer.rewards.iter().map(|it| reward(it.card())).collect(),
        search: offer.recipe.search_factory().revision(),
        budget: BudgetForm::from(&offer.recipe.budget()),
        scale: scale(offer),
    }
}
