//! The rewards that a call of `score` asks.

use std::sync::Arc;

use anyhow::Result;
use editscale_config::Reward;
use editscale_core::{Failure, Judgement, NobodyWatches, RewardBatch, RewardItem, RewardModel, RewardName};
use editscale_models::layers::RopeTables;
use editscale_models::rewards::editreward::{EditRewardRecipe, Fusion};
use editscale_schema::{Fields, House, Mistakes, Options, RewardChoice, list, quote};

use crate::args::{FusionWord, RopeTablesWord, Score};
use crate::catalogue::catalogue;
use crate::failure::Misuse;
use crate::recipes;
use crate::world;

/// What one reward said, one answer an item.
pub(super) type Said = (RewardName, Vec<Result<Judgement, Failure>>);

/// Rewards ready to be asked.
pub(super) struct Judges {
    rewards: Vec<Arc<dyn RewardModel>>,
    runtime: tokio::runtime::Runtime,
    is_single: bool,
}

impl Judges {
    /// The reward of `--reward`, or all of the recipe's.
    pub(super) fn load(arguments: &Score) -> Result<Self> {
        let chosen = chosen(arguments)?;
        let is_single = chosen.is_some();
        let rewards = match chosen {
            Some(reward) => vec![reward],
            None => recipes::load_for_judging(&arguments.recipe)?.recipe.rewards().to_vec(),
        };
        let rewards = world::rewards(&rewards, &House::default())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { rewards, runtime, is_single })
    }

    /// Whether one reward was named, whose score then stands by itself.
    pub(super) fn is_single(&self) -> bool {
        self.is_single
    }

    /// What would answer, for telling whether scores of an earlier call compare.
    pub(super) fn revisions(&self) -> Vec<(String, String)> {
        let revision =
            |reward: &Arc<dyn RewardModel>| (reward.card().name.to_string(), reward.card().revision.to_string());
        self.rewards.iter().map(revision).collect()
    }

    /// Asks every reward about every item.
    pub(super) fn score(&self, items: &[RewardItem]) -> Vec<Said> {
        let ask = |reward: &Arc<dyn RewardModel>| {
            let largest = reward.card().largest_batch.get() as usize;
            let mut answers = Vec::with_capacity(items.len());
            for items in items.chunks(largest) {
                let batch = RewardBatch { items: items.to_vec() };
                answers.extend(self.runtime.block_on(reward.score(batch, &NobodyWatches)));
            }
            (reward.card().name.clone(), answers)
        };
        self.rewards.iter().map(ask).collect()
    }
}

/// The reward that the command line names, if it names one.
fn chosen(arguments: &Score) -> Result<Option<Reward>> {
    let is_tuned = arguments.fusion.is_some() || arguments.rope_tables.is_some();
    if is_tuned && arguments.model_dir.is_none() {
        return Err(Misuse::new("--fusion and --rope-tables go with --model-dir").into());
    }
    let model: Box<dyn RewardChoice> = match (arguments.reward.as_deref(), &arguments.model_dir) {
        (None, None) => return Ok(None),
        (None | Some(EditRewardRecipe::NAME), _) => Box::new(editreward(arguments)?),
        (Some(name), None) => bare(name)?,
        (Some(name), Some(_)) => {
            let message = format!("--model-dir goes with --reward editreward: {} has no weights", quote(name));
            return Err(Misuse::new(message).into());
        }
    };
    let name = RewardName::new(model.kind())?;
    Ok(Some(Reward { name, model, weight: 1.0, calibration: None }))
}

/// The reward of this name, with everything left out that can be.
fn bare(name: &str) -> Result<Box<dyn RewardChoice>> {
    let rewards = catalogue().rewards;
    let Some(kind) = rewards.iter().find(|kind| kind.name == name) else {
        let misuse = Misuse::new(format!("there is no reward {}", quote(name)));
        return Err(misuse.hint(format!("the rewards are {}", list(rewards.iter().map(|kind| kind.name)))).into());
    };
    let mistakes = Mistakes::new("");
    let read = (kind.read)(&Fields::none(quote(name), 0..0, &mistakes));
    read.filter(|_| mistakes.errors() == 0).ok_or_else(|| {
        let misuse = Misuse::new(format!("the reward {} needs options", quote(name)));
        misuse.hint("write them into a recipe, and give that with --recipe").into()
    })
}

fn editreward(arguments: &Score) -> Result<EditRewardRecipe> {
    let Some(dir) = &arguments.model_dir else {
        let misuse = Misuse::new("--reward editreward needs --model-dir");
        return Err(misuse.hint("`--model-dir builtin` is the small judge that is part of the program").into());
    };
    let Some(dir) = dir.to_str() else {
        return Err(Misuse::new(format!("--model-dir {} is not UTF-8", dir.display())).into());
    };
    let fusion = match arguments.fusion.unwrap_or(FusionWord::Mean) {
        FusionWord::Mean => Fusion::Mean,
        FusionWord::Min => Fusion::Min,
        FusionWord::Sum => Fusion::Sum,
    };
    let rope_tables = match arguments.rope_tables.unwrap_or(RopeTablesWord::Official) {
        RopeTablesWord::Official => RopeTables::Official,
        RopeTablesWord::Exact => RopeTables::Exact,
    };
    Ok(EditRewardRecipe { fusion, rope_tables, ..EditRewardRecipe::of(dir) })
}
