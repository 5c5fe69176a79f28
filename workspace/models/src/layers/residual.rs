//! The residual block of convolutions that autoencoders and U-Nets share: diffusers' `ResnetBlock2D`.

use candle_core::{Result, Tensor};

use crate::layers::{Convolution, GroupNorm, Kernel, Linear, Scope, add_to_planes, in_place};
use crate::weights::WeightError;

/// Two convolutions, each after a group normalisation and an activation, around which the input is led; in between, a
/// projection of the embedded timestep is added to every pixel.
#[derive(Debug, Clone)]
pub struct Residual {
    norm1: GroupNorm,
    conv1: Convolution,
    time: Option<Linear>,
    norm2: GroupNorm,
    conv2: Convolution,
    /// Brings the input to the output's channels where they differ.
    shortcut: Option<Convolution>,
    scale: f64,
}

/// What a [`Residual`] block is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResidualShape {
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Width of the embedded timestep, for a block that takes one.
    pub time: Option<usize>,
    /// Groups of the normalisations; divides both numbers of channels.
    pub groups: usize,
    /// ε of the normalisations.
    pub epsilon: f64,
    /// What the sum of input and output is divided by; 1 nearly everywhere.
    pub scale: f64,
}

impl Residual {
    /// Loads `norm1`, `conv1`, `time_emb_proj`, `norm2`, `conv2` and `conv_shortcut`, the last where channels change.
    pub fn load(scope: &Scope<'_>, shape: ResidualShape) -> std::result::Result<Self, WeightError> {
        let ResidualShape { inputs, outputs, groups, epsilon, .. } = shape;
        let time = shape.time.map(|width| Linear::load(&scope.at("time_emb_proj"), width, outputs)).transpose()?;
        let shortcut = (inputs != outputs)
            .then(|| Convolution::load(&scope.at("conv_shortcut"), (inputs, outputs), Kernel::POINT))
            .transpose()?;
        Ok(Self {
            norm1: GroupNorm::load(&scope.at("norm1"), groups, inputs, epsilon)?,
            conv1: Convolution::load(&scope.at("conv1"), (inputs, outputs), Kernel::THREE)?,
            time,
            norm2: GroupNorm::load(&scope.at("norm2"), groups, outputs, epsilon)?,
            conv2: Convolution::load(&scope.at("conv2"), (outputs, outputs), Kernel::THREE)?,
            shortcut,
            scale: shape.scale,
        })
    }

    /// Maps [batch, inputs, height, width] to [batch, outputs, height, width]. `time` is the embedded timestep of each
    /// picture, after its activation: [batch, width]. Blocks without a projection of it do not look at it.
    pub fn forward(&self, pictures: &Tensor, time: Option<&Tensor>) -> Result<Tensor> {
        let mut inner = self.conv1.forward(&self.norm1.forward_silu(pictures)?)?;
        if let (Some(project), Some(time)) = (&self.time, time) {
            inner = add_to_planes(inner, &project.forward(time)?)?;
        }
        // Assigned, not shadowed: what is replaced gives its memory back.
        inner = self.norm2.forward_silu(&inner)?;
        inner = self.conv2.forward(&inner)?;
        let sum = match &self.shortcut {
            Some(shortcut) => in_place::sum(inner, &shortcut.forward(pictures)?)?,
            None => in_place::sum(inner, pictures)?,
        };
        if self.scale == 1.0 { Ok(sum) } else { sum / self.scale }
    }
}
