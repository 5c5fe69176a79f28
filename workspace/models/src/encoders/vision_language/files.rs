//! The files of an encoder, opened: what they say before any weight is read.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::encoders::vision_language::{DECODER, EncoderPlaces, TOWER, Words};
use crate::layers::qwen25_vl::{Config, EMBEDDINGS, Processor, canonical, canonical_of_gguf, expected_tensors};
use crate::load::{LoadError, read_file};
use crate::weights::{Checkpoint, GgufFile, WeightError};

/// What small files and headers say.
#[derive(Debug)]
pub(super) struct EncoderFiles {
    pub(super) config: Config,
    pub(super) words: Words,
    pub(super) processor: Processor,
    pub(super) checkpoint: Arc<Checkpoint>,
    /// The decoder, where it is quantised in a file of its own.
    pub(super) language: Option<GgufFile>,
}

/// What is known of an encoder, loaded or not. What is not known fits everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct EncoderFacts {
    /// The greatest id of its tokenizer.
    pub(crate) largest_id: Option<u32>,
    /// How many tokens it has.
    pub(crate) rows: Option<usize>,
    /// Its shape.
    pub(crate) config: Option<Config>,
}

impl EncoderFiles {
    /// Opens them, and refuses tensors of which the configuration knows nothing.
    pub(super) fn open(places: &EncoderPlaces) -> Result<Self, LoadError> {
        let config = Config::read_file(&places.config())?;
        let words = Words::read(&places.tokenizer)?;
        let file = &places.processor;
        let processor =
            Processor::read(&read_file(file)?, &config.vision).map_err(|reason| LoadError::content(file, reason))?;
        let checkpoint = Arc::new(Checkpoint::open(&places.weights, canonical)?);
        refuse_strangers(&config, checkpoint.facts().map(|(name, facts)| (name, facts.file)))?;
        let open = |file: &PathBuf| -> Result<GgufFile, LoadError> {
            let gguf = GgufFile::open(file, canonical_of_gguf)?;
            refuse_strangers(&config, gguf.tensors().keys().map(|name| (name.as_str(), file.clone())))?;
            Ok(gguf)
        };
        let language = places.language.as_ref().map(open).transpose()?;
        Ok(Self { config, words, processor, checkpoint, language })
    }

    /// Refuses a tokenizer that knows more than a model with so many embeddings does.
    pub(super) fn check_words(&self, places: &EncoderPlaces, rows: usize) -> Result<(), LoadError> {
        if (self.words.picture() as usize) < rows {
            return Ok(());
        }
        let id = self.words.picture();
        let reason = format!("gives a picture's token the id {id}, but the checkpoint has {rows} embeddings");
        Err(LoadError::content(&places.tokenizer, reason))
    }

    /// The shape of a tensor, by the header of the file that has it.
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        match &self.language {
            Some(file) if name.starts_with(DECODER) => file.tensors().get(name).map(|tensor| tensor.shape.clone()),
            _ => self.checkpoint.fact(name).map(|fact| fact.shape),
        }
    }

    /// The file to tell of where it lacks a tensor.
    fn file_of(&self, name: &str) -> PathBuf {
        match &self.language {
            Some(file) if name.starts_with(DECODER) => file.path().to_owned(),
            _ => self.checkpoint.root().to_owned(),
        }
    }
}

impl EncoderFacts {
    /// The width of its states.
    pub(crate) fn width(&self) -> Option<usize> {
        self.config.as_ref().map(|config| config.text.hidden_size)
    }

    /// Those of an encoder that is not loaded. What lacks a tensor, or has one of another shape, is refused by its headers.
    pub(crate) fn read(places: &EncoderPlaces) -> Result<Self, LoadError> {
        let files = EncoderFiles::open(places)?;
        files.checkpoint.check_weights()?;
        let rows = files.shape(EMBEDDINGS).and_then(|shape| shape.first().copied()).unwrap_or_default();
        for (name, expected) in expected_tensors(&files.config, rows) {
            check_shape(&files, name, expected)?;
        }
        files.check_words(places, rows)?;
        Ok(Self { largest_id: Some(files.words.largest_id()), rows: Some(rows), config: Some(files.config) })
    }
}

fn check_shape(files: &EncoderFiles, name: String, expected: Vec<usize>) -> Result<(), WeightError> {
    let file = files.file_of(&name);
    match files.shape(&name) {
        None => Err(WeightError::NoTensor { file, name }),
        Some(found) if found != expected => Err(WeightError::Shape { file, name, expected, found }),
        Some(_) => Ok(()),
    }
}

/// Refuses tensors of tower and decoder that the configuration knows nothing of: a model with some of its layers left out says
/// something else. What has other names may lie beside them.
fn refuse_strangers<'a>(config: &Config, found: impl Iterator<Item = (&'a str, PathBuf)>) -> Result<(), LoadError> {
    let expected: HashSet<String> = expected_tensors(config, 0).into_iter().map(|(name, _)| name).collect();
    let is_ours = |name: &str| name.starts_with(TOWER) || name.starts_with(DECODER);
    match found.into_iter().find(|(name, _)| is_ours(name) && !expected.contains(*name)) {
        Some((name, file)) => {
            let reason =
                format!("holds `{name}`, which `config.json` knows nothing of: expected the tensors of this model");
            Err(LoadError::content(&file, reason))
        }
        None => Ok(()),
    }
}
