//! What an editing model adds to the shared loop: how a request becomes conditions, and what its networks say.

use std::fmt;
use std::sync::Arc;

use candle_core::{Device, Result};
use editscale_core::{EditCounters, EditItem, Failure, Image, ImageSize, KnobSpec, Knobs, Proposal};
use editscale_picture::Rgb8;

use crate::editors::samplers::Sampler;

/// The latents' size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Geometry {
    /// Channels.
    pub channels: usize,
    /// From top to bottom.
    pub rows: usize,
    /// From left to right.
    pub columns: usize,
}

impl Geometry {
    /// How many numbers the latents are.
    pub fn count(self) -> usize {
        self.channels * self.rows * self.columns
    }

    /// The dimensions in the order of noise: channels, rows, columns.
    pub fn dims(self) -> [usize; 3] {
        [self.channels, self.rows, self.columns]
    }
}

/// What is asked of a pipeline for one candidate.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The picture that the edit starts from.
    pub start: &'a Image,
    /// What to do to it.
    pub instruction: &'a str,
    /// The settings that differ from the recipe's.
    pub knobs: &'a Knobs,
    /// The size that the result is to have, where the request says.
    pub output_size: Option<ImageSize>,
}

impl<'a> Ask<'a> {
    /// Of a proposal of an item, which starts from its picture or goes back to it.
    pub(super) fn new(item: &'a EditItem, proposal: &'a Proposal) -> Self {
        let output_size = item.request.output_size;
        Self { start: &item.start, instruction: &proposal.instruction, knobs: &proposal.knobs, output_size }
    }
}

/// A candidate's conditions and what follows from them.
#[derive(Debug)]
pub struct Prepared<C> {
    /// What the denoiser is told beside latents and time.
    pub conditions: C,
    /// The size of its latents.
    pub geometry: Geometry,
    /// The way from noise to picture at that size.
    pub sampler: Arc<dyn Sampler>,
    /// Denoiser evaluations of one step: several where guidance compares answers.
    pub evaluations: u64,
    /// What people should know: words that the model did not read.
    pub notes: Vec<Arc<str>>,
    /// What was computed for it.
    pub counters: EditCounters,
}

/// One candidate before one step.
#[derive(Debug)]
pub struct Row<'a, C> {
    /// Its conditions.
    pub conditions: &'a C,
    /// The size of its latents.
    pub geometry: Geometry,
    /// The latents, scaled and ordered as the denoiser takes them.
    pub input: Vec<f32>,
    /// What it is told of the time.
    pub timestep: f32,
}

/// An editing model's networks.
pub trait Pipeline: Send + fmt::Debug {
    /// What is computed once of a request's texts and pictures and shared by its candidates.
    type Conditions: Send + Sync + fmt::Debug;

    /// Encodes what has to be encoded, or finds it where it was encoded before.
    fn prepare(&mut self, ask: Ask<'_>) -> std::result::Result<Prepared<Self::Conditions>, Failure>;

    /// What the denoiser says of each row, guidance applied. Rows have one geometry. An answer depends on its own row only.
    fn predict(&self, rows: &[Row<'_, Self::Conditions>]) -> Result<Vec<Vec<f32>>>;

    /// The pictures of latents of one geometry; none where one holds a value that is not finite.
    fn decode(&self, latents: &[&[f32]], geometry: Geometry) -> Result<Vec<Option<Rgb8>>>;

    /// Latents of the order channels, rows, columns in the order that the denoiser takes.
    fn arranged(&self, latents: Vec<f32>, geometry: Geometry) -> Vec<f32>;

    /// The dimensions of arranged latents.
    fn arranged_dims(&self, geometry: Geometry) -> Vec<usize>;

    /// About the most bytes that a pass takes whatever its rows.
    fn pass_bytes(&self) -> u64 {
        0
    }

    /// About the most bytes that activations of one row take on top.
    fn row_bytes(&self, conditions: &Self::Conditions, geometry: Geometry) -> u64;

    /// About the most bytes that activations take while one picture is decoded.
    fn decode_bytes(&self, geometry: Geometry) -> u64;

    /// Where it computes.
    fn device(&self) -> &Device;

    /// The settings that a search may turn.
    fn knobs(&self) -> std::result::Result<Vec<KnobSpec>, editscale_core::NameError>;

    /// The most evaluations that one step takes, whatever the knobs.
    fn most_evaluations(&self) -> u64;
}
