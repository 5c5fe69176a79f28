//! What is known of a candidate between two denoising steps.

use std::sync::Arc;

use editscale_core::Trajectory;

use crate::editors::samplers::{Sampler, Stepped};

/// Latents on their way, and what is needed to go on from there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    /// How many steps have been made.
    pub(super) step: usize,
    /// The latents there, in the order in which the denoiser takes them.
    pub(super) latents: Vec<f32>,
    /// What the denoiser says of them, where it has been asked: a paused state keeps it, so that its preview costs nothing
    /// once it is gone on from.
    pub(super) prediction: Option<Vec<f32>>,
    /// The way here, where it is to be kept.
    pub(super) trajectory: Option<Box<Trajectory>>,
}

impl State {
    /// Before the first step. `shape` is that of the latents, for the trajectory, where one is to be kept.
    pub(super) fn new(latents: Vec<f32>, shape: Option<&[usize]>, sampler: &dyn Sampler) -> Self {
        let trajectory = shape.map(|shape| {
            Box::new(Trajectory {
                shape: shape.to_vec(),
                latents: latents.clone(),
                timesteps: Vec::new(),
                sigmas: sampler.sigmas()[..1].to_vec(),
                log_probabilities: Vec::new(),
            })
        });
        Self { step: 0, latents, prediction: None, trajectory }
    }

    /// Enters a step that was made.
    pub(super) fn advance(&mut self, stepped: Stepped, sampler: &dyn Sampler) {
        if let Some(trajectory) = &mut self.trajectory {
            trajectory.latents.extend_from_slice(&stepped.latents);
            trajectory.timesteps.push(sampler.timesteps()[self.step]);
            trajectory.sigmas.push(sampler.sigmas()[self.step + 1]);
            trajectory.log_probabilities.push(stepped.log_probability);
        }
        self.step += 1;
        self.latents = stepped.latents;
        self.prediction = None;
    }

    /// Goes back to before step `to`, to latents that were made by adding noise. What is kept of the way begins there: no step of
    /// a sampler led from what came before to what comes after.
    pub(super) fn go_back(&mut self, to: usize, latents: Vec<f32>, sampler: &dyn Sampler) {
        if let Some(trajectory) = &mut self.trajectory {
            trajectory.latents.clone_from(&latents);
            trajectory.timesteps.clear();
            trajectory.sigmas = sampler.sigmas()[to..=to].to_vec();
            trajectory.log_probabilities.clear();
        }
        *self = Self { step: to, latents, prediction: None, trajectory: self.trajectory.take() };
    }

    /// The way here, to be handed out.
    pub(super) fn trajectory(&self) -> Option<Arc<Trajectory>> {
        self.trajectory.as_deref().map(|trajectory| Arc::new(trajectory.clone()))
    }

    /// What it takes in memory.
    pub(super) fn bytes(&self) -> u64 {
        // Of every instant a trajectory has a timestep, a noise level and, with its tag, a log-probability.
        let way = self.trajectory.as_ref().map_or(0, |way| way.latents.len() + way.sigmas.len() * 4);
        let prediction = self.prediction.as_ref().map_or(0, Vec::len);
        ((self.latents.len() + prediction + way) * size_of::<f32>()) as u64
    }
}
