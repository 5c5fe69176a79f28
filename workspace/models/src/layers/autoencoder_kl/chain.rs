//! Residual blocks that follow each other.

use candle_core::{Result, Tensor};

use super::config::Config;
use crate::layers::{Residual, ResidualShape, Scope};
use crate::weights::WeightError;

/// ε of all normalisations of the autoencoder.
pub(super) const EPSILON: f64 = 1e-6;

/// The residual blocks of one resolution.
#[derive(Debug, Clone)]
pub(super) struct Chain(Vec<Residual>);

impl Chain {
    /// Loads `resnets` of these numbers of channels, of which the first brings inputs to outputs.
    pub(super) fn load(
        scope: &Scope<'_>,
        config: &Config,
        (inputs, outputs): (usize, usize),
        count: usize,
    ) -> std::result::Result<Self, WeightError> {
        let residual = |at: usize| {
            let inputs = if at == 0 { inputs } else { outputs };
            residual(&scope.at("resnets").at(at), config, inputs, outputs)
        };
        Ok(Self((0..count).map(residual).collect::<std::result::Result<_, _>>()?))
    }

    /// Maps [batch, inputs, height, width] to [batch, outputs, height, width].
    pub(super) fn forward(&self, mut pictures: Tensor) -> Result<Tensor> {
        for residual in &self.0 {
            pictures = residual.forward(&pictures, None)?;
        }
        Ok(pictures)
    }
}

/// A residual block of the autoencoder.
pub(super) fn residual(
    scope: &Scope<'_>,
    config: &Config,
    inputs: usize,
    outputs: usize,
) -> std::result::Result<Residual, WeightError> {
    let groups = config.norm_num_groups;
    Residual::load(scope, ResidualShape { inputs, outputs, time: None, groups, epsilon: EPSILON, scale: 1.0 })
}
