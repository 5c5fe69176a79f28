//! Euler's method with ancestral noise (Karras et al. 2022; Katherine Crowson's k-diffusion; diffusers'
//! `EulerAncestralDiscreteScheduler`).

use crate::editors::samplers::gaussian::draw;
use crate::editors::samplers::{DiffusionConfig, Prediction, Sampler, SamplerKind, Spacing, Stepped};

/// Latents are the picture plus noise of level σ; each step goes down further than to the next level and adds noise back.
#[derive(Debug, Clone, PartialEq)]
pub struct EulerAncestral {
    timesteps: Vec<f32>,
    sigmas: Vec<f32>,
    initial_scale: f32,
    prediction: Prediction,
}

impl EulerAncestral {
    /// For a number of steps, at least 1.
    pub fn new(config: &DiffusionConfig, steps: usize) -> Self {
        let spacing = config.spacing(SamplerKind::EulerAncestral);
        let timesteps = spacing.timesteps(steps, config.schedule.count(), config.steps_offset);
        let timesteps: Vec<f32> = timesteps.into_iter().map(|timestep| timestep as f32).collect();
        let levels = timesteps.iter().map(|timestep| config.schedule.sigma(f64::from(*timestep)) as f32);
        let sigmas: Vec<f32> = levels.chain([0.0]).collect();
        let most = sigmas.iter().copied().fold(0.0, f32::max);
        let initial_scale = if spacing == Spacing::Leading { (most * most + 1.0).sqrt() } else { most };
        Self { timesteps, sigmas, initial_scale, prediction: config.prediction }
    }

    /// The level that the step goes down to, and the noise that brings it up again.
    fn down_and_up(&self, step: usize) -> (f32, f32) {
        let (from, to) = (f64::from(self.sigmas[step]), f64::from(self.sigmas[step + 1]));
        if from <= 0.0 {
            return (0.0, 0.0);
        }
        let up = (to * to * (from * from - to * to) / (from * from)).max(0.0).sqrt();
        ((to * to - up * up).max(0.0).sqrt() as f32, up as f32)
    }
}

impl Sampler for EulerAncestral {
    fn timesteps(&self) -> &[f32] {
        &self.timesteps
    }

    fn sigmas(&self) -> &[f32] {
        &self.sigmas
    }

    fn initial_scale(&self) -> f32 {
        self.initial_scale
    }

    fn input_scale(&self, step: usize) -> f32 {
        1.0 / (self.sigmas[step] * self.sigmas[step] + 1.0).sqrt()
    }

    fn adds_noise(&self, step: usize) -> bool {
        self.down_and_up(step).1 > 0.0
    }

    fn clean(&self, step: usize, latents: &[f32], prediction: &[f32]) -> Vec<f32> {
        let sigma = self.sigmas[step];
        let power = sigma * sigma + 1.0;
        let clean = |x: f32, said: f32| match self.prediction {
            Prediction::Epsilon => x - sigma * said,
            Prediction::Velocity => said * (-sigma / power.sqrt()) + x / power,
        };
        latents.iter().zip(prediction).map(|(x, said)| clean(*x, *said)).collect()
    }

    fn step(&self, step: usize, latents: &[f32], prediction: &[f32], noise: &[f32]) -> Stepped {
        let sigma = self.sigmas[step];
        let (down, up) = self.down_and_up(step);
        let clean = self.clean(step, latents, prediction);
        // With one step of linear spacing the reference begins at the least noise, which is above 0.
        let slope = |x: f32, clean: f32| if sigma > 0.0 { (x - clean) / sigma } else { 0.0 };
        let mean = latents.iter().zip(&clean).map(|(x, clean)| x + slope(*x, *clean) * (down - sigma)).collect();
        draw(mean, up, noise)
    }

    /// With x = clean + σ · noise: `x_t = x_s + √(σ_t² − σ_s²) · noise`.
    fn way_back(&self, from: usize, to: usize) -> (f64, f64) {
        let power = |step: usize| f64::from(self.sigmas[step]).powi(2);
        (1.0, (power(to) - power(from)).max(0.0).sqrt())
    }
}
