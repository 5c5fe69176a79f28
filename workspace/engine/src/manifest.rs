//! `run.json`: what a run is a run of.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use editscale_core::{
    Budget, Cards, CriticCard, EditRequest, EditorCard, ImageSize, Instruction, RewardCard, RunId, Seed, SeedRule,
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
    /// The editors, in recipe order.
    pub editors: Vec<EditorRevision>,
    /// The rewards, in recipe order.
    pub rewards: Vec<RewardRevision>,
    /// The critics, in recipe order.
    pub critics: Vec<CriticRevision>,
    /// The candidate of an earlier run that this one continues, as `RUN:CANDIDATE`.
    pub continues: Option<String>,
}

/// An editor of a run, and what exactly answers to its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditorRevision {
    /// What the recipe calls it.
    pub name: String,
    /// Model, weights and code version.
    pub revision: String,
    /// Whether the same proposal gives the same picture.
    pub is_reproducible: bool,
}

/// A reward of a run, and what exactly answers to its name.
#[derive(Debug, Clone, PartialEq)]
pub struct RewardRevision {
    /// What the recipe calls it.
    pub name: String,
    /// Model, weights, prompts and code version.
    pub revision: String,
    /// The least and greatest score, where there is such a thing.
    pub range: Option<(f64, f64)>,
}

/// A critic of a run, and what exactly answers to its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriticRevision {
    /// What the recipe calls it.
    pub name: String,
    /// Model, weights, prompts and code version.
    pub revision: String,
}

impl From<&CriticCard> for CriticRevision {
    fn from(card: &CriticCard) -> Self {
        Self { name: card.name.to_string(), revision: card.revision.to_string() }
    }
}

impl From<&EditorCard> for EditorRevision {
    fn from(card: &EditorCard) -> Self {
        let (name, revision) = (card.name.to_string(), card.revision.to_string());
        Self { name, revision, is_reproducible: card.seeds != SeedRule::Ignored }
    }
}

impl From<&RewardCard> for RewardRevision {
    fn from(card: &RewardCard) -> Self {
        Self { name: card.name.to_string(), revision: card.revision.to_string(), range: card.range }
    }
}

/// Something in which two runs differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) what: &'static str,
    /// As the run was begun.
    pub(crate) recorded: String,
    /// As it would go on.
    pub(crate) present: String,
}

impl Manifest {
    /// The revisions of the critics on these cards.
    pub fn critics(cards: &Cards) -> Vec<CriticRevision> {
        cards.critics.iter().map(Into::into).collect()
    }

    /// The revisions of the editors and rewards on these cards.
    pub fn revisions(cards: &Cards) -> (Vec<EditorRevision>, Vec<RewardRevision>) {
        (cards.editors.iter().map(Into::into).collect(), cards.rewards.iter().map(Into::into).collect())
    }

    /// The first thing in which another manifest would lead to another run.
    pub(crate) fn difference(&self, present: &Self) -> Option<Difference> {
        let pairs = self.facts().into_iter().zip(present.facts());
        let mut differing = pairs.filter(|((_, recorded), (_, present))| recorded != present);
        differing.next().map(|((what, recorded), (_, present))| Difference { what, recorded, present })
    }

    /// What a run is decided by, in words.
    fn facts(&self) -> [(&'static str, String); 11] {
        let request = &self.request;
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        let editor = |each: &EditorRevision| format!("{} {}", each.name, each.revision);
        let reward = |each: &RewardRevision| format!("{} {}", each.name, each.revision);
        let critic = |each: &CriticRevision| format!("{} {}", each.name, each.revision);
        [
            ("the source picture", request.source.digest().to_string()),
            ("the instruction", request.instruction.to_string()),
            ("the mask", or_none(request.mask.as_ref().map(|mask| mask.digest().to_string()))),
            ("the output size", or_none(request.output_size.map(|size| size.to_string()))),
            ("the seed", request.seed.to_string()),
            ("the policy", self.search.clone()),
            ("the objective", self.objective.clone()),
            ("the budget", in_words(&self.budget)),
            ("the editor", self.editors.iter().map(editor).collect::<Vec<_>>().join(", ")),
            ("the reward", self.rewards.iter().map(reward).collect::<Vec<_>>().join(", ")),
            ("the critic", self.critics.iter().map(critic).collect::<Vec<_>>().join(", ")),
        ]
    }
}

/// A budget as recipes write it.
fn in_words(budget: &Budget) -> String {
    let count = |count: Option<u64>| count.map(|count| count.to_string());
    let limits = [
        ("edits", count(budget.edits)),
        ("reward_calls", count(budget.reward_calls)),
        ("nfe", count(budget.nfe)),
        ("tokens", count(budget.tokens)),
        ("usd", budget.usd.map(|usd| usd.dollars().to_string())),
        ("wall_secs", budget.wall.map(|wall| wall.as_secs_f64().to_string())),
    ];
    let set: Vec<String> = limits.into_iter().filter_map(|(name, limit)| Some(format!("{name}: {}", limit?))).collect();
    if set.is_empty() { "no limit".to_owned() } else { set.join(", ") }
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
    editors: Vec<EditorWire>,
    rewards: Vec<RewardWire>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    critics: Vec<CriticWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    continues: Option<String>,
    recipe: String,
    resolved_recipe: String,
}

/// What an editor is whose file does not tell.
fn is_usual() -> bool {
    true
}

#[derive(Debug, Serialize, Deserialize)]
struct EditorWire {
    name: String,
    revision: String,
    #[serde(default = "is_usual")]
    reproducible: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct RewardWire {
    name: String,
    revision: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<(f64, f64)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CriticWire {
    name: String,
    revision: String,
}

impl From<&CriticRevision> for CriticWire {
    fn from(CriticRevision { name, revision }: &CriticRevision) -> Self {
        Self { name: name.clone(), revision: revision.clone() }
    }
}

impl From<CriticWire> for CriticRevision {
    fn from(CriticWire { name, revision }: CriticWire) -> Self {
        Self { name, revision }
    }
}

impl From<&EditorRevision> for EditorWire {
    fn from(EditorRevision { name, revision, is_reproducible }: &EditorRevision) -> Self {
        Self { name: name.clone(), revision: revision.clone(), reproducible: *is_reproducible }
    }
}

impl From<EditorWire> for EditorRevision {
    fn from(EditorWire { name, revision, reproducible }: EditorWire) -> Self {
        Self { name, revision, is_reproducible: reproducible }
    }
}

impl From<&RewardRevision> for RewardWire {
    fn from(RewardRevision { name, revision, range }: &RewardRevision) -> Self {
        Self { name: name.clone(), revision: revision.clone(), range: *range }
    }
}

impl From<RewardWire> for RewardRevision {
    fn from(RewardWire { name, revision, range }: RewardWire) -> Self {
        Self { name, revision, range }
    }
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
            editors: manifest.editors.iter().map(Into::into).collect(),
            rewards: manifest.rewards.iter().map(Into::into).collect(),
            critics: manifest.critics.iter().map(Into::into).collect(),
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
        let created = UNIX_EPOCH
            .checked_add(Duration::from_secs(self.created_unix_secs))
            .ok_or_else(|| format!("`created_unix_secs` is {}: expected a time", self.created_unix_secs))?;
        Ok(Manifest {
            run: RunId::new(&self.run).map_err(|error| error.to_string())?,
            program: self.program,
            created,
            request: EditRequest {
                source: image(&request.source)?,
                instruction: Instruction::new(&request.instruction).map_err(|error| error.to_string())?,
                mask: request.mask.as_ref().map(image).transpose()?,
                output_size: output_size(request.output_width, request.output_height)?,
                seed: Seed::new(request.seed).map_err(|error| error.to_string())?,
            },
            source_name: self.request.source_name,
            recipe: self.recipe,
            resolved_recipe: self.resolved_recipe,
            search: self.search,
            objective: self.objective,
            budget: self.budget.budget(),
            editors: self.editors.into_iter().map(Into::into).collect(),
            rewards: self.rewards.into_iter().map(Into::into).collect(),
            critics: self.critics.into_iter().map(Into::into).collect(),
            continues: self.continues,
        })
    }
}

/// The size that was asked for, where one was.
fn output_size(width: Option<u32>, height: Option<u32>) -> Result<Option<ImageSize>, String> {
    let alone =
        |given: &str, missing: &str| Err(format!("`{given}` is given without `{missing}`: expected both or neither"));
    match (width, height) {
        (None, None) => Ok(None),
        (Some(_), None) => alone("output_width", "output_height"),
        (None, Some(_)) => alone("output_height", "output_width"),
        (Some(width), Some(height)) if width > 0 && height > 0 => Ok(Some(ImageSize { width, height })),
        (Some(width), Some(height)) => Err(format!("the picture is {width}x{height}: expected at least one pixel")),
    }
}
