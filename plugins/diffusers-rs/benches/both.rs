//! This editor beside editscale's own on the same random pipelines: whole edits of one candidate.
//!
//! `RAYON_NUM_THREADS=2 OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive cargo bench --bench both`. Both sides take turns, the one
//! that goes first changes. Figures with their machine stand in the README. `EDITSCALE_ROUNDS` changes how often everything
//! is measured.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails where it cannot go on")]

#[path = "../tests/pipelines/mod.rs"]
mod pipelines;

use std::path::Path;
use std::time::Instant;

use editscale_core::{EditBatch, Image, LocalEditor, NobodyWatches, Start, Until};
use editscale_diffusers_rs::load::open;
use editscale_diffusers_rs::settings::Settings;
use editscale_models::editors::diffusion::{DiffusionEditor, DiffusionOptions};
use editscale_models::editors::instruct_pix2pix;
use editscale_models::layers::Compute;
use editscale_picture::{Limits, Rgb8, decode_rgb8, encode_rgb8};
use pipelines::{FLAT, UNetShape, image, item, name, pipeline, scheduler, source, write_autoencoder};
use serde_json::json;

/// Denoising steps of a candidate.
const STEPS: usize = 4;
/// Rounds of everything, where `EDITSCALE_ROUNDS` does not say.
const ROUNDS: usize = 7;

/// A U-Net as deep as that of Stable Diffusion 1, a fifth as wide.
const MIDDLE: UNetShape = UNetShape {
    blocks: &[(64, true, 8), (128, true, 8), (256, true, 8), (256, false, 8)],
    layers: 2,
    is_linear: false,
};
/// Channels of the autoencoder beside it.
const AUTOENCODER: [i64; 4] = [32, 64, 128, 128];

/// How long something took, and how long all threads together were busy.
#[derive(Clone, Copy)]
struct Times {
    seconds: f64,
    processor_seconds: f64,
}

fn timed(run: impl FnOnce()) -> Times {
    let (start, busy) = (Instant::now(), processor_seconds());
    run();
    Times { seconds: start.elapsed().as_secs_f64(), processor_seconds: processor_seconds() - busy }
}

/// What this program has used of the processor, to a hundredth of a second.
fn processor_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The program's name ends with the last bracket; user and system time are the 12th and 13th number behind it.
    let numbers = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    numbers.filter_map(|number| number.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// One candidate of each round, with a seed of its own.
fn edit(editor: &mut dyn LocalEditor, source: &Image, round: usize) {
    let items = vec![item(source, round as u32, Start::Source, Until::Finished)];
    editor.edit(&EditBatch { items }, &NobodyWatches).remove(0).unwrap();
}

fn compare(what: &str, folder: &Path, source: &Image, edits: usize) {
    let config = json!({"dir": folder, "steps": STEPS});
    let settings = Settings::read(config.as_object().unwrap().clone()).unwrap();
    let mut torch = open(&settings, name()).unwrap();
    let options = instruct_pix2pix::Options { steps: STEPS, ..instruct_pix2pix::Options::on(Compute::cpu()) };
    let shared = DiffusionOptions::new(false);
    let (identity, own) = instruct_pix2pix::load(folder, name(), options, &shared).unwrap();
    let mut candle = DiffusionEditor::new(&identity, own, shared).unwrap();
    let rounds = std::env::var("EDITSCALE_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    edit(&mut torch, source, 0);
    edit(&mut candle, source, 0);
    for round in 1..=rounds {
        let mut torch_turn = || ours.push(timed(|| (0..edits).for_each(|_| edit(&mut torch, source, round))));
        let mut candle_turn = || theirs.push(timed(|| (0..edits).for_each(|_| edit(&mut candle, source, round))));
        if round % 2 == 0 {
            torch_turn();
            candle_turn();
        } else {
            candle_turn();
            torch_turn();
        }
    }
    let of = |times: &[Times], value: fn(&Times) -> f64| median(times.iter().map(value).collect()) / edits as f64;
    let ratios = ours.iter().zip(&theirs).map(|(torch, candle)| torch.processor_seconds / candle.processor_seconds);
    println!(
        "{what}: libtorch {:.3} s ({:.3} busy), candle {:.3} s ({:.3} busy); busy, libtorch to candle {:.2}",
        of(&ours, |times| times.seconds),
        of(&ours, |times| times.processor_seconds),
        of(&theirs, |times| times.seconds),
        of(&theirs, |times| times.processor_seconds),
        median(ratios.collect()),
    );
}

/// A picture of this edge, out of a fixture's.
fn enlarged(edge: usize, folder: &Path) -> Image {
    let small = decode_rgb8(&std::fs::read(source("euler")).unwrap(), &Limits::default()).unwrap();
    let pixel = |at: usize| {
        let (row, column) = (at / edge * small.height / edge, at % edge * small.width / edge);
        small.data[3 * (row * small.width + column)..][..3].to_vec()
    };
    let data = (0..edge * edge).flat_map(pixel).collect();
    let file = folder.join("source.png");
    std::fs::write(&file, encode_rgb8(&Rgb8 { width: edge, height: edge, data }).unwrap()).unwrap();
    image(&file)
}

fn main() {
    let scheduler = scheduler("EulerAncestralDiscreteScheduler");
    let tiny = pipeline("pix2pix_f16", FLAT, &scheduler);
    compare("tiny, 48x32", tiny.path(), &image(&source("euler")), 10);
    let middle = pipeline("pix2pix_f16", MIDDLE, &scheduler);
    write_autoencoder(middle.path(), &AUTOENCODER, 2);
    compare("middle, 256x256", middle.path(), &enlarged(256, middle.path()), 1);
}
