//! The sections of a recipe: the keys at its top, each read by itself.

use editscale_core::Budget;
use editscale_schema::{Absent, Documented, Fields, Key, Keys, Mistake, Scalar, Section, Value, Whole};
use editscale_search::{Finalists, Gate, ObjectiveChoice, PolicyChoice, SelectionChoice, WeightedRecipe};

use crate::critics::{CRITICS, read_critics};
use crate::curate::Curate;
use crate::editors::{EDITOR, EDITORS, read_editors};
use crate::finalists::{FINALIST_KEYS, read_finalists};
use crate::gates::read_gate;
use crate::judging::JudgeSettings;
use crate::optional::{Reported, optional, optional_map};
use crate::recipe::{Critic, Editor, Recipe, Settings};
use crate::retain::{AllImages, RETAIN_CHOICE};
use crate::rewards::{REWARDS, Rewards};
use crate::{Catalogue, Output, Retain, Retry, Rollout, Stop, budget, output, retry, stop};

const VERSION: Key<Whole> = Key {
    name: "version",
    rule: Whole { low: Recipe::VERSION, high: Recipe::VERSION },
    absent: Absent::Refused,
    meaning: "the version of this format",
};

const COMBINE: Section = Section {
    name: "combine",
    allowed: "one way",
    default: "`{weighted: {}}`",
    meaning: "how the scores of several rewards become one",
};
const GATES: Section = Section {
    name: "gates",
    allowed: "a list of gates",
    default: "no gates",
    meaning: "conditions that bar a candidate from winning",
};
const SEARCH: Section = Section {
    name: "search",
    allowed: "one policy",
    default: "required to edit",
    meaning: "what to try next and what to keep",
};
const SELECT: Section = Section {
    name: "select",
    allowed: "one selection",
    default: "`{best: {}}`",
    meaning: "how the choice among the candidates is made when the search ends",
};
const FINALISTS: Section = Section {
    name: "finalists",
    allowed: "a map",
    default: "nobody is judged again",
    meaning: "who is judged again when the search ends",
};
const STOP: Section =
    Section { name: "stop", allowed: "a map", default: "`{}`", meaning: "when to end before the plan is done" };
const BUDGET: Section = Section { name: "budget", allowed: "a map", default: "`{}`", meaning: "what a run may spend" };
const RETAIN: Section = Section {
    name: "retain",
    allowed: "one choice",
    default: "`{all: {}}`",
    meaning: "which images stay in the run directory",
};
const RETRY: Section = Section {
    name: "retry",
    allowed: "a map",
    default: "`{}`",
    meaning: "how patiently work is tried again after a failure that may pass",
};
const OUTPUT: Section =
    Section { name: "output", allowed: "a map", default: "`{}`", meaning: "how results are written" };
const ROLLOUT: Section = Section {
    name: "rollout",
    allowed: "a map",
    default: "its defaults",
    meaning: "what `editscale run` does with a data set",
};

const CURATE: Section = Section {
    name: "curate",
    allowed: "a map",
    default: "its defaults",
    meaning: "what `editscale curate` keeps of a data set",
};

pub(crate) const KEYS: Keys = &[
    &VERSION as &dyn Documented,
    &EDITOR,
    &EDITORS,
    &REWARDS,
    &CRITICS,
    &COMBINE,
    &GATES,
    &SEARCH,
    &SELECT,
    &FINALISTS,
    &STOP,
    &BUDGET,
    &RETAIN,
    &RETRY,
    &OUTPUT,
    &ROLLOUT,
    &CURATE,
];

/// What a recipe is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To make candidates: nothing can be left out for which there is no default.
    Editing,
    /// To judge what others made: editors and a search can be left out.
    Judging,
}

/// All sections, each right in itself or `None`.
pub(crate) struct Sections {
    pub(crate) editors: Option<Vec<Editor>>,
    pub(crate) rewards: Rewards,
    pub(crate) critics: Option<Vec<Critic>>,
    pub(crate) combine: Option<Box<dyn ObjectiveChoice>>,
    pub(crate) gates: Option<Vec<Gate>>,
    pub(crate) search: Option<Box<dyn PolicyChoice>>,
    pub(crate) select: Result<Option<Box<dyn SelectionChoice>>, Reported>,
    pub(crate) finalists: Result<Option<Finalists>, Reported>,
    pub(crate) stop: Option<Stop>,
    pub(crate) budget: Option<Budget>,
    pub(crate) retain: Option<Retain>,
    pub(crate) retry: Option<Retry>,
    pub(crate) output: Option<Output>,
    pub(crate) rollout: Result<Option<Rollout>, Reported>,
    pub(crate) curate: Result<Option<Curate>, Reported>,
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
    pub(crate) fn read(top: &Fields<'_>, catalogue: &Catalogue, purpose: Purpose) -> Self {
        let mistakes = top.mistakes();
        let editors = read_editors(top, catalogue, purpose);
        let rewards = Rewards::read(top, catalogue);
        let usual = || Some(Box::new(WeightedRecipe {}) as Box<dyn ObjectiveChoice>);
        let combine = top
            .entry(COMBINE.name)
            .map_or_else(usual, |entry| catalogue.objective_kinds().read(&entry.node, &entry.key_span, mistakes));
        let retain = top.entry(RETAIN.name).map_or(Some(Retain::All(AllImages {})), |entry| {
            RETAIN_CHOICE.read(&entry.node, &entry.key_span, mistakes).map(|retain| *retain)
        });
        let curate = optional(top, &CURATE, |entry| Curate::read(entry, rewards.names.as_deref(), mistakes));
        Self {
            editors,
            gates: read_gates(top, &rewards),
            finalists: read_last_round(top, &rewards),
            rewards,
            critics: read_critics(top, catalogue),
            combine,
            search: read_search(top, catalogue, purpose),
            select: optional(top, &SELECT, |entry| {
                catalogue.selection_kinds().read(&entry.node, &entry.key_span, mistakes)
            }),
            stop: top.section(&STOP, stop::KEYS, |fields| Some(Stop::read(fields))),
            budget: top.section(&BUDGET, budget::KEYS, |fields| Some(budget::read(fields))),
            retain,
            retry: top.section(&RETRY, retry::KEYS, Retry::read),
            output: top.section(&OUTPUT, output::KEYS, Output::read),
            rollout: optional(top, &ROLLOUT, |entry| Rollout::read(entry, mistakes)),
            curate,
        }
    }

    /// The settings, if every section is right.
    pub(crate) fn settings(self) -> Option<Settings> {
        Some(Settings {
            editors: self.editors?,
            rewards: self.rewards.all()?,
            critics: self.critics?,
            combine: self.combine?,
            gates: self.gates?,
            search: self.search?,
            select: self.select.ok()?,
            finalists: self.finalists.ok()?,
            stop: self.stop?,
            budget: self.budget?,
            retain: self.retain?,
            retry: self.retry?,
            output: self.output?,
            rollout: self.rollout.ok()?,
            curate: self.curate.ok()?,
        })
    }

    /// What is of use for judging, if every section is right.
    pub(crate) fn judge_settings(self) -> Option<JudgeSettings> {
        Some(JudgeSettings {
            rewards: self.rewards.all()?,
            combine: self.combine?,
            gates: self.gates?,
            budget: self.budget?,
            retry: self.retry?,
            rollout: self.rollout.ok()?,
            curate: self.curate.ok()?,
        })
    }
}

fn read_search(top: &Fields<'_>, catalogue: &Catalogue, purpose: Purpose) -> Option<Box<dyn PolicyChoice>> {
    match top.entry(SEARCH.name) {
        Some(entry) => catalogue.policy_kinds().read(&entry.node, &entry.key_span, top.mistakes()),
        None if purpose == Purpose::Judging => None,
        None => top.lacking(SEARCH.name, "a first one is `search: {best_of_n: {samples: 8}}`"),
    }
}

fn read_last_round(top: &Fields<'_>, rewards: &Rewards) -> Result<Option<Finalists>, Reported> {
    optional_map(top, &FINALISTS, FINALIST_KEYS, |fields| read_finalists(fields, rewards.names.as_deref()))
}

fn read_gates(top: &Fields<'_>, rewards: &Rewards) -> Option<Vec<Gate>> {
    let Some(entry) = top.entry(GATES.name) else { return Some(Vec::new()) };
    let known = rewards.names.as_deref();
    let gates: Vec<_> = top.list(entry)?.iter().map(|gate| read_gate(gate, known, top.mistakes())).collect();
    gates.into_iter().collect()
}
