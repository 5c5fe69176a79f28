//! Denoising diffusion implicit models (Song, Meng and Ermon 2021; diffusers' `DDIMScheduler`).

use crate::editors::samplers::gaussian::draw;
use crate::editors::samplers::{DiffusionConfig, Prediction, Sampler, SamplerKind, Stepped};

/// With η = 0 a deterministic way; with η = 1 as much noise as the original diffusion adds; between them a share of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ddim {
    timesteps: Vec<f32>,
    sigmas: Vec<f32>,
    /// ᾱ before each step, and the one that the step leads to.
    pub(super) alphas: Vec<(f32, f32)>,
    eta: f32,
    prediction: Prediction,
    /// Clean latents are kept within plus and minus this.
    clip: Option<f32>,
}

impl Ddim {
    /// For a number of steps, at least 1, and η in 0..=1.
    pub fn new(config: &DiffusionConfig, steps: usize, eta: f64) -> Self {
        let count = config.schedule.count();
        let timesteps = config.spacing(SamplerKind::Ddim).timesteps(steps, count, config.steps_offset);
        let last = count.saturating_sub(1) as f64;
        let visited: Vec<i64> =
            timesteps.iter().map(|timestep| timestep.round_ties_even().clamp(0.0, last) as i64).collect();
        let stride = (count / steps.max(1)) as i64;
        let first = config.schedule.alphas.first().copied().unwrap_or(1.0);
        let final_alpha = if config.set_alpha_to_one { 1.0 } else { first };
        let alpha =
            |timestep: i64| usize::try_from(timestep).ok().and_then(|at| config.schedule.alphas.get(at).copied());
        // The reference takes the timestep one stride below, whether or not the spacing visits it.
        let alphas: Vec<(f32, f32)> = visited
            .iter()
            .map(|timestep| (alpha(*timestep).unwrap_or(first), alpha(timestep - stride).unwrap_or(final_alpha)))
            .collect();
        let level = |alpha: f32| ((1.0 - alpha) / alpha).sqrt();
        let end = alphas.last().map(|(_, to)| level(*to));
        let sigmas = alphas.iter().map(|(from, _)| level(*from)).chain(end).collect();
        let timesteps = visited.into_iter().map(|timestep| timestep as f32).collect();
        Self { timesteps, sigmas, alphas, eta: eta as f32, prediction: config.prediction, clip: config.clip }
    }

    /// The standard deviation of the noise that a step adds.
    fn std(&self, step: usize) -> f32 {
        let (from, to) = self.alphas[step];
        let variance = (1.0 - to) / (1.0 - from) * (1.0 - from / to);
        self.eta * variance.max(0.0).sqrt()
    }

    /// The clean value and the noise that a value and a prediction speak of.
    fn parts(&self, step: usize, x: f32, said: f32) -> (f32, f32) {
        let alpha = self.alphas[step].0;
        let (signal, noise) = (alpha.sqrt(), (1.0 - alpha).sqrt());
        let (clean, epsilon) = match self.prediction {
            Prediction::Epsilon => ((x - noise * said) / signal, said),
            Prediction::Velocity => (signal * x - noise * said, signal * said + noise * x),
        };
        (self.clip.map_or(clean, |most| clean.clamp(-most, most)), epsilon)
    }
}

impl Sampler for Ddim {
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
        latents.iter().zip(prediction).map(|(x, said)| self.parts(step, *x, *said).0).collect()
    }

    fn step(&self, step: usize, latents: &[f32], prediction: &[f32], noise: &[f32]) -> Stepped {
        let (to, std) = (self.alphas[step].1, self.std(step));
        let (signal, direction) = (to.sqrt(), (1.0 - to - std * std).max(0.0).sqrt());
        let mean = |(x, said): (&f32, &f32)| {
            let (clean, epsilon) = self.parts(step, *x, *said);
            signal * clean + direction * epsilon
        };
        draw(latents.iter().zip(prediction).map(mean).collect(), std, noise)
    }

    /// With x = √ᾱ · clean + √(1 − ᾱ) · noise: `x_t = √(ᾱ_t / ᾱ_s) · x_s + √(1 − ᾱ_t / ᾱ_s) · noise`.
    fn way_back(&self, from: usize, to: usize) -> (f64, f64) {
        // The level that the last step led to; where spacing is uneven it is not quite the one that the next begins at.
        let reached = if from == 0 { self.alphas[0].0 } else { self.alphas[from - 1].1 };
        let share = if to < from { (f64::from(self.alphas[to].0) / f64::from(reached)).min(1.0) } else { 1.0 };
        (share.sqrt(), (1.0 - share).sqrt())
    }
}
