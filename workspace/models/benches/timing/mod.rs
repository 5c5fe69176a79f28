//! How long something short takes.

use std::hint::black_box;
use std::time::Instant;

use candle_core::{Result, Tensor};

/// Mean seconds of `repeats` runs after one that does not count.
pub(crate) fn timed(repeats: usize, run: impl Fn() -> Result<Tensor>) -> f64 {
    black_box(run().unwrap());
    let start = Instant::now();
    for _ in 0..repeats {
        black_box(run().unwrap());
    }
    start.elapsed().as_secs_f64() / repeats as f64
}
