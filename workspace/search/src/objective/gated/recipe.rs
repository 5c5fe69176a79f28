//! How recipes write a gate.

use editscale_core::{PartName, RewardName};
use editscale_schema::{Absent, Fields, Key, Keys, Map, Mistakes, Name, Node, Number, Yaml};

use super::Gate;

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

/// The keys of a gate.
pub const GATE_KEYS: Keys = &[&REWARD, &PART, &AT_LEAST];

/// Reads one gate. `check` is shown where the reward's name stands, for whoever knows which rewards there are.
pub fn read_gate(node: &Node, mistakes: &Mistakes<'_>, check: impl FnOnce(&Fields<'_>, &RewardName)) -> Option<Gate> {
    let fields = Map::item("a gate", node).read(GATE_KEYS, mistakes)?;
    let (reward, part, at_least) = (fields.take(&REWARD), fields.take(&PART), fields.take(&AT_LEAST));
    if let Some(reward) = &reward {
        check(&fields, reward);
    }
    Some(Gate { reward: reward?, part, at_least: at_least? })
}

/// As a resolved recipe has it.
pub fn write_gate(gate: &Gate) -> Yaml {
    let keys = [REWARD.write(Some(&gate.reward)), PART.write(gate.part.as_ref()), AT_LEAST.write(Some(&gate.at_least))];
    Yaml::Map(keys.into_iter().flatten().collect())
}
