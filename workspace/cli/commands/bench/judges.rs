//! The rewards of a recipe, ready to judge a benchmark.

use std::sync::Arc;

use anyhow::Result;
use editscale_benchmarks::JudgedReward;
use editscale_config::Reward;
use editscale_core::{Objective, RewardName};
use editscale_curate::judging::Judges;
use editscale_schema::{House, list, quote};
use editscale_search::Weighted;

use crate::args::BenchJudges;
use crate::failure::Misuse;
use crate::recipes;
use crate::world;

/// Rewards at work, and who they are.
pub(super) struct Ready {
    pub(super) judges: Judges,
    /// For the head of what they say.
    pub(super) rewards: Vec<JudgedReward>,
    /// What a weighted sum or another rule makes of them, in one line.
    pub(super) objective: String,
}

/// Makes the rewards of a recipe, or those that were named of it, ready.
pub(super) fn ready(arguments: &BenchJudges) -> Result<Ready> {
    let loaded = recipes::load_for_judging(&arguments.recipe)?;
    let all = loaded.recipe.rewards();
    let chosen = chosen(all, &arguments.reward)?;
    let weights: Vec<(RewardName, f64)> = chosen.iter().map(|reward| (reward.name.clone(), reward.weight)).collect();
    // Of a part of the rewards the recipe's objective, with its gates, says nothing.
    let objective: Arc<dyn Objective> = if chosen.len() == all.len() {
        loaded.recipe.objective()
    } else {
        Arc::new(Weighted::new(weights.clone()).map_err(|error| Misuse::new(error.to_string()))?)
    };
    let rewards = world::rewards(&chosen, &House::default())?;
    let of = |(reward, (name, weight)): (&Arc<dyn editscale_core::RewardModel>, &(RewardName, f64))| JudgedReward {
        name: name.to_string(),
        revision: reward.card().revision.to_string(),
        weight: *weight,
    };
    let heads = rewards.iter().zip(&weights).map(of).collect();
    let judges = Judges::new(rewards, objective, weights)
        .map_err(|error| Misuse::new(format!("recipe `{}` cannot judge a benchmark: {error}", loaded.name)))?;
    Ok(Ready { objective: judges.objective(), judges, rewards: heads })
}

fn chosen(all: &[Reward], named: &[String]) -> Result<Vec<Reward>> {
    if let Some(unknown) = named.iter().find(|name| all.iter().all(|reward| reward.name.as_str() != name.as_str())) {
        let misuse = Misuse::new(format!("the recipe has no reward {}", quote(unknown)));
        return Err(misuse
            .hint(format!("its rewards are {}", list(all.iter().map(|reward| reward.name.as_str()))))
            .into());
    }
    let is_named =
        |reward: &&Reward| named.is_empty() || named.iter().any(|name| reward.name.as_str() == name.as_str());
    Ok(all.iter().filter(is_named).cloned().collect())
}
