//! `editscale models verify DIR`

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use editscale_models::editors::{self, CLASSES, Depth, PipelineClass};
use editscale_models::rewards::editreward::{self, Directory};
use editscale_models::verify::{Problem, Verified, VerifyError};
use serde_json::{Value, json};

use crate::args::ModelsVerify;
use crate::commands::models::catalogue::{self, Kind};
use crate::commands::models::place;
use crate::failure::{Misuse, print, tell};

/// Lists everything that is wrong with a model directory. Exits with 1 if anything is.
pub(super) fn run(arguments: &ModelsVerify) -> Result<ExitCode> {
    if arguments.dir == Path::new(Directory::BUILTIN) && !arguments.dir.exists() {
        let message = "`builtin` is a part of the program and lies in no folder";
        return Err(Misuse::new(message).hint("`editscale score --model-dir builtin` uses it").into());
    }
    let known = known(&arguments.dir);
    let folder = match known {
        Some(known) => place::root()?.join(known.name),
        None => arguments.dir.clone(),
    };
    let is_editor = known.is_some_and(|known| matches!(known.kind, Kind::Editor { .. }));
    let verified =
        if is_editor || is_pipeline(&folder) { editors::verify(&folder) } else { editreward::verify(&folder) };
    if arguments.json {
        print(&serde_json::to_string_pretty(&json(&folder, &verified))?)?;
    } else {
        match &verified {
            Ok(verified) => good(verified),
            Err(error) => error.problems.iter().try_for_each(|problem| print(&problem.to_string()))?,
        }
    }
    Ok(if verified.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The model that a name stands for, unless there is something of that name here.
fn known(given: &Path) -> Option<catalogue::Known> {
    given.to_str().filter(|_| !given.exists()).and_then(catalogue::known)
}

/// Looks at headers and small files of whatever model a folder holds.
pub(super) fn verify_headers(folder: &Path) -> Result<Verified, VerifyError> {
    if is_pipeline(folder) { editors::verify_to(folder, Depth::Headers) } else { editreward::verify(folder) }
}

/// Whether a folder holds a pipeline, or what is left of one.
pub(super) fn is_pipeline(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).exists();
    let mut components = CLASSES.iter().flat_map(|class| class.components());
    has(PipelineClass::INDEX) || (!has("config.json") && components.any(|component| has(component.name)))
}

fn good(verified: &Verified) {
    let types: Vec<String> = verified.types.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let (tensors, parameters, types) = (verified.tensors, verified.parameters, types.join(", "));
    tell(&format!("{}: good: {tensors} tensors ({types}), {parameters} parameters", verified.folder.display()));
    verified.notes.iter().for_each(|note| tell(&format!("note: {note}")));
}

fn json(folder: &Path, verified: &Result<Verified, VerifyError>) -> Value {
    let problem = |problem: &Problem| json!({"file": problem.file.display().to_string(), "reason": problem.reason});
    let problems: Vec<Value> =
        verified.as_ref().err().map(|error| &error.problems).into_iter().flatten().map(problem).collect();
    let mut said = json!({"version": 1, "folder": folder.display().to_string(), "problems": problems});
    if let Ok(Verified { tensors, parameters, vocabulary, types, notes, .. }) = verified {
        let facts = [
            ("tensors", json!(tensors)),
            ("parameters", json!(parameters)),
            ("vocabulary", json!(vocabulary)),
            ("types", json!(types)),
            ("notes", json!(notes)),
        ];
        facts.into_iter().for_each(|(key, fact)| said[key] = fact);
    }
    said
}
