//! Samplers: from noise to a picture's latents, step by step.
//!
//! A sampler is prepared for a number of steps and then a pure function: it holds no state of a candidate, draws no noise
//! and calls no denoiser. Everything is in single precision on the processor; latents are small beside what the denoiser
//! computes, and so a candidate's way is the same on every device as far as the denoiser's answers are.

mod ddim;
mod diffusion_config;
mod euler_ancestral;
mod flow_config;
mod flow_euler;
mod gaussian;
mod noise_schedule;
mod scheduler_file;

#[cfg(test)]
mod parity;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;

pub use ddim::Ddim;
pub use diffusion_config::{DiffusionConfig, SamplerChoice, SamplerKind};
pub use euler_ancestral::EulerAncestral;
pub use flow_config::FlowConfig;
pub use flow_euler::FlowEuler;
pub use noise_schedule::{NoiseSchedule, Prediction, Spacing};

use crate::load::LoadError;

/// The most steps along a flow. More would not differ in single precision.
pub const MOST_STEPS: usize = 1000;

/// Refuses to go along a flow in no steps or in more than that; `place` is what the error points at.
pub(super) fn check_steps(place: &Path, steps: usize) -> Result<(), LoadError> {
    if (1..=MOST_STEPS).contains(&steps) {
        return Ok(());
    }
    Err(LoadError::content(place, format!("leads 1 to {MOST_STEPS} steps: found {steps} in the recipe's `steps`")))
}

/// What a step came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Stepped {
    /// The latents after the step.
    pub latents: Vec<f32>,
    /// The logarithm of the density with which the step led there, as a mean over the latents' dimensions; none where it added
    /// no noise.
    pub log_probability: Option<f32>,
}

/// A way from noise to clean latents in a fixed number of steps.
///
/// Slices hold the latents of one candidate, `prediction` what the denoiser said of them, guidance applied; all have one
/// length.
pub trait Sampler: Send + Sync + fmt::Debug {
    /// What the denoiser is told of the time before each step: `[steps]`.
    fn timesteps(&self) -> &[f32];

    /// The noise level before the first step and after each: [steps + 1], falling to 0 or near it.
    fn sigmas(&self) -> &[f32];

    /// The factor that makes initial latents of standard normal noise.
    fn initial_scale(&self) -> f32 {
        1.0
    }

    /// The factor that makes the denoiser's input of the latents before step `step`.
    fn input_scale(&self, step: usize) -> f32 {
        let _: usize = step;
        1.0
    }

    /// Whether step `step` adds noise.
    fn adds_noise(&self, step: usize) -> bool;

    /// The clean latents as they can be told before step `step`.
    fn clean(&self, step: usize, latents: &[f32], prediction: &[f32]) -> Vec<f32>;

    /// Makes step `step`. `noise` is standard normal; it is not looked at where the step adds none.
    fn step(&self, step: usize, latents: &[f32], prediction: &[f32], noise: &[f32]) -> Stepped;

    /// The way from latents before step `from` (the number of steps for those after the last) back to before step `to`, which
    /// is not greater: the factor of the latents, and the standard deviation of the noise that is added to them. If the former
    /// are distributed as clean latents at their noise level, so are the results at theirs.
    fn way_back(&self, from: usize, to: usize) -> (f64, f64);

    /// Latents before step `to`, made of those before step `from` by adding `noise`, which is standard normal.
    fn taken_back(&self, (from, to): (usize, usize), latents: &[f32], noise: &[f32]) -> Vec<f32> {
        let (factor, std) = self.way_back(from, to);
        latents.iter().zip(noise).map(|(x, noise)| (factor * f64::from(*x) + std * f64::from(*noise)) as f32).collect()
    }

    /// How many steps it takes.
    fn steps(&self) -> usize {
        self.timesteps().len()
    }

    /// Whether any step adds noise.
    fn is_stochastic(&self) -> bool {
        (0..self.steps()).any(|step| self.adds_noise(step))
    }
}
