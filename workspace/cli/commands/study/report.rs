//! All that a study found, as `study.json` has it.

use serde::Serialize;

use super::curves::Scaling;
use super::pairs::Comparison;
use super::paths::{Front, Lead, Path};
use super::runs::{Group, LeftOut};

/// A study: see `docs/json.md`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) version: u32,
    pub(super) program: String,
    pub(super) seed: u64,
    pub(super) confidence: f64,
    pub(super) cost: &'static str,
    pub(super) proxy: String,
    pub(super) gold: Gold,
    pub(super) groups: Vec<Group>,
    pub(super) left_out: Vec<LeftOut>,
    /// What it says, in sentences.
    pub(super) answers: Vec<String>,
    /// What could not be told, and why.
    pub(super) remarks: Vec<String>,
    pub(super) scaling: Vec<Scaling>,
    pub(super) paths: Vec<Path>,
    /// How far each further group is ahead of the first.
    pub(super) leads: Vec<Lead>,
    pub(super) fronts: Vec<Front>,
    pub(super) comparisons: Vec<Comparison>,
    /// What each group chose, request by request.
    #[serde(skip)]
    pub(super) choices: Vec<Choice>,
}

/// Whose word is what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GoldKind {
    /// What the policies chose by, where nothing else was named.
    Proxy,
    /// A reward that the runs recorded.
    Reward,
    /// A judge that was asked now.
    Judge,
}

/// What is wanted.
#[derive(Debug, Serialize)]
pub(super) struct Gold {
    pub(super) kind: GoldKind,
    pub(super) name: String,
    /// Name and revision of the rewards that judged now, or of what has the reward's name in the runs.
    pub(super) rewards: Vec<(String, String)>,
    /// The groups that chose by it: it is not held out from them.
    pub(super) chosen_by: Vec<String>,
    /// What is to be said of its judges.
    #[serde(skip)]
    pub(super) remarks: Vec<String>,
}

impl Gold {
    /// Whether it is something else than what was chosen by.
    pub(super) fn is_other(&self) -> bool {
        self.kind != GoldKind::Proxy
    }

    /// What it is, in words.
    pub(super) fn words(&self) -> String {
        match self.kind {
            GoldKind::Judge if self.chosen_by.is_empty() => format!("the held-out judge {}", self.name),
            GoldKind::Judge => format!("the judge {}", self.name),
            GoldKind::Reward => format!("the reward {}", self.name),
            GoldKind::Proxy => "what the policies chose by".to_owned(),
        }
    }

    /// Why it praises what policies optimised; nothing where it was held out from all of them.
    pub(super) fn warning(&self) -> Option<String> {
        let praised = "they are praised for what they optimised";
        if !self.is_other() {
            return Some(format!(
                "no held-out judge was named, so quality is what the policies chose by, and {praised}: name one with --gold or --judge"
            ));
        }
        let (words, groups) = (self.words(), self.chosen_by.join(", "));
        (!groups.is_empty()).then(|| {
            format!("{words} is not held out: {groups} chose by it, and {praised}; name another with --gold or --judge")
        })
    }
}

/// What one group chose for one request in the end.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) group: String,
    pub(super) request: String,
    pub(super) runs: usize,
    pub(super) gold: f64,
    pub(super) spent: f64,
}
