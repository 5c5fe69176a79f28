//! The sections of a recipe: the keys at its top, each read by itself.

use editscale_core::{Budget, EditorName, RewardName};
use editscale_search::Gate;

use crate::combine::{WeightedOptions, read_gate};
use crate::fields::{Fields, MOST_ITEMS, Map};
use crate::key::{Absent, Documented, Key, Keys, Section};
use crate::lines::Span;
use crate::mistakes::{Mistake, Mistakes};
use crate::quote::quote;
use crate::recipe::{Editor, Recipe, Reward, Settings};
use crate::retain::AllImages;
use crate::rule::{Name, Number, Rule, Whole};
use crate::scalar::Scalar;
use crate::tree::{Entry, Node, Value};
use crate::{Combine, EditorModel, Output, Policy, Retain, Retry, RewardModel, Stop, budget, output, retry, stop};

const VERSION: Key<Whole> = Key {
    name: "version",
    rule: Whole { low: Recipe::VERSION, high: Recipe::VERSION },
    absent: Absent::Refused,
    meaning: "the version of this format",
};

macro_rules! section {
    ($name:ident, $key:literal, $allowed:literal, $default:literal, $meaning:literal) => {
        const $name: Section = Section { name: $key, allowed: $allowed, default: $default, meaning: $meaning };
    };
}

section!(EDITOR, "editor", "one editor", "required, or `editors`", "what makes candidates");
section!(
    EDITORS,
    "editors",
    "a map from names to editors",
    "required, or `editor`",
    "several editors under names of your own; a search that does not route uses the first"
);
section!(REWARDS, "rewards", "a list of rewards, at least one", "required", "what scores candidates");
section!(COMBINE, "combine", "one way", "`{weighted: {}}`", "how the scores of several rewards become one");
section!(GATES, "gates", "a list of gates", "no gates", "conditions that bar a candidate from winning");
section!(SEARCH, "search", "one policy", "required", "what to try next and what to keep");
section!(STOP, "stop", "a map", "`{}`", "when to end before the plan is done");
section!(BUDGET, "budget", "a map", "`{}`", "what a run may spend");
section!(RETAIN, "retain", "one choice", "`{all: {}}`", "which images stay in the run directory");
section!(RETRY, "retry", "a map", "`{}`", "how patiently work is tried again after a failure that may pass");
section!(OUTPUT, "output", "a map", "`{}`", "how results are written");

pub(crate) const KEYS: Keys = &[
    &VERSION as &dyn Documented,
    &EDITOR,
    &EDITORS,
    &REWARDS,
    &COMBINE,
    &GATES,
    &SEARCH,
    &STOP,
    &BUDGET,
    &RETAIN,
    &RETRY,
    &OUTPUT,
];

/// All sections, each right in itself or `None`.
pub(crate) struct Sections {
    pub(crate) editors: Option<Vec<Editor>>,
    pub(crate) rewards: Rewards,
    pub(crate) combine: Option<Combine>,
    pub(crate) gates: Option<Vec<Gate>>,
    pub(crate) search: Option<Policy>,
    pub(crate) stop: Option<Stop>,
    pub(crate) budget: Option<Budget>,
    pub(crate) retain: Option<Retain>,
    pub(crate) retry: Option<Retry>,
    pub(crate) output: Option<Output>,
}

/// Whether the file is of the version that is read here, or of none at all, which is reported as well. What else a file
/// of another version says is not for this program to judge.
pub(crate) fn is_our_version(top: &Fields<'_>) -> bool {
    let Some(entry) = top.entry(VERSION.name) else {
        top.lacking::<()>(VERSION.name, "begin with the line `version: 1`");
        return true;
    };
    match &entry.node.value {
        Value::Scalar(Scalar::Whole(found)) if *found != i128::from(Recipe::VERSION) => {
            let message = format!("this is a recipe of version {found}: expected version {}", Recipe::VERSION);
            let hint = "the version is that of the recipe format, and not yours";
            top.error(&entry.node.span, Mistake::new(message).hint(hint));
            false
        }
        _ => {
            top.take(&VERSION);
            true
        }
    }
}

impl Sections {
    pub(crate) fn read(top: &Fields<'_>) -> Self {
        let mistakes = top.mistakes();
        let editors = read_editors(top);
        let rewards = Rewards::read(top);
        let combine = top.entry(COMBINE.name).map_or(Some(Combine::Weighted(WeightedOptions {})), |entry| {
            Combine::read(&entry.node, &entry.key_span, mistakes)
        });
        let retain = top
            .entry(RETAIN.name)
            .map_or(Some(Retain::All(AllImages {})), |entry| Retain::read(&entry.node, &entry.key_span, mistakes));
        Self {
            editors,
            gates: read_gates(top, &rewards),
            rewards,
            combine,
            search: read_search(top),
            stop: read_map(top, &STOP, stop::KEYS, |fields| Some(Stop::read(fields))),
            budget: read_map(top, &BUDGET, budget::KEYS, |fields| Some(budget::read(fields))),
            retain,
            retry: read_map(top, &RETRY, retry::KEYS, Retry::read),
            output: read_map(top, &OUTPUT, output::KEYS, Output::read),
        }
    }

    /// The settings, if every section is right.
    pub(crate) fn settings(self) -> Option<Settings> {
        Some(Settings {
            editors: self.editors?,
            rewards: self.rewards.all()?,
            combine: self.combine?,
            gates: self.gates?,
            search: self.search?,
            stop: self.stop?,
            budget: self.budget?,
            retain: self.retain?,
            retry: self.retry?,
            output: self.output?,
        })
    }
}

fn read_search(top: &Fields<'_>) -> Option<Policy> {
    match top.entry(SEARCH.name) {
        Some(entry) => Policy::read(&entry.node, &entry.key_span, top.mistakes()),
        None => top.lacking(SEARCH.name, "a first one is `search: {best_of_n: {samples: 8}}`"),
    }
}

/// Reads a map that may be left out, which is to leave out all of its keys.
fn read_map<'t, T>(
    top: &Fields<'t>,
    section: &Section,
    keys: Keys,
    read: impl FnOnce(&Fields<'t>) -> Option<T>,
) -> Option<T> {
    match top.entry(section.name) {
        Some(entry) => read(&Map::of(entry).read(keys, top.mistakes())?),
        None => read(&Fields::none(quote(section.name), top.at().clone(), top.mistakes())),
    }
}

fn read_editors(top: &Fields<'_>) -> Option<Vec<Editor>> {
    let one = top.entry(EDITOR.name);
    let several = top.entry(EDITORS.name);
    if one.is_none() && several.is_none() {
        return top.lacking(EDITOR.name, "a first one is `editor: {darkroom: {}}`");
    }
    if let (Some(one), Some(several)) = (one, several) {
        let later = if one.key_span.start > several.key_span.start { one } else { several };
        let mistake = Mistake::new("`editor` and `editors` cannot both be given")
            .hint("put the one editor among the several, under a name");
        top.error(&later.key_span, mistake);
    }
    let one = one.and_then(|entry| read_editor(entry, top.mistakes()));
    let several = several.and_then(|entry| read_named_editors(entry, top.mistakes()));
    several.or(one.map(|one| vec![one]))
}

/// An editor without a name of its own.
fn read_editor(entry: &Entry, mistakes: &Mistakes<'_>) -> Option<Editor> {
    let model = EditorModel::read(&entry.node, &entry.key_span, mistakes)?;
    Some(Editor { name: EditorName::new(model.kind()).ok()?, model })
}

fn read_named_editors(entry: &Entry, mistakes: &Mistakes<'_>) -> Option<Vec<Editor>> {
    let message = match &entry.node.value {
        Value::Refused => return None,
        Value::Map(entries) if (1..=MOST_ITEMS).contains(&entries.len()) => {
            let read: Vec<_> = entries.iter().map(|entry| read_named_editor(entry, mistakes)).collect();
            return read.into_iter().collect();
        }
        Value::Map(entries) => {
            format!("`editors` has {} editors: expected 1 to {MOST_ITEMS}", entries.len())
        }
        _ => "`editors` must be a map from names to editors".into(),
    };
    mistakes.error(entry.place(), Mistake::new(message).hint("write `editors: {mine: {darkroom: {}}}`"));
    None
}

fn read_named_editor(entry: &Entry, mistakes: &Mistakes<'_>) -> Option<Editor> {
    let name = EditorName::new(&entry.key).ok();
    if name.is_none() {
        let rule = Name(EditorName::new);
        let message = format!("{} cannot name an editor: expected {}", quote(&entry.key), rule.expected());
        mistakes.error(&entry.key_span, Mistake::new(message));
    }
    let model = EditorModel::read(&entry.node, &entry.key_span, mistakes);
    Some(Editor { name: name?, model: model? })
}

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

section!(MODEL, "model", "one reward", "required", "what measures");

pub(crate) const REWARD_KEYS: Keys = &[&MODEL as &dyn Documented, &WEIGHT, &NAME];

/// The rewards, as far as they can be read.
#[derive(Default)]
pub(crate) struct Rewards {
    /// Each right or `None`.
    read: Vec<Option<Reward>>,
    /// Their names. A reward whose name cannot be told makes `None` of it.
    names: Option<Vec<RewardName>>,
    /// Where weights are given.
    pub(crate) weights: Vec<Span>,
}

impl Rewards {
    fn read(top: &Fields<'_>) -> Self {
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
            rewards.read_one(item, top.mistakes());
        }
        rewards
    }

    fn read_one(&mut self, node: &Node, mistakes: &Mistakes<'_>) {
        let Some(fields) = Map::item("a reward", node).read(REWARD_KEYS, mistakes) else {
            self.names = None;
            self.read.push(None);
            return;
        };
        let model = match fields.entry(MODEL.name) {
            Some(entry) => RewardModel::read(&entry.node, &entry.key_span, mistakes),
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
        let reward = || Some(Reward { name: name?, model: model?, weight: weight? });
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

fn read_gates(top: &Fields<'_>, rewards: &Rewards) -> Option<Vec<Gate>> {
    let Some(entry) = top.entry(GATES.name) else { return Some(Vec::new()) };
    let known = rewards.names.as_deref();
    let gates: Vec<_> = top.list(entry)?.iter().map(|gate| read_gate(gate, known, top.mistakes())).collect();
    gates.into_iter().collect()
}
