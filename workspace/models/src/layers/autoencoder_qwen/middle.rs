//! What encoder and decoder do at the smallest resolution.

use candle_core::{Result, Tensor};

use super::norm::PixelNorm;
use super::residual::Residual;
use crate::layers::{Linear, Scope, Segment, attend, in_place, planes_of, rows_of};
use crate::weights::WeightError;

/// Two residual blocks, and an attention between them.
#[derive(Debug, Clone)]
pub(super) struct Middle {
    first: Residual,
    attention: PictureAttention,
    second: Residual,
}

impl Middle {
    pub(super) fn load(scope: &Scope<'_>, channels: usize) -> std::result::Result<Self, WeightError> {
        let residual = |at: usize| Residual::load(&scope.at("resnets").at(at), channels, channels);
        let attention = PictureAttention::load(&scope.at("attentions").at(0), channels)?;
        Ok(Self { first: residual(0)?, attention, second: residual(1)? })
    }

    pub(super) fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        self.second.forward(&self.attention.forward(&self.first.forward(pictures)?)?)
    }
}

/// Every pixel looks at every pixel of its picture, with one head of all channels.
#[derive(Debug, Clone)]
struct PictureAttention {
    norm: PixelNorm,
    /// To queries, keys and values.
    fused: Linear,
    out: Linear,
}

impl PictureAttention {
    fn load(scope: &Scope<'_>, channels: usize) -> std::result::Result<Self, WeightError> {
        Ok(Self {
            norm: PixelNorm::load(&scope.at("norm"), channels)?,
            fused: Linear::load_pointwise(&scope.at("to_qkv"), channels, 3 * channels)?,
            out: Linear::load_pointwise(&scope.at("proj"), channels, channels)?,
        })
    }

    fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let (batch, channels, height, width) = pictures.dims4()?;
        let fused = self.fused.forward(&rows_of(&self.norm.forward(pictures)?)?)?;
        let part = |at: usize| fused.narrow(1, at * channels, channels)?.contiguous()?.reshape(((), 1, channels));
        let pixels = height * width;
        let segments: Vec<Segment> = (0..batch).map(|at| Segment::full(at * pixels..(at + 1) * pixels)).collect();
        let attended = self.out.forward(&attend(&part(0)?, &part(1)?, &part(2)?, &segments)?)?;
        in_place::sum(planes_of(&attended, batch, height, width)?, pictures)
    }
}
