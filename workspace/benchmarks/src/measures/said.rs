//! The numbers that a judge says of an edit: its score, its parts, and its score less doubt.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{JudgedCandidate, JudgedCase};

/// How much doubt is taken off a score, in standard deviations, when it is measured.
pub const KAPPAS: [f64; 3] = [0.5, 1.0, 2.0];

/// Which number of a judge is held against people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The score of the whole.
    Score,
    /// What one reward said (`reward`), or one part of it (`reward.part`).
    Named(String),
    /// The score of the whole less so many of its standard deviations.
    Cautious(f64),
}

impl Said {
    /// In words.
    pub fn name(&self) -> String {
        match self {
            Said::Score => "score".to_owned(),
            Said::Named(name) => name.clone(),
            Said::Cautious(kappa) => format!("score - {kappa} sigma"),
        }
    }

    /// The number for one edit; nothing where the judge did not say it.
    pub fn of(&self, candidate: &JudgedCandidate) -> Option<f64> {
        let number = match self {
            Said::Score => candidate.score?,
            Said::Named(name) => candidate.said.get(name)?.mean,
            Said::Cautious(kappa) => candidate.score? - kappa * candidate.sigma?,
        };
        number.is_finite().then_some(number)
    }

    /// The standard deviation that the judge states of that number of one edit; nothing where it states none.
    pub fn sigma_of(&self, candidate: &JudgedCandidate) -> Option<f64> {
        match self {
            Said::Score | Said::Cautious(_) => candidate.sigma,
            Said::Named(name) => candidate.said.get(name)?.sigma,
        }
    }

    /// The numbers of all candidates; nothing where one of them has none.
    pub fn of_case(&self, case: &JudgedCase) -> Option<Vec<f64>> {
        case.candidates.iter().map(|candidate| self.of(candidate)).collect()
    }
}

/// All numbers that the judge says somewhere: the score, then what else is not the same as the score everywhere, then the
/// score less doubt where there is doubt.
pub fn said_in(cases: &[JudgedCase]) -> Vec<Said> {
    let edits = || cases.iter().flat_map(|case| &case.candidates);
    let names: BTreeSet<&String> = edits().flat_map(|edit| edit.said.keys()).collect();
    let named = names.into_iter().map(|name| Said::Named(name.clone()));
    let mut all = vec![Said::Score];
    all.extend(named.filter(|said| edits().any(|edit| said.of(edit) != Said::Score.of(edit))));
    if edits().any(|edit| edit.sigma.is_some_and(|sigma| sigma > 0.0)) {
        all.extend(KAPPAS.map(Said::Cautious));
    }
    all
}
