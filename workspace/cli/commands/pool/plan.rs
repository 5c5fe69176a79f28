//! Making a pool ready: recipe, data set, folder.

use std::sync::Arc;

use anyhow::{Result, bail};
use editscale_core::{Budget, SearchFactory, Seed};
use editscale_fetch::Patience;
use editscale_picture::Limits as PictureLimits;
use editscale_rollout::Workshop;
use editscale_rollout::dataset::{Dataset, Listed, Pictures};

use super::folder::{Folder, Terms, VERSION};
use super::requests::Ended;
use crate::args::Pool;
use crate::commands::run::{columns, usual_groups, workshop};
use crate::failure::{Misuse, tell};
use crate::recipes;

/// All that a pool needs.
pub(super) struct Planned {
    pub(super) workshop: Workshop,
    /// How to search while requests are probed.
    pub(super) probing: Arc<dyn SearchFactory>,
    pub(super) dataset: Arc<Dataset>,
    pub(super) pictures: Pictures,
    pub(super) rows: Vec<Listed>,
    pub(super) folder: Folder,
    pub(super) terms: Terms,
    pub(super) seed: Seed,
    pub(super) at_once: usize,
}

impl Planned {
    /// What a request may spend, so many edits among it.
    pub(super) fn budget(&self, edits: u64) -> Budget {
        let of_each = self.workshop.limits.budget;
        Budget { edits: Some(of_each.edits.map_or(edits, |most| most.min(edits))), ..of_each }
    }

    /// How many further candidates a request can use at most.
    pub(super) fn most_further(&self, ended: &Ended) -> u64 {
        if !ended.wants_more {
            return 0;
        }
        let largest = self.workshop.search.largest_run();
        let most = self.workshop.limits.budget.edits.map_or(largest, |edits| largest.min(edits));
        most.saturating_sub(ended.edits)
    }
}

/// Looks at all that would keep a pool from beginning.
pub(super) fn plan(arguments: &Pool) -> Result<Planned> {
    let loaded = recipes::load(&arguments.recipe, "`editscale pool`")?;
    let workshop = workshop(&loaded, true)?;
    let columns = columns(&loaded.recipe.rollout().columns);
    let dataset = Dataset::open(&arguments.dataset, &columns).map_err(|error| Misuse::new(error.to_string()))?;
    tell(&dataset.describe());
    let rows = dataset.list().collect::<Result<Vec<_>, _>>()?;
    if arguments.edits < arguments.probe * rows.len() as u64 {
        let (edits, probe, rows) = (arguments.edits, arguments.probe, rows.len());
        let message = format!("--edits {edits} does not reach for a probe of {probe} edits of each of {rows} requests");
        bail!(Misuse::new(message).hint(format!("give at least {}, or probe with less", probe * rows as u64)));
    }
    let terms = Terms {
        version: VERSION,
        dataset: dataset.fingerprint(),
        recipe: workshop.resolved_recipe.clone(),
        seed: arguments.seed.get(),
        edits: arguments.edits,
        probe: arguments.probe,
    };
    Ok(Planned {
        folder: Folder::enter(&arguments.out, &terms)?,
        at_once: arguments.at_once.map_or_else(|| usual_groups(&workshop), |at_once| at_once as usize),
        pictures: Pictures::new(PictureLimits::default(), Patience::default()),
        dataset: Arc::new(dataset),
        seed: arguments.seed,
        probing: loaded.recipe.search_before_finalists(),
        workshop,
        rows,
        terms,
    })
}
