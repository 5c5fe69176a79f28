//! The sections of a recipe: the keys at its top, each read by itself.

use editscale_core::{EditorName, RewardName};
use editscale_search::Gate;

use crate::combine::{WeightedOptions, check_gates, read_gate};
use crate::fields::Fields;
use crate::key::{Absent, Documented, Key, Keys, Section};
use crate::lines::Span;
use crate::mistakes::{Mistake, Mistakes};
use crate::quote::quote;
use crate::recipe::{Editor, Recipe, Reward, Settings};
use crate::retain::AllImages;
use crate::rule::{Name, Number, Whole};
use crate::scalar::Scalar;
use crate::tree::{Node, Value};
use crate::{Combine, EditorModel, Output, Policy, Retain, Retry, RewardModel, Stop, budget};

const VERSION: Key<Whole> = Key {
    name: "version",
    rule: Whole { low: Recipe::VERSION, high: Recipe::VERSION },
    absent: Absent::Refused,
    meaning: "the version of this format",
};

macro_rules! section {
    ($name:ident, $key:literal, $allowed:literal, $default:literal, $meaning:literal) => {
        const $name: Section =
            Section { name: $key, allowed: $allowed, default: $default, meaning: $meaning };
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

/// All sections, each right in itself.
pub(crate) struct Sections {
    pub(crate) settings: Settings,
    /// Where rewards are given weights.
    pub(crate) weights: Vec<Span>,
}

/// Whether the file is of the version that is read here, or of none at all, which is reported as well. What else a file
/// of another version says is not for this program to judge.
pub(crate) fn is_our_version(top: &mut Fields<'_>) -> bool {
    let Some(entry) = top.entry(VERSION.name) else {
        top.lacking::<()>(VERSION.name, "begin with the line `version: 1`");
        return true;
    };
    match &entry.node.value {
        Value::Scalar(Scalar::Whole(found)) if *found != i128::from(Recipe::VERSION) => {
            let message =
                format!("this is a recipe of version {found}: expected version {}", Recipe::VERSION);
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
    pub(crate) fn read(top: &mut Fields<'_>) -> Option<Self> {
        let before = top.mistakes().errors();
        let editors = read_editors(top);
        let rewards = read_rewards(top);
        let rewards_are_whole = top.mistakes().errors() == before;
        let combine = top.entry(COMBINE.name).map_or(Some(Combine::Weighted(WeightedOptions {})), |entry| {
            Combine::read(&entry.node, &entry.key_span, top.mistakes())
        });
        let gates = read_gates(top);
        let search = match top.entry(SEARCH.name) {
            Some(entry) => Policy::read(&entry.node, &entry.key_span, top.mistakes()),
            None => top.lacking(SEARCH.name, "a first one is `search: {best_of_n: {samples: 8}}`"),
        };
        let stop = read_map(top, &STOP, |fields| Some(Stop::read(fields)));
        let budget = read_map(top, &BUDGET, |fields| Some(budget::read(fields)));
        let retain = top.entry(RETAIN.name).map_or(Some(Retain::All(AllImages {})), |entry| {
            Retain::read(&entry.node, &entry.key_span, top.mistakes())
        });
        let retry = read_map(top, &RETRY, Retry::read);
        let output = read_map(top, &OUTPUT, Output::read);
        let (rewards, gates) = (rewards?, gates?);
        if rewards_are_whole {
            check_gates(&gates, &rewards.read, top.mistakes());
        }
        let settings = Settings {
            editors: editors?,
            rewards: rewards.read,
            combine: combine?,
            gates: gates.into_iter().map(|(gate, _)| gate).collect(),
            search: search?,
            stop: stop?,
            budget: budget?,
            retain: retain?,
            retry: retry?,
            output: output?,
        };
        Some(Self { settings, weights: rewards.weights })
    }
}

/// Reads a map that may be left out, which is to leave out all of its keys.
fn read_map<'t, T>(
    top: &mut Fields<'t>,
    section: &Section,
    read: impl FnOnce(&mut Fields<'t>) -> Option<T>,
) -> Option<T> {
    let mut fields = match top.entry(section.name) {
        Some(entry) => Fields::of(quote(section.name), &entry.node, entry.key_span.clone(), top.mistakes())?,
        None => Fields::none(quote(section.name), top.at().clone(), top.mistakes()),
    };
    let value = read(&mut fields);
    fields.finish();
    value
}

fn read_editors(top: &mut Fields<'_>) -> Option<Vec<Editor>> {
    match (top.entry(EDITOR.name), top.entry(EDITORS.name)) {
        (None, None) => top.lacking(EDITOR.name, "a first one is `editor: {darkroom: {}}`"),
        (Some(one), None) => {
            let model = EditorModel::read(&one.node, &one.key_span, top.mistakes())?;
            Some(vec![Editor { name: EditorName::new(model.kind()).ok()?, model }])
        }
        (None, Some(several)) => read_named_editors(&several.node, &several.key_span, top.mistakes()),
        (Some(one), Some(several)) => {
            let second = one.key_span.start.max(several.key_span.start);
            let at = if one.key_span.start == second { &one.key_span } else { &several.key_span };
            let mistake = Mistake::new("`editor` and `editors` cannot both be given")
                .hint("put the one editor among the several, under a name");
            top.error(at, mistake);
            EditorModel::read(&one.node, &one.key_span, top.mistakes());
            read_named_editors(&several.node, &several.key_span, top.mistakes())
        }
    }
}

fn read_named_editors<'t>(node: &'t Node, at: &Span, mistakes: &'t Mistakes<'t>) -> Option<Vec<Editor>> {
    let Value::Map(entries) = &node.value else {
        if node.value != Value::Refused {
            let mistake = Mistake::new("`editors` must be a map from names to editors")
                .hint("write `editors: {mine: {darkroom: {}}}`");
            mistakes.error(if node.span.is_empty() { at } else { &node.span }, mistake);
        }
        return None;
    };
    if entries.is_empty() {
        let mistake = Mistake::new("`editors` is empty: expected at least one editor");
        mistakes.error(&node.span, mistake.hint("write `editors: {mine: {darkroom: {}}}`"));
    }
    entries
        .iter()
        .map(|entry| {
            let name = EditorName::new(&entry.key).map_err(|error| {
                mistakes.error(&entry.key_span, Mistake::new(error.to_string()));
            });
            let model = EditorModel::read(&entry.node, &entry.key_span, mistakes);
            Some(Editor { name: name.ok()?, model: model? })
        })
        .collect()
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

#[derive(Default)]
struct Rewards {
    read: Vec<Reward>,
    names: Vec<RewardName>,
    weights: Vec<Span>,
}

fn read_rewards(top: &mut Fields<'_>) -> Option<Rewards> {
    let hint = "a first one is `rewards: [{model: {photometric: {}}}]`";
    let Some(entry) = top.entry(REWARDS.name) else { return top.lacking(REWARDS.name, hint) };
    let items = top.list(entry)?;
    if items.is_empty() {
        top.error(
            &entry.node.span,
            Mistake::new("`rewards` is empty: expected at least one reward").hint(hint),
        );
    }
    let mut found = Rewards::default();
    let read: Vec<Option<()>> =
        items.iter().map(|item| read_reward(item, &mut found, top.mistakes())).collect();
    read.into_iter().collect::<Option<()>>().map(|()| found)
}

fn read_reward<'t>(node: &'t Node, found: &mut Rewards, mistakes: &'t Mistakes<'t>) -> Option<()> {
    let mut fields = Fields::of("a reward", node, node.span.start..node.span.start + 1, mistakes)?;
    let model = match fields.entry(MODEL.name) {
        Some(entry) => RewardModel::read(&entry.node, &entry.key_span, mistakes),
        None => fields.lacking(MODEL.name, "write `model: {photometric: {}}`"),
    };
    let (weight, name) = (fields.take(&WEIGHT), fields.take(&NAME));
    if fields.has(WEIGHT.name) {
        found.weights.push(fields.span_of(WEIGHT.name));
    }
    let is_named = fields.has(NAME.name);
    let at = fields.span_of(if is_named { NAME.name } else { MODEL.name });
    fields.finish();
    let model = model?;
    let name = if is_named { name? } else { RewardName::new(model.kind()).ok()? };
    if found.names.contains(&name) {
        let message = format!("there are two rewards called {}", quote(name.as_str()));
        mistakes.error(&at, Mistake::new(message).hint("give one of them another `name`"));
    }
    found.names.push(name.clone());
    found.read.push(Reward { name, model, weight: weight? });
    Some(())
}

fn read_gates(top: &mut Fields<'_>) -> Option<Vec<(Gate, Span)>> {
    let Some(entry) = top.entry(GATES.name) else { return Some(Vec::new()) };
    let gates: Vec<_> = top.list(entry)?.iter().map(|gate| read_gate(gate, top.mistakes())).collect();
    gates.into_iter().collect()
}
