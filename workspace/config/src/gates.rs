//! What bars a candidate from winning.

use editscale_core::{PartName, RewardName};
use editscale_schema::{Absent, Key, Keys, Map, Mistake, Mistakes, Name, Node, Number, Yaml, list, nearest, quote};
use editscale_search::Gate;

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

pub(crate) fn unknown_reward(name: &str, rewards: &[RewardName]) -> Mistake {
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
