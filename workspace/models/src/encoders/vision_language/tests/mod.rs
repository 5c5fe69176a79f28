//! The encoder against transformers, on random models; what is shared, and what is refused.

mod goldens;
mod headers;
mod places;
mod quantised;
mod sharing;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use editscale_picture::{Limits, Rgb8, decode_rgb8};

use super::*;
use crate::layers::Compute;

const MODELS: [&str; 2] = ["pipeline_f16", "plain_bf16"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/encoders")
}

fn model(name: &str) -> PathBuf {
    fixtures().join("models").join(name)
}

fn opened(folder: &Path) -> VisionLanguageEncoder {
    VisionLanguageEncoder::open(&EncoderPlaces::of(folder).unwrap(), &Compute::cpu()).unwrap()
}

/// An encoder of its own, whose counters no other test moves.
fn alone(name: &str) -> (tempfile::TempDir, VisionLanguageEncoder) {
    let folder = copied(&model(name));
    let places = EncoderPlaces::of(folder.path()).unwrap();
    changed_weights(&places.weights);
    let encoder = VisionLanguageEncoder::open(&places, &Compute::cpu()).unwrap();
    (folder, encoder)
}

/// Changes the last number of each file of weights a little, otherwise each time.
fn changed_weights(folder: &Path) {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "safetensors"));
    for file in files {
        let mut bytes = fs::read(&file).unwrap();
        let place = bytes.len() - 2;
        // The lowest bit of a half.
        bytes[place] ^= UNIQUE.fetch_add(2, Ordering::SeqCst);
        fs::write(&file, bytes).unwrap();
    }
}

/// Another odd number each time.
static UNIQUE: AtomicU8 = AtomicU8::new(1);

/// A copy of a folder with all below it.
fn copied(from: &Path) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let place = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &place);
            } else {
                fs::copy(entry.path(), place).unwrap();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    copy(from, folder.path());
    folder
}

fn pixels(name: &str) -> Rgb8 {
    decode_rgb8(&fs::read(fixtures().join("cases").join(name)).unwrap(), &Limits::default()).unwrap()
}
