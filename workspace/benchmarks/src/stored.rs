//! Judged cases on disk: a folder with a line for each case, and beside it what made them.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::{FORMAT, JudgedCase, JudgedHead};

/// The lines of a judged folder.
pub const JUDGED: &str = "judged.jsonl";
/// What made them.
pub const JUDGED_HEAD: &str = "judged.jsonl.judge.json";

/// Why a folder is not one of judged cases.
#[derive(Debug, Error)]
pub enum StoredError {
    /// The system refused.
    #[error("cannot read {}: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not what `editscale bench` writes.
    #[error("{}: expected what `editscale bench` writes: {reason}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Where, and what was found.
        reason: String,
    },
    /// A file of another version.
    #[error("{}: expected version {FORMAT}, found {found}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
}

/// Whether a path is a folder of judged cases.
pub fn is_judged(folder: &Path) -> bool {
    folder.join(JUDGED).is_file()
}

/// Reads a folder that `editscale bench` wrote with `--out`. A last line that was cut off when its writer died is left out.
pub fn read_judged(folder: &Path) -> Result<(JudgedHead, Vec<JudgedCase>), StoredError> {
    let head_path = folder.join(JUDGED_HEAD);
    let bytes = std::fs::read(&head_path).map_err(|source| StoredError::Disk { path: head_path.clone(), source })?;
    let head: JudgedHead = serde_json::from_slice(&bytes)
        .map_err(|error| StoredError::Foreign { path: head_path.clone(), reason: error.to_string() })?;
    if head.version != FORMAT {
        return Err(StoredError::Version { path: head_path, found: head.version });
    }
    let path = folder.join(JUDGED);
    let failed = |source| StoredError::Disk { path: path.clone(), source };
    let mut lines = BufReader::new(File::open(&path).map_err(failed)?);
    let (mut cases, mut line) = (Vec::new(), Vec::new());
    while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
        match serde_json::from_slice(&line) {
            Ok(case) => cases.push(case),
            Err(_) if !line.ends_with(b"\n") => break,
            Err(error) => {
                let reason = format!("line {}: {error}", cases.len() + 1);
                return Err(StoredError::Foreign { path, reason });
            }
        }
        line.clear();
    }
    Ok((head, cases))
}
