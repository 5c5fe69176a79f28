//! What an editing model adds to the shared loop: how a request becomes conditions, and what its networks say.

use std::fmt;
use std::sync::Arc;

use candle_core::{Device, Result};
use editscale_core::{
    EditCounters, EditItem, Failure, Image, ImageSize, Knobs, PolicySupport, PolicyWeights, Proposal, Watch,
};
use editscale_picture::Rgb8;

use crate::editors::diffusion::latents::{Geometry, Layout};
use crate::editors::failure::invalid;
use crate::editors::samplers::Sampler;
use crate::pictures::Filter;

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

/// About the most bytes that activations take at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activations {
    /// In a pass of the denoiser, whatever its rows.
    pub pass: u64,
    /// On top, for this candidate's row of a pass.
    pub row: u64,
    /// While its picture is decoded.
    pub decode: u64,
}

impl Activations {
    /// What the candidate takes alone.
    pub(super) fn most(self) -> u64 {
        self.pass.saturating_add(self.row).max(self.decode)
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
    /// What it takes in memory.
    pub activations: Activations,
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
    /// The latents, scaled and arranged as the denoiser takes them.
    pub input: Vec<f32>,
    /// What it is told of the time.
    pub timestep: f32,
}

/// An editing model's networks.
pub trait Pipeline: Send + fmt::Debug {
    /// What is computed once of a request's texts and pictures and shared by its candidates.
    type Conditions: Send + Sync + fmt::Debug;

    /// How its denoiser takes latents.
    const LAYOUT: Layout;

    /// What pictures are brought to another size with, once they are made.
    const RESULT_FILTER: Filter = Filter::Lanczos;

    /// Encodes what has to be encoded, or finds it where it was encoded before.
    fn prepare(&mut self, ask: Ask<'_>) -> std::result::Result<Prepared<Self::Conditions>, Failure>;

    /// What the denoiser says of each row, guidance applied, arranged as the rows are. Rows have one geometry; an answer depends
    /// on its own row only. May fail between two blocks of a network once the watch says that the work is not wanted any more.
    fn predict(&self, rows: &[Row<'_, Self::Conditions>], watch: &dyn Watch) -> Result<Vec<Vec<f32>>>;

    /// The pictures of latents [channels, rows, columns] of one geometry; none where one holds a value that is not finite.
    fn decode(&self, latents: &[&[f32]], geometry: Geometry) -> Result<Vec<Option<Rgb8>>>;

    /// Where it computes.
    fn device(&self) -> &Device;

    /// The milliseconds that loading networks took since this was asked last, where they are not all kept loaded.
    fn take_load_ms(&self) -> u64 {
        0
    }

    /// Which weights it takes up beside those that it was loaded with.
    fn adopts(&self) -> PolicySupport {
        PolicySupport::default()
    }

    /// Computes with other weights from here on, and tells their checksum; none for those that it was loaded with. After a
    /// failure it computes with what it did before.
    fn adopt(&mut self, weights: &PolicyWeights) -> std::result::Result<Option<Arc<str>>, Failure> {
        Err(invalid(format!("{weights} cannot be taken up")))
    }
}
