//! What a user may choose about any local editing model.

use std::num::NonZeroU32;

use crate::editors::diffusion::injected::Injected;

/// The size that pictures are handed out in, where the request does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResultSize {
    /// As the model makes them.
    #[default]
    Model,
    /// That of the request's source.
    Source,
}

/// How the shared loop works.
#[derive(Debug)]
pub struct DiffusionOptions {
    /// Noise in place of that of the seeds.
    pub injected: Option<Injected>,
    /// Whether candidates carry their trajectories.
    pub keeps_trajectory: bool,
    /// The size of the pictures.
    pub result_size: ResultSize,
    /// The most bytes that activations of one pass take, by an estimate. One candidate at a time is always worked on.
    pub activation_bytes: u64,
    /// The most bytes of paused states.
    pub paused_bytes: u64,
    /// The most candidates of one call.
    pub largest_batch: NonZeroU32,
}

impl DiffusionOptions {
    /// The defaults on the processor, or on a card.
    pub fn new(on_card: bool) -> Self {
        Self {
            injected: None,
            keeps_trajectory: false,
            result_size: ResultSize::default(),
            activation_bytes: if on_card { 8 << 30 } else { 2 << 30 },
            paused_bytes: 1 << 30,
            largest_batch: NonZeroU32::new(32).unwrap_or(NonZeroU32::MIN),
        }
    }
}
