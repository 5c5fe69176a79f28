//! The whole connector.

use candle_core::{DType, Result, Tensor, bail};

use crate::editors::step1x_edit::connector::ConnectorConfig;
use crate::editors::step1x_edit::connector::refiner::Block;
use crate::editors::transformer::{SINUSOIDS, sinusoids};
use crate::layers::{Compute, Linear, Scope, Segment};
use crate::weights::WeightError;

/// Two affine maps with `x · sigmoid(x)` between them.
#[derive(Debug)]
struct Embedder {
    first: Linear,
    second: Linear,
}

impl Embedder {
    fn load([first, second]: [Scope<'_>; 2], inputs: usize, width: usize) -> std::result::Result<Self, WeightError> {
        Ok(Self { first: Linear::load(&first, inputs, width)?, second: Linear::load(&second, width, width)? })
    }

    fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        self.second.forward(&self.first.forward(rows)?.silu()?)
    }
}

/// The connector. Not changed by use, so that threads may share it.
#[derive(Debug)]
pub struct Connector {
    config: ConnectorConfig,
    compute: Compute,
    input: Linear,
    time: Embedder,
    context: Embedder,
    blocks: Vec<Block>,
    pooled: Linear,
    /// What the mean of the states is multiplied by before it becomes the text as a whole: not 1 in v1.0.
    mean_factor: f64,
}

/// A prompt's states, as far as they do not depend on the time. Made by [`Connector::prepare`]; cheap to clone.
#[derive(Debug, Clone)]
pub struct ConnectorText {
    /// In the connector's width: [tokens, width], and a last row for all that fill up, where there are such.
    rows: Tensor,
    /// The part of the states' mean in what gates are computed from: [1, width].
    context: Tensor,
    /// The text as a whole: [1, pooled width].
    pub pooled: Tensor,
    tokens: usize,
    length: usize,
}

impl ConnectorText {
    /// Tokens see all tokens. What fills up sees the first one only, and is not seen.
    fn segments(&self) -> Vec<Segment> {
        let (tokens, rows) = (self.tokens, self.tokens + usize::from(self.length > self.tokens));
        let filled = Segment { queries: tokens..rows, keys: std::iter::once(0..1).collect(), causal: false };
        [Segment::full(0..tokens)].into_iter().chain((rows > tokens).then_some(filled)).collect()
    }
}

impl Connector {
    /// Takes the weights from where `connector` lies.
    pub(crate) fn load(scope: &Scope<'_>, config: ConnectorConfig) -> std::result::Result<Self, WeightError> {
        let (input, width) = (config.in_width, config.width);
        let refiner = scope.at("S");
        let blocks = refiner.at("individual_token_refiner").at("blocks");
        let pair = |a: &str, b: &str| [refiner.at(a), refiner.at(b)];
        Ok(Self {
            input: Linear::load(&refiner.at("input_embedder"), input, width)?,
            time: Embedder::load(pair("t_embedder.mlp.0", "t_embedder.mlp.2"), SINUSOIDS, width)?,
            context: Embedder::load(pair("c_embedder.linear_1", "c_embedder.linear_2"), input, width)?,
            blocks: (0..config.blocks)
                .map(|at| Block::load(&blocks.at(at), &config))
                .collect::<std::result::Result<_, _>>()?,
            pooled: Linear::load(&scope.at("global_proj_out"), input, config.pooled_width)?,
            mean_factor: if config.scales_mean { mean_factor(scope)? } else { 1.0 },
            compute: scope.compute().clone(),
            config,
        })
    }

    /// The shape of the connector.
    pub fn config(&self) -> &ConnectorConfig {
        &self.config
    }

    /// What all steps share of a prompt: states [tokens, in width] in the type of computing, at least one, to be filled up to a
    /// length.
    pub fn prepare(&self, states: &Tensor, length: usize) -> Result<ConnectorText> {
        let (tokens, width) = states.dims2()?;
        if tokens == 0 || width != self.config.in_width {
            bail!("states have shape {:?}: expected some of width {}", states.dims(), self.config.in_width);
        }
        if length < tokens {
            bail!("{tokens} states do not fit into {length}");
        }
        let mean = states.to_dtype(DType::F32)?.mean_keepdim(0)?;
        let rows = if length > tokens { states.pad_with_zeros(0, 0, 1)? } else { states.clone() };
        let dtype = states.dtype();
        Ok(ConnectorText {
            rows: self.input.forward(&rows)?,
            context: self.context.forward(&mean.to_dtype(dtype)?)?,
            pooled: self.pooled.forward(&(mean * self.mean_factor)?.to_dtype(dtype)?)?,
            tokens,
            length,
        })
    }

    /// What the denoiser reads at a noise level: [length, width].
    pub fn forward(&self, text: &ConnectorText, sigma: f32) -> Result<Tensor> {
        let time = self.time.forward(&sinusoids(&[sigma], &self.compute)?)?;
        let condition = (time + &text.context)?.silu()?;
        let segments = text.segments();
        let rows = self
            .blocks
            .iter()
            .try_fold(text.rows.clone(), |rows, block| block.forward(&rows, &condition, &segments))?;
        match text.length - text.tokens {
            0 => Ok(rows),
            // What fills up is the same everywhere.
            filled => {
                let one = rows.narrow(0, text.tokens, 1)?.broadcast_as((filled, self.config.width))?;
                Tensor::cat(&[&rows.narrow(0, 0, text.tokens)?, &one], 0)
            }
        }
    }
}

/// One more than the stored factor; 1 where none is stored.
fn mean_factor(scope: &Scope<'_>) -> std::result::Result<f64, WeightError> {
    const NAME: &str = "scale_factor";
    if scope.shape(NAME).is_none() {
        return Ok(1.0);
    }
    let factor = scope.in_type(NAME, &[1], DType::F32)?;
    let factor = factor.flatten_all().and_then(|factor| factor.to_vec1::<f32>());
    let factor = factor.map_err(|error| scope.device_error(NAME, error))?;
    Ok(1.0 + f64::from(factor.first().copied().unwrap_or_default()))
}
