//! The folder of a pool: what it is a pool of, how it was split, and a run directory for every request.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use editscale_engine::write_whole;
use serde::{Deserialize, Serialize};

use crate::failure::Misuse;
use crate::sharing::make_folder;

/// What decides a pool. Another one needs a folder of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) version: u32,
    /// The digest of the data set's rows.
    pub(super) dataset: String,
    /// The recipe with every default spelled out.
    pub(super) recipe: String,
    pub(super) seed: u64,
    /// The edits of all requests together.
    pub(super) edits: u64,
    /// The edits that each is probed with.
    pub(super) probe: u64,
}

/// What one request may spend, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Share {
    /// Its row in the data set, from 0.
    pub(super) row: u64,
    pub(super) id: String,
    /// The edits that its probe took.
    pub(super) probed: u64,
    /// What the probe's candidates were worth.
    pub(super) utilities: Vec<f64>,
    /// The edits that it may take in all.
    pub(super) edits: u64,
    /// How many of these it left, so that others got them.
    #[serde(default)]
    pub(super) returned: u64,
}

/// How a pool is split: the form of `split.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Split {
    pub(super) version: u32,
    /// Whether nobody gets any more.
    #[serde(rename = "settled", default)]
    pub(super) is_settled: bool,
    pub(super) requests: Vec<Share>,
}

impl Split {
    /// One of which nobody has used anything.
    pub(super) fn new(requests: Vec<Share>) -> Self {
        Self { version: VERSION, is_settled: false, requests }
    }

    /// How many edits a row may take in all; nothing where it has no share.
    pub(super) fn edits(&self, row: u64) -> Option<u64> {
        self.requests.iter().find(|share| share.row == row).map(|share| share.edits)
    }
}

/// The version of the files of a pool.
pub(super) const VERSION: u32 = 1;

/// The folder of a pool.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// The folder at a path, for a pool of these terms; made where it is not there.
    pub(super) fn enter(path: &Path, terms: &Terms) -> Result<Self> {
        make_folder(&path.join("runs"))?;
        let file = path.join("pool.json");
        match fs::read(&file) {
            Ok(text) => {
                let found: Terms =
                    serde_json::from_slice(&text).with_context(|| format!("cannot read {}", file.display()))?;
                check_same(path, &found, terms)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                write_whole(&file, &serde_json::to_vec_pretty(terms)?)?;
            }
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
        Ok(Self(path.to_owned()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The run directory of a row.
    pub(super) fn run(&self, row: u64) -> PathBuf {
        self.0.join("runs").join(format!("{row:08}"))
    }

    /// How the pool was split; nothing before it was. A split that comes to more than the pool is none.
    pub(super) fn split(&self, terms: &Terms) -> Result<Option<Split>> {
        let file = self.0.join("split.json");
        match fs::read(&file) {
            Ok(text) => {
                let split: Split =
                    serde_json::from_slice(&text).with_context(|| format!("cannot read {}", file.display()))?;
                check_split(&split.requests, terms)
                    .map_err(|wrong| Misuse::new(format!("{}: {wrong}", file.display())).hint(PUT_BACK))?;
                Ok(Some(split))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }

    pub(super) fn write_split(&self, split: &Split) -> Result<()> {
        Ok(write_whole(&self.0.join("split.json"), &serde_json::to_vec_pretty(split)?)?)
    }
}

/// What can be done about a split that is none.
const PUT_BACK: &str = "put it back as it was: nothing else says who got how much";

/// Whether this is how a pool can have been split: each request with its probe at least, and what all get beyond that within
/// what the probes left.
fn check_split(shares: &[Share], terms: &Terms) -> Result<(), String> {
    let mut rows = BTreeSet::new();
    let (mut probed, mut further) = (0, 0);
    for Share { row, probed: own, edits, returned, .. } in shares {
        let least = terms.probe.max(*own);
        let more = edits
            .checked_sub(least)
            .ok_or_else(|| format!("row {row} gets {edits} edits: expected {least} or more"))?;
        let more = more
            .checked_sub(*returned)
            .ok_or_else(|| format!("row {row} left {returned} edits: expected at most {more}"))?;
        if !rows.insert(*row) {
            return Err(format!("row {row} has two shares"));
        }
        (probed, further) = (u64::saturating_add(probed, *own), u64::saturating_add(further, more));
    }
    if u64::saturating_add(probed, further) <= terms.edits {
        return Ok(());
    }
    Err(format!("the shares come to {further} edits after {probed} of the probes, and the pool is {}", terms.edits))
}

fn check_same(path: &Path, found: &Terms, terms: &Terms) -> Result<()> {
    let differs = [
        ("version", found.version != terms.version),
        ("data set", found.dataset != terms.dataset),
        ("recipe", found.recipe != terms.recipe),
        ("--seed", found.seed != terms.seed),
        ("--edits", found.edits != terms.edits),
        ("--probe", found.probe != terms.probe),
    ];
    if let Some((what, _)) = differs.into_iter().find(|(_, differs)| *differs) {
        let message =
            format!("{} holds a pool with another {what}: a pool is gone on with as it was begun", path.display());
        bail!(Misuse::new(message).hint("give another --out"));
    }
    Ok(())
}
