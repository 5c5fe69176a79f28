//! `editscale models verify DIR`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use editscale_models::rewards::editreward::{Directory, Problem, Verified, VerifyError, verify};
use serde_json::{Value, json};

use crate::args::ModelsVerify;
use crate::commands::models::{catalogue, place};
use crate::failure::{Misuse, print, tell};

/// Lists everything that is wrong with a model directory. Exits with 1 if anything is.
pub(super) fn run(arguments: &ModelsVerify) -> Result<ExitCode> {
    if arguments.dir == Path::new(Directory::BUILTIN) && !arguments.dir.exists() {
        let message = "`builtin` is a part of the program and lies in no folder";
        return Err(Misuse::new(message).hint("`editscale score --model-dir builtin` uses it").into());
    }
    let folder = folder(&arguments.dir)?;
    let verified = verify(&folder);
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

/// A folder, or the one of a model that has a name here.
fn folder(given: &Path) -> Result<PathBuf> {
    let name = given.to_str().filter(|name| catalogue::known(name).is_some() && !given.exists());
    name.map_or_else(|| Ok(given.to_owned()), |name| Ok(place::root()?.join(name)))
}

fn good(verified: &Verified) {
    let types: Vec<String> = verified.types.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let (tensors, parameters, types) = (verified.tensors, verified.parameters, types.join(", "));
    tell(&format!("{}: good: {tensors} tensors ({types}), {parameters} parameters", verified.folder.display()));
    verified.notes.iter().for_each(|note| tell(&format!("note: {note}")));
}

fn json(folder: &Path, verified: &Result<Verified, VerifyError>) -> Value {
    let problem = |problem: &Problem| json!({"file": problem.file, "reason": problem.reason});
    let problems: Vec<Value> =
        verified.as_ref().err().map(|error| &error.problems).into_iter().flatten().map(problem).collect();
    let mut said = json!({"version": 1, "folder": folder, "problems": problems});
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
