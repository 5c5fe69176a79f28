//! What a conversation may spend over all of its calls. Calls that spend take turns, so that what is left when one begins is left
//! until it has settled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use editscale_core::{Budget, Cost, Ledger, Remaining, Usd};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::OwnedMutexGuard;

use super::trouble::Trouble;
use crate::offer::Offer;

/// The least time that is worth beginning anything in, which is also the least that recipes can say.
const LEAST_WALL: Duration = Duration::from_millis(1);

/// The longest time that recipes can say: thirty days.
const MOST_WALL: Duration = Duration::from_secs(720 * 3600);

/// A budget in the words of recipes; what is not there is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetForm {
    /// Candidates made, failed ones included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) edits: Option<u64>,
    /// Judgements: one for each candidate and reward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reward_calls: Option<u64>,
    /// Denoiser evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nfe: Option<u64>,
    /// Language-model tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tokens: Option<u64>,
    /// US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) usd: Option<f64>,
    /// Seconds of work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) wall_secs: Option<f64>,
}

impl From<&Budget> for BudgetForm {
    fn from(budget: &Budget) -> Self {
        Self {
            edits: budget.edits,
            reward_calls: budget.reward_calls,
            nfe: budget.nfe,
            tokens: budget.tokens,
            usd: budget.usd.map(Usd::dollars),
            wall_secs: budget.wall.map(|wall| wall.as_secs_f64()),
        }
    }
}

impl BudgetForm {
    /// The budget that a caller asks for. Nothing of something is no budget for anything.
    pub(crate) fn checked(&self) -> Result<Budget, Trouble> {
        let counts = [self.edits, self.reward_calls, self.nfe, self.tokens];
        let amounts = [self.usd, self.wall_secs];
        if counts.contains(&Some(0)) || amounts.iter().flatten().any(|amount| *amount <= 0.0) {
            return Err(Trouble::invalid("`budget`: expected amounts above 0; leave out what is not limited"));
        }
        let wall = self.wall_secs.map(|secs| Duration::try_from_secs_f64(secs).unwrap_or(MOST_WALL));
        Ok(Budget {
            edits: self.edits,
            reward_calls: self.reward_calls,
            nfe: self.nfe,
            tokens: self.tokens,
            usd: self.usd.map(|usd| Usd { micros: (usd * 1e6).round().max(1.0) as u64 }),
            wall,
        })
    }
}

/// The section of a recipe that says this budget; nothing where it has no limit. What is at zero costs nothing here: that was
/// checked, and recipes cannot say it.
pub(crate) fn section(budget: &Budget) -> Option<Value> {
    let mut section = serde_json::Map::new();
    let counts = [
        ("edits", budget.edits),
        ("reward_calls", budget.reward_calls),
        ("nfe", budget.nfe),
        ("tokens", budget.tokens),
    ];
    for (name, count) in counts {
        if let Some(count) = count.filter(|count| *count > 0) {
            section.insert(name.to_owned(), json!(count.min((1 << 53) - 1)));
        }
    }
    if let Some(usd) = budget.usd.filter(|usd| usd.micros > 0) {
        section.insert("usd".to_owned(), json!(usd.dollars().min(1e6)));
    }
    if let Some(wall) = budget.wall {
        section.insert("wall_secs".to_owned(), json!(wall.clamp(LEAST_WALL, MOST_WALL).as_secs_f64()));
    }
    (!section.is_empty()).then_some(Value::Object(section))
}

/// What judging one candidate by every reward of a recipe costs at most.
fn judging(offer: &Offer) -> Cost {
    let mut all = Cost::default();
    offer.rewards.iter().for_each(|reward| all += reward.card().cost);
    all
}

/// Whether a candidate of this recipe can still be made and judged.
pub(crate) fn affords_edit(left: &Budget, offer: &Offer) -> bool {
    let (judgements, judging, left) = (offer.rewards.len() as u64, judging(offer), whole(left));
    offer.editors.iter().any(|editor| left.candidates(editor.card().cost, judgements, judging) > 0)
}

/// Whether this many pictures can still be judged by every reward of a recipe.
pub(crate) fn affords_judging(left: &Budget, offer: &Offer, pictures: u64) -> bool {
    // Pictures that are there cost no edit.
    let left = whole(&Budget { edits: None, ..*left });
    left.candidates(Cost::default(), offer.rewards.len() as u64, judging(offer)) >= pictures
}

/// The same with a rest of time that nothing can be begun in as none.
fn whole(left: &Budget) -> Remaining {
    let wall = left.wall.map(|wall| if wall < LEAST_WALL { Duration::ZERO } else { wall });
    Remaining::new(Budget { wall, ..*left })
}

/// The purse of a conversation.
#[derive(Debug)]
pub(crate) struct Purse {
    budget: Budget,
    spent: Mutex<Ledger>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The right to spend, until it is dropped.
pub(crate) type Turn = OwnedMutexGuard<()>;

impl Purse {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, spent: Mutex::default(), turn: Arc::default() }
    }

    fn book(&self) -> MutexGuard<'_, Ledger> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else of the conversation spends.
    pub(crate) async fn turn(&self) -> Turn {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Whether somebody spends.
    pub(crate) fn is_busy(&self) -> bool {
        self.turn.try_lock().is_err()
    }

    /// What it holds in all.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// What was spent.
    pub(crate) fn spent(&self) -> Ledger {
        *self.book()
    }

    /// What is left.
    pub(crate) fn left(&self) -> Budget {
        *self.budget.after(&self.book()).amounts()
    }

    /// Books what a call came to.
    pub(crate) fn settle(&self, _: &Turn, spent: &Ledger) {
        let mut book = self.book();
        book.edits = book.edits.saturating_add(spent.edits);
        book.reward_calls = book.reward_calls.saturating_add(spent.reward_calls);
        book.cost += spent.cost;
        book.wall = book.wall.saturating_add(spent.wall);
        book.loading = book.loading.saturating_add(spent.loading);
        book.pictures += spent.pictures;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_budget_reads_back_from_the_words_of_recipes() {
        let form = BudgetForm { edits: Some(3), usd: Some(0.25), wall_secs: Some(1.5), ..BudgetForm::default() };
        let budget = form.checked().unwrap();
        assert_eq!(BudgetForm::from(&budget), form);
        assert_eq!(section(&budget).unwrap(), json!({"edits": 3, "usd": 0.25, "wall_secs": 1.5}));
        assert_eq!(section(&Budget::default()), None);
        for bad in ["{\"edits\": 0}", "{\"usd\": -1}", "{\"wall_secs\": 0.0}"] {
            assert!(serde_json::from_str::<BudgetForm>(bad).unwrap().checked().is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<BudgetForm>("{\"euros\": 1}").is_err());
    }

    proptest! {
        #[test]
        fn what_is_left_and_spent_is_the_budget(budget in 0_u64..50, calls in proptest::collection::vec(1_u64..9, 0..12)) {
            let purse = Purse::new(Budget { edits: Some(budget), ..Budget::default() });
            let turn = Arc::clone(&purse.turn).try_lock_owned().unwrap();
            for call in calls {
                let left = purse.left().edits.unwrap();
                let spent = Ledger { edits: call.min(left), ..Ledger::default() };
                purse.settle(&turn, &spent);
                prop_assert_eq!(purse.left().edits.unwrap() + purse.spent().edits, budget);
            }
        }
    }
}
