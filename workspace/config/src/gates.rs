//! What bars a candidate from winning.

use editscale_core::RewardName;
use editscale_schema::{Mistake, Mistakes, Node};
use editscale_search::Gate;

use crate::unknown::unknown;

pub(crate) use editscale_search::{GATE_KEYS, write_gate};

/// Reads one gate. `rewards` are the names that it can be on, where all of them are known.
pub(crate) fn read_gate(node: &Node, rewards: Option<&[RewardName]>, mistakes: &Mistakes<'_>) -> Option<Gate> {
    editscale_search::read_gate(node, mistakes, |fields, reward| {
        if let (Some(rewards), Some(entry)) = (rewards, fields.entry("reward"))
            && !rewards.contains(reward)
        {
            mistakes.error(entry.place(), unknown_reward(reward.as_str(), rewards));
        }
    })
}

pub(crate) fn unknown_reward(name: &str, rewards: &[RewardName]) -> Mistake {
    unknown("reward", name, rewards.iter().map(RewardName::as_str))
}
