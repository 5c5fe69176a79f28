//! The way of a candidate through the latent space, for training on it.

/// Latents, times and probabilities of a candidate's denoising steps, all in single precision.
///
/// A paused candidate's ends where it paused; that of one that went on from there begins at the very beginning. That of one
/// that took steps back begins at the latents that this led to: no step of the sampler leads there.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    /// The dimensions of the latents at one instant: [channels, rows, columns], or [tokens, channels].
    pub shape: Vec<usize>,
    /// The latents before the first step and after each, one instant after the other: [steps + 1, shape…].
    pub latents: Vec<f32>,
    /// What the denoiser was told of the time, before each step: `[steps]`.
    pub timesteps: Vec<f32>,
    /// The noise level before the first step and after each: [steps + 1].
    pub sigmas: Vec<f32>,
    /// The logarithm of the probability density of each step's result given its beginning, as a mean over the latents'
    /// dimensions: `[steps]`. None where the step added no noise.
    pub log_probabilities: Vec<Option<f32>>,
}

impl Trajectory {
    /// How many steps it has.
    pub fn steps(&self) -> usize {
        self.timesteps.len()
    }

    /// Whether every list has the length that the steps and the shape give it.
    pub fn is_whole(&self) -> bool {
        let instants = self.steps() + 1;
        let values = self.shape.iter().try_fold(instants, |values, extent| values.checked_mul(*extent));
        values == Some(self.latents.len())
            && self.sigmas.len() == instants
            && self.log_probabilities.len() == self.steps()
    }
}
