//! Convolution, group normalisation and upsampling on the processor beside PyTorch's, in one run.
//!
//! `RAYON_NUM_THREADS=2 EDITSCALE_PARITY_PYTHON=venv/bin/python cargo bench -p editscale-models --bench convolution`.
//! `EDITSCALE_ROUNDS` changes how often everything is measured.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails where it cannot go on")]

mod reference;
mod timing;

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Result, Tensor};
use editscale_models::layers::{Compute, Convolution, GroupNorm, Kernel, Scope, upsample2};
use editscale_models::weights::Checkpoint;
use reference::{Reference, median, python, rounds, threads};
use serde::Deserialize;
use serde_json::{Value, json};
use timing::timed;

/// A case runs until it has done about this many operations, so that short ones can be told from the clock's noise.
const OPERATIONS: f64 = 8e9;

/// Rounds, in each of which everything is measured once, where `EDITSCALE_ROUNDS` does not say.
const ROUNDS: usize = 5;

/// How often a case of little arithmetic runs.
const REPEATS: usize = 20;

/// A convolution of square pictures with a padding of half the kernel.
struct Shape {
    batch: usize,
    inputs: usize,
    outputs: usize,
    side: usize,
    kernel: usize,
    stride: usize,
}

const fn shape(batch: usize, inputs: usize, outputs: usize, side: usize, kernel: usize, stride: usize) -> Shape {
    Shape { batch, inputs, outputs, side, kernel, stride }
}

/// The shapes of Stable Diffusion 1.5's denoiser and decoder for pictures of 512×512 and 256×256.
const SHAPES: [Shape; 18] = [
    shape(1, 320, 320, 64, 3, 1),
    shape(1, 640, 640, 32, 3, 1),
    shape(1, 1280, 1280, 16, 3, 1),
    shape(1, 1280, 1280, 8, 3, 1),
    shape(1, 960, 320, 64, 3, 1),
    shape(1, 4, 320, 64, 3, 1),
    shape(1, 320, 4, 64, 3, 1),
    shape(1, 320, 320, 64, 3, 2),
    shape(1, 320, 640, 32, 1, 1),
    shape(3, 320, 320, 64, 3, 1),
    shape(3, 1280, 1280, 16, 3, 1),
    shape(3, 1280, 1280, 8, 3, 1),
    shape(12, 320, 320, 32, 3, 1),
    shape(12, 1280, 1280, 8, 3, 1),
    shape(1, 512, 512, 64, 3, 1),
    shape(1, 512, 512, 128, 3, 1),
    shape(1, 256, 256, 256, 3, 1),
    shape(1, 128, 128, 256, 3, 1),
];

/// Batch, channels and side of what is normalised and upsampled.
const PICTURES: [[usize; 3]; 3] = [[1, 320, 64], [12, 320, 32], [1, 128, 256]];

#[derive(Deserialize)]
struct Answer {
    seconds: f64,
}

fn random(shape: &[usize]) -> Tensor {
    Tensor::randn(0.0_f32, 0.1, shape, &Device::Cpu).unwrap()
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// Both sides in turns, and candle's own. Prints rates of the fastest rounds, and the median of the rounds' ratios.
struct Turns<'a> {
    reference: &'a mut Reference,
    rounds: usize,
    repeats: usize,
}

impl Turns<'_> {
    fn measure(
        &mut self,
        name: &str,
        work: f64,
        mut question: Value,
        ours: impl Fn() -> Result<Tensor>,
        plain: impl Fn() -> Result<Tensor>,
    ) {
        let off = (ours().unwrap() - plain().unwrap()).unwrap().abs().unwrap().max_all().unwrap();
        assert!(off.to_scalar::<f32>().unwrap() < 1e-3, "{name}: both answer the same, but for {off}");
        question["repeats"] = self.repeats.into();
        let (mut theirs, mut own, mut candles) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            theirs.push(self.reference.ask::<Answer>(&question.to_string()).seconds);
            own.push(timed(self.repeats, &ours));
            candles.push(timed(self.repeats.div_ceil(4), &plain));
        }
        let rate = |seconds: &[f64]| work / least(seconds) / 1e9;
        let ratios: Vec<f64> = theirs.iter().zip(&own).map(|(theirs, own)| theirs / own).collect();
        let (theirs, own, candles, ratio) = (rate(&theirs), rate(&own), rate(&candles), median(&ratios));
        println!("| {name} | {theirs:.2} | {own:.2} | {ratio:.2} | {candles:.2} |");
    }
}

fn measure_shape(shape: &Shape, folder: &Path, turns: &mut Turns<'_>) {
    let Shape { batch, inputs, outputs, side, kernel, stride } = *shape;
    let (weight, bias) = (random(&[outputs, inputs, kernel, kernel]), random(&[outputs]));
    let tensors = HashMap::from([("weight", weight.clone()), ("bias", bias.clone())]);
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors")).unwrap();
    let checkpoint = Checkpoint::open(folder, str::to_owned).unwrap();
    let compute = Compute::cpu();
    let scope = Scope::root(&checkpoint, &compute);
    let layer = Convolution::load(&scope, (inputs, outputs), Kernel { side: kernel, stride, padding: [kernel / 2; 4] });
    let layer = layer.unwrap();
    let pictures = random(&[batch, inputs, side, side]);
    let made = (batch * outputs * side.div_ceil(stride).pow(2)) as f64;
    let operations = 2.0 * made * (inputs * kernel * kernel) as f64;
    turns.repeats = (OPERATIONS / operations).ceil().min(200.0) as usize;
    let question = json!({ "convolution": {
        "batch": batch, "inputs": inputs, "outputs": outputs, "side": side, "kernel": kernel, "stride": stride,
    } });
    let plain =
        || pictures.conv2d(&weight, kernel / 2, stride, 1, 1)?.broadcast_add(&bias.reshape((1, outputs, 1, 1))?);
    let name = format!("{batch} × {inputs} to {outputs} at {side}×{side}, kernel {kernel}, stride {stride}");
    turns.measure(&name, operations, question, || layer.forward(&pictures), plain);
}

fn measure_pictures([batch, channels, side]: [usize; 3], folder: &Path, turns: &mut Turns<'_>) {
    let (weight, bias) = (random(&[channels]), random(&[channels]));
    let tensors = HashMap::from([("weight", weight.clone()), ("bias", bias.clone())]);
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors")).unwrap();
    let checkpoint = Checkpoint::open(folder, str::to_owned).unwrap();
    let compute = Compute::cpu();
    let norm = GroupNorm::load(&Scope::root(&checkpoint, &compute), 32, channels, 1e-5).unwrap();
    let pictures = random(&[batch, channels, side, side]);
    let plain = candle_nn::GroupNorm::new(weight, bias, channels, 32, 1e-5).unwrap();
    let sizes = json!({ "batch": batch, "channels": channels, "side": side });
    let name = format!("{batch} × {channels} at {side}×{side}");
    let work = pictures.elem_count() as f64;
    turns.repeats = REPEATS;
    let question = json!({ "group_norm_silu": sizes.clone() });
    let candles = || candle_nn::Module::forward(&plain, &pictures)?.silu();
    turns.measure(&format!("group norm and silu, {name}"), work, question, || norm.forward_silu(&pictures), candles);
    let candles = || pictures.upsample_nearest2d(2 * side, 2 * side);
    let question = json!({ "upsample": sizes });
    turns.measure(&format!("twice the size, {name}"), work, question, || upsample2(&pictures), candles);
}

fn main() {
    let Some(python) = python() else { return };
    let rounds = rounds(ROUNDS);
    let folder = tempfile::tempdir().unwrap();
    let mut reference = Reference::start(&python, "convolution_reference.py", &[]);
    let mut turns = Turns { reference: &mut reference, rounds, repeats: 1 };
    println!(
        "{} threads, f32, {rounds} rounds; GFLOP/s of the fastest rounds, ratios are medians of rounds\n",
        threads()
    );
    println!("| what | PyTorch | ours | ours / PyTorch | plain candle |\n|---|---|---|---|---|");
    for shape in &SHAPES {
        measure_shape(shape, folder.path(), &mut turns);
    }
    println!(
        "\n10⁹ pixels a second\n\n| what | PyTorch | ours | ours / PyTorch | plain candle |\n|---|---|---|---|---|"
    );
    for sizes in PICTURES {
        measure_pictures(sizes, folder.path(), &mut turns);
    }
}
