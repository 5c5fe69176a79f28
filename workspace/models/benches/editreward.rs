//! EditReward on the processor beside the official flow in PyTorch: eight edits of one photograph, judged by a random model
//! of middle size.
//!
//! `RAYON_NUM_THREADS=2 EDITSCALE_PARITY_PYTHON=venv/bin/python cargo bench -p editscale-models --bench editreward`.
//! Figures with their machine stand in `docs/benchmarks.md`.
//!
//! Operations are counted by one formula on both sides, from what both say they computed:
//!
//! * a picture: `2 · patches · (weights of embedding and blocks) + 2 · tokens · (weights of the merger)`, and in each block
//!   `4 · width · patches · (patches seen)`;
//! * a token of the decoder: `2 · (weights of a layer)` for each layer, and `4 · width · (tokens up to it)` in each;
//! * the first layers of the heads for every row that goes through them.
//!
//! Only operations that were carried out count: of the last layer we compute keys and values alone, but for the rows that
//! the heads read, and the official flow sends all rows through the heads.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails where it cannot go on")]

mod photograph;
mod reference;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use editscale_core::Counters;
use editscale_models::layers::Compute;
use editscale_models::rewards::editreward::{Directory, EditReward, Options, Pair, Verdict};
use photograph::photograph;
use reference::{Reference, median, python, rounds, script, threads};
use serde::Deserialize;
use serde_json::json;

/// Pairs of runs that count, where `EDITSCALE_ROUNDS` does not say. One pair more warms up.
const ROUNDS: usize = 5;

const SOURCE: &str = "examples/photos/flower.jpg";
const EDITED: [&str; 8] = ["astronaut", "cat", "coffee", "dahlia", "galaxies", "officer", "pagoda", "rocket"];
const INSTRUCTION: &str = "Make the sky bluer and add a small boat on the lake";

/// Edge of the photographs. The judge brings them to 448×448.
const EDGE: u32 = 512;
const PATCHES: f64 = 1024.0;
const MERGED: f64 = 256.0;

// The model's shape.
const HIDDEN: f64 = 768.0;
const LAYERS: f64 = 8.0;
const KEY_WIDTH: f64 = 128.0;
const INTERMEDIATE: f64 = 2304.0;
const VISION_HIDDEN: f64 = 512.0;
const VISION_INTERMEDIATE: f64 = 1368.0;
const FULL_BLOCKS: f64 = 2.0;
const WINDOW_BLOCKS: f64 = 6.0;
const WINDOW: f64 = 64.0;
const PATCH_NUMBERS: f64 = 1176.0;
const HEAD: f64 = 1024.0;

/// The same shape in the words of `make_model.py`.
const SHAPE: &str = "--seed 1 --hidden 768 --layers 8 --heads 12 --kv-heads 2 --intermediate 2304 --vision-hidden 512 \
                     --vision-depth 8 --vision-heads 8 --vision-intermediate 1368 --fullatt 3 7 --wording 2";

/// What `bench_reference.py` says of a run.
#[derive(Deserialize)]
struct Answer {
    seconds: f64,
    scores: Vec<[f64; 2]>,
    encodes: u64,
    decoder_tokens: u64,
    /// Tokens of each pair, by prompt.
    lengths: [Vec<usize>; 2],
    /// The same, up to and including the reward token.
    read: [Vec<usize>; 2],
}

/// A run of ours.
struct Run {
    seconds: f64,
    verdicts: Vec<Verdict>,
}

fn make_model(python: &Path, folder: &Path) -> PathBuf {
    let model = folder.join("model");
    let mut command = Command::new(python);
    command.arg(script("editreward/make_model.py")).arg("--out").arg(&model).args(SHAPE.split_whitespace());
    assert!(command.status().unwrap().success(), "the model was made");
    model
}

/// The pairs, and the file that names them to the reference.
fn make_pairs(folder: &Path) -> (Vec<Pair>, PathBuf) {
    let source = photograph(SOURCE, EDGE, Some(&folder.join("source.png")));
    let (mut pairs, mut lines) = (Vec::new(), String::new());
    for name in EDITED {
        let file = format!("{name}.png");
        let edited = photograph(&format!("tests/fixtures/photos/{name}.jpg"), EDGE, Some(&folder.join(&file)));
        pairs.push(Pair { source: source.clone(), edited, instruction: INSTRUCTION.into() });
        let line = json!({ "source": "source.png", "edited": file, "instruction": INSTRUCTION });
        lines += &line.to_string();
        lines.push('\n');
    }
    let path = folder.join("pairs.jsonl");
    fs::write(&path, lines).unwrap();
    (pairs, path)
}

fn judge(model: &mut EditReward, pairs: &[Pair]) -> Run {
    model.forget();
    let start = Instant::now();
    let verdicts = model.judge(pairs, &|| false);
    Run { seconds: start.elapsed().as_secs_f64(), verdicts: verdicts.into_iter().map(Result::unwrap).collect() }
}

/// Operations of a picture's way through the vision tower.
fn picture_operations() -> f64 {
    let blocks = FULL_BLOCKS + WINDOW_BLOCKS;
    let block = VISION_HIDDEN * (4.0 * VISION_HIDDEN + 3.0 * VISION_INTERMEDIATE);
    let affine = 2.0 * PATCHES * (PATCH_NUMBERS * VISION_HIDDEN + blocks * block);
    let merged = 4.0 * VISION_HIDDEN;
    let merger = 2.0 * MERGED * merged * (merged + HIDDEN);
    affine + merger + 4.0 * VISION_HIDDEN * PATCHES * (FULL_BLOCKS * PATCHES + WINDOW_BLOCKS * WINDOW)
}

/// Tokens up to each of the first `rows` tokens, added up.
fn seen(rows: usize) -> f64 {
    (rows * (rows + 1) / 2) as f64
}

/// Operations of rows that go through some layers, and see some tokens together.
fn layer_operations(rows: u64, seen: f64, layers: f64) -> f64 {
    let weights = HIDDEN * (2.0 * HIDDEN + 2.0 * KEY_WIDTH + 3.0 * INTERMEDIATE);
    layers * (2.0 * rows as f64 * weights + 4.0 * HIDDEN * seen)
}

fn reference_operations(answer: &Answer) -> f64 {
    let all_seen: f64 = answer.lengths.iter().flatten().map(|&length| seen(length)).sum();
    let heads = 2.0 * answer.decoder_tokens as f64 * HIDDEN * HEAD;
    let decoder = layer_operations(answer.decoder_tokens, all_seen, LAYERS);
    answer.encodes as f64 * picture_operations() + decoder + heads
}

/// Prompts of all pairs are alike here, so all pairs but the first, which pays for the source, cost the same.
fn our_operations(answer: &Answer, verdicts: &[Verdict]) -> f64 {
    let (first, other) = (verdicts[0].counters, verdicts[1].counters);
    let [one, two] = [answer.read[0][0], answer.read[1][0]];
    let source = (first.decoder_tokens - other.decoder_tokens) as usize;
    // Behind the source: what both prompts have in common is computed once.
    let common = one + two - source - other.decoder_tokens as usize;
    let all_seen = seen(source) + verdicts.len() as f64 * (seen(one) + seen(two) - seen(common) - seen(source));
    let sum = sum(verdicts);
    let keys_of_last = 2.0 * sum.decoder_tokens as f64 * HIDDEN * 2.0 * KEY_WIDTH;
    let decoder = layer_operations(sum.decoder_tokens, all_seen, LAYERS - 1.0) + keys_of_last;
    sum.image_encodes as f64 * picture_operations() + decoder
}

fn sum(verdicts: &[Verdict]) -> Counters {
    let mut sum = Counters::default();
    verdicts.iter().for_each(|verdict| sum += verdict.counters);
    sum
}

/// The largest difference of means and of logarithms of sigma.
fn largest_difference(answer: &Answer, verdicts: &[Verdict]) -> f64 {
    let off = |(said, verdict): (&[f64; 2], &Verdict)| {
        let fused = verdict.fused;
        (said[0] - fused.mean).abs().max((said[1] - fused.sigma.ln()).abs())
    };
    answer.scores.iter().zip(verdicts).map(off).fold(0.0, f64::max)
}

fn report(runs: &[(Answer, Run)]) {
    let (answer, run) = &runs[0];
    let theirs = median(&runs.iter().map(|(answer, _)| answer.seconds).collect::<Vec<_>>());
    let ours = median(&runs.iter().map(|(_, run)| run.seconds).collect::<Vec<_>>());
    let ratio = median(&runs.iter().map(|(answer, run)| run.seconds / answer.seconds).collect::<Vec<_>>());
    let sum = sum(&run.verdicts);
    let (their_work, our_work) = (reference_operations(answer), our_operations(answer, &run.verdicts));
    let part = our_work / their_work;
    let off = runs.iter().map(|(answer, run)| largest_difference(answer, &run.verdicts)).fold(0.0, f64::max);
    println!("{} threads, f32, {} pairs, medians of {} rounds\n", threads(), run.verdicts.len(), runs.len());
    println!("| | PyTorch | ours | ours / PyTorch |\n|---|---|---|---|");
    println!("| seconds | {theirs:.2} | {ours:.2} | {ratio:.3} |");
    println!("| pictures encoded | {} | {} | |", answer.encodes, sum.image_encodes);
    println!("| tokens through the decoder | {} | {} | |", answer.decoder_tokens, sum.decoder_tokens);
    println!("| operations, 10¹² | {:.2} | {:.2} | {part:.3} |", their_work / 1e12, our_work / 1e12);
    println!(
        "| rate, GFLOP/s | {:.0} | {:.0} | {:.2} |",
        their_work / theirs / 1e9,
        our_work / ours / 1e9,
        part / ratio
    );
    println!("\nThe largest difference of scores is {off:.1e}.");
}

fn main() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let model = make_model(&python, folder.path());
    let (pairs, list) = make_pairs(folder.path());
    let arguments = ["--model".as_ref(), model.as_os_str(), "--pairs".as_ref(), list.as_os_str()];
    let mut reference = Reference::start(&python, "editreward/bench_reference.py", &arguments);
    let mut model = EditReward::load(&Directory::Folder(model), Options::on(Compute::cpu())).unwrap();
    let mut runs = Vec::new();
    for round in 0..=rounds(ROUNDS) {
        // Who goes first alternates.
        let (answer, run) = if round % 2 == 0 {
            let answer: Answer = reference.ask("run");
            (answer, judge(&mut model, &pairs))
        } else {
            let run = judge(&mut model, &pairs);
            (reference.ask("run"), run)
        };
        println!("round {round}: PyTorch {:.2} s, ours {:.2} s", answer.seconds, run.seconds);
        runs.push((answer, run));
    }
    report(&runs[1..]);
}
