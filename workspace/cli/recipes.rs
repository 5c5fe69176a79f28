//! Recipes by file or by name.

use std::path::Path;

use anyhow::{Context, Result};
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

/// A checked recipe and its text.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) recipe: Recipe,
    pub(crate) text: String,
    /// What to call it when speaking of its mistakes.
    pub(crate) name: String,
}

/// The recipe of this name or in this file.
pub(crate) fn load(name_or_file: &str) -> Result<Loaded> {
    let built_in = BUILT_IN.iter().find(|(name, _)| *name == name_or_file);
    if let Some((name, text)) = built_in {
        return checked(&format!("{name} (built in)"), text.as_bytes());
    }
    let path = Path::new(name_or_file);
    if !path.exists() {
        let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        let misuse = Misuse::new(format!("there is no recipe `{name_or_file}`"));
        return Err(misuse.hint(format!("give a file, or one of {}", names.join(", "))).into());
    }
    let bytes = bounded::read(path, LARGEST).with_context(|| format!("cannot read recipe {name_or_file}"))?;
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
            Err(Misuse::new(format!("recipe `{name}` cannot be used")).into())
        }
    }
}
