//! The export as a whole: a folder, and which of its shards are there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::passing::file_error;
use super::shard::{ShardPlace, ShardWriter};
use super::{ExportError, ExportRules};
use crate::queue::Spent;

/// The format of a shard's files and its summary, with its version.
pub(super) const FORMAT: &str = "editscale-rollouts/1";

/// An export to a folder.
#[derive(Debug)]
pub struct Exporter {
    out: PathBuf,
    rules: ExportRules,
    next: u64,
}

/// What a shard holds. It is written when all else of the shard is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShardSummary {
    /// `editscale-rollouts/1`.
    pub format: String,
    /// The shard's number, from 0.
    pub shard: u64,
    /// The first item's ordinal.
    pub first: u64,
    /// How many items it has, of whatever end.
    pub items: u64,
    /// Groups that were made.
    pub groups: u64,
    /// Groups whose rewards do not differ.
    pub flat: u64,
    /// Rows that could not be used.
    pub skipped: u64,
    /// Items that were given up.
    pub dead: u64,
    /// Candidates of all groups.
    pub candidates: u64,
    /// Candidates that have a reward.
    pub scored: u64,
    /// Candidates without a picture.
    pub failed: u64,
    /// What was spent on all items.
    pub spent: Spent,
    /// Its files.
    pub files: Vec<ShardFile>,
    /// What it was written by.
    pub rules: ExportRules,
}

/// One file of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardFile {
    /// Where it lies in the export.
    pub path: String,
    /// Rows, samples or trajectories in it.
    pub rows: u64,
    /// How long it is.
    pub bytes: u64,
    /// Its digest, 64 hexadecimal digits.
    pub blake3: String,
}

impl Exporter {
    /// The export at `out`, which is made if it is not there. What is there must have been written by the same rules.
    pub fn open(out: &Path, rules: ExportRules) -> Result<Self, ExportError> {
        check(&rules)?;
        fs::create_dir_all(out).map_err(|source| file_error(out, source))?;
        let mut exporter = Self { out: out.to_owned(), rules, next: 0 };
        exporter.next = exporter.next_shard();
        if let Some(last) = exporter.next.checked_sub(1) {
            exporter.check_rules(last)?;
        }
        Ok(exporter)
    }

    fn check_rules(&self, shard: u64) -> Result<(), ExportError> {
        let path = self.place(shard).summary();
        let summary = read_summary(&path)?;
        if summary.rules == self.rules {
            return Ok(());
        }
        let (found, expected) = (said(&summary.rules), said(&self.rules));
        Err(ExportError::OtherRules { path, found, expected })
    }

    fn place(&self, shard: u64) -> ShardPlace {
        ShardPlace { out: self.out.clone(), stem: format!("{}-{shard:05}", self.rules.name), shard }
    }

    /// The first shard that is not written.
    pub fn next_shard(&self) -> u64 {
        let mut next = self.next;
        while self.place(next).summary().is_file() {
            next += 1;
        }
        next
    }

    /// Begins the first shard that is not written, from its beginning.
    pub fn begin(&mut self) -> Result<ShardWriter, ExportError> {
        self.next = self.next_shard();
        ShardWriter::begin(self.place(self.next), self.rules.clone())
    }
}

fn said(rules: &ExportRules) -> String {
    serde_json::to_string(rules).unwrap_or_else(|_| format!("{rules:?}"))
}

fn check(rules: &ExportRules) -> Result<(), ExportError> {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let name = &rules.name;
    let is_good = !name.is_empty() && name.len() <= 100 && !name.starts_with('.') && name.chars().all(is_plain);
    let refuse = |field, found, expected| Err(ExportError::Rules { field, found, expected });
    if !is_good {
        return refuse("the name", format!("`{}`", name.escape_debug()), "letters, digits, `-`, `_` and dots inside");
    }
    if rules.groups_per_shard == 0 {
        return refuse("the number of groups in a shard", "0".to_owned(), "at least 1");
    }
    if rules.rows_per_row_group == 0 {
        return refuse("the number of rows in a row group", "0".to_owned(), "at least 1");
    }
    let numbers = [rules.pairs.map(|pairs| pairs.margin), rules.pairs.and_then(|pairs| pairs.z_margin)];
    if let Some(wrong) = numbers.into_iter().flatten().find(|margin| !(margin.is_finite() && *margin >= 0.0)) {
        return refuse("a margin of pairs", wrong.to_string(), "a finite number from 0");
    }
    match rules.sft.map(|sft| sft.temperature).filter(|beta| !(beta.is_finite() && *beta > 0.0)) {
        Some(wrong) => refuse("the temperature of weights", wrong.to_string(), "a finite number above 0"),
        None => Ok(()),
    }
}

/// Reads the summary of a shard.
pub fn read_summary(path: &Path) -> Result<ShardSummary, ExportError> {
    let failed = |reason: String| ExportError::Summary { path: path.to_owned(), reason };
    let text = fs::read(path).map_err(|error: io::Error| failed(error.to_string()))?;
    let summary: ShardSummary = serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
    if summary.format == FORMAT {
        Ok(summary)
    } else {
        Err(failed(format!("its format is `{}`: expected `{FORMAT}`", summary.format)))
    }
}
