//! `editscale check FILE…`

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use editscale_config::{Diagnostic, Recipe, Report, Severity};
use editscale_core::Silent;
use serde_json::{Value, json};

use crate::args::Check;
use crate::failure::{print, tell};
use crate::world::{Shared, build};

/// Lists every mistake of every file. Exits with 2 if there is any.
pub(crate) fn run(arguments: &Check) -> Result<ExitCode> {
    let mut files = Vec::new();
    let mut mistakes = 0;
    for path in &arguments.files {
        let (report, bytes) = check(path);
        mistakes += report.count(Severity::Error);
        if arguments.json {
            let list: Vec<Value> = report.diagnostics().iter().map(diagnostic).collect();
            files.push(json!({"file": path, "diagnostics": list}));
        } else if report.is_empty() {
            tell(&format!("{}: good", path.display()));
        } else {
            print(report.render(&path.display().to_string(), &bytes).trim_end())?;
        }
    }
    if arguments.json {
        print(&serde_json::to_string_pretty(&json!({"version": 1, "files": files}))?)?;
    }
    Ok(if mistakes == 0 { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// All that is wrong with one file, what its cards lack included.
fn check(path: &Path) -> (Report, Vec<u8>) {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            let place = editscale_config::Place { line: 1, column: 1, span: 0..0 };
            let message = format!("cannot read the file: {error}");
            let unreadable = Diagnostic { severity: Severity::Error, message, place, hint: None };
            return (Report::new(vec![unreadable]), Vec::new());
        }
    };
    let report = match Recipe::parse(&bytes) {
        Err(report) => report,
        Ok((recipe, warnings)) => {
            let mut all = warnings.diagnostics().to_vec();
            if let Ok(ports) = build(&recipe, &Shared::new(), Arc::new(Silent)) {
                all.extend(recipe.lacks(&ports.cards()));
            }
            Report::new(all)
        }
    };
    (report, bytes)
}

fn diagnostic(diagnostic: &Diagnostic) -> Value {
    json!({
        "severity": diagnostic.severity.word(),
        "line": diagnostic.place.line,
        "column": diagnostic.place.column,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
    })
}
