//! What attention adds to scores for the distance of two tokens.

use candle_core::{DType, Result, Tensor};

use crate::layers::Scope;
use crate::layers::t5::T5Config;
use crate::weights::WeightError;

/// A number for each head and kind of distance; the same in all layers, though only the first holds it.
#[derive(Debug, Clone)]
pub(super) struct Distances {
    /// [buckets, heads], in single precision.
    table: Tensor,
    buckets: usize,
    most: usize,
}

impl Distances {
    pub(super) fn load(scope: &Scope<'_>, config: &T5Config) -> std::result::Result<Self, WeightError> {
        let (buckets, heads) = (config.relative_attention_num_buckets, config.num_heads);
        let table = scope.at("relative_attention_bias").in_type("weight", &[buckets, heads], DType::F32)?;
        Ok(Self { table, buckets, most: config.relative_attention_max_distance })
    }

    /// What is added to the scores of a text of so many tokens: [heads, tokens, tokens], queries before keys.
    pub(super) fn of(&self, tokens: usize) -> Result<Tensor> {
        let kinds = (0..tokens).flat_map(|query| (0..tokens).map(move |key| (query, key)));
        let kinds: Vec<u32> = kinds.map(|(query, key)| bucket(query, key, self.buckets, self.most) as u32).collect();
        let kinds = Tensor::new(kinds, self.table.device())?;
        let table = self.table.t()?.contiguous()?;
        table.index_select(&kinds, 1)?.reshape((table.dim(0)?, tokens, tokens))
    }
}

/// The kind of the distance between two tokens: each small distance is one, greater ones go together in groups that grow
/// with the logarithm. There are at least four kinds, and `most` is greater than a quarter of them.
pub(super) fn bucket(query: usize, key: usize, buckets: usize, most: usize) -> usize {
    let half = buckets / 2;
    let exact = half / 2;
    let distance = query.abs_diff(key);
    let kind = if distance < exact {
        distance
    } else {
        // In single precision, as the reference computes it: at the borders of groups the last place decides.
        let share = (distance as f32 / exact as f32).ln() / (most as f64 / exact as f64).ln() as f32;
        (exact + (share * (half - exact) as f32) as usize).min(half - 1)
    };
    if key > query { half + kind } else { kind }
}
