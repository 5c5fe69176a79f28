//! Parity with the official code, stage by stage: the cases that `tests/parity` makes with PyTorch.
//!
//! Tolerances are absolute differences in single precision, about twenty times what the reference itself differs by
//! between single and double precision.

mod counters;
#[cfg(feature = "nano")]
mod nano;
mod scores;
mod stages;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use editscale_core::{Counters, Digest, Image, ImageSize, MediaType};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::tokens::Tokens;
use super::*;
use crate::encoders::vision_language::{EncoderPicture, SharedDecoder, SharedTower};
use crate::layers::qwen25_vl::{Grid, Pass, canonical, multimodal_positions, plain_positions};
use crate::layers::{Compute, RopeTables, Segment};
use crate::weights::{Checkpoint, Storage};

/// At the heads, and at every stage before them.
const TOLERANCE: f64 = 1e-4;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/editreward")
}

#[derive(Deserialize)]
struct Case {
    model: String,
    pairs: Vec<GoldenPair>,
    stages: StageRows,
    #[serde(skip)]
    folder: PathBuf,
}

#[derive(Deserialize)]
struct GoldenPair {
    source: String,
    edited: String,
    instruction: String,
    sizes: [[usize; 2]; 2],
    sizes_half_away: [[usize; 2]; 2],
    resized_sha256: [String; 2],
    pixel_values_sha256: String,
    prompts: BTreeMap<String, GoldenPrompt>,
    scores: BTreeMap<String, GoldenScores>,
}

#[derive(Deserialize)]
struct GoldenPrompt {
    ids: Vec<u32>,
    reward_index: usize,
}

#[derive(Deserialize)]
struct GoldenScores {
    instruction_following: [f64; 2],
    visual_quality: [f64; 2],
    fused: BTreeMap<String, [f64; 2]>,
}

#[derive(Deserialize)]
struct StageRows {
    vision_rows: Vec<u32>,
    merger_rows: Vec<u32>,
    decoder_rows: BTreeMap<String, Vec<usize>>,
}

fn cases() -> Vec<Case> {
    let mut folders: Vec<PathBuf> = fs::read_dir(fixtures().join("cases"))
        .expect("the cases")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    folders.sort();
    let read = |folder: PathBuf| {
        let text = fs::read(folder.join("case.json")).expect("a case");
        Case { folder, ..serde_json::from_slice(&text).expect("a case") }
    };
    folders.into_iter().map(read).collect()
}

impl Case {
    fn directory(&self) -> Directory {
        Directory::Folder(fixtures().join("models").join(&self.model))
    }

    fn judge(&self, options: Options) -> EditReward {
        EditReward::load(&self.directory(), options).expect("a judge")
    }

    fn pair(&self, golden: &GoldenPair) -> Pair {
        Pair {
            source: image(&self.folder.join(&golden.source)),
            edited: image(&self.folder.join(&golden.edited)),
            instruction: golden.instruction.as_str().into(),
        }
    }

    fn pairs(&self) -> Vec<Pair> {
        self.pairs.iter().map(|golden| self.pair(golden)).collect()
    }

    fn stages(&self) -> std::collections::HashMap<String, Tensor> {
        candle_core::safetensors::load(self.folder.join("stages.safetensors"), &Device::Cpu).expect("stages")
    }
}

fn image(path: &Path) -> Image {
    let bytes: Arc<[u8]> = fs::read(path).expect("a picture").into();
    let facts = editscale_picture::probe(&bytes, &editscale_picture::Limits::default()).expect("a picture");
    let size = ImageSize { width: facts.width, height: facts.height };
    Image::new(Digest::from_bytes(*blake3::hash(&bytes).as_bytes()), MediaType::Png, size, Arc::new(bytes))
}

fn options(tables: RopeTables) -> Options {
    Options { rope_tables: tables, ..Options::on(Compute::cpu()) }
}

fn never() -> bool {
    false
}

fn judge_all(judge: &mut EditReward, pairs: &[Pair]) -> Vec<Verdict> {
    judge.judge(pairs, &never).into_iter().map(|verdict| verdict.expect("a verdict")).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn difference(ours: Estimate, golden: [f64; 2]) -> f64 {
    (ours.mean - golden[0]).abs().max((ours.sigma.ln() - golden[1]).abs())
}

fn largest(ours: &Verdict, golden: &GoldenScores, fusion: &str) -> f64 {
    difference(ours.fused, golden.fused[fusion])
        .max(difference(ours.parts[0], golden.instruction_following))
        .max(difference(ours.parts[1], golden.visual_quality))
}

/// A prompt with its pictures' tokens spelt out, as the official code has it.
fn expanded(tokens: &Tokens, sizes: &[[usize; 2]; 2], picture: u32) -> Vec<u32> {
    let pads = |at: usize| vec![picture; sizes[at][0] * sizes[at][1] / 784];
    [tokens.before.clone(), pads(0), tokens.between.clone(), pads(1), tokens.after.clone()].concat()
}
