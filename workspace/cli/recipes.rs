//! Recipes by file or by name.

use std::path::Path;

use anyhow::Result;
use editscale_config::{Calibrated, Critic, Editor, JudgeRecipe, Recipe, Report, Reward};
use editscale_engine::Calibration;

use crate::bounded;
use crate::catalogue::catalogue;
use crate::failure::{Misuse, tell};

/// The most bytes that are read of a recipe; one that is a little too long is told of as such.
pub(crate) const LARGEST: u64 = 4 * Recipe::LARGEST as u64;

/// The recipes that are built in.
const BUILT_IN: [(&str, &str); 10] = [
    ("quickstart", include_str!("../../configs/quickstart.yaml")),
    ("quickstart-judge", include_str!("../../configs/quickstart-judge.yaml")),
    ("best-of-n", include_str!("../../configs/best-of-n.yaml")),
    ("beam", include_str!("../../configs/beam.yaml")),
    ("diverse-trees", include_str!("../../configs/diverse-trees.yaml")),
    ("adaptive", include_str!("../../configs/adaptive.yaml")),
    ("reflection", include_str!("../../configs/reflection.yaml")),
    ("routing", include_str!("../../configs/routing.yaml")),
    ("guarded", include_str!("../../configs/guarded.yaml")),
    ("reward-weighted", include_str!("../../configs/reward-weighted.yaml")),
];

/// The names of the recipes that are built in and need nothing that is not.
pub(crate) fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// A checked recipe and its text.
#[derive(Debug)]
pub(crate) struct Loaded<R = Recipe> {
    pub(crate) recipe: R,
    pub(crate) text: String,
    /// What to call it when speaking of its mistakes.
    pub(crate) name: String,
}

/// The text of the built-in recipe of this name.
pub(crate) fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The recipe of this name or in this file, for what makes candidates: `who` needs an editor and a search.
pub(crate) fn load(name_or_file: &str, who: &str) -> Result<Loaded> {
    let (name, bytes) = read(name_or_file)?;
    match with_files(Recipe::parse(&bytes, &catalogue()), folder_of(name_or_file.as_ref())) {
        Ok((recipe, warnings)) => Ok(loaded(recipe, &warnings, &name, &bytes)),
        Err(_) if only_judges(&bytes).is_some() => Err(without_editor(&name, who).into()),
        Err(report) => Err(refused(report, &name, &bytes).into()),
    }
}

/// The recipe of this name or in this file, of which only the rewards are of use: it may have no editor and no search.
pub(crate) fn load_for_judging(name_or_file: &str) -> Result<Loaded<JudgeRecipe>> {
    let (name, bytes) = read(name_or_file)?;
    match judging_with_files(JudgeRecipe::parse(&bytes, &catalogue()), folder_of(name_or_file.as_ref())) {
        Ok((recipe, warnings)) => Ok(loaded(recipe, &warnings, &name, &bytes)),
        Err(report) => Err(refused(report, &name, &bytes).into()),
    }
}

/// The editors, rewards and critics of the recipe of this name or in this file, which may only judge.
pub(crate) fn load_models(name_or_file: &str) -> Result<(Vec<Editor>, Vec<Reward>, Vec<Critic>)> {
    let (_, bytes) = read(name_or_file)?;
    if only_judges(&bytes).is_some() {
        return Ok((Vec::new(), load_for_judging(name_or_file)?.recipe.rewards().to_vec(), Vec::new()));
    }
    let recipe = load(name_or_file, "this")?.recipe;
    Ok((recipe.editors().to_vec(), recipe.rewards().to_vec(), recipe.critics().to_vec()))
}

/// A text that is right as a recipe that only judges, with its warnings.
pub(crate) fn only_judges(bytes: &[u8]) -> Option<(JudgeRecipe, Report)> {
    JudgeRecipe::parse(bytes, &catalogue()).ok().filter(|(recipe, _)| recipe.only_judges())
}

/// Reads a recipe's text; its warnings are told, its mistakes are an error.
pub(crate) fn checked(name: &str, bytes: &[u8]) -> Result<Loaded> {
    match with_files(Recipe::parse(bytes, &catalogue()), Path::new("")) {
        Ok((recipe, warnings)) => Ok(loaded(recipe, &warnings, name, bytes)),
        Err(report) => Err(refused(report, name, bytes).into()),
    }
}

/// Puts the calibrations that are in files into a recipe; one that cannot be used is a mistake of the recipe.
pub(crate) fn with_files(parsed: Parsed<Recipe>, folder: &Path) -> Parsed<Recipe> {
    let (recipe, warnings) = parsed?;
    Ok((recipe.with_calibrations(&|path| calibration(folder, path))?, warnings))
}

/// The same for a recipe to judge with.
pub(crate) fn judging_with_files(parsed: Parsed<JudgeRecipe>, folder: &Path) -> Parsed<JudgeRecipe> {
    let (recipe, warnings) = parsed?;
    Ok((recipe.with_calibrations(&|path| calibration(folder, path))?, warnings))
}

/// A recipe and its warnings, or its mistakes.
pub(crate) type Parsed<R> = Result<(R, Report), Report>;

/// The folder that paths of calibrations in a recipe's file are from.
pub(crate) fn folder_of(name_or_file: &Path) -> &Path {
    let is_built_in = name_or_file.to_str().and_then(built_in).is_some();
    name_or_file.parent().filter(|_| !is_built_in).unwrap_or(Path::new(""))
}

fn calibration(folder: &Path, path: &str) -> Result<Calibrated, String> {
    let bytes = bounded::read(&folder.join(path), Calibration::LARGEST).map_err(|error| error.to_string())?;
    let found = Calibration::from_json(&bytes).map_err(|error| error.to_string())?;
    Ok(Calibrated { map: found.map, revision: Some(found.revision) })
}

/// The text of the recipe of this name or in this file, and what to call it.
fn read(name_or_file: &str) -> Result<(String, Vec<u8>)> {
    if let Some(text) = built_in(name_or_file) {
        return Ok((format!("{name_or_file} (built in)"), text.as_bytes().to_vec()));
    }
    let path = Path::new(name_or_file);
    if !path.exists() {
        let names: Vec<&str> = built_in_names().collect();
        let misuse = Misuse::new(format!("there is no recipe `{name_or_file}`"));
        return Err(misuse.hint(format!("give a file, or one of {}", names.join(", "))).into());
    }
    let unreadable = |error| Misuse::new(format!("cannot read recipe {name_or_file}: {error}"));
    let bytes = bounded::read(path, LARGEST).map_err(unreadable)?;
    Ok((name_or_file.to_owned(), bytes))
}

/// Tells the warnings of a recipe that is right.
fn loaded<R>(recipe: R, warnings: &Report, name: &str, bytes: &[u8]) -> Loaded<R> {
    if !warnings.is_empty() {
        tell(warnings.render(name, bytes).trim_end());
    }
    Loaded { recipe, text: String::from_utf8_lossy(bytes).into_owned(), name: name.to_owned() }
}

fn refused(report: Report, name: &str, bytes: &[u8]) -> Misuse {
    tell(report.render(name, bytes).trim_end());
    Misuse::new(format!("recipe `{name}` cannot be used")).found(report)
}

fn without_editor(name: &str, who: &str) -> Misuse {
    Misuse::new(format!("recipe `{name}` only judges: {who} needs the keys `editor` and `search`"))
        .hint("add `editor: {darkroom: {}}` and `search: {best_of_n: {samples: 8}}`, or use it with `editscale score`")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_help_names_every_built_in_recipe() {
        let mut arguments = crate::args::Arguments::command();
        let edit = arguments.find_subcommand_mut("edit").unwrap();
        let help = edit.get_arguments().find(|argument| argument.get_id() == "recipe").unwrap().get_help().unwrap();
        let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        assert!(help.to_string().contains(&names.join(", ")), "{help}");
    }
}
