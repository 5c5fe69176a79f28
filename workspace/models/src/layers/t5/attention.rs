//! Attention that adds the distances of tokens to its scores, which are not scaled.

use std::ops::Range;

use candle_core::{DType, Result, Tensor};
use candle_nn::ops::softmax_last_dim;

use crate::layers::t5::T5Config;
use crate::layers::{Linear, Scope};
use crate::weights::WeightError;

/// The rows of one text, and what is added to its scores: [heads, tokens, tokens], in single precision.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) rows: Range<usize>,
    pub(super) distances: Tensor,
}

#[derive(Debug, Clone)]
pub(super) struct Attention {
    queries: Linear,
    keys: Linear,
    values: Linear,
    out: Linear,
    heads: usize,
    width: usize,
}

impl Attention {
    pub(super) fn load(scope: &Scope<'_>, config: &T5Config) -> std::result::Result<Self, WeightError> {
        let (heads, width) = (config.num_heads, config.d_kv);
        let map = |name: &str| Linear::load_no_bias(&scope.at(name), config.d_model, heads * width);
        Ok(Self {
            queries: map("q")?,
            keys: map("k")?,
            values: map("v")?,
            out: Linear::load_no_bias(&scope.at("o"), heads * width, config.d_model)?,
            heads,
            width,
        })
    }

    /// Rows [tokens of all texts, width] to the same shape.
    pub(super) fn forward(&self, rows: &Tensor, texts: &[Text]) -> Result<Tensor> {
        let heads = |map: &Linear| map.forward(rows)?.reshape((rows.dim(0)?, self.heads, self.width));
        let (queries, keys, values) = (heads(&self.queries)?, heads(&self.keys)?, heads(&self.values)?);
        let part = |text: &Text| {
            // [tokens, heads, width] → [heads, tokens, width]
            let pick = |all: &Tensor| all.narrow(0, text.rows.start, text.rows.len())?.transpose(0, 1)?.contiguous();
            let scores = pick(&queries)?.matmul(&pick(&keys)?.transpose(1, 2)?)?.to_dtype(DType::F32)?;
            let weights = softmax_last_dim(&(scores + &text.distances)?)?.to_dtype(values.dtype())?;
            let seen = weights.matmul(&pick(&values)?)?.transpose(0, 1)?;
            seen.reshape((text.rows.len(), self.heads * self.width))
        };
        let parts = texts.iter().map(part).collect::<Result<Vec<_>>>()?;
        self.out.forward(&Tensor::cat(&parts, 0)?)
    }
}
