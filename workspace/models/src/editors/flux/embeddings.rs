//! What all tokens of an item are conditioned on: time, guidance and the text as a whole.

use candle_core::{DType, Result, Tensor};
use half::{bf16, f16};

use crate::editors::flux::FluxConfig;
use crate::editors::flux::store::Store;
use crate::layers::{Compute, Linear};
use crate::weights::WeightError;

/// Width of sinusoidal embeddings.
const SINUSOIDS: usize = 256;

/// The longest period of the sinusoids.
const MOST_PERIOD: f32 = 10_000.0;

/// Inputs from 0 to 1 are multiplied by this.
const TIMES: f32 = 1000.0;

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
        let time = self.time.forward(&self.sinusoids(times)?)?;
        let time = match &self.guidance {
            None if guidance.iter().all(Option::is_none) => time,
            None => candle_core::bail!("guidance was given to a model without an input for it"),
            Some(embedder) => {
                let missing = || candle_core::Error::msg("guidance is missing: this model has an input for it");
                let values = guidance.iter().map(|value| value.ok_or_else(missing)).collect::<Result<Vec<_>>>()?;
                (time + embedder.forward(&self.sinusoids(&values)?)?)?
            }
        };
        time + pooled
    }

    /// Cosines, then sines, of a thousand times the values at falling frequencies: [values, 256].
    fn sinusoids(&self, values: &[f32]) -> Result<Tensor> {
        let half = SINUSOIDS / 2;
        // The exponent in single precision, as in the reference; its exponential rounded once.
        let frequency = |i: usize| f64::from(-MOST_PERIOD.ln() * i as f32 / half as f32).exp() as f32;
        let frequencies: Vec<f32> = (0..half).map(frequency).collect();
        let mut all = Vec::with_capacity(values.len() * SINUSOIDS);
        for value in values {
            // In the type of the activations, as the reference takes it.
            let scaled = self.rounded(self.rounded(*value) * TIMES);
            all.extend(frequencies.iter().map(|frequency| (scaled * frequency).cos()));
            all.extend(frequencies.iter().map(|frequency| (scaled * frequency).sin()));
        }
        Tensor::from_vec(all, (values.len(), SINUSOIDS), &self.compute.device)?.to_dtype(self.compute.dtype)
    }

    fn rounded(&self, value: f32) -> f32 {
        match self.compute.dtype {
            DType::BF16 => bf16::from_f32(value).to_f32(),
            DType::F16 => f16::from_f32(value).to_f32(),
            _ => value,
        }
    }
}
