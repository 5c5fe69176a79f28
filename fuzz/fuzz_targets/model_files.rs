//! Files of models: headers of safetensors and GGUF files, saved states of `PyTorch`, tokenizers and their settings are read or
//! refused, whatever they hold, and no tensor that was let through reaches beyond its file.
//!
//! The first byte chooses the kind of file. The library of tokenizers is other people's code, whose panics are refusals.

#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::LazyLock;

use candle_core::Device;
use editscale_fuzz::end_at_our_own_panics;
use editscale_models::load::Settings;
use editscale_models::text::{ClipTokens, T5Tokens};
use editscale_models::weights::{Checkpoint, GgufFile, Storage, convert_pth};
use libfuzzer_sys::fuzz_target;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// What stands between two files.
const BETWEEN: &str = "\n====\n";

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| tempfile::tempdir().expect("a folder").keep());

fn safetensors(bytes: &[u8]) {
    let path = FOLDER.join("model.safetensors");
    fs::write(&path, bytes).expect("a file is written");
    let Ok(checkpoint) = Checkpoint::open_file(&path, str::to_owned) else { return };
    assert!(checkpoint.is_header_only() || checkpoint.bytes() <= bytes.len() as u64, "tensors beyond the file");
    let shapes: BTreeMap<String, Vec<usize>> =
        checkpoint.facts().map(|(name, facts)| (name.to_owned(), facts.shape)).collect();
    for (name, shape) in &shapes {
        let _: Result<_, _> = checkpoint.tensor(name, shape, Storage::Stored, &Device::Cpu);
    }
    let _: Result<_, _> = checkpoint.sample();
}

fn gguf(bytes: &[u8]) {
    let path = FOLDER.join("model.gguf");
    fs::write(&path, bytes).expect("a file is written");
    let Ok(file) = GgufFile::open(&path, str::to_owned) else { return };
    for (name, tensor) in file.tensors() {
        let _: Result<_, _> = file.weight(name, &tensor.shape, Storage::Stored, &Device::Cpu);
    }
}

/// A pickle, in an archive that is right but for it, with one block of numbers.
fn pth(bytes: &[u8]) {
    let (path, to) = (FOLDER.join("model.pth"), FOLDER.join("converted.safetensors"));
    let mut archive = ZipWriter::new(fs::File::create(&path).expect("a file"));
    for (name, bytes) in [("archive/data.pkl", bytes), ("archive/data/0", &[0; 64][..])] {
        archive.start_file(name, SimpleFileOptions::DEFAULT).expect("an entry");
        archive.write_all(bytes).expect("an entry is written");
    }
    archive.finish().expect("an archive");
    if convert_pth(&path, &to).is_ok() {
        Checkpoint::open_file(&to, str::to_owned).expect("what was converted can be opened");
    }
}

/// Writes the files of a tokenizer; one that is not in the bytes is not there.
fn tokenizer(bytes: &[u8], names: &[&str]) {
    let text = String::from_utf8_lossy(bytes);
    let mut files = text.split(BETWEEN);
    for name in names {
        let path = FOLDER.join(name);
        match files.next().filter(|file| !file.is_empty()) {
            Some(file) => fs::write(&path, file).expect("a file is written"),
            None => drop(fs::remove_file(&path)),
        }
    }
}

fuzz_target!(init: end_at_our_own_panics(), |bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind % 6 {
        0 => safetensors(rest),
        1 => gguf(rest),
        2 => {
            tokenizer(rest, &["tokenizer_config.json", "tokenizer.json", "vocab.json", "merges.txt", "special_tokens_map.json"]);
            if let Ok(tokens) = ClipTokens::load(&FOLDER) {
                let _: Result<_, _> = tokens.encode("a picture of two cats", 8);
            }
        }
        3 => {
            tokenizer(rest, &["tokenizer_config.json", "tokenizer.json", "special_tokens_map.json"]);
            if let Ok(tokens) = T5Tokens::load(&FOLDER) {
                let _: Result<_, _> = tokens.encode("a picture of two cats", 8);
            }
        }
        4 => pth(rest),
        _ => {
            let path = FOLDER.join("config.json");
            fs::write(&path, rest).expect("a file is written");
            let Ok(settings) = Settings::read(&path) else { return };
            let _: Result<_, _> = settings.size("in_channels", 4);
            let _: Result<_, _> = settings.sizes("block_out_channels", &[320], 8);
            let _: Result<_, _> = settings.size_or_sizes("layers_per_block", 2, 4);
        }
    }
});
