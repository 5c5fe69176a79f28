//! What a pass takes in memory, and how many tokens fit.

use candle_core::DType;

use crate::layers::qwen25_vl::Config;

/// An estimate of the activations that one token takes in one pass, in bytes: what is alive at the widest place of a
/// decoder layer, or at the widest place of a vision block for all patches of the token, whichever is more, and keys and
/// values of all layers. Scores of attention come on top; each path of [`attend`](crate::layers::attend) bounds its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    token_bytes: u64,
}

impl Memory {
    /// The estimate for a model whose activations have a type.
    pub fn of(config: &Config, dtype: DType) -> Self {
        let size = dtype.size_in_bytes();
        let text = &config.text;
        let keys = text.num_key_value_heads * text.head_width();
        // Before, normalised, queries, attended, projected, after; gate, up and their product; keys and values joined.
        let decoder = size * (6 * text.hidden_size + 3 * text.intermediate_size + 4 * keys);
        let vision = &config.vision;
        let patch = size * (9 * vision.hidden_size + 3 * vision.intermediate_size) + 2 * 4 * vision.patch_numbers();
        let merged = vision.spatial_merge_size * vision.spatial_merge_size;
        let kept = size * 2 * keys * text.num_hidden_layers;
        Self { token_bytes: (decoder.max(merged * patch) + kept) as u64 }
    }

    /// How many tokens fit into bytes, at least one.
    pub fn tokens_within(self, bytes: u64) -> usize {
        (bytes / self.token_bytes.max(1)).max(1) as usize
    }
}
