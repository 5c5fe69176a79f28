//! How several rewards become one preference, and what bars a candidate from being preferred.

use std::sync::Arc;

use editscale_core::{Objective, PartName, RewardName};
use editscale_search::{Gate, Gated, MeanRank, PolicyError, Weighted};

use crate::document::tree::Node;
use crate::document::yaml::Yaml;
use crate::recipe::Reward;
use crate::report::mistakes::{Mistake, Mistakes};
use crate::report::quote::{list, quote};
use crate::report::suggest::nearest;
use crate::schema::fields::{Fields, Map};
use crate::schema::key::{Absent, Key, Keys};
use crate::schema::options::{Options, alternatives};
use crate::schema::rule::{Name, Number};

alternatives! {
    /// How several rewards become one utility.
    Combine, "a way to combine rewards", "combine":
    /// The weighted mean of their scores.
    Weighted(WeightedOptions),
    /// The mean of a candidate's ranks under each.
    MeanRank(MeanRankOptions),
}

/// The weighted mean has no options of its own: the weights stand with the rewards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WeightedOptions {}

/// The mean rank has no options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MeanRankOptions {}

impl Options for WeightedOptions {
    const NAME: &'static str = "weighted";
    const ABOUT: &'static str = "The mean of all scores, weighted by each reward's `weight`.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}

impl Options for MeanRankOptions {
    const NAME: &'static str = "mean_rank";
    const ABOUT: &'static str = "The mean of a candidate's ranks under each reward, free of the rewards' scales. Ranks \
                                 compare only within one run, so that `target_score` cannot be set, and no weights.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}

impl Combine {
    /// The objective over these rewards, behind these gates.
    pub(crate) fn objective(&self, rewards: &[Reward], gates: &[Gate]) -> Result<Arc<dyn Objective>, PolicyError> {
        let inner: Arc<dyn Objective> = match self {
            Self::Weighted(_) => {
                let weight = |reward: &Reward| (reward.name.clone(), reward.weight);
                Arc::new(Weighted::new(rewards.iter().map(weight).collect())?)
            }
            Self::MeanRank(_) => Arc::new(MeanRank::new(rewards.iter().map(|reward| reward.name.clone()).collect())?),
        };
        Ok(if gates.is_empty() { inner } else { Arc::new(Gated::new(inner, gates.to_vec())) })
    }
}

const REWARD: Key<Name<RewardName>> = Key {
    name: "reward",
    rule: Name(RewardName::new),
    absent: Absent::Refused,
    meaning: "whose score, by the reward's name in this recipe",
};

const PART: Key<Name<PartName>> = Key {
    name: "part",
    rule: Name(PartName::new),
    absent: Absent::Unset("the score itself"),
    meaning: "which part of the score",
};

const AT_LEAST: Key<Number> = Key {
    name: "at_least",
    rule: Number::ANY,
    absent: Absent::Refused,
    meaning: "the least value that passes, on the reward's own scale",
};

pub(crate) const GATE_KEYS: Keys = &[&REWARD, &PART, &AT_LEAST];

/// Reads one gate. `rewards` are the names that it can be on, where all of them are known.
pub(crate) fn read_gate(node: &Node, rewards: Option<&[RewardName]>, mistakes: &Mistakes<'_>) -> Option<Gate> {
    let fields = Map::item("a gate", node).read(GATE_KEYS, mistakes)?;
    let (reward, part, at_least) = (fields.take(&REWARD), fields.take(&PART), fields.take(&AT_LEAST));
    if let (Some(reward), Some(rewards), Some(entry)) = (&reward, rewards, fields.entry(REWARD.name))
        && !rewards.contains(reward)
    {
        mistakes.error(entry.place(), unknown_reward(reward.as_str(), rewards));
    }
    Some(Gate { reward: reward?, part, at_least: at_least? })
}

fn unknown_reward(name: &str, rewards: &[RewardName]) -> Mistake {
    let known = || rewards.iter().map(RewardName::as_str);
    let hint = match nearest(name, known()) {
        Some(meant) => format!("did you mean {}?", quote(meant)),
        None => format!("its rewards are {}", list(known())),
    };
    Mistake::new(format!("the recipe has no reward {}", quote(name))).hint(hint)
}

pub(crate) fn write_gate(gate: &Gate) -> Yaml {
    let keys = [REWARD.write(Some(&gate.reward)), PART.write(gate.part.as_ref()), AT_LEAST.write(Some(&gate.at_least))];
    Yaml::Map(keys.into_iter().flatten().collect())
}
