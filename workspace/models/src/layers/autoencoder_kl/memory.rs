//! What encoding and decoding take in memory.

use candle_core::DType;

use super::config::Config;

/// An upper bound of the activations, in bytes, while one picture is encoded or decoded.
///
/// At each resolution it counts, for the widest residual block there: its input, the input normalised, unfolded for the
/// convolution (nine times, as candle does it on cards), two outputs, and the normalisation's numbers in single precision.
/// Only one resolution is alive at a time, so that the greatest counts. Attention comes on top of the smallest resolution:
/// six matrices of rows, and the scores that [`attend`](crate::layers::attend) bounds by itself.
///
/// `before` is the resolution that a resolution's input comes from.
fn bytes(
    config: &Config,
    (height, width): (usize, usize),
    dtype: DType,
    before: impl Fn(usize) -> Option<usize>,
) -> u64 {
    let size = dtype.size_in_bytes() as u64;
    let channels = &config.block_out_channels;
    let level = |(at, &outputs): (usize, &usize)| {
        let brought = before(at).and_then(|at| channels.get(at)).copied().unwrap_or_default();
        let inputs = outputs.max(brought) as u64;
        let outputs = outputs as u64;
        let pixels = (height.div_ceil(1 << at) as u64).saturating_mul(width.div_ceil(1 << at) as u64);
        let attention = if at + 1 == channels.len() { 6 * outputs } else { 0 };
        let numbers = (1 + 1 + 9) * inputs + 2 * outputs + attention;
        pixels.saturating_mul(size * numbers + 3 * 4 * inputs)
    };
    channels.iter().enumerate().map(level).max().unwrap_or_default()
}

impl Config {
    /// An upper bound of the bytes of activations while one picture of this size is encoded, in the given type. Pictures of
    /// a batch take it each. Weights are not counted.
    pub fn encode_bytes(&self, height: usize, width: usize, dtype: DType) -> u64 {
        bytes(self, (height, width), dtype, |at| at.checked_sub(1))
    }

    /// The same while latents are decoded to one picture of this size, in pixels.
    pub fn decode_bytes(&self, height: usize, width: usize, dtype: DType) -> u64 {
        bytes(self, (height, width), dtype, |at| at.checked_add(1))
    }
}
