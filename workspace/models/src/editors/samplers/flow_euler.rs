//! Euler's method along a rectified flow (Liu, Gong and Liu 2023; Esser et al. 2024; diffusers'
//! `FlowMatchEulerDiscreteScheduler`), and its stochastic twin.

use crate::editors::samplers::gaussian::draw;
use crate::editors::samplers::{FlowConfig, Sampler, Stepped};

/// Latents are `(1 − σ) · clean + σ · noise`, and the denoiser tells their velocity, `noise − clean`.
///
/// With η = 0 each step follows the velocity. With η above 0 it is a step of the stochastic differential equation with
/// the same distributions at every σ (Liu et al. 2025, "Flow-GRPO", equation 9): noise of level `η sqrt(σ / (1 − σ))` is
/// added, and the drift corrected for it. The last step adds noise as well, as in the published code.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowEuler {
    pub(super) timesteps: Vec<f32>,
    pub(super) sigmas: Vec<f32>,
    pub(super) eta: f32,
}

impl FlowEuler {
    /// For a number of steps, at least 1, latents of this many tokens, and η, at least 0.
    ///
    /// Where the configuration shifts dynamically, more tokens shift the steps towards more noise.
    pub fn new(config: &FlowConfig, steps: usize, tokens: usize, eta: f64) -> Self {
        let n = steps.max(1) as f64;
        let even = (0..steps).map(|at| if steps == 1 { 1.0 } else { 1.0 + (1.0 / n - 1.0) * at as f64 / (n - 1.0) });
        let timesteps = config.levels(even.map(|sigma| f64::from(sigma as f32)), tokens);
        let sigmas = timesteps.iter().copied().chain([0.0]).collect();
        Self { timesteps, sigmas, eta: eta as f32 }
    }

    /// The level of the stochastic term. At σ = 1 it has no end; the published code takes the next σ there. Steps between two
    /// levels that both round to 1 stay where they are, and add nothing.
    fn level(&self, step: usize) -> f32 {
        let (sigma, next) = (self.sigmas[step], self.sigmas[step + 1]);
        let below = if sigma >= 1.0 { next } else { sigma };
        if below >= 1.0 { 0.0 } else { self.eta * (sigma / (1.0 - below)).sqrt() }
    }

    /// The standard deviation of the noise that a step adds.
    fn std(&self, step: usize) -> f32 {
        self.level(step) * (self.sigmas[step] - self.sigmas[step + 1]).max(0.0).sqrt()
    }
}

impl Sampler for FlowEuler {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn sigmas(&self) -> &[f32] {
        &self.sigmas
    }

    fn adds_noise(&self, step: usize) -> bool {
        self.std(step) > 0.0
    }

    fn clean(&self, step: usize, latents: &[f32], prediction: &[f32]) -> Vec<f32> {
        let sigma = self.sigmas[step];
        latents.iter().zip(prediction).map(|(x, velocity)| x - sigma * velocity).collect()
    }

    fn step(&self, step: usize, latents: &[f32], prediction: &[f32], noise: &[f32]) -> Stepped {
        let (sigma, next) = (self.sigmas[step], self.sigmas[step + 1]);
        let (along, level) = (next - sigma, self.level(step));
        let drift = level * level / (2.0 * sigma);
        let (of_latents, of_velocity) = (1.0 + drift * along, (1.0 + drift * (1.0 - sigma)) * along);
        let mean = |(x, velocity): (&f32, &f32)| x * of_latents + velocity * of_velocity;
        let mean = latents.iter().zip(prediction).map(mean).collect();
        draw(mean, self.std(step), noise)
    }

    /// With x = (1 − σ) · clean + σ · noise: `x_t = a · x_s + √(σ_t² − a² σ_s²) · noise`, where `a = (1 − σ_t) / (1 − σ_s)`.
    /// Nothing can be added to what is noise alone.
    fn way_back(&self, from: usize, to: usize) -> (f64, f64) {
        let (reached, level) = (f64::from(self.sigmas[from]), f64::from(self.sigmas[to]));
        if reached >= 1.0 || level <= reached {
            return (1.0, 0.0);
        }
        let factor = (1.0 - level) / (1.0 - reached);
        (factor, (level * level - factor * factor * reached * reached).max(0.0).sqrt())
    }
}
