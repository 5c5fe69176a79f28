//! The whole transformer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{Result, Tensor, bail};
use editscale_core::Watch;

use crate::editors::cancel::unless_cancelled;
use crate::editors::flux::adapter::{Adaptables, AdapterSource, FluxAdapter};
use crate::editors::flux::batch::{FluxItem, FluxReference, FluxText, REFERENCE, rows, with_references};
use crate::editors::flux::blocks::{Fused, SingleBlock};
use crate::editors::flux::config::FluxConfig;
use crate::editors::flux::embeddings::Conditioning;
use crate::editors::flux::names::Naming;
use crate::editors::flux::opened::Opened;
use crate::editors::flux::store::Store;
use crate::editors::transformer::{DoubleBlock, Modulation, Packing, Positions, cat, check_tokens};
use crate::layers::{Compute, Linear};
use crate::load::LoadError;
use crate::weights::{Checkpoint, Storage, WeightError};

/// Where a transformer comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransformerSource {
    /// A folder as diffusers writes it: `config.json` and `diffusion_pytorch_model.safetensors` or its shards.
    Folder(PathBuf),
    /// One file with the names of Black Forest Labs, `.safetensors` or quantised as `.gguf`. Where a `config.json` lies beside
    /// it, it has to be that of this transformer; else the shape is taken from the tensors.
    File(PathBuf),
}

impl TransformerSource {
    /// The bytes that the weights take in memory if they are kept so, by the headers of the files. Quantised weights stay as
    /// they are.
    pub fn kept_bytes(&self, kept: Storage) -> std::result::Result<u64, LoadError> {
        match self {
            Self::Folder(folder) => Ok(Store::open(folder)?.kept_bytes(kept)),
            Self::File(file) => Ok(Opened::file(file)?.kept_bytes(kept)),
        }
    }

    /// What errors about the shape of the transformer point at.
    pub fn described(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join("config.json"),
            Self::File(file) => file.clone(),
        }
    }
}

/// The transformer of FLUX.1. Not changed by use, so that threads may share it; adapters come and go between uses.
#[derive(Debug)]
pub struct FluxTransformer {
    config: FluxConfig,
    pub(super) compute: Compute,
    positions: Positions,
    conditioning: Conditioning,
    text: Linear,
    picture: Linear,
    double: Vec<DoubleBlock<Fused>>,
    single: Vec<SingleBlock>,
    /// To shift and scale of the last normalisation.
    modulation: Linear,
    out: Linear,
    /// Where layers look for what an adapter adds.
    layers: Adaptables,
}

impl FluxTransformer {
    /// Loads a transformer. Every tensor has to be there in the shape that the configuration says, and none besides.
    pub fn load(source: &TransformerSource, compute: &Compute) -> std::result::Result<Self, LoadError> {
        match source {
            TransformerSource::Folder(folder) => {
                let config = FluxConfig::read(&folder.join("config.json"))?;
                Self::of(&Store::folder(folder, compute)?, config)
            }
            TransformerSource::File(file) => {
                let store = Store::file(file, compute)?;
                let beside = file.parent().unwrap_or(Path::new("")).join("config.json");
                let config = if beside.exists() {
                    FluxConfig::read(&beside)?
                } else {
                    FluxConfig::derive(file, &store.shapes())?
                };
                Self::of(&store, config)
            }
        }
    }

    /// Opens the weights of a folder as diffusers writes it.
    pub(crate) fn open(folder: &Path) -> std::result::Result<Checkpoint, WeightError> {
        Store::open(folder)
    }

    /// Takes the weights from a checkpoint, whatever else it holds.
    pub(crate) fn of_checkpoint(
        (checkpoint, naming): (Arc<Checkpoint>, Naming),
        config: FluxConfig,
        compute: &Compute,
    ) -> std::result::Result<Self, LoadError> {
        Self::build(&Store::named(checkpoint, naming, compute), config)
    }

    /// The same of weights that hold nothing else but tensors whose names begin with one of `beside`.
    pub(in crate::editors) fn of_opened_beside(
        opened: Opened,
        config: FluxConfig,
        compute: &Compute,
        beside: &[&str],
    ) -> std::result::Result<Self, LoadError> {
        let store = Store::of(opened, compute);
        let transformer = Self::build(&store, config)?;
        let is_beside = |name: &str| beside.iter().any(|prefix| name.starts_with(prefix));
        store.finish(is_beside, || transformer.config.described())?;
        Ok(transformer)
    }

    fn of(store: &Store<'_>, config: FluxConfig) -> std::result::Result<Self, LoadError> {
        let transformer = Self::build(store, config)?;
        store.finish(|_| false, || transformer.config.described())?;
        Ok(transformer)
    }

    fn build(store: &Store<'_>, config: FluxConfig) -> std::result::Result<Self, LoadError> {
        let width = config.width();
        let compute = store.compute().clone();
        let double = (0..config.double_blocks).map(|at| DoubleBlock::load(store, at, &config));
        let single = (0..config.single_blocks).map(|at| SingleBlock::load(store, at, &config));
        Ok(Self {
            positions: Positions::new(config.axes, &compute.device),
            conditioning: Conditioning::load(store, &config)?,
            text: store.linear("txt_in", config.text_width, &[width])?,
            picture: store.linear("img_in", config.in_channels, &[width])?,
            double: double.collect::<std::result::Result<_, _>>()?,
            single: single.collect::<std::result::Result<_, _>>()?,
            modulation: store.linear("final_layer.adaLN_modulation.1", width, &[2 * width])?,
            out: store.linear("final_layer.linear", width, &[config.out_channels])?,
            layers: store.take_layers(),
            compute,
            config,
        })
    }

    /// The shape of the transformer.
    pub fn config(&self) -> &FluxConfig {
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

    /// What all steps share of an instruction: tokens [text tokens, `text_width`], at least one, and the text as a whole,
    /// `pooled_width` numbers; both in the type of computing.
    pub fn prepare_text(&self, tokens: &Tensor, pooled: &Tensor) -> Result<FluxText> {
        if tokens.dim(0)? == 0 {
            bail!("a text has no tokens: expected at least one");
        }
        let pooled = pooled.reshape((1, self.config.pooled_width))?;
        let (context, pooled) = (self.text.forward(tokens)?, self.conditioning.pooled(&pooled)?);
        Ok(FluxText { context, pooled, tables: None })
    }

    /// What turns tokens that lie at these places (picture, row, column), to be given to [`FluxText::placed`].
    pub(crate) fn prepare_places(&self, places: &[[f32; 3]]) -> Result<Tensor> {
        self.positions.tables_at(places)
    }

    /// What all steps share of a reference picture: tokens [rows · columns, `in_channels`] in the type of computing.
    pub fn prepare_reference(&self, tokens: &Tensor, grid: (usize, usize)) -> Result<FluxReference> {
        check_tokens(tokens, grid, self.config.in_channels)?;
        Ok(FluxReference { rows: self.picture.forward(tokens)?, grid, first: REFERENCE })
    }

    /// The velocity of every item's latent picture, [rows · columns, `out_channels`]: the direction from data to noise. Items
    /// may have any sizes; what is predicted for one does not depend on the others. Fails between two blocks where the watch
    /// says that the work is not wanted any more.
    pub fn forward(&self, items: &[FluxItem], watch: &dyn Watch) -> Result<Vec<Tensor>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        items.iter().try_for_each(|item| item.check(self.config.in_channels))?;
        let packing = Packing::new(items.iter().map(FluxItem::rows));
        let (condition, rows) = (self.condition(items)?, rows(items, &packing, &self.positions)?);
        let mut text = cat(items.iter().map(|item| Ok(item.text.context.clone())))?;
        let latents = cat(items.iter().map(|item| Ok(item.latents.clone())))?;
        let mut picture = with_references(&self.picture.forward(&latents)?, items)?;
        for block in &self.double {
            unless_cancelled(watch)?;
            (text, picture) = block.forward((&text, &picture), &condition, rows.streams())?;
        }
        let mut all = Tensor::cat(&[text, picture], 0)?;
        for block in &self.single {
            unless_cancelled(watch)?;
            all = block.forward(&all, &condition, &rows)?;
        }
        let pictures = all.narrow(0, rows.text, all.dim(0)? - rows.text)?;
        let (values, owners) = (self.modulation.forward(&condition)?, packing.latent_owners());
        let by = Modulation { values: &values, owners: &owners };
        let modulated = by.modulate(&packing.latents_of(&pictures)?, 0, self.config.width())?;
        packing.apart(&self.out.forward(&modulated)?)
    }

    /// What blocks compute their modulations from: [items, width].
    fn condition(&self, items: &[FluxItem]) -> Result<Tensor> {
        let times: Vec<f32> = items.iter().map(|item| item.timestep).collect();
        let guidance: Vec<Option<f32>> = items.iter().map(|item| item.guidance).collect();
        let pooled = cat(items.iter().map(|item| Ok(item.text.pooled.clone())))?;
        self.conditioning.forward(&times, &guidance, &pooled)?.silu()
    }

    /// See [`FluxConfig::row_bytes`].
    pub fn row_bytes(&self, tokens: usize) -> u64 {
        self.config.row_bytes(tokens, &self.compute)
    }

    /// See [`FluxConfig::pass_bytes`].
    pub fn pass_bytes(&self) -> u64 {
        self.config.pass_bytes(&self.compute)
    }
}
