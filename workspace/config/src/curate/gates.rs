//! Bounds on scores and their parts.

use editscale_core::{PartName, RewardName};
use editscale_schema::{
    Absent, Documented, Fields, Key, Keys, Map, Mistake, Mistakes, Name, Node, Number, Section, Yaml,
};

use crate::gates::unknown_reward;

/// Bounds on a score or on one of its parts; at least one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct CurateGate {
    /// Whose score; that of all rewards together where there is no name.
    pub reward: Option<RewardName>,
    /// Which part of the reward's score.
    pub part: Option<PartName>,
    /// The lowest value that passes.
    pub at_least: Option<f64>,
    /// The highest value that passes.
    pub at_most: Option<f64>,
}

const REWARD: Key<Name<RewardName>> = Key {
    name: "reward",
    rule: Name(RewardName::new),
    absent: Absent::Unset("what all rewards come to together"),
    meaning: "whose score, by the reward's name in this recipe",
};
const PART: Key<Name<PartName>> = Key {
    name: "part",
    rule: Name(PartName::new),
    absent: Absent::Unset("the score itself"),
    meaning: "which part of the reward's score",
};
const AT_LEAST: Key<Number> = Key {
    name: "at_least",
    rule: Number::ANY,
    absent: Absent::Unset("no lower bound"),
    meaning: "the least value that passes, on the reward's own scale",
};
const AT_MOST: Key<Number> = Key {
    name: "at_most",
    rule: Number::ANY,
    absent: Absent::Unset("no upper bound"),
    meaning: "the highest value that passes, on the reward's own scale",
};

pub(super) const KEYS: Keys = &[&REWARD as &dyn Documented, &PART, &AT_LEAST, &AT_MOST];

pub(super) fn read_gates(
    fields: &Fields<'_>,
    section: &Section,
    rewards: Option<&[RewardName]>,
) -> Option<Vec<CurateGate>> {
    let Some(entry) = fields.entry(section.name) else { return Some(Vec::new()) };
    let gates: Vec<_> =
        fields.list(entry)?.iter().map(|node| CurateGate::read(node, rewards, fields.mistakes())).collect();
    gates.into_iter().collect()
}

impl CurateGate {
    fn read(node: &Node, rewards: Option<&[RewardName]>, mistakes: &Mistakes<'_>) -> Option<Self> {
        let fields = Map::item("a gate", node).read(KEYS, mistakes)?;
        let (reward, part) = (fields.take(&REWARD), fields.take(&PART));
        let (at_least, at_most) = (fields.take(&AT_LEAST), fields.take(&AT_MOST));
        if let (Some(name), Some(rewards), Some(entry)) = (&reward, rewards, fields.entry(REWARD.name))
            && !rewards.contains(name)
        {
            mistakes.error(entry.place(), unknown_reward(name.as_str(), rewards));
        }
        let gate = Self { reward, part, at_least, at_most };
        gate.check(&fields);
        Some(gate)
    }

    fn check(&self, fields: &Fields<'_>) {
        if fields.has(PART.name) && !fields.has(REWARD.name) {
            let mistake = Mistake::new("a gate on a `part` lacks the `reward` whose part it is");
            fields.error(&fields.span_of(PART.name), mistake.hint("add `reward: …`"));
        }
        if !fields.has(AT_LEAST.name) && !fields.has(AT_MOST.name) {
            let mistake = Mistake::new("a gate has neither `at_least` nor `at_most`: all would pass");
            fields.error(fields.at(), mistake.hint("add one of them"));
        }
        if let (Some(low), Some(high)) = (self.at_least, self.at_most)
            && low > high
        {
            let message = format!("`at_least` is {low} and `at_most` is {high}: nothing can pass both");
            fields.error(&fields.span_of(AT_MOST.name), Mistake::new(message));
        }
    }

    pub(super) fn write(&self) -> Yaml {
        let keys = [
            REWARD.write(self.reward.as_ref()),
            PART.write(self.part.as_ref()),
            AT_LEAST.write(self.at_least.as_ref()),
            AT_MOST.write(self.at_most.as_ref()),
        ];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}
