//! Whether what judges under one name is one judge in all runs: scores of several do not compare.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use editscale_schema::quote;

use super::held_out::{counts, is_same};
use super::runs::{Found, Run};
use crate::args::Study;
use crate::failure::Misuse;

/// What answered to the name of a reward.
pub(super) struct Judges {
    name: String,
    /// The groups in which each revision judged.
    by_revision: BTreeMap<String, BTreeSet<String>>,
}

/// What is to be said of the judges of a study; fails where golds would be compared that are by several. `is_asked`: whether the
/// gold is of a judge that is asked now, which is one.
pub(super) fn remarks(arguments: &Study, found: &Found, is_asked: bool) -> Result<Vec<String>> {
    let proxy = (arguments.proxy != "utility").then(|| Judges::of(found, &arguments.proxy));
    let golds = match (&arguments.gold, &proxy) {
        _ if is_asked => None,
        (Some(name), _) => Some(Judges::of(found, name)),
        (None, Some(_)) => Some(Judges::of(found, &arguments.proxy)),
        (None, None) => return Ok(utilities(found).into_iter().collect()),
    };
    if let Some(golds) = golds.as_ref().filter(|golds| !golds.compare()) {
        let misuse = Misuse::new(format!("{}: their scores do not compare", golds.several("is several judges")));
        return Err(misuse.hint("judge all pictures by one now, with --judge").into());
    }
    let said =
        golds.iter().chain(proxy.iter().filter(|proxy| golds.as_ref().is_none_or(|golds| golds.name != proxy.name)));
    Ok(said.filter_map(Judges::remark).collect())
}

impl Judges {
    pub(super) fn of(found: &Found, name: &str) -> Self {
        let mut by_revision: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for run in &found.runs {
            let group = found.groups.get(run.group).map_or_else(String::new, |group| group.name.clone());
            for reward in run.record.manifest.rewards.iter().filter(|reward| reward.name == name) {
                by_revision.entry(reward.revision.clone()).or_default().insert(group.clone());
            }
        }
        Self { name: name.to_owned(), by_revision }
    }

    /// Name and revision of each.
    pub(super) fn rewards(&self) -> Vec<(String, String)> {
        self.by_revision.keys().map(|revision| (self.name.clone(), revision.clone())).collect()
    }

    /// Whether their scores are on one scale: they are one judge, with one calibration or none.
    fn compare(&self) -> bool {
        let mut revisions = self.by_revision.keys();
        let Some(first) = revisions.next() else { return true };
        revisions.all(|other| is_same(first, other) && calibration(first) == calibration(other))
    }

    fn several(&self, what: &str) -> String {
        let each = |(revision, groups): (&String, &BTreeSet<String>)| {
            format!("{revision} ({})", groups.iter().map(String::as_str).collect::<Vec<&str>>().join(", "))
        };
        let list = self.by_revision.iter().map(each).collect::<Vec<String>>().join(", ");
        format!("{} {what} in these runs: {list}", quote(&self.name))
    }

    fn remark(&self) -> Option<String> {
        let what = if self.compare() { "is set in several ways" } else { "is several judges" };
        (self.by_revision.len() > 1).then(|| self.several(what))
    }
}

/// The map that scores go through, where there is one.
fn calibration(revision: &str) -> Option<&str> {
    revision.split_once(", calibrated ").map(|(_, map)| map)
}

/// What is to be said where groups chose by different judges or objectives, and are compared by what they chose by.
fn utilities(found: &Found) -> Option<String> {
    let of = |place: usize| -> BTreeSet<String> {
        found.runs.iter().filter(|run| run.group == place).map(chosen_by).collect()
    };
    let all: Vec<BTreeSet<String>> = (0..found.groups.len()).map(of).collect();
    let first = all.first()?;
    let differs = |(place, own): &(usize, &BTreeSet<String>)| *place == 0 || own.len() > 1 || *own != first;
    let names: Vec<&str> =
        all.iter().enumerate().filter(differs).map(|(place, _)| found.groups[place].name.as_str()).collect();
    let is_one = first.len() == 1 && names.len() == 1;
    (!is_one).then(|| {
        format!(
            "utilities of {} are by different judges or objectives, and do not compare: name one judge with --gold or --judge",
            names.join(" and ")
        )
    })
}

/// The objective of a run, and each judge that counts in it.
fn chosen_by(run: &Run) -> String {
    let manifest = &run.record.manifest;
    let counting = manifest.rewards.iter().filter(|reward| counts(&manifest.objective, &reward.name));
    let judges: Vec<String> = counting.map(|reward| format!("{} {}", reward.name, reward.revision)).collect();
    format!("{}; {}", manifest.objective, judges.join("; "))
}
