//! What all tokens of an item are conditioned on: time, guidance and the text as a whole.

use candle_core::{Result, Tensor};

use crate::editors::flux::FluxConfig;
use crate::editors::flux::store::Store;
use crate::editors::transformer::{SINUSOIDS, sinusoids};
use crate::layers::{Compute, Linear};
use crate::weights::WeightError;

/// Two affine maps with `x · sigmoid(x)` between them.
#[derive(Debug)]
struct Embedder {
    first: Linear,
    second: Linear,
}

impl Embedder {
    fn load(store: &Store<'_>, name: &str, inputs: usize, width: usize) -> std::result::Result<Self, WeightError> {
        Ok(Self {
            first: store.linear(&format!("{name}.in_layer"), inputs, &[width])?,
            second: store.linear(&format!("{name}.out_layer"), width, &[width])?,
        })
    }

    fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        self.second.forward(&self.first.forward(rows)?.silu()?)
    }
}

/// The sum of embeddings that modulates every block.
#[derive(Debug)]
pub(super) struct Conditioning {
    time: Embedder,
    guidance: Option<Embedder>,
    pooled: Embedder,
    compute: Compute,
}

impl Conditioning {
    pub(super) fn load(store: &Store<'_>, config: &FluxConfig) -> std::result::Result<Self, WeightError> {
        let width = config.width();
        let guidance = config.guidance.then(|| Embedder::load(store, "guidance_in", SINUSOIDS, width)).transpose()?;
        Ok(Self {
            time: Embedder::load(store, "time_in", SINUSOIDS, width)?,
            guidance,
            pooled: Embedder::load(store, "vector_in", config.pooled_width, width)?,
            compute: store.compute().clone(),
        })
    }

    /// The part of the text as a whole: [texts, pooled width] to [texts, width].
    pub(super) fn pooled(&self, pooled: &Tensor) -> Result<Tensor> {
        self.pooled.forward(pooled)
    }

    /// The embeddings of items: [items, width].
    pub(super) fn forward(&self, times: &[f32], guidance: &[Option<f32>], pooled: &Tensor) -> Result<Tensor> {
        let time = self.time.forward(&sinusoids(times, &self.compute)?)?;
        let time = match &self.guidance {
            None if guidance.iter().all(Option::is_none) => time,
            None => candle_core::bail!("guidance was given to a model without an input for it"),
            Some(embedder) => {
                let missing = || candle_core::Error::msg("guidance is missing: this model has an input for it");
                let values = guidance.iter().map(|value| value.ok_or_else(missing)).collect::<Result<Vec<_>>>()?;
                (time + embedder.forward(&sinusoids(&values, &self.compute)?)?)?
            }
        };
        time + pooled
    }
}
