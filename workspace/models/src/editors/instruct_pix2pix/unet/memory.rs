//! What a step takes in memory.

use candle_core::DType;

use super::config::Config;

impl Config {
    /// An upper bound of the bytes of activations, per picture of a batch, while the network runs on latents of this size.
    ///
    /// It counts everything that the way down leaves for the way up, and what is alive at the widest place of the
    /// resolution that needs most: in a residual block the joined input, the same normalised and unfolded for the
    /// convolution (nine times, as candle does it on cards), two outputs, and the normalisation's numbers in single
    /// precision; in a transformer the picture, its rows, queries, keys, values, answers, and the feed-forward block's three
    /// inner matrices. Scores of attention come on top; each path of [`attend`](crate::layers::attend) bounds its own.
    /// Weights and prepared texts are not counted.
    pub fn row_bytes(&self, height: usize, width: usize, dtype: DType) -> u64 {
        let size = dtype.size_in_bytes() as u64;
        let pixels = |at: usize| (height.div_ceil(1 << at) as u64).saturating_mul(width.div_ceil(1 << at) as u64);
        let channels = |at: usize| self.blocks[at.min(self.blocks.len() - 1)].channels as u64;
        // Each resolution's layers, and what the one above leaves: its downsampled picture, or the first convolution's.
        let kept = |at: usize| {
            pixels(at).saturating_mul(self.blocks[at].layers as u64 * channels(at) + channels(at.saturating_sub(1)))
        };
        let widest = |at: usize| {
            let outputs = channels(at);
            let inputs = channels(at + 1).max(outputs) + channels(at.saturating_sub(1)).max(outputs);
            let residual = size * ((1 + 1 + 9) * inputs + 2 * outputs) + 3 * 4 * inputs;
            let transformer = size * (8 + 3 * 4) * outputs + 3 * 4 * outputs;
            pixels(at).saturating_mul(residual.max(transformer))
        };
        let levels = 0..self.blocks.len();
        let kept = levels.clone().map(kept).fold(0, u64::saturating_add);
        kept.saturating_mul(size).saturating_add(levels.map(widest).max().unwrap_or_default())
    }
}
