//! Attention on the processor beside PyTorch's, in one run.
//!
//! `RAYON_NUM_THREADS=2 EDITSCALE_PARITY_PYTHON=venv/bin/python cargo bench -p editscale-models --bench attention`.
//! Figures with their machine stand in `docs/benchmarks.md`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and fails where it cannot go on")]

mod reference;
mod timing;

use candle_core::{Device, Result, Tensor};
use editscale_models::layers::{Segment, attend};
use reference::{Reference, median, python, rounds, threads};
use serde::Deserialize;
use serde_json::json;
use timing::timed;

/// Rounds, in each of which everything is measured once, where `EDITSCALE_ROUNDS` does not say.
const ROUNDS: usize = 15;

/// A case runs until it has done about this many operations, so that short ones can be told from the clock's noise.
const OPERATIONS: f64 = 8e9;

/// Attention of sequences of one length.
struct Shape {
    name: &'static str,
    sequences: usize,
    rows: usize,
    heads: usize,
    key_heads: usize,
    width: usize,
    causal: bool,
}

/// The shapes of Qwen2.5-VL-7B for pictures of 448×448: its decoder, and both kinds of blocks of its vision tower. Then those
/// of Stable Diffusion 1.5's denoiser for pictures of 512×512.
const SHAPES: [Shape; 6] = [
    Shape { name: "decoder", sequences: 1, rows: 1000, heads: 28, key_heads: 4, width: 128, causal: true },
    Shape {
        name: "vision, whole picture",
        sequences: 1,
        rows: 1024,
        heads: 16,
        key_heads: 16,
        width: 80,
        causal: false,
    },
    Shape { name: "vision, windows", sequences: 16, rows: 64, heads: 16, key_heads: 16, width: 80, causal: false },
    Shape { name: "UNet, 64×64", sequences: 1, rows: 4096, heads: 8, key_heads: 8, width: 40, causal: false },
    Shape { name: "UNet, 32×32", sequences: 3, rows: 1024, heads: 8, key_heads: 8, width: 80, causal: false },
    Shape { name: "UNet, 16×16", sequences: 3, rows: 256, heads: 8, key_heads: 8, width: 160, causal: false },
];

/// Products of matrices [rows, inner] and [columns, inner]ᵀ: a square one, and those of a decoder layer of the judge that
/// `editreward` measures.
const PRODUCTS: [[usize; 3]; 3] = [[1024, 1024, 1024], [8192, 768, 2304], [8192, 2304, 768]];

#[derive(Deserialize)]
struct Answer {
    seconds: f64,
}

impl Shape {
    /// Multiplications and additions of both products; of causal rows, those that no row may see are not counted.
    fn operations(&self) -> f64 {
        let seen = if self.causal { (self.rows * (self.rows + 1) / 2) as f64 } else { (self.rows * self.rows) as f64 };
        4.0 * seen * (self.sequences * self.heads * self.width) as f64
    }

    fn question(&self, repeats: usize) -> String {
        let Self { sequences, rows, heads, key_heads, width, causal, .. } = self;
        let sizes = json!({
            "sequences": sequences, "rows": rows, "heads": heads, "key_heads": key_heads, "width": width, "causal": causal,
        });
        json!({ "attention": sizes, "repeats": repeats }).to_string()
    }

    /// Queries, keys and values, [all rows, heads, width] each.
    fn inputs(&self) -> [Tensor; 3] {
        [self.heads, self.key_heads, self.key_heads].map(|heads| {
            Tensor::randn(0.0_f32, 1.0, (self.sequences * self.rows, heads, self.width), &Device::Cpu).unwrap()
        })
    }

    fn segments(&self) -> Vec<Segment> {
        let rows = (0..self.sequences).map(|at| at * self.rows..(at + 1) * self.rows);
        rows.map(|rows| Segment { causal: self.causal, ..Segment::full(rows) }).collect()
    }

    /// Attention of candle's own operations: product, softmax, product.
    fn plain(&self, [queries, keys, values]: &[Tensor; 3]) -> Result<Tensor> {
        let (sequences, rows, width) = (self.sequences, self.rows, self.width);
        let share = self.heads / self.key_heads;
        let split = |tensor: &Tensor, heads: usize| {
            tensor.reshape((sequences, rows, heads, width))?.transpose(1, 2)?.contiguous()
        };
        let grouped = (sequences, self.key_heads, share * rows, width);
        let queries = (split(queries, self.heads)? / (width as f64).sqrt())?.reshape(grouped)?;
        let (keys, values) = (split(keys, self.key_heads)?, split(values, self.key_heads)?);
        let mut scores = queries.matmul(&keys.transpose(2, 3)?)?;
        if self.causal {
            let all = (sequences, self.key_heads, share * rows, rows);
            let hidden = (0..rows * rows).map(|at| if at % rows > at / rows { f32::NEG_INFINITY } else { 0.0 });
            let hidden = Tensor::from_vec(hidden.collect(), (rows, rows), &Device::Cpu)?;
            scores = scores.reshape((sequences, self.heads, rows, rows))?.broadcast_add(&hidden)?.reshape(all)?;
        }
        let attended = candle_nn::ops::softmax_last_dim(&scores)?.matmul(&values)?;
        let attended = attended.reshape((sequences, self.heads, rows, width))?.transpose(1, 2)?;
        attended.reshape((sequences * rows, self.heads * width))
    }
}

/// One line of the table: rates of all in 10⁹ operations per second, and the ratio to the reference within rounds.
fn line(name: &str, operations: f64, reference: &[f64], ours: &[f64], plain: Option<&[f64]>) {
    let rate = |seconds: &[f64]| operations / median(seconds) / 1e9;
    let ratios: Vec<f64> = reference.iter().zip(ours).map(|(theirs, ours)| theirs / ours).collect();
    let plain = plain.map_or_else(String::new, |plain| format!("{:.0}", rate(plain)));
    println!("| {name} | {:.0} | {:.0} | {:.2} | {plain} |", rate(reference), rate(ours), median(&ratios));
}

fn measure_shape(shape: &Shape, reference: &mut Reference, rounds: usize) {
    let (inputs, segments) = (shape.inputs(), shape.segments());
    let [queries, keys, values] = &inputs;
    let blocked = || attend(queries, keys, values, &segments);
    let off = (blocked().unwrap() - shape.plain(&inputs).unwrap()).unwrap().abs().unwrap().max_all().unwrap();
    assert!(off.to_scalar::<f32>().unwrap() < 1e-5, "both answer the same");
    let repeats = (OPERATIONS / shape.operations()).ceil() as usize;
    let (mut theirs, mut ours, mut plain) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(reference.ask::<Answer>(&shape.question(repeats)).seconds);
        ours.push(timed(repeats, blocked));
        plain.push(timed(repeats, || shape.plain(&inputs)));
    }
    line(shape.name, shape.operations(), &theirs, &ours, Some(&plain));
}

fn measure_product([rows, inner, columns]: [usize; 3], reference: &mut Reference, rounds: usize) {
    let random = |shape: (usize, usize)| Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu).unwrap();
    let (left, weight) = (random((rows, inner)), random((columns, inner)));
    let operations = 2.0 * (rows * inner * columns) as f64;
    let repeats = (OPERATIONS / operations).ceil() as usize;
    let question =
        json!({ "product": { "rows": rows, "inner": inner, "columns": columns }, "repeats": repeats }).to_string();
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.push(reference.ask::<Answer>(&question).seconds);
        ours.push(timed(repeats, || left.matmul(&weight.t()?)));
    }
    line(&format!("product {rows}×{inner}×{columns}"), operations, &theirs, &ours, None);
}

fn main() {
    let Some(python) = python() else { return };
    let rounds = rounds(ROUNDS);
    let mut reference = Reference::start(&python, "attention_reference.py", &[]);
    println!("{} threads, f32, {rounds} rounds; rates in GFLOP/s (medians)\n", threads());
    println!("| what | PyTorch | ours | ours / PyTorch | plain candle |\n|---|---|---|---|---|");
    for shape in &SHAPES {
        measure_shape(shape, &mut reference, rounds);
    }
    for sizes in PRODUCTS {
        measure_product(sizes, &mut reference, rounds);
    }
}
