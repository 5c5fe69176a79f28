//! How recipes set what models share: where they compute, what they keep in memory, what all diffusion models are told.
//!
//! What is a model's own stands in a file `recipe.rs` beside it.

pub(crate) mod compute;
pub(crate) mod diffusion;
pub(crate) mod flow;

use std::path::Path;

use editscale_core::LocalEditor;
use editscale_schema::{Made, MadeEditor, MakeError};
use thiserror::Error;

pub use compute::WeightChoice;
pub use diffusion::DiffusionSettings;
pub use flow::{FlowSettings, TextDevice};

/// A model that a recipe names cannot be loaded; the reason is its source.
#[derive(Debug, Error)]
#[error("cannot load {model} `{dir}`")]
pub(crate) struct CannotLoad {
    /// What messages call it, up to its folder.
    pub(crate) model: &'static str,
    /// The folder, as the recipe has it.
    pub(crate) dir: String,
    /// Why not.
    pub(crate) source: MakeError,
}

/// Files that a recipe names in place of parts of a model, or beside it, and that are not there.
#[derive(Debug, Error)]
#[error("{0} are not there")]
pub(crate) struct NotThere(String);

/// Refuses named files of which several are not there, so that all are told at once; of a single one, who reads it tells more.
pub(crate) fn check_there<'f>(named: impl IntoIterator<Item = (&'static str, &'f String)>) -> Result<(), NotThere> {
    let missing = named.into_iter().filter(|(_, file)| !Path::new(file).exists());
    let missing: Vec<String> = missing.map(|(key, file)| format!("{key} `{file}`")).collect();
    if missing.len() > 1 { Err(NotThere(missing.join(", "))) } else { Ok(()) }
}

/// An editor that is loaded where it is to work; what cannot be loaded is called by `model` and `dir`.
pub(crate) fn editor(
    model: &'static str,
    dir: String,
    load: impl Fn() -> Result<Box<dyn LocalEditor>, MakeError> + Send + Sync + 'static,
) -> MadeEditor {
    Made::local(move || load().map_err(|source| CannotLoad { model, dir: dir.clone(), source }.into()))
}
