//! FLUX.1 Kontext under the shared loop: two texts, the source as further tokens, and the velocity.

use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Result, Tensor};
use editscale_core::{Digest, EditCounters, Failure, PolicyKind, PolicySupport, PolicyWeights, Watch};
use editscale_picture::Rgb8;

use crate::editors::diffusion::{Activations, Ask, Geometry, Layout, Pipeline, Prepared, Row, numbers};
use crate::editors::encoded::Encoded;
use crate::editors::failure::invalid;
use crate::editors::flux::{AdapterSource, FluxAdapter, FluxItem, FluxReference};
use crate::editors::flux_kontext::networks::{Networks, Text};
use crate::editors::samplers::{FlowConfig, FlowEuler};
use crate::pictures::Size;

/// The networks, and what is kept of texts and sources.
#[derive(Debug)]
pub struct FluxKontext {
    pub(super) networks: Networks,
    flow: FlowConfig,
    texts: Encoded<Arc<str>, Text>,
    sources: Encoded<(Digest, Size), FluxReference>,
    /// The adapter that the recipe names.
    own: Option<FluxAdapter>,
    /// Whether what is kept of texts and sources went through an adapter.
    keeps_adapted: bool,
}

/// What the transformer is told of one candidate.
#[derive(Debug)]
pub struct Conditions {
    text: Arc<Text>,
    reference: Arc<FluxReference>,
    guidance: Option<f32>,
}

impl FluxKontext {
    /// With an adapter where the recipe names one.
    pub(super) fn new(networks: Networks, flow: FlowConfig, own: Option<FluxAdapter>) -> Self {
        let bound = networks.options.cache_bytes / 2;
        let texts = Encoded::new(bound, |text: &Text| text.prepared.bytes());
        let sources = Encoded::new(bound, FluxReference::bytes);
        let mut kontext = Self { networks, flow, texts, sources, own: None, keeps_adapted: false };
        kontext.compute_with(own.as_ref());
        Self { own, ..kontext }
    }

    /// Computes with an adapter or without any.
    fn compute_with(&mut self, adapter: Option<&FluxAdapter>) {
        self.networks.transformer.set_adapter(adapter);
        let is_adapted = adapter.is_some_and(FluxAdapter::touches_encoded);
        if is_adapted || self.keeps_adapted {
            self.texts.forget();
            self.sources.forget();
        }
        self.keeps_adapted = is_adapted;
    }

    fn read_adapter(&self, path: &str, scale: f32) -> std::result::Result<FluxAdapter, Failure> {
        let source = AdapterSource { path: Path::new(path), scale };
        self.networks.transformer.read_adapter(source).map_err(|error| invalid(error.to_string()))
    }

    fn item(&self, row: &Row<'_, Conditions>) -> Result<FluxItem> {
        let latents = Tensor::from_slice(&row.input, Self::LAYOUT.dims(row.geometry), &Device::Cpu)?;
        Ok(FluxItem {
            latents: self.networks.here(&latents)?,
            grid: row.geometry.grid(),
            reference: Some((*row.conditions.reference).clone()),
            text: row.conditions.text.prepared.clone(),
            timestep: row.timestep,
            guidance: row.conditions.guidance,
        })
    }
}

impl Pipeline for FluxKontext {
    type Conditions = Conditions;

    const LAYOUT: Layout = Layout::Tokens;

    fn prepare(&mut self, ask: Ask<'_>) -> std::result::Result<Prepared<Conditions>, Failure> {
        let Self { networks, flow, texts, sources, .. } = self;
        let (options, mut counters) = (&networks.options, EditCounters::default());
        let text = texts.get_or(ask.instruction.into(), || {
            counters.text_encodes += 2;
            networks.encode(ask.instruction)
        })?;
        let size = networks.source_size(ask.start.size());
        let reference = sources.get_or((ask.start.digest(), size), || {
            counters.image_encodes += 1;
            networks.embed(ask.start, size)
        })?;
        let geometry = networks.geometry(ask.output_size.unwrap_or(ask.start.size()));
        let guidance = ask.knobs.get("guidance").unwrap_or(options.guidance) as f32;
        let transformer = &networks.transformer;
        let tokens = text.prepared.tokens() + reference.tokens() + geometry.tokens();
        Ok(Prepared {
            geometry,
            sampler: Arc::new(FlowEuler::new(flow, options.steps, geometry.tokens(), options.eta)),
            evaluations: 1,
            activations: Activations {
                pass: transformer.pass_bytes(),
                row: transformer.row_bytes(tokens),
                decode: networks.latent_space.decode_bytes(geometry),
            },
            notes: text.note.iter().cloned().collect(),
            counters,
            conditions: Conditions { text, reference, guidance: transformer.config().guidance.then_some(guidance) },
        })
    }

    fn predict(&self, rows: &[Row<'_, Conditions>], watch: &dyn Watch) -> Result<Vec<Vec<f32>>> {
        let items = rows.iter().map(|row| self.item(row)).collect::<Result<Vec<_>>>()?;
        self.networks.transformer.forward(&items, watch)?.iter().map(numbers).collect()
    }

    fn decode(&self, latents: &[&[f32]], geometry: Geometry) -> Result<Vec<Option<Rgb8>>> {
        self.networks.latent_space.decode(latents, geometry)
    }

    fn device(&self) -> &Device {
        &self.networks.options.compute.device
    }

    fn adopts(&self) -> PolicySupport {
        PolicySupport { adapters: true, checkpoints: false }
    }

    fn adopt(&mut self, weights: &PolicyWeights) -> std::result::Result<Option<Arc<str>>, Failure> {
        match &weights.kind {
            PolicyKind::Base => {
                let own = self.own.clone();
                self.compute_with(own.as_ref());
                Ok(None)
            }
            PolicyKind::Adapter(path) => {
                let adapter = self.read_adapter(path, weights.scale)?;
                self.compute_with(Some(&adapter));
                Ok(Some(adapter.digest().to_hex().as_str().into()))
            }
            PolicyKind::Checkpoint(_) => {
                Err(invalid(format!("{weights} cannot be taken up: FLUX.1 takes up adapters")))
            }
        }
    }
}
