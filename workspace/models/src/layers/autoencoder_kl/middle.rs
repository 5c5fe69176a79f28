//! What encoder and decoder do at the smallest resolution.

use candle_core::{Result, Tensor};

use super::chain::{EPSILON, residual};
use super::config::Config;
use crate::layers::{GroupNorm, Linear, Residual, Scope, Segment, attend, in_place, planes_of, rows_of};
use crate::weights::WeightError;

/// Two residual blocks, and an attention between them.
#[derive(Debug, Clone)]
pub(super) struct Middle {
    first: Residual,
    attention: Option<PictureAttention>,
    second: Residual,
}

impl Middle {
    pub(super) fn load(scope: &Scope<'_>, config: &Config) -> std::result::Result<Self, WeightError> {
        let channels = config.deepest();
        let residual = |at: usize| residual(&scope.at("resnets").at(at), config, channels, channels);
        let attention = config
            .mid_block_add_attention
            .then(|| PictureAttention::load(&scope.at("attentions").at(0), channels, config.norm_num_groups))
            .transpose()?;
        Ok(Self { first: residual(0)?, attention, second: residual(1)? })
    }

    pub(super) fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let mut pictures = self.first.forward(pictures, None)?;
        if let Some(attention) = &self.attention {
            pictures = attention.forward(&pictures)?;
        }
        self.second.forward(&pictures, None)
    }
}

/// Every pixel looks at every pixel of its picture, with one head of all channels.
#[derive(Debug, Clone)]
struct PictureAttention {
    norm: GroupNorm,
    queries: Linear,
    keys: Linear,
    values: Linear,
    out: Linear,
}

impl PictureAttention {
    fn load(scope: &Scope<'_>, channels: usize, groups: usize) -> std::result::Result<Self, WeightError> {
        let map = |name: &str| pointwise(&scope.at(name), channels);
        Ok(Self {
            norm: GroupNorm::load(&scope.at("group_norm"), groups, channels, EPSILON)?,
            queries: map("to_q")?,
            keys: map("to_k")?,
            values: map("to_v")?,
            out: map("to_out.0")?,
        })
    }

    fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let (batch, channels, height, width) = pictures.dims4()?;
        let rows = rows_of(&self.norm.forward(pictures)?)?;
        let one_head = |rows: Tensor| rows.reshape(((), 1, channels));
        let queries = one_head(self.queries.forward(&rows)?)?;
        let keys = one_head(self.keys.forward(&rows)?)?;
        let values = one_head(self.values.forward(&rows)?)?;
        let pixels = height * width;
        let segments: Vec<Segment> = (0..batch).map(|at| Segment::full(at * pixels..(at + 1) * pixels)).collect();
        let attended = self.out.forward(&attend(&queries, &keys, &values, &segments)?)?;
        in_place::sum(planes_of(&attended, batch, height, width)?, pictures)
    }
}

/// A map of each pixel by itself. Its weight may be stored as that of a convolution with a kernel of one pixel, as the
/// first releases of Stable Diffusion have it.
fn pointwise(scope: &Scope<'_>, channels: usize) -> std::result::Result<Linear, WeightError> {
    let is_convolution = scope.shape("weight").is_some_and(|shape| shape == [channels, channels, 1, 1]);
    if !is_convolution {
        return Linear::load(scope, channels, channels);
    }
    Linear::load_pointwise(scope, channels, channels)
}
