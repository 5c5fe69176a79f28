//! `editscale check FILE…`

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use editscale_config::{Diagnostic, JudgeRecipe, Place, Recipe, Report, Reward, Severity};
use editscale_core::{Cards, CriticCard, RewardCard};
use editscale_schema::House;
use serde_json::json;

use crate::args::Check;
use crate::bounded;
use crate::catalogue::catalogue;
use crate::failure::{USAGE, print, tell};
use crate::recipes::{self, LARGEST};
use crate::words::diagnostics;
use crate::world::{backend, misfit, working_critic, working_reward};

/// Lists every mistake of every file. Exits with 2 if there is any.
pub(crate) fn run(arguments: &Check) -> Result<ExitCode> {
    let mut files = Vec::new();
    let mut mistakes = 0;
    let mut was_long = false;
    for (index, path) in arguments.files.iter().enumerate() {
        let checked = check(path);
        let report = &checked.report;
        mistakes += report.count(Severity::Error);
        if arguments.json {
            let (list, left_out) = (diagnostics(report), report.left_out());
            let only_judges = checked.only_judges;
            let file = path.display().to_string();
            files.push(json!({"file": file, "diagnostics": list, "left_out": left_out, "only_judges": only_judges}));
            continue;
        }
        if index > 0 && (was_long || !report.is_empty()) {
            print("")?;
        }
        was_long = !report.is_empty();
        tell_of(&path.display().to_string(), &checked)?;
    }
    if arguments.json {
        print(&serde_json::to_string_pretty(&json!({"version": 1, "files": files}))?)?;
    }
    Ok(if mistakes == 0 { ExitCode::SUCCESS } else { ExitCode::from(USAGE) })
}

/// What was found in one file.
struct Checked {
    report: Report,
    bytes: Vec<u8>,
    /// Whether it has no editor and no search, and can be used without.
    only_judges: bool,
}

/// Prints what was found in one file, and tells whether it can be used.
fn tell_of(name: &str, checked: &Checked) -> Result<()> {
    let Checked { report, bytes, only_judges } = checked;
    if bytes.is_empty() {
        // There is no text to point into.
        report.diagnostics().iter().try_for_each(|found| {
            let hint = found.hint.as_ref().map_or_else(String::new, |hint| format!("\n  = hint: {hint}"));
            print(&format!("{}: {name}: {}{hint}", found.severity.word(), found.message))
        })?;
    } else if !report.is_empty() {
        print(report.render(name, bytes).trim_end())?;
    }
    if !report.has_errors() {
        let good = if *only_judges { "good to judge with, without an editor" } else { "good" };
        tell(&match report.count(Severity::Warning) {
            0 => format!("{name}: {good}"),
            1 => format!("{name}: {good}, 1 warning"),
            warnings => format!("{name}: {good}, {warnings} warnings"),
        });
    }
    Ok(())
}

/// What is wrong with editors, rewards and critics, and what they lack for the search. What servers can do is known without their
/// secrets, which a machine that only checks need not have; a model that is not there cannot be asked, and a program that was not
/// started neither: what the others lack is told all the same.
fn usable(recipe: &Recipe) -> Vec<Diagnostic> {
    let house = House::default();
    let (mut editors, mut wrong) = (Vec::new(), Vec::new());
    for editor in recipe.editors() {
        if editor.model.is_program() {
            wrong.push(not_started(recipe.editor_place(editor), editor.model.kind(), editor.model.missing_program()));
            continue;
        }
        match backend(editor, &house) {
            Ok(editor) => editors.push(editor.card().clone()),
            Err(error) => wrong.push(unusable(recipe.editor_place(editor), editor.model.remote().is_some(), &error)),
        }
    }
    let place = |index| recipe.place(&format!("rewards.{index}.model"));
    let (rewards, unusable) = usable_rewards(recipe.rewards(), place, &house);
    wrong.extend(unusable);
    let (critics, unusable) = usable_critics(recipe, &house);
    wrong.extend(unusable);
    let known = (editors.len(), rewards.len(), critics.len());
    let all_are_known = known == (recipe.editors().len(), recipe.rewards().len(), recipe.critics().len());
    let cards = Cards { editors, rewards, critics };
    if all_are_known {
        wrong.extend(recipe.lacks(&cards));
        wrong.extend(recipe.notes(&cards));
    } else {
        wrong.extend(recipe.lacks_of_known(&cards));
    }
    wrong.extend(recipe.unreachable(&cards));
    wrong
}

/// The cards of the rewards that can be made, and what is wrong with the others.
fn usable_rewards(all: &[Reward], place: impl Fn(usize) -> Place, house: &House) -> (Vec<RewardCard>, Vec<Diagnostic>) {
    let (mut rewards, mut wrong) = (Vec::new(), Vec::new());
    for (index, one) in all.iter().enumerate() {
        let place = place(index);
        if one.model.is_program() {
            wrong.push(not_started(place, one.model.kind(), one.model.missing_program()));
            continue;
        }
        match working_reward(one, house) {
            Ok(working) => {
                wrong.extend(misfit(one, working.port.card()).map(|message| warning(place, message)));
                rewards.push(working.port.card().clone());
            }
            Err(error) => {
                wrong.push(unusable(place, one.model.remote().is_some(), &error));
            }
        }
    }
    (rewards, wrong)
}

/// The cards of the critics that can be made, and what is wrong with the others.
fn usable_critics(recipe: &Recipe, house: &House) -> (Vec<CriticCard>, Vec<Diagnostic>) {
    let (mut critics, mut wrong) = (Vec::new(), Vec::new());
    for (index, one) in recipe.critics().iter().enumerate() {
        match working_critic(one, house) {
            Ok(port) => critics.push(port.card().clone()),
            Err(error) => {
                let place = recipe.place(&format!("critics.{index}.model"));
                wrong.push(unusable(place, one.model.remote().is_some(), &error));
            }
        }
    }
    (critics, wrong)
}

fn warning(place: Place, message: String) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, message, place, hint: None }
}

/// A program of its own, which nothing but work starts; and whether it could be.
fn not_started(place: Place, kind: &str, missing: Option<String>) -> Diagnostic {
    if let Some(program) = missing {
        let place_of_it = if program.contains('/') { "" } else { " in one of the folders of PATH" };
        let message =
            format!("the program `{program}` of the `{kind}` is not there: expected an executable file{place_of_it}");
        let hint = Some("paths are from the folder in which editscale runs".to_owned());
        return Diagnostic { severity: Severity::Warning, message, place, hint };
    }
    let message = format!("the `{kind}` was not started: what it can do is known once it runs");
    let hint = Some("`editscale doctor --recipe FILE` starts it and says whether it answers".to_owned());
    Diagnostic { severity: Severity::Warning, message, place, hint }
}

/// One that cannot be made: by what the recipe says where it is behind HTTP, otherwise by what this machine has.
fn unusable(place: Place, is_remote: bool, error: &anyhow::Error) -> Diagnostic {
    let severity = if is_remote { Severity::Error } else { Severity::Warning };
    let hint = (!is_remote).then(|| "whether the search can use it was not checked".to_owned());
    Diagnostic { severity, message: format!("{error:#}").replace(['\n', '\r'], " "), place, hint }
}

/// All that is wrong with one file, what its cards lack included.
fn check(path: &Path) -> Checked {
    let built_in = path.to_str().and_then(recipes::built_in).map(|text| Ok(text.as_bytes().to_vec()));
    let bytes = match built_in.unwrap_or_else(|| bounded::read(path, LARGEST)) {
        Ok(bytes) => bytes,
        Err(error) => {
            let place = Place { line: 1, column: 1, span: 0..0 };
            let message = format!("cannot read the file: {error}");
            let unreadable = Diagnostic { severity: Severity::Error, message, place, hint: None };
            return Checked { report: Report::new(vec![unreadable]), bytes: Vec::new(), only_judges: false };
        }
    };
    let folder = recipes::folder_of(path);
    let (report, only_judges) = match recipes::with_files(Recipe::parse(&bytes, &catalogue()), folder) {
        Ok((recipe, warnings)) => (with(&warnings, usable(&recipe.without_secrets())), false),
        Err(report) => match recipes::only_judges(&bytes) {
            Some(right) => (checked_judges(right, folder), true),
            None => (nearest(report, &bytes), false),
        },
    };
    Checked { report, bytes, only_judges }
}

/// What is wrong with a recipe that can be used for nothing: by what it seems to be for.
fn nearest(report: Report, bytes: &[u8]) -> Report {
    let lacks = |key: &str| {
        let words = format!("lacks the key `{key}`");
        report.diagnostics().iter().any(|mistake| mistake.message.contains(&words))
    };
    if !(lacks("editor") && lacks("search")) {
        return report;
    }
    JudgeRecipe::parse(bytes, &catalogue()).err().unwrap_or(report)
}

/// All that is wrong with a recipe that only judges.
fn checked_judges(right: (JudgeRecipe, Report), folder: &Path) -> Report {
    let (recipe, warnings) = match recipes::judging_with_files(Ok(right), folder) {
        Ok((recipe, warnings)) => (recipe.without_secrets(), warnings),
        Err(report) => return report,
    };
    let place = |index| recipe.place(&format!("rewards.{index}.model"));
    with(&warnings, usable_rewards(recipe.rewards(), place, &House::default()).1)
}

fn with(warnings: &Report, more: Vec<Diagnostic>) -> Report {
    Report::new(warnings.diagnostics().iter().cloned().chain(more).collect())
}
