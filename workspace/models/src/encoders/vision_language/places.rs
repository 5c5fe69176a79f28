//! Where the files of an encoder are.

use std::path::{Path, PathBuf};

use crate::layers::RopeTables;
use crate::load::LoadError;

/// The component of a pipeline that holds the weights.
const COMPONENT: &str = "text_encoder";

/// Where the files of an encoder are, and which tables it computes with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderPlaces {
    /// The folder of `config.json` and the weights.
    pub weights: PathBuf,
    /// `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// `preprocessor_config.json`.
    pub processor: PathBuf,
    /// How tables are rounded: not at all, as editing models were trained.
    pub tables: RopeTables,
}

impl EncoderPlaces {
    /// Those of a folder: a pipeline of diffusers with `text_encoder` and, beside it, `tokenizer` or `processor`; or one that
    /// transformers saved, with all files in it. Pipelines keep `tokenizer.json` in one of the two folders or in both.
    pub fn of(folder: &Path) -> Result<Self, LoadError> {
        let component = folder.join(COMPONENT);
        let (weights, sides) = if component.is_dir() {
            let sides = ["processor", "tokenizer", COMPONENT].map(|name| folder.join(name)).to_vec();
            (component, sides)
        } else {
            (folder.to_owned(), vec![folder.to_owned()])
        };
        Ok(Self {
            tokenizer: found(&sides, "tokenizer.json")?,
            processor: found(&sides, "preprocessor_config.json")?,
            weights,
            tables: RopeTables::Exact,
        })
    }

    /// The model's shape.
    pub(super) fn config(&self) -> PathBuf {
        self.weights.join("config.json")
    }
}

/// The first of some folders that has a file.
fn found(folders: &[PathBuf], name: &str) -> Result<PathBuf, LoadError> {
    let places = || folders.iter().map(|folder| folder.join(name));
    let missing = || {
        let all: Vec<String> = places().skip(1).map(|file| format!("`{}`", file.display())).collect();
        let or = if all.is_empty() { String::new() } else { format!(", and so is {}", all.join(" and ")) };
        let first = places().next().unwrap_or_default();
        LoadError::content(&first, format!("is missing{or}: expected one of them"))
    };
    places().find(|file| file.is_file()).ok_or_else(missing)
}
