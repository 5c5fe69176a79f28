//! The whole transformer.

use std::path::Path;
use std::sync::Arc;

use candle_core::{Result, Tensor};
use editscale_core::Watch;

use crate::editors::cancel::unless_cancelled;
use crate::editors::flux::{Adaptables, AdapterSource, FluxAdapter, Opened, Store, TransformerSource};
use crate::editors::qwen_image::batch::{QwenItem, QwenReference, QwenText};
use crate::editors::qwen_image::blocks::{Apart, Rows};
use crate::editors::qwen_image::config::{QwenConfig, is_marker};
use crate::editors::transformer::{
    DoubleBlock, Modulation, Packing, Positions, SINUSOIDS, cat, check_tokens, sinusoids,
};
use crate::editors::verify;
use crate::layers::{Compute, Linear, RmsNorm};
use crate::load::LoadError;
use crate::weights::{Checkpoint, WeightError};

/// ε of the normalisation of texts.
const EPSILON: f64 = 1e-6;

/// The transformer of Qwen-Image. Not changed by use, so that threads may share it; adapters come and go between uses.
#[derive(Debug)]
pub struct QwenTransformer {
    config: QwenConfig,
    compute: Compute,
    positions: Positions,
    /// From sinusoids of the time to what modulates all blocks.
    time: [Linear; 2],
    text_norm: RmsNorm,
    text: Linear,
    picture: Linear,
    blocks: Vec<DoubleBlock<Apart>>,
    /// To scale and shift of the last normalisation.
    modulation: Linear,
    out: Linear,
    /// Where layers look for what an adapter adds.
    layers: Adaptables,
}

impl QwenTransformer {
    /// Loads a transformer: a folder of diffusers' files, or one file, `.safetensors` or quantised as `.gguf`, whose names are the
    /// same or have a prefix. Every tensor has to be there in the shape that the configuration says, and none besides. Where no
    /// `config.json` lies beside a file, the shape is taken from the tensors.
    pub fn load(source: &TransformerSource, compute: &Compute) -> std::result::Result<Self, LoadError> {
        Self::whole(&Store::same_names(source, compute)?, source)
    }

    /// The shape of a transformer that is not loaded, whose headers say what [`Self::load`] expects; none of a quantised file.
    pub(in crate::editors) fn look(source: &TransformerSource) -> std::result::Result<Option<QwenConfig>, LoadError> {
        let compute = verify::compute();
        let look = |opened: &Opened| Self::whole(&Store::of_same_names(opened.clone(), &compute), source);
        Ok(Store::open_same_names(source)?.by_headers(look)?.map(|transformer| transformer.config))
    }

    fn whole(store: &Store<'_>, source: &TransformerSource) -> std::result::Result<Self, LoadError> {
        let beside = match source {
            TransformerSource::Folder(folder) => folder.join("config.json"),
            TransformerSource::File(file) => file.parent().unwrap_or(Path::new("")).join("config.json"),
        };
        let config = match source {
            TransformerSource::File(file) if !beside.exists() => QwenConfig::derive(file, &store.shapes())?,
            _ => QwenConfig::read(&beside)?,
        };
        let transformer = Self::build(store, config)?;
        store.finish(is_marker, || {
            let blocks = transformer.config.blocks;
            format!("a transformer of Qwen-Image with {blocks} blocks")
        })?;
        Ok(transformer)
    }

    /// Opens the weights of a folder as diffusers writes it.
    pub(crate) fn open(folder: &Path) -> std::result::Result<Checkpoint, WeightError> {
        Store::open(folder)
    }

    /// Takes the weights from a checkpoint, whatever else it holds.
    pub(crate) fn of_checkpoint(
        checkpoint: Arc<Checkpoint>,
        config: QwenConfig,
        compute: &Compute,
    ) -> std::result::Result<Self, LoadError> {
        Self::build(&Store::of_same_names(Opened::Original(checkpoint), compute), config)
    }

    fn build(store: &Store<'_>, config: QwenConfig) -> std::result::Result<Self, LoadError> {
        let width = config.width();
        let compute = store.compute().clone();
        let blocks = (0..config.blocks).map(|at| DoubleBlock::load(store, at, &config));
        let time = |name: &str, inputs: usize| {
            store.linear(&format!("time_text_embed.timestep_embedder.{name}"), inputs, &[width])
        };
        Ok(Self {
            positions: Positions::new(config.axes, &compute.device),
            time: [time("linear_1", SINUSOIDS)?, time("linear_2", width)?],
            text_norm: RmsNorm::of(store.norm("txt_norm", config.text_width)?, EPSILON),
            text: store.linear("txt_in", config.text_width, &[width])?,
            picture: store.linear("img_in", config.in_channels, &[width])?,
            blocks: blocks.collect::<std::result::Result<_, _>>()?,
            modulation: store.linear("norm_out.linear", width, &[2 * width])?,
            out: store.linear("proj_out", width, &[config.out_channels])?,
            layers: store.take_layers(),
            compute,
            config,
        })
    }

    /// The shape of the transformer.
    pub fn config(&self) -> &QwenConfig {
        &self.config
    }

    /// Reads an adapter for this transformer. Nothing is changed yet.
    pub fn read_adapter(&self, source: AdapterSource<'_>) -> std::result::Result<FluxAdapter, LoadError> {
        self.layers.read(source, &self.compute)
    }

    /// Computes with an adapter that was read for this transformer, or with none; another that was there is gone.
    pub fn set_adapter(&self, adapter: Option<&FluxAdapter>) {
        self.layers.set(adapter);
    }

    /// What all steps share of an instruction: states [text tokens, `text_width`] of its encoder, at least one, in the type of
    /// computing.
    pub fn prepare_text(&self, states: &Tensor) -> Result<QwenText> {
        Ok(QwenText { context: self.text.forward(&self.text_norm.forward(states)?)? })
    }

    /// What all steps share of a reference picture: tokens [rows · columns, `in_channels`] in the type of computing.
    pub fn prepare_reference(&self, tokens: &Tensor, grid: (usize, usize)) -> Result<QwenReference> {
        check_tokens(tokens, grid, self.config.in_channels)?;
        Ok(QwenReference { rows: self.picture.forward(tokens)?, grid })
    }

    /// The velocity of every item's latent picture, [rows · columns, `out_channels`]: the direction from data to noise. Items
    /// may have any sizes; what is predicted for one does not depend on the others. Fails between two blocks where the watch
    /// says that the work is not wanted any more.
    pub fn forward(&self, items: &[QwenItem], watch: &dyn Watch) -> Result<Vec<Tensor>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        items.iter().try_for_each(|item| item.check(self.config.in_channels))?;
        let packing = Packing::new(items.iter().map(QwenItem::rows));
        let rows = self.rows(items, &packing)?;
        self.velocities(items, (&packing, &rows), watch)
    }

    /// The same by how rows lie and turn.
    pub(super) fn velocities(
        &self,
        items: &[QwenItem],
        (packing, rows): (&Packing, &Rows),
        watch: &dyn Watch,
    ) -> Result<Vec<Tensor>> {
        let condition = self.condition(items)?;
        let mut text = cat(items.iter().map(|item| Ok(item.text.context.clone())))?;
        let mut picture = self.pictures(items)?;
        for block in &self.blocks {
            unless_cancelled(watch)?;
            (text, picture) = block.forward((&text, &picture), &condition, rows.streams())?;
        }
        let (values, owners) = (self.modulation.forward(&condition)?, packing.latent_owners());
        let by = Modulation { values: &values, owners: &owners };
        // Scale comes before shift here, unlike in the blocks.
        let modulated = by.modulate(&packing.latents_of(&picture)?, self.config.width(), 0)?;
        packing.apart(&self.out.forward(&modulated)?)
    }

    /// What blocks compute their modulations from: [items, width], and behind them a row of time 0 where references are clean.
    fn condition(&self, items: &[QwenItem]) -> Result<Tensor> {
        let clean = self.config.clean_references.then_some(0.0);
        let times: Vec<f32> = items.iter().map(|item| item.timestep).chain(clean).collect();
        let [first, second] = &self.time;
        second.forward(&first.forward(&sinusoids(&times, &self.compute)?)?.silu()?)?.silu()
    }

    /// How the rows of a batch lie and turn.
    pub(super) fn rows(&self, items: &[QwenItem], packing: &Packing) -> Result<Rows> {
        Ok(Rows {
            text_owners: packing.text_owners(),
            picture_owners: packing.picture_owners(self.config.clean_references.then_some(items.len())),
            segments: packing.segments(),
            text_tables: cat(items.iter().map(|item| item.text_tables(&self.positions)))?,
            picture_tables: cat(items.iter().map(|item| item.picture_tables(&self.positions)))?,
        })
    }

    /// Rows of all picture tokens: of each item its latents, embedded, then its references.
    fn pictures(&self, items: &[QwenItem]) -> Result<Tensor> {
        let own = |item: &QwenItem| {
            let references = item.references.iter().map(|reference| Ok(reference.rows.clone()));
            cat(std::iter::once(self.picture.forward(&item.latents)).chain(references))
        };
        cat(items.iter().map(own))
    }
}
