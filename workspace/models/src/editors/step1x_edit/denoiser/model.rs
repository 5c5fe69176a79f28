//! The whole denoiser.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use editscale_core::Watch;

use crate::editors::flux::{FluxItem, FluxReference, FluxText, FluxTransformer, Naming, Opened};
use crate::editors::step1x_edit::connector::{Connector, ConnectorText};
use crate::editors::step1x_edit::denoiser::DenoiserConfig;
use crate::layers::{Compute, Linear, Scope};
use crate::load::LoadError;
use crate::weights::Checkpoint;

const CONNECTOR: &str = "connector.";
const MAPPING: &str = "text_token_mapping.";

/// The denoiser. Not changed by use, so that threads may share it.
#[derive(Debug)]
pub(crate) struct Denoiser {
    connector: Connector,
    /// Maps what goes into the encoder past the connector, for marked tokens.
    mapping: Option<Linear>,
    pub(crate) transformer: FluxTransformer,
}

/// What the encoder makes of a prompt, as far as the denoiser reads it. Tensors are in the type of computing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read<'a> {
    /// The encoder's last states: [tokens, width].
    pub(crate) states: &'a Tensor,
    /// What went into the encoder, [tokens, width], and which tokens are marked.
    pub(crate) marked: Option<(&'a Tensor, &'a [bool])>,
    /// Where tokens lie, if they lie anywhere: picture, row, column.
    pub(crate) places: Option<&'a [[f32; 3]]>,
    /// How many tokens the denoiser is given; the rest is filled up.
    pub(crate) length: usize,
}

/// A prompt, as far as it does not depend on the time.
#[derive(Debug, Clone)]
pub(crate) struct Prompted {
    text: ConnectorText,
    /// What marked tokens add: [tokens, text width].
    addition: Option<Tensor>,
    /// What turns tokens that have places.
    tables: Option<Tensor>,
}

/// One picture at one step.
#[derive(Debug, Clone)]
pub(crate) struct Item<'a> {
    /// The noisy latent picture: [rows · columns, channels].
    pub(crate) latents: Tensor,
    pub(crate) grid: (usize, usize),
    pub(crate) reference: FluxReference,
    pub(crate) text: &'a Prompted,
    /// How much of the latent picture is noise.
    pub(crate) sigma: f32,
}

impl Denoiser {
    /// Takes the weights from a checkpoint, whatever else it holds.
    pub(crate) fn of_checkpoint(
        (checkpoint, naming): (&Arc<Checkpoint>, Naming),
        config: &DenoiserConfig,
        compute: &Compute,
    ) -> std::result::Result<Self, LoadError> {
        let transformer =
            FluxTransformer::of_checkpoint((Arc::clone(checkpoint), naming), config.transformer.clone(), compute)?;
        Self::around(transformer, &Scope::root(checkpoint, compute), config)
    }

    /// The same of weights that may hold nothing else.
    pub(in crate::editors) fn load(
        weights: &Opened,
        config: &DenoiserConfig,
        compute: &Compute,
    ) -> std::result::Result<Self, LoadError> {
        let beside: &[&str] = if config.maps_marked { &[CONNECTOR, MAPPING] } else { &[CONNECTOR] };
        let shape = config.transformer.clone();
        let transformer = FluxTransformer::of_opened_beside(weights.clone(), shape, compute, beside)?;
        check_connector(weights, config.connector.blocks)?;
        Self::around(transformer, &weights.scope(compute), config)
    }

    fn around(
        transformer: FluxTransformer,
        root: &Scope<'_>,
        config: &DenoiserConfig,
    ) -> std::result::Result<Self, LoadError> {
        let mapping = || {
            let scope = root.at(MAPPING.trim_end_matches('.'));
            Linear::load(&scope, config.connector.in_width, config.connector.width)
        };
        Ok(Self {
            connector: Connector::load(&root.at(CONNECTOR.trim_end_matches('.')), config.connector.clone())?,
            mapping: config.maps_marked.then(mapping).transpose()?,
            transformer,
        })
    }

    /// What all steps share of a prompt.
    pub(crate) fn prepare(&self, read: Read<'_>) -> Result<Prompted> {
        let text = self.connector.prepare(read.states, read.length)?;
        let addition = match (&self.mapping, read.marked) {
            (Some(mapping), Some((embeddings, marks))) => Some(marked_rows(&mapping.forward(embeddings)?, marks)?),
            _ => None,
        };
        let tables = read.places.map(|places| self.transformer.prepare_places(places)).transpose()?;
        Ok(Prompted { text, addition, tables })
    }

    /// What all steps share of a reference picture: tokens [rows · columns, channels], the first of which lies at `first`.
    pub(crate) fn prepare_reference(
        &self,
        tokens: &Tensor,
        grid: (usize, usize),
        first: [i32; 3],
    ) -> Result<FluxReference> {
        Ok(self.transformer.prepare_reference(tokens, grid)?.at(first))
    }

    /// The velocity of every item's latent picture, [rows · columns, channels].
    pub(crate) fn velocities(&self, items: &[Item<'_>], watch: &dyn Watch) -> Result<Vec<Tensor>> {
        let items = items.iter().map(|item| self.item(item)).collect::<Result<Vec<_>>>()?;
        self.transformer.forward(&items, watch)
    }

    fn item(&self, item: &Item<'_>) -> Result<FluxItem> {
        Ok(FluxItem {
            latents: item.latents.clone(),
            grid: item.grid,
            reference: Some(item.reference.clone()),
            text: self.text(item.text, item.sigma)?,
            timestep: item.sigma,
            guidance: None,
        })
    }

    /// A prompt as the transformer reads it at a noise level.
    fn text(&self, prompted: &Prompted, sigma: f32) -> Result<FluxText> {
        let rows = self.connector.forward(&prompted.text, sigma)?;
        let rows = match &prompted.addition {
            Some(addition) => (rows + addition)?,
            None => rows,
        };
        let text = self.transformer.prepare_text(&rows, &prompted.text.pooled)?;
        Ok(match &prompted.tables {
            Some(tables) => text.placed(tables.clone()),
            None => text,
        })
    }
}

/// Rows [rows, width] of marked tokens; zeros for the others, bias included.
fn marked_rows(rows: &Tensor, marks: &[bool]) -> Result<Tensor> {
    if rows.dim(0)? != marks.len() {
        bail!("{} tokens have {} marks", rows.dim(0)?, marks.len());
    }
    let marks: Vec<f32> = marks.iter().map(|mark| f32::from(u8::from(*mark))).collect();
    let marks = Tensor::from_vec(marks, (rows.dim(0)?, 1), rows.device())?.to_dtype(rows.dtype())?;
    rows.broadcast_mul(&marks)
}

/// Refuses a connector with more tensors than one of so many blocks has.
fn check_connector(weights: &Opened, blocks: usize) -> std::result::Result<(), LoadError> {
    let shapes = weights.shapes();
    let found = shapes.keys().filter(|name| name.starts_with(CONNECTOR)).count();
    let factors = usize::from(shapes.contains_key("connector.scale_factor"));
    let expected = 12 + 14 * blocks + factors;
    if found > expected {
        let reason =
            format!("has {found} tensors `{CONNECTOR}…`: expected {expected} of a connector of {blocks} blocks");
        return Err(LoadError::content(&weights.root(), reason));
    }
    Ok(())
}
