//! What tells a judge from all others that might answer in its place.

use std::sync::Arc;

use crate::load::LoadError;
use crate::rewards::editreward::{Directory, Options};

/// The version of the code that decides a score.
const CODE: &str = "editreward/1";

/// What exactly answers: weights, of which a sample is given, texts and options in one name.
pub(super) fn revision(directory: &Directory, sample: &[u8], options: &Options) -> Result<Arc<str>, LoadError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(sample);
    for name in TEXTS {
        let bytes = directory.read_if_there(name)?.unwrap_or_default();
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
    }
    let digest = hasher.finalize().to_hex();
    let (tables, fusion, dtype) = (options.rope_tables, options.fusion, options.compute.dtype);
    Ok(format!("{CODE} {} {tables:?} {fusion:?} {dtype:?}", &digest[..16]).to_lowercase().into())
}

/// The files beside the weights that decide a score.
const TEXTS: [&str; 9] = [
    "config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.json",
    "chat_template.jinja",
    "prompts/instruction_following.txt",
    "prompts/visual_quality.txt",
    "prompts/tail.txt",
];
