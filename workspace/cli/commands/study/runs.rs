//! The runs that are studied: found in folders, read, and put into groups.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use editscale_core::{Digest, Ending, Outcome};
use editscale_engine::{RunRecord, digest_of, read_run};
use serde::Serialize;

use super::folders::{Looked, ROLLOUTS, run_folders};
use super::naming::{Naming, names};
use super::whole::fault;
use crate::args::Study;
use crate::failure::Misuse;

/// A finished run.
pub(super) struct Run {
    pub(super) path: PathBuf,
    /// Its group, by place.
    pub(super) group: usize,
    pub(super) record: RunRecord,
    pub(super) outcome: Outcome,
}

/// What the runs of a group have in common.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Group {
    pub(super) name: String,
    /// The policies, with the versions of their rules.
    pub(super) searches: BTreeSet<String>,
    pub(super) objectives: BTreeSet<String>,
    /// The digests of their resolved recipes.
    pub(super) recipes: BTreeSet<String>,
    pub(super) runs: usize,
    /// Different requests among them.
    pub(super) requests: usize,
    #[serde(skip)]
    naming: Naming,
}

/// A run that is not studied.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct LeftOut {
    pub(super) run: String,
    pub(super) why: String,
}

/// All that was found.
pub(super) struct Found {
    pub(super) groups: Vec<Group>,
    pub(super) runs: Vec<Run>,
    pub(super) left_out: Vec<LeftOut>,
}

/// Reads all runs that the command line names.
pub(super) fn find(arguments: &Study) -> Result<Found> {
    let named = arguments.group.iter().map(|(name, dir)| (Some(name.as_str()), dir));
    let bare = arguments.dirs.iter().map(|dir| (None, dir));
    let mut found = Found { groups: Vec::new(), runs: Vec::new(), left_out: Vec::new() };
    let mut known = Known::default();
    for (name, dir) in named.chain(bare) {
        let Looked { runs, rollouts, .. } = run_folders(dir)?;
        rollouts.iter().for_each(|path| found.leave_out(path, ROLLOUTS));
        runs.into_iter().for_each(|path| found.take(name, path, &mut known));
    }
    if found.runs.is_empty() {
        let misuse = Misuse::new(format!("there is no finished run to study{}", found.reasons(|_| true)));
        return Err(misuse.hint("give folders that `edit --run-dir`, `pool` or `serve` wrote").into());
    }
    arguments.group.iter().try_for_each(|(name, dir)| found.refuse_empty(name, dir))?;
    found.finish();
    Ok(found)
}

/// What is known of the runs that are studied, so that none counts twice.
#[derive(Default)]
struct Known {
    /// The group of each resolved recipe.
    by_recipe: BTreeMap<String, usize>,
    /// The group of each folder.
    by_folder: BTreeMap<PathBuf, usize>,
    /// Where each first was, by the digest of its files.
    by_files: BTreeMap<Digest, PathBuf>,
}

/// What tells a run from every other: what it is a run of, and when what happened in it.
fn files(run: &Path) -> std::io::Result<Digest> {
    let [manifest, journal] = ["run.json", "journal.jsonl"].map(|file| fs::read(run.join(file)));
    Ok(digest_of(&[manifest?, journal?].concat()))
}

impl Found {
    fn leave_out(&mut self, run: &Path, why: impl Into<String>) {
        let left = LeftOut { run: run.display().to_string(), why: why.into() };
        if !self.left_out.contains(&left) {
            self.left_out.push(left);
        }
    }

    /// Why runs are left out, of the first few of those that are asked about; for the end of a sentence.
    pub(super) fn reasons(&self, is_asked: impl Fn(&LeftOut) -> bool) -> String {
        let asked = self.left_out.iter().filter(|left| is_asked(left));
        asked.take(5).map(|left| format!("; {}: {}", left.run, left.why)).collect()
    }

    /// Refuses a group of which nothing is studied.
    fn refuse_empty(&self, name: &str, dir: &Path) -> Result<()> {
        if self.groups.iter().any(|group| group.naming.given.as_deref() == Some(name)) {
            return Ok(());
        }
        let why = self.reasons(|left| Path::new(&left.run).starts_with(dir));
        Err(Misuse::new(format!("group {name} has no run to study{why}")).into())
    }

    fn take(&mut self, name: Option<&str>, path: PathBuf, known: &mut Known) {
        let folder = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if let Some(group) = known.by_folder.get(&folder) {
            let given = self.groups.get(*group).and_then(|group| group.naming.given.clone());
            if let (Some(given), Some(_)) = (given.filter(|given| Some(&**given) != name), name) {
                self.leave_out(&path, format!("it is in group {given} already"));
            }
            return;
        }
        match finished(&path, known) {
            Err(why) => self.leave_out(&path, why),
            Ok((record, outcome)) => {
                let group = self.group_of(name, &record, known);
                if let Some(group) = self.groups.get_mut(group) {
                    group.naming.holds(&path);
                }
                known.by_folder.insert(folder, group);
                self.runs.push(Run { path, group, record, outcome });
            }
        }
    }

    /// The group that a run is of, which is told what it has of it.
    fn group_of(&mut self, name: Option<&str>, record: &RunRecord, known: &mut Known) -> usize {
        let recipe = digest_of(record.manifest.resolved_recipe.as_bytes()).to_string();
        let found = match name {
            Some(name) => self.groups.iter().position(|group| group.naming.given.as_deref() == Some(name)),
            None => known.by_recipe.get(&recipe).copied(),
        };
        let place = found.unwrap_or_else(|| self.begin(name, record));
        if name.is_none() {
            known.by_recipe.insert(recipe.clone(), place);
        }
        if let Some(group) = self.groups.get_mut(place) {
            group.searches.insert(record.manifest.search.clone());
            group.objectives.insert(record.manifest.objective.clone());
            group.recipes.insert(recipe);
        }
        place
    }

    /// A new group: of this name, or without one until all runs are read.
    fn begin(&mut self, name: Option<&str>, record: &RunRecord) -> usize {
        let search = &record.manifest.search;
        let end = search.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_').unwrap_or(search.len());
        let policy = search.get(..end).filter(|word| !word.is_empty()).unwrap_or("recipe").to_owned();
        self.groups.push(Group {
            naming: Naming { given: name.map(ToOwned::to_owned), policy, folder: None },
            ..Group::default()
        });
        self.groups.len() - 1
    }

    /// Names the groups, and counts what is in them.
    fn finish(&mut self) {
        let naming: Vec<Naming> = self.groups.iter().map(|group| group.naming.clone()).collect();
        self.groups.iter_mut().zip(names(&naming)).for_each(|(group, name)| group.name = name);
        for (place, group) in self.groups.iter_mut().enumerate() {
            let own = || self.runs.iter().filter(|run| run.group == place);
            group.runs = own().count();
            group.requests = own().map(Run::request).collect::<BTreeSet<String>>().len();
        }
    }
}

/// A run that has ended and is whole, or why it is not studied.
fn finished(path: &Path, known: &mut Known) -> Result<(RunRecord, Outcome), String> {
    let mut record = read_run(path).map_err(|error| error.to_string())?;
    let outcome =
        record.outcome.take().ok_or("it is not finished: go on with it by `editscale edit --resume`".to_owned())?;
    if outcome.ending == Ending::Cancelled {
        return Err("it was stopped before its end: go on with it by `editscale edit --resume`".to_owned());
    }
    if let Some(fault) = fault(&record, &outcome) {
        return Err(fault);
    }
    let files = files(path).map_err(|error| error.to_string())?;
    if let Some(first) = known.by_files.get(&files) {
        return Err(format!("it is a copy of the run in {}", first.display()));
    }
    known.by_files.insert(files, path.to_owned());
    Ok((record, outcome))
}

impl Run {
    /// What was asked for, by which runs are paired: the source's bytes, the instruction, mask and size.
    pub(super) fn request(&self) -> String {
        let request = &self.record.manifest.request;
        let mask = request.mask.as_ref().map_or_else(String::new, |mask| mask.digest().to_string());
        let size = request.output_size.map_or_else(String::new, |size| size.to_string());
        format!("{} {mask} {size} {}", request.source.digest(), request.instruction)
    }

    /// What was asked for, as people say it.
    pub(super) fn label(&self) -> String {
        let manifest = &self.record.manifest;
        format!("{}: {}", manifest.source_name, manifest.request.instruction)
    }
}
