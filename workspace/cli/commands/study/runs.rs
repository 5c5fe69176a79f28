//! The runs that are studied: found in folders, read, and put into groups.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use editscale_core::{Ending, Outcome};
use editscale_engine::{RunRecord, digest_of, read_run};
use editscale_rollout::{Defines as _, Definition};
use serde::Serialize;

use super::naming::{Naming, names};
use crate::args::Study;
use crate::failure::Misuse;

/// Folders are looked into this deep: that of a server holds its runs two below.
const DEEPEST: u32 = 5;

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
#[derive(Debug, Clone, Serialize)]
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
    let (mut by_recipe, mut seen) = (BTreeMap::new(), BTreeSet::new());
    for (name, dir) in named.chain(bare) {
        let Looked { runs, rollouts } = run_folders(dir)?;
        let left_out = |path: PathBuf| LeftOut { run: path.display().to_string(), why: ROLLOUTS.to_owned() };
        found.left_out.extend(rollouts.into_iter().map(left_out));
        for path in runs {
            if seen.insert(fs::canonicalize(&path).unwrap_or_else(|_| path.clone())) {
                found.take(name, path, &mut by_recipe);
            }
        }
    }
    if found.runs.is_empty() {
        let why: Vec<String> =
            found.left_out.iter().take(5).map(|left| format!("{}: {}", left.run, left.why)).collect();
        let why = if why.is_empty() { String::new() } else { format!("; {}", why.join("; ")) };
        let misuse = Misuse::new(format!("there is no finished run to study{why}"));
        return Err(misuse.hint("give folders that `edit --run-dir`, `pool` or `serve` wrote").into());
    }
    found.finish();
    Ok(found)
}

/// Why rollouts are not studied.
const ROLLOUTS: &str =
    "it holds rollouts of `editscale run`, whose records are rows of Parquet files and not run folders";

/// What lies at or below a folder.
#[derive(Default)]
struct Looked {
    runs: Vec<PathBuf>,
    /// What `editscale run` wrote.
    rollouts: Vec<PathBuf>,
}

/// The run folders at or below a folder, in the order of their paths; at least one.
fn run_folders(dir: &Path) -> Result<Looked> {
    let shown = dir.display();
    if !dir.is_dir() {
        return Err(Misuse::new(format!("{shown} is not a folder")).into());
    }
    let mut found = Looked::default();
    look(dir, 0, &mut found).map_err(|error| Misuse::new(format!("cannot look into {shown}: {error}")))?;
    match (found.runs.first(), found.rollouts.first()) {
        (Some(_), _) => Ok(found),
        (None, Some(rollouts)) => {
            let misuse = Misuse::new(format!("cannot study {}: {ROLLOUTS}", rollouts.display()));
            Err(misuse
                .hint(
                    "`editscale pool DATASET --recipe FILE --edits N --out DIR` makes a run folder for each row of the same data set; \
                     `study DIR` reads them",
                )
                .into())
        }
        (None, None) => {
            let misuse = Misuse::new(format!("there is no run in {shown}: no folder with `run.json`"));
            Err(misuse.hint("give folders that `edit --run-dir`, `pool` or `serve` wrote").into())
        }
    }
}

/// Folders of rollouts are not looked into: what is under way in them is no run of its own.
fn look(dir: &Path, depth: u32, found: &mut Looked) -> std::io::Result<()> {
    if dir.join("run.json").is_file() {
        found.runs.push(dir.to_owned());
        return Ok(());
    }
    if dir.join(Definition::FILE).is_file() {
        found.rollouts.push(dir.to_owned());
        return Ok(());
    }
    if depth == DEEPEST {
        return Ok(());
    }
    let mut below: Vec<PathBuf> =
        fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    below.sort();
    below.iter().filter(|path| path.is_dir() && !path.is_symlink()).try_for_each(|path| look(path, depth + 1, found))
}

impl Found {
    fn take(&mut self, name: Option<&str>, path: PathBuf, by_recipe: &mut BTreeMap<String, usize>) {
        let mut leave_out = |why: String| self.left_out.push(LeftOut { run: path.display().to_string(), why });
        let mut record = match read_run(&path) {
            Ok(record) => record,
            Err(error) => return leave_out(error.to_string()),
        };
        let outcome = match record.outcome.take() {
            None => return leave_out("it is not finished: go on with it by `editscale edit --resume`".to_owned()),
            Some(outcome) if outcome.ending == Ending::Cancelled => {
                return leave_out(
                    "it was stopped before its end: go on with it by `editscale edit --resume`".to_owned(),
                );
            }
            Some(outcome) => outcome,
        };
        let recipe = digest_of(record.manifest.resolved_recipe.as_bytes()).to_string();
        let known = match name {
            Some(name) => self.groups.iter().position(|group| group.naming.given.as_deref() == Some(name)),
            None => by_recipe.get(&recipe).copied(),
        };
        let group = known.unwrap_or_else(|| self.begin(name, &record));
        if name.is_none() {
            by_recipe.insert(recipe.clone(), group);
        }
        if let Some(group) = self.groups.get_mut(group) {
            group.searches.insert(record.manifest.search.clone());
            group.objectives.insert(record.manifest.objective.clone());
            group.recipes.insert(recipe);
            group.naming.holds(&path);
        }
        self.runs.push(Run { path, group, record, outcome });
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
