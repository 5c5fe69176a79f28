//! Recipes by file or by name.

use std::path::Path;

use anyhow::Result;
use editscale_config::Recipe;

use crate::bounded;
use crate::catalogue::catalogue;
use crate::failure::{Misuse, tell};

/// The most bytes that are read of a recipe; one that is a little too long is told of as such.
pub(crate) const LARGEST: u64 = 4 * Recipe::LARGEST as u64;

/// The recipes that are built in.
const BUILT_IN: [(&str, &str); 5] = [
    ("quickstart", include_str!("../../configs/quickstart.yaml")),
    ("quickstart-judge", include_str!("../../configs/quickstart-judge.yaml")),
    ("best-of-n", include_str!("../../configs/best-of-n.yaml")),
    ("beam", include_str!("../../configs/beam.yaml")),
    ("reward-weighted", include_str!("../../configs/reward-weighted.yaml")),
];

/// The names of the recipes that are built in and need nothing that is not.
pub(crate) fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// A checked recipe and its text.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) recipe: Recipe,
    pub(crate) text: String,
    /// What to call it when speaking of its mistakes.
    pub(crate) name: String,
}

/// The text of the built-in recipe of this name.
pub(crate) fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The recipe of this name or in this file.
pub(crate) fn load(name_or_file: &str) -> Result<Loaded> {
    if let Some(text) = built_in(name_or_file) {
        return checked(&format!("{name_or_file} (built in)"), text.as_bytes());
    }
    let path = Path::new(name_or_file);
    if !path.exists() {
        let names: Vec<&str> = built_in_names().collect();
        let misuse = Misuse::new(format!("there is no recipe `{name_or_file}`"));
        return Err(misuse.hint(format!("give a file, or one of {}", names.join(", "))).into());
    }
    let unreadable = |error| Misuse::new(format!("cannot read recipe {name_or_file}: {error}"));
    let bytes = bounded::read(path, LARGEST).map_err(unreadable)?;
    checked(name_or_file, &bytes)
}

/// Reads a recipe's text; its warnings are told, its mistakes are an error.
pub(crate) fn checked(name: &str, bytes: &[u8]) -> Result<Loaded> {
    match Recipe::parse(bytes, &catalogue()) {
        Ok((recipe, warnings)) => {
            if !warnings.is_empty() {
                tell(warnings.render(name, bytes).trim_end());
            }
            Ok(Loaded { recipe, text: String::from_utf8_lossy(bytes).into_owned(), name: name.to_owned() })
        }
        Err(report) => {
            tell(report.render(name, bytes).trim_end());
            Err(Misuse::new(format!("recipe `{name}` cannot be used")).found(report).into())
        }
    }
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
