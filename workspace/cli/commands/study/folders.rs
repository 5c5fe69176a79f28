//! The run folders at or below a folder.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use editscale_rollout::{Defines as _, Definition};

use crate::failure::Misuse;

/// Folders are looked into this deep: that of a server holds its runs two below.
const DEEPEST: u32 = 5;

/// Why rollouts are not studied.
pub(super) const ROLLOUTS: &str =
    "it holds rollouts of `editscale run`, whose records are rows of Parquet files and not run folders";

/// What lies at or below a folder.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) runs: Vec<PathBuf>,
    /// What `editscale run` wrote.
    pub(super) rollouts: Vec<PathBuf>,
    /// Links to folders, each as deep as it lies, which are followed when all else is looked into.
    links: VecDeque<(PathBuf, u32)>,
    /// The folders that were looked into, of which each is once, however many links lead to it.
    seen: BTreeSet<PathBuf>,
}

/// The run folders at or below a folder, in the order of their paths; at least one.
pub(super) fn run_folders(dir: &Path) -> Result<Looked> {
    let shown = dir.display();
    if !dir.is_dir() {
        return Err(Misuse::new(format!("{shown} is not a folder")).into());
    }
    let mut found = Looked::default();
    found.links.push_back((dir.to_owned(), 0));
    while let Some((dir, depth)) = found.links.pop_front() {
        look(&dir, depth, &mut found).map_err(|error| Misuse::new(format!("cannot look into {shown}: {error}")))?;
    }
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
    if !found.seen.insert(fs::canonicalize(dir)?) {
        return Ok(());
    }
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
    below.retain(|path| path.is_dir());
    below.sort();
    let (links, folders): (Vec<PathBuf>, Vec<PathBuf>) = below.into_iter().partition(|path| path.is_symlink());
    found.links.extend(links.into_iter().map(|link| (link, depth + 1)));
    folders.iter().try_for_each(|path| look(path, depth + 1, found))
}
