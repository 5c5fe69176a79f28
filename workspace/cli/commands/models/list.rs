//! `editscale models list`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use editscale_models::rewards::editreward::Directory;
use indicatif::DecimalBytes;
use serde_json::{Value, json};

use crate::args::ModelsList;
use crate::commands::models::catalogue::{KNOWN, Kind};
use crate::commands::models::place;
use crate::commands::models::record::Record;
use crate::commands::models::verify::{is_pipeline, verify_headers};
use crate::failure::print;

/// One model, here or not.
struct Row {
    name: String,
    /// `judge` or `editor`.
    kind: &'static str,
    repo: Option<String>,
    base: Option<String>,
    licences: Vec<String>,
    bytes: u64,
    path: Option<PathBuf>,
    state: &'static str,
}

/// The small judge in the program takes about this.
const BUILTIN_BYTES: u64 = 7_200_000;

/// Prints every model that has a name here, and every other one that was pulled.
pub(super) fn run(arguments: &ModelsList) -> Result<ExitCode> {
    let root = place::root()?;
    let mut rows = vec![builtin()];
    rows.extend(KNOWN.iter().map(|known| {
        let (kind, base) = match known.kind {
            Kind::Judge { base } => ("judge", Some(base.to_owned())),
            Kind::Editor { .. } => ("editor", None),
        };
        let row = Row { kind, repo: Some(known.repo.to_owned()), base, ..row(&root, known.name) };
        Row { bytes: if row.bytes == 0 { known.bytes } else { row.bytes }, ..row }
    }));
    rows.extend(others(&root));
    if arguments.json {
        let models: Vec<Value> = rows.iter().map(Row::json).collect();
        print(&serde_json::to_string_pretty(
            &json!({"version": 1, "root": root.display().to_string(), "models": models}),
        )?)?;
    } else {
        rows.iter().try_for_each(|row| print(&row.line()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn builtin() -> Row {
    let is_here = Directory::of(Path::new(Directory::BUILTIN)).is_ok();
    Row {
        name: Directory::BUILTIN.to_owned(),
        kind: "judge",
        repo: None,
        base: None,
        licences: vec!["Apache-2.0".to_owned()],
        bytes: BUILTIN_BYTES,
        path: None,
        state: if is_here { "here" } else { "not in this program" },
    }
}

fn row(root: &Path, name: &str) -> Row {
    let folder = root.join(name);
    let record = Record::read(&folder);
    let state = match folder.is_dir() {
        false => "not here",
        true if verify_headers(&folder).is_ok() => "here",
        true => "incomplete",
    };
    Row {
        name: name.to_owned(),
        kind: if is_pipeline(&folder) { "editor" } else { "judge" },
        repo: record.as_ref().map(|record| record.repo.clone()),
        base: record.as_ref().and_then(|record| record.base.clone()),
        licences: record.map(|record| record.licences).unwrap_or_default(),
        bytes: weigh(&folder),
        path: Some(folder),
        state,
    }
}

/// Folders that were pulled by OWNER/REPO.
fn others(root: &Path) -> Vec<Row> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_other =
        |name: &String| KNOWN.iter().all(|known| known.name != name) && Record::read(&root.join(name)).is_some();
    let mut names: Vec<String> = names.filter(is_other).collect();
    names.sort();
    names.iter().map(|name| row(root, name)).collect()
}

/// What lies in a folder and in those directly below, in bytes.
fn weigh(folder: &Path) -> u64 {
    let entries = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten();
    let below = entries(folder).filter(|entry| entry.path().is_dir()).flat_map(|entry| entries(&entry.path()));
    let facts = entries(folder).chain(below).filter_map(|entry| entry.metadata().ok());
    facts.filter(std::fs::Metadata::is_file).map(|facts| facts.len()).sum()
}

impl Row {
    fn json(&self) -> Value {
        let Self { name, kind, repo, base, licences, bytes, path, state } = self;
        let path = path.as_ref().map(|path| path.display().to_string());
        json!({
            "name": name, "kind": kind, "repo": repo, "base": base, "licences": licences, "bytes": bytes, "path": path,
            "state": state,
        })
    }

    fn line(&self) -> String {
        let path = self.path.as_ref().map_or_else(|| "in the program".to_owned(), |path| path.display().to_string());
        let licence = match self.licences.first() {
            Some(licence) => licence.split_once(": ").map_or(licence.as_str(), |(_, licence)| licence),
            None => "licence: see its card",
        };
        format!("{:<26} {:<12} {:>9}  {licence}  {path}", self.name, self.state, DecimalBytes(self.bytes).to_string())
    }
}
