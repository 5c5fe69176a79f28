//! What a run is given: what is asked for, how to search, with whom, and how far it may go.

use std::fmt;
use std::sync::Arc;

use editscale_core::{
    Budget, Cards, Critic, EditBackend, EditRequest, Look, Observer, RewardModel, RunId, SearchFactory,
};

use crate::retry::Retry;

/// The world that a run acts on.
#[derive(Clone)]
pub struct Ports {
    /// The editors, in recipe order.
    pub editors: Vec<Arc<dyn EditBackend>>,
    /// The rewards, in recipe order.
    pub rewards: Vec<Arc<dyn RewardModel>>,
    /// The critics, in recipe order; a run whose search asks none needs none.
    pub critics: Vec<Arc<dyn Critic>>,
    /// Who tells how pictures look, where the search wants to know.
    pub look: Arc<dyn Look>,
    /// Who hears what happens.
    pub observer: Arc<dyn Observer>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").field("cards", &self.cards()).finish_non_exhaustive()
    }
}

impl Ports {
    /// The cards of all editors, rewards and critics.
    pub fn cards(&self) -> Cards {
        Cards {
            editors: self.editors.iter().map(|editor| editor.card().clone()).collect(),
            rewards: self.rewards.iter().map(|reward| reward.card().clone()).collect(),
            critics: self.critics.iter().map(|critic| critic.card().clone()).collect(),
        }
    }
}

/// How far a run may go.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// What it may spend.
    pub budget: Budget,
    /// When it tries again.
    pub retry: Retry,
    /// Whether a pointwise reward is asked only once a round's pictures are all there, or as many as one call takes, so that it
    /// shares its work among them. It costs a run alone some time, and many runs side by side none.
    pub whole_rounds: bool,
}

/// Everything that a run needs.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its name.
    pub run: RunId,
    /// What is asked for.
    pub request: Arc<EditRequest>,
    /// How to search.
    pub search: Arc<dyn SearchFactory>,
    /// With whom.
    pub ports: Ports,
    /// How far.
    pub limits: Limits,
}
