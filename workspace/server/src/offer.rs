//! A recipe that is served: checked, and with its editors and rewards at work.

use std::fmt;
use std::sync::Arc;

use editscale_config::Recipe;
use editscale_core::{BoxFuture, Critic, EditBackend, Observer, RewardModel};
use editscale_engine::Ports;
use editscale_picture::Looker;

/// A recipe that callers can choose by its name.
pub struct Offer {
    /// What callers call it.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// The checked recipe.
    pub recipe: Recipe,
    /// Its text as given.
    pub text: String,
    /// Its editors, in recipe order, shared by all runs.
    pub editors: Vec<Arc<dyn EditBackend>>,
    /// Its rewards, in recipe order, shared by all runs.
    pub rewards: Vec<Arc<dyn RewardModel>>,
    /// Its critics, in recipe order, shared by all runs.
    pub critics: Vec<Arc<dyn Critic>>,
    /// Tells whether they are alive.
    pub pulse: Arc<dyn Pulse>,
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Offer {
    /// The ports of one run.
    pub(crate) fn ports(&self, observer: Arc<dyn Observer>) -> Ports {
        let (editors, rewards, critics) = (self.editors.clone(), self.rewards.clone(), self.critics.clone());
        Ports { editors, rewards, critics, look: Arc::new(Looker), observer }
    }
}

/// Whether one editor or reward can work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vital {
    /// What the recipe calls it.
    pub name: String,
    /// Why it cannot work; nothing where it can.
    pub trouble: Option<String>,
}

/// Looks whether the editors and rewards of a recipe are alive. What it asks costs nothing.
pub trait Pulse: Send + Sync {
    /// One answer for each editor and reward.
    fn feel(&self) -> BoxFuture<'_, Vec<Vital>>;
}
