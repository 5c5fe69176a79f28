//! Where the files of an encoder are.

use std::path::{Path, PathBuf};

use crate::encoders::vision_language::{DECODER, TOWER};
use crate::layers::RopeTables;
use crate::layers::qwen25_vl::{canonical, canonical_of_gguf};
use crate::load::{LoadError, read_file};
use crate::weights::{Checkpoint, GgufFile, Storage};

/// The component of a pipeline that holds the weights.
const COMPONENT: &str = "text_encoder";

/// Where the files of an encoder are, and which tables it computes with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderPlaces {
    /// The folder of `config.json` and the weights.
    pub weights: PathBuf,
    /// A quantised file of the decoder (`.gguf`, as llama.cpp names tensors), in place of the folder's.
    pub language: Option<PathBuf>,
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
            language: None,
            tables: RopeTables::Exact,
        })
    }

    /// The same with a quantised file in place of the folder's decoder. The folder still holds the vision tower.
    #[must_use]
    pub fn with_language(self, file: &Path) -> Self {
        Self { language: Some(file.to_owned()), ..self }
    }

    /// The bytes that the weights take in memory if they are kept so.
    pub fn kept_bytes(&self, kept: Storage) -> Result<u64, LoadError> {
        let checkpoint = Checkpoint::open(&self.weights, canonical)?;
        let decoder = match &self.language {
            Some(file) => GgufFile::open(file, canonical_of_gguf)?.kept_bytes(kept),
            None => checkpoint.kept_bytes_below(DECODER, kept),
        };
        Ok(checkpoint.kept_bytes_below(TOWER, kept) + decoder)
    }

    /// What tells this encoder from others, to be hashed: its small files, and a sample of its weights.
    pub fn sample(&self) -> Result<Vec<u8>, LoadError> {
        let mut sample = format!("{:?}\0", self.tables).into_bytes();
        for file in [&self.config(), &self.tokenizer, &self.processor] {
            let bytes = read_file(file)?;
            sample.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            sample.extend_from_slice(&bytes);
        }
        let checkpoint = Checkpoint::open(&self.weights, canonical)?;
        sample.extend(checkpoint.sample_below(TOWER)?);
        match &self.language {
            Some(file) => sample.extend(GgufFile::open(file, canonical_of_gguf)?.sample()?),
            None => sample.extend(checkpoint.sample_below(DECODER)?),
        }
        Ok(sample)
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
        let others: Vec<String> = places().skip(1).map(|file| format!("`{}`", file.display())).collect();
        let or = format!(", and so is {}: expected one of them", others.join(" and "));
        let first = places().next().unwrap_or_default();
        LoadError::content(&first, format!("is missing{}", if others.is_empty() { "" } else { or.as_str() }))
    };
    places().find(|file| file.is_file()).ok_or_else(missing)
}
