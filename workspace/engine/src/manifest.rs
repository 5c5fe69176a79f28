//! `run.json`: what a run is a run of.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use editscale_core::{
    Budget, Cards, EditRequest, EditorCard, ImageSize, Instruction, RewardCard, RunId, Seed, SeedRule,
};
use serde::{Deserialize, Serialize};

use crate::images::ImageStore;
use crate::wire::{BudgetWire, FORMAT_VERSION, ImageWire};

/// What a run is a run of, and under which revisions. With the journal it makes the run again.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The run's name.
    pub run: RunId,
    /// The program's version.
    pub program: String,
    /// When the run was begun.
    pub created: SystemTime,
    /// What is asked for; source and mask lie in the run's `images/`.
    pub request: EditRequest,
    /// What people called the source: a file name, never a path to be opened.
    pub source_name: String,
    /// The recipe's text as given.
    pub recipe: String,
    /// The recipe with every default spelled out.
    pub resolved_recipe: String,
    /// The policy and the version of its rules.
    pub search: String,
    /// The objective and the version of its rules.
    pub objective: String,
    /// What the run may spend.
    pub budget: Budget,
    /// The editors, by name and revision.
    pub editors: Vec<Revision>,
    /// The rewards, by name and revision.
    pub rewards: Vec<Revision>,
    /// The candidate of an earlier run that this one continues, as `RUN:CANDIDATE`.
    pub continues: Option<String>,
}

/// Something with a name, and what exactly answers to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// What the recipe calls it.
    pub name: String,
    /// Model, weights and code version.
    pub revision: String,
    /// Whether the same proposal gives the same picture; absent for rewards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reproducible: Option<bool>,
    /// Least and greatest score; absent for editors and unbounded rewards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(f64, f64)>,
}

impl From<&EditorCard> for Revision {
    fn from(card: &EditorCard) -> Self {
        let reproducible = Some(card.seeds != SeedRule::Ignored);
        Self { name: card.name.to_string(), revision: card.revision.to_string(), reproducible, range: None }
    }
}

impl From<&RewardCard> for Revision {
    fn from(card: &RewardCard) -> Self {
        let (name, revision) = (card.name.to_string(), card.revision.to_string());
        Self { name, revision, reproducible: None, range: card.range }
    }
}

impl Manifest {
    /// The revisions on these cards.
    pub fn revisions(cards: &Cards) -> (Vec<Revision>, Vec<Revision>) {
        (cards.editors.iter().map(Into::into).collect(), cards.rewards.iter().map(Into::into).collect())
    }

    /// The first thing in which another manifest would lead to another run: what, here, and there.
    pub(crate) fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let facts = |manifest: &Self| {
            let revisions = |list: &[Revision]| {
                let text = |each: &Revision| format!("{} {}", each.name, each.revision);
                list.iter().map(text).collect::<Vec<_>>().join(", ")
            };
            let request = &manifest.request;
            [
                ("the source picture", request.source.digest().to_string()),
                ("the instruction", request.instruction.to_string()),
                ("the mask", format!("{:?}", request.mask.as_ref().map(editscale_core::Image::digest))),
                ("the output size", format!("{:?}", request.output_size.map(|size| size.to_string()))),
                ("the seed", request.seed.to_string()),
                ("the policy", manifest.search.clone()),
                ("the objective", manifest.objective.clone()),
                ("the budget", format!("{:?}", manifest.budget)),
                ("the editor", revisions(&manifest.editors)),
                ("the reward", revisions(&manifest.rewards)),
            ]
        };
        let pairs = facts(self).into_iter().zip(facts(other));
        let mut differing = pairs.filter(|((_, here), (_, there))| here != there);
        differing.next().map(|((what, here), (_, there))| (what.to_owned(), here, there))
    }
}

/// The form of `run.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ManifestWire {
    version: u32,
    run: String,
    program: String,
    created_unix_secs: u64,
    request: RequestWire,
    search: String,
    objective: String,
    budget: BudgetWire,
    editors: Vec<Revision>,
    rewards: Vec<Revision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    continues: Option<String>,
    recipe: String,
    resolved_recipe: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct RequestWire {
    source: ImageWire,
    source_name: String,
    instruction: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mask: Option<ImageWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_height: Option<u32>,
    seed: u64,
}

impl From<&Manifest> for ManifestWire {
    fn from(manifest: &Manifest) -> Self {
        let request = &manifest.request;
        Self {
            version: FORMAT_VERSION,
            run: manifest.run.to_string(),
            program: manifest.program.clone(),
            created_unix_secs: manifest.created.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            request: RequestWire {
                source: (&request.source).into(),
                source_name: manifest.source_name.clone(),
                instruction: request.instruction.to_string(),
                mask: request.mask.as_ref().map(Into::into),
                output_width: request.output_size.map(|size| size.width),
                output_height: request.output_size.map(|size| size.height),
                seed: request.seed.get(),
            },
            search: manifest.search.clone(),
            objective: manifest.objective.clone(),
            budget: (&manifest.budget).into(),
            editors: manifest.editors.clone(),
            rewards: manifest.rewards.clone(),
            continues: manifest.continues.clone(),
            recipe: manifest.recipe.clone(),
            resolved_recipe: manifest.resolved_recipe.clone(),
        }
    }
}

impl ManifestWire {
    pub(crate) fn manifest(self, images: &ImageStore) -> Result<Manifest, String> {
        let image = |wire: &ImageWire| wire.parts().map(|(digest, media, size)| images.get(digest, media, size));
        let request = &self.request;
        Ok(Manifest {
            run: RunId::new(&self.run).map_err(|error| error.to_string())?,
            program: self.program,
            created: created(self.created_unix_secs)?,
            request: EditRequest {
                source: image(&request.source)?,
                instruction: Instruction::new(&request.instruction).map_err(|error| error.to_string())?,
                mask: request.mask.as_ref().map(image).transpose()?,
                output_size: request
                    .output_width
                    .zip(request.output_height)
                    .map(|(width, height)| ImageSize { width, height }),
                seed: Seed::new(request.seed).map_err(|error| error.to_string())?,
            },
            source_name: self.request.source_name,
            recipe: self.recipe,
            resolved_recipe: self.resolved_recipe,
            search: self.search,
            objective: self.objective,
            budget: self.budget.budget(),
            editors: self.editors,
            rewards: self.rewards,
            continues: self.continues,
        })
    }
}

fn created(unix_secs: u64) -> Result<SystemTime, String> {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(unix_secs));
    time.ok_or_else(|| format!("`created_unix_secs` is {unix_secs}: expected a time that the system can tell"))
}
