//! Whether a folder holds a judge, told from headers and side files alone, with all that is wrong at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::layers::qwen25_vl::{Config, EMBEDDINGS};
use crate::rewards::editreward::heads::MAPS;
use crate::rewards::editreward::pictures::Preparation;
use crate::rewards::editreward::prompts::{Prompt, tail};
use crate::rewards::editreward::template::ChatTemplate;
use crate::rewards::editreward::tensors::{HEAD_HIDDEN, UNUSED, expected_tensors};
use crate::rewards::editreward::tokens::Prompts;
use crate::rewards::editreward::{Directory, PARTS};
use crate::verify::{Problems, Verified, VerifyError};
use crate::weights::{Checkpoint, TensorFacts};

/// Looks at a model directory: every tensor's name, shape and type, and every file beside the weights. Of the weights only
/// headers are read, which takes no longer for large ones; a file that ends behind its header will do.
///
/// A folder that passes can be loaded, but for numbers that are not finite and for memory.
pub fn verify(folder: &Path) -> Result<Verified, VerifyError> {
    let mut problems = Problems::default();
    let directory = Directory::Folder(folder.to_owned());
    if !folder.is_dir() {
        problems.say(folder, "is not a folder: expected a model directory with `config.json` and the files beside it");
        return problems.conclude(Verified::nothing(folder));
    }
    let config = problems.keep(directory.config());
    let checkpoint = problems.keep(directory.checkpoint());
    let found = match (&config, &checkpoint) {
        (Some(config), Some(checkpoint)) => tensors(config, checkpoint, &mut problems),
        _ => Verified::nothing(folder),
    };
    let vocabulary = checkpoint.as_ref().and_then(vocabulary);
    side_files(&directory, config.as_ref(), vocabulary, &mut problems);
    problems.conclude(Verified { folder: folder.to_owned(), ..found })
}

/// The number of embeddings, where there are any.
fn vocabulary(checkpoint: &Checkpoint) -> Option<usize> {
    checkpoint.fact(EMBEDDINGS).and_then(|facts| facts.shape.first().copied())
}

/// Compares what is there with what the configuration makes of it.
fn tensors(config: &Config, checkpoint: &Checkpoint, problems: &mut Problems) -> Verified {
    let rows = |name: &str, otherwise: usize| {
        checkpoint.fact(name).and_then(|facts| facts.shape.first().copied()).unwrap_or(otherwise)
    };
    let width = |map: usize| rows(&format!("rm_heads.head_0.{}.weight", MAPS[map]), HEAD_HIDDEN[map]);
    let hidden = [width(0), width(1)];
    if hidden.contains(&0) {
        problems.say(checkpoint.root(), "a reward head has an inner width of 0: expected at least 1");
    }
    let vocabulary = rows(EMBEDDINGS, 0);
    let expected = expected_tensors(config, vocabulary, hidden);
    let mut found: BTreeMap<&str, TensorFacts> = checkpoint.facts().collect();
    let mut verified = summary(&found, vocabulary);
    for (name, shape) in &expected {
        match found.remove(name.as_str()) {
            None if name == EMBEDDINGS => problems.say(checkpoint.root(), format!("tensor `{name}` is missing")),
            None => problems.say(checkpoint.root(), format!("tensor `{name}` of shape {shape:?} is missing")),
            Some(facts) => check(name, shape, &facts, problems),
        }
    }
    if found.remove(UNUSED).is_some() {
        verified.notes.push(format!("`{UNUSED}` is there and not used: it is never loaded"));
    }
    for (name, facts) in found {
        let shape = facts.shape;
        problems.say(&facts.file, format!("tensor `{name}` of shape {shape:?} is none of this model"));
    }
    if checkpoint.is_header_only() {
        verified
            .notes
            .push("the weights are headers only: a stand-in, which can be verified and not loaded".to_owned());
    }
    verified
}

fn check(name: &str, expected: &[usize], facts: &TensorFacts, problems: &mut Problems) {
    let TensorFacts { shape, stored, file } = facts;
    if shape != expected {
        problems.say(file, format!("tensor `{name}` has shape {shape:?}: expected {expected:?}"));
    }
    if !matches!(stored.as_str(), "F32" | "F16" | "BF16") {
        problems.say(file, format!("tensor `{name}` is stored as {stored}: expected F32, F16 or BF16"));
    }
}

fn summary(found: &BTreeMap<&str, TensorFacts>, vocabulary: usize) -> Verified {
    let mut verified = Verified { vocabulary, ..Verified::nothing(Path::new("")) };
    found.values().for_each(|facts| verified.count(facts));
    verified
}

/// Looks at every file beside the weights, each for itself, and then at how they go together.
fn side_files(directory: &Directory, config: Option<&Config>, vocabulary: Option<usize>, problems: &mut Problems) {
    match config {
        Some(config) => _ = problems.keep(Preparation::load(directory, config)),
        None => _ = problems.keep(directory.read("preprocessor_config.json")),
    }
    problems.keep(ChatTemplate::load(directory));
    for part in PARTS {
        problems.keep(Prompt::load(directory, part));
    }
    problems.keep(tail(directory));
    // Without weights there is no number of embeddings that ids could be too large for.
    problems.keep(Prompts::load(directory, vocabulary.unwrap_or(usize::MAX)));
    lone_shards(directory, problems);
}

/// Shards that lie there without an index are a download that was not finished.
fn lone_shards(directory: &Directory, problems: &mut Problems) {
    let folder = match directory {
        Directory::Folder(folder) => folder,
        #[cfg(feature = "nano")]
        Directory::Builtin => return,
    };
    if folder.join("model.safetensors").exists() || folder.join("model.safetensors.index.json").exists() {
        return;
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let shards: BTreeSet<String> =
        names.filter(|name| name.starts_with("model-") && name.ends_with(".safetensors")).collect();
    if let Some(first) = shards.first() {
        let count = shards.len();
        problems.say(&folder.join(first), format!("is one of {count} shards without `model.safetensors.index.json`"));
    }
}
