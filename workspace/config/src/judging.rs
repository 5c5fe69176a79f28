//! Recipes as judges need them: rewards, and what is made of their scores. Editors and a search may be there or not.

use std::fmt;
use std::sync::Arc;

use editscale_core::{Budget, Objective};
use editscale_schema::{Place, Report};
use editscale_search::{Gate, ObjectiveChoice};

use crate::places::Places;
use crate::recipe::{ReadCalibration, Recipe, Reward, calibrate, drop_secrets};
use crate::{Catalogue, Curate, Retry, Rollout, check};

/// What a recipe sets that is of use for judging, defaults included.
#[derive(Debug, Clone)]
pub struct JudgeSettings {
    /// At least one, with different names.
    pub rewards: Vec<Reward>,
    /// How the rewards' scores become one.
    pub combine: Box<dyn ObjectiveChoice>,
    /// What bars a candidate. Every gate names one of the rewards.
    pub gates: Vec<Gate>,
    /// What may be spent.
    pub budget: Budget,
    /// How patiently to try again.
    pub retry: Retry,
    /// What is done with whole data sets, where the recipe says it.
    pub rollout: Option<Rollout>,
    /// What is kept of whole data sets, where the recipe says it.
    pub curate: Option<Curate>,
}

/// A checked recipe to judge by.
///
/// It comes only from [`JudgeRecipe::parse`] and [`Recipe::judging`]. What a file says of editing is checked as for
/// a [`Recipe`] where it is there, and then left out: recipes that judge alike are equal.
#[derive(Clone)]
pub struct JudgeRecipe {
    pub(crate) settings: JudgeSettings,
    pub(crate) objective: Arc<dyn Objective>,
    pub(crate) places: Places,
}

impl JudgeRecipe {
    /// Reads the bytes of a recipe file, in which `editor`, `editors` and `search` may be left out. With the recipe
    /// come the warnings; without one, all that is wrong.
    pub fn parse(bytes: &[u8], catalogue: &Catalogue) -> Result<(Self, Report), Report> {
        check::parse_for_judging(bytes, catalogue)
    }

    /// Whether the file names neither editor nor search: it cannot be used to edit, and was not meant to.
    pub fn only_judges(&self) -> bool {
        ["editor", "editors", "search"].iter().all(|key| !self.places.has(key))
    }

    /// The same with the content of calibration files in their place, as [`Recipe::with_calibrations`] puts it there.
    pub fn with_calibrations(mut self, read: &ReadCalibration<'_>) -> Result<Self, Report> {
        calibrate(&mut self.settings.rewards, &self.places, read)?;
        Ok(self)
    }

    /// The same without the secrets of servers: enough to know what its rewards can do, and not to call them.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        drop_secrets(self.settings.rewards.iter_mut().filter_map(|reward| reward.model.remote_mut()));
        self
    }

    /// Where a key stands, such as `rewards.0.model`; the nearest above it that is there, or the beginning of the file.
    pub fn place(&self, path: &str) -> Place {
        self.places.at(path)
    }

    /// What the recipe sets.
    pub fn settings(&self) -> &JudgeSettings {
        &self.settings
    }

    /// The rewards, at least one.
    pub fn rewards(&self) -> &[Reward] {
        &self.settings.rewards
    }

    /// What may be spent.
    pub fn budget(&self) -> Budget {
        self.settings.budget
    }

    /// What is done with whole data sets; the defaults where the recipe does not say it.
    pub fn rollout(&self) -> Rollout {
        self.settings.rollout.clone().unwrap_or_default()
    }

    /// What is kept of whole data sets; the defaults where the recipe does not say it.
    pub fn curate(&self) -> Curate {
        self.settings.curate.clone().unwrap_or_default()
    }

    /// What the score cards are worth.
    pub fn objective(&self) -> Arc<dyn Objective> {
        Arc::clone(&self.objective)
    }
}

impl Recipe {
    /// What of this recipe is of use for judging.
    pub fn judging(&self) -> JudgeRecipe {
        let settings = JudgeSettings {
            rewards: self.settings.rewards.clone(),
            combine: self.settings.combine.clone(),
            gates: self.settings.gates.clone(),
            budget: self.settings.budget,
            retry: self.settings.retry,
            rollout: self.settings.rollout.clone(),
            curate: self.settings.curate.clone(),
        };
        JudgeRecipe { settings, objective: self.objective(), places: self.places.clone() }
    }
}

impl PartialEq for JudgeRecipe {
    fn eq(&self, other: &Self) -> bool {
        // As for `Recipe`: the objective is made of the settings alone.
        self.to_yaml() == other.to_yaml()
    }
}

impl fmt::Debug for JudgeRecipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.settings, f)
    }
}
