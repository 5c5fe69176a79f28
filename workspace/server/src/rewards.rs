//! The rewards of all recipes, each model once and under a name of its own, for whoever asks for a score.

use std::sync::Arc;

use editscale_core::{RewardCard, RewardItem, RewardModel};

use crate::batching::{Answer, Batching, Load};
use crate::offer::Offer;
use crate::refusal::Refusal;
use crate::telemetry::Telemetry;

/// A reward that callers can ask by its name.
#[derive(Debug)]
pub struct Scorer {
    name: String,
    /// `RECIPE/REWARD` for each recipe that has it.
    places: Vec<String>,
    batching: Arc<Batching>,
}

impl Scorer {
    /// Has the sizes of its calls counted.
    pub(crate) fn meter(&self, telemetry: &Arc<Telemetry>) {
        let (name, telemetry) = (self.batching.card().name.to_string(), Arc::clone(telemetry));
        self.batching.set_meter(Box::new(move |size| telemetry.batch(&name, size)));
    }

    /// What callers call it: its name in its recipe, or `RECIPE/REWARD` where an earlier one has that.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says of itself.
    pub fn card(&self) -> &RewardCard {
        self.batching.card()
    }

    /// How it is doing.
    pub(crate) fn load(&self) -> Load {
        self.batching.load()
    }

    /// Whether so many items would be taken now.
    pub(crate) fn check_room(&self, items: usize) -> Result<(), Refusal> {
        self.batching.check_room(items)
    }

    /// What it says of each item, in order. They are withdrawn when this is dropped.
    pub(crate) async fn ask(&self, items: Vec<RewardItem>) -> Result<Vec<Answer>, Refusal> {
        self.batching.ask(items).await
    }

    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.places.iter().any(|place| place == name)
    }
}

/// Puts a batcher around every model of these offers, one around each, however many recipes share it, so that runs and scorings share
/// their calls too.
pub(crate) fn gather(offers: &mut [Offer], room: usize) -> Vec<Scorer> {
    let mut found: Vec<(*const (), Scorer)> = Vec::new();
    for offer in offers {
        for reward in &mut offer.rewards {
            let (model, own) = (Arc::as_ptr(reward).cast::<()>(), reward.card().name.to_string());
            let place = format!("{}/{own}", offer.name);
            let known = found.iter().position(|(known, _)| *known == model);
            let at = known.unwrap_or_else(|| {
                let is_taken = found.iter().any(|(_, scorer)| scorer.name == own);
                let name = if is_taken { place.clone() } else { own };
                let batching = Arc::new(Batching::new(Arc::clone(reward), room));
                found.push((model, Scorer { name, places: Vec::new(), batching }));
                found.len() - 1
            });
            if let Some((_, scorer)) = found.get_mut(at) {
                scorer.places.push(place);
                // The batcher keeps the model alive, and its address its own.
                *reward = Arc::clone(&scorer.batching) as Arc<dyn RewardModel>;
            }
        }
    }
    found.into_iter().map(|(_, scorer)| scorer).collect()
}

/// The reward of this name; the first one where none is said.
pub(crate) fn find<'a>(scorers: &'a [Scorer], name: Option<&str>) -> Result<&'a Scorer, Refusal> {
    let found = match name {
        None => scorers.first(),
        Some(name) => scorers.iter().find(|scorer| scorer.is_called(name)),
    };
    found.ok_or_else(|| Refusal::absent("reward", name.unwrap_or("default")))
}
