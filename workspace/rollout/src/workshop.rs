//! A recipe at work: what carries out a group.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use editscale_core::{Critic, EditBackend, EditRequest, Objective, RewardModel, RunId, SearchFactory, Silent};
use editscale_engine::{Job, Limits, Manifest, Ports};
use editscale_picture::Looker;

use crate::identity::RecipeIdentity;

/// A recipe with its editors and rewards at work, shared by all groups of a process.
#[derive(Clone)]
pub struct Workshop {
    /// The editors, in recipe order.
    pub editors: Vec<Arc<dyn EditBackend>>,
    /// The rewards, in recipe order.
    pub rewards: Vec<Arc<dyn RewardModel>>,
    /// The critics, in recipe order.
    pub critics: Vec<Arc<dyn Critic>>,
    /// How to search.
    pub search: Arc<dyn SearchFactory>,
    /// What the score cards are worth.
    pub objective: Arc<dyn Objective>,
    /// How far each run may go.
    pub limits: Limits,
    /// The recipe's text as given.
    pub recipe: String,
    /// The recipe with every default spelled out, without what it says of whole data sets.
    pub resolved_recipe: String,
    /// The program's name and version.
    pub program: String,
}

impl fmt::Debug for Workshop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workshop").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Workshop {
    fn ports(&self) -> Ports {
        let (editors, rewards, critics) = (self.editors.clone(), self.rewards.clone(), self.critics.clone());
        Ports { editors, rewards, critics, look: Arc::new(Looker), observer: Arc::new(Silent) }
    }

    /// What the runs of this recipe have in common.
    pub fn identity(&self) -> RecipeIdentity {
        let cards = self.ports().cards();
        let (editors, rewards) = Manifest::revisions(&cards);
        RecipeIdentity::new(&self.resolved_recipe, &editors, &rewards).with_critics(&Manifest::critics(&cards))
    }

    /// How many calls the editors can work on at a time, all together.
    pub fn editor_slots(&self) -> usize {
        self.editors.iter().map(|editor| editor.card().slots.get() as usize).sum()
    }

    /// A run: its record, and what the engine needs to carry it out.
    pub fn job(&self, run: RunId, request: EditRequest, source_name: String) -> (Manifest, Job) {
        let ports = self.ports();
        let (editors, rewards) = Manifest::revisions(&ports.cards());
        let manifest = Manifest {
            run: run.clone(),
            program: self.program.clone(),
            created: SystemTime::now(),
            request: request.clone(),
            source_name,
            recipe: self.recipe.clone(),
            resolved_recipe: self.resolved_recipe.clone(),
            search: self.search.revision(),
            objective: self.objective.revision(),
            budget: self.limits.budget,
            editors,
            rewards,
            critics: Manifest::critics(&ports.cards()),
            continues: None,
        };
        let (request, search) = (Arc::new(request), Arc::clone(&self.search));
        (manifest, Job { run, request, search, ports, limits: self.limits })
    }
}
