//! The rewards that a recipe lists, with their names and weights.

use editscale_core::RewardName;
use editscale_schema::{
    Absent, Documented, Fields, Key, Keys, Map, Mistake, Mistakes, Name, Node, Number, Section, Span, quote,
};

use crate::calibration::CALIBRATION;
use crate::recipe::Reward;
use crate::{Calibration, Catalogue};

pub(crate) const REWARDS: Section = Section {
    name: "rewards",
    allowed: "a list of rewards, at least one",
    default: "required",
    meaning: "what scores candidates",
};

pub(crate) const WEIGHT: Key<Number> = Key {
    name: "weight",
    rule: Number::from(-1e6, 1e6),
    absent: Absent::Default(1.0),
    meaning: "what its score counts in the weighted mean; below 0 it counts against; not all can be 0",
};

pub(crate) const NAME: Key<Name<RewardName>> = Key {
    name: "name",
    rule: Name(RewardName::new),
    absent: Absent::Unset("the name of its model"),
    meaning: "what the recipe calls it; two rewards of one model need different names",
};

const MODEL: Section = Section { name: "model", allowed: "one reward", default: "required", meaning: "what measures" };

pub(crate) const REWARD_KEYS: Keys = &[&MODEL as &dyn Documented, &WEIGHT, &NAME, &CALIBRATION];

/// The rewards, as far as they can be read.
#[derive(Default)]
pub(crate) struct Rewards {
    /// Each right or `None`.
    read: Vec<Option<Reward>>,
    /// Their names. A reward whose name cannot be told makes `None` of it.
    pub(crate) names: Option<Vec<RewardName>>,
    /// Where weights are given.
    pub(crate) weights: Vec<Span>,
}

impl Rewards {
    pub(crate) fn read(top: &Fields<'_>, catalogue: &Catalogue) -> Self {
        let hint = "a first one is `rewards: [{model: {photometric: {}}}]`";
        let mut rewards = Self::default();
        let Some(entry) = top.entry(REWARDS.name) else {
            top.lacking::<()>(REWARDS.name, hint);
            return rewards;
        };
        let Some(items) = top.list(entry) else { return rewards };
        if items.is_empty() {
            let mistake = Mistake::new("`rewards` is empty: expected at least one reward");
            top.error(entry.place(), mistake.hint(hint));
            return rewards;
        }
        rewards.names = Some(Vec::new());
        for item in items {
            rewards.read_one(item, catalogue, top.mistakes());
        }
        rewards
    }

    fn read_one(&mut self, node: &Node, catalogue: &Catalogue, mistakes: &Mistakes<'_>) {
        let Some(fields) = Map::item("a reward", node).read(REWARD_KEYS, mistakes) else {
            self.names = None;
            self.read.push(None);
            return;
        };
        let model = match fields.entry(MODEL.name) {
            Some(entry) => catalogue.reward_kinds().read(&entry.node, &entry.key_span, mistakes),
            None => fields.lacking(MODEL.name, "write `model: {photometric: {}}`"),
        };
        let weight = fields.take(&WEIGHT);
        self.weights.extend(fields.entry(WEIGHT.name).map(|entry| entry.key_span.clone()));
        let name = if fields.has(NAME.name) {
            fields.take(&NAME)
        } else {
            model.as_ref().and_then(|model| RewardName::new(model.kind()).ok())
        };
        self.enter_name(name.as_ref(), &fields);
        let calibration = match fields.entry(CALIBRATION.name) {
            None => Some(None),
            Some(entry) => Calibration::read(entry, mistakes).map(Some),
        };
        let reward = || Some(Reward { name: name?, model: model?, weight: weight?, calibration: calibration? });
        self.read.push(reward());
    }

    fn enter_name(&mut self, name: Option<&RewardName>, fields: &Fields<'_>) {
        let Some(names) = &mut self.names else { return };
        let Some(name) = name else {
            self.names = None;
            return;
        };
        if names.contains(name) {
            let at = fields.span_of(if fields.has(NAME.name) { NAME.name } else { MODEL.name });
            let message = format!("there are two rewards called {}", quote(name.as_str()));
            fields.error(&at, Mistake::new(message).hint("give one of them another `name`"));
        }
        names.push(name.clone());
    }

    /// How many there are, right ones and others.
    pub(crate) fn count(&self) -> u64 {
        self.read.len() as u64
    }

    /// The rewards, if there are any and all are right.
    pub(crate) fn all(&self) -> Option<Vec<Reward>> {
        if self.read.is_empty() { None } else { self.read.iter().cloned().collect() }
    }
}
