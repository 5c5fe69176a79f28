//! FLUX.1 Kontext under the shared loop: two texts, the source as further tokens, and the velocity.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use editscale_core::{Digest, EditCounters, Failure, Watch};
use editscale_picture::Rgb8;

use crate::editors::diffusion::{Activations, Ask, Geometry, Layout, Pipeline, Prepared, Row};
use crate::editors::encoded::Encoded;
use crate::editors::flux::{FluxItem, FluxReference};
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
}

/// What the transformer is told of one candidate.
#[derive(Debug)]
pub struct Conditions {
    text: Arc<Text>,
    reference: Arc<FluxReference>,
    guidance: Option<f32>,
}

impl FluxKontext {
    pub(super) fn new(networks: Networks, flow: FlowConfig) -> Self {
        let bound = networks.options.cache_bytes / 2;
        let texts = Encoded::new(bound, |text: &Text| text.prepared.bytes());
        Self { networks, flow, texts, sources: Encoded::new(bound, FluxReference::bytes) }
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
        let Self { networks, flow, texts, sources } = self;
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
        let numbers =
            |velocity: Tensor| velocity.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>();
        self.networks.transformer.forward(&items, watch)?.into_iter().map(numbers).collect()
    }

    fn decode(&self, latents: &[&[f32]], geometry: Geometry) -> Result<Vec<Option<Rgb8>>> {
        self.networks.latent_space.decode(latents, geometry)
    }

    fn device(&self) -> &Device {
        &self.networks.options.compute.device
    }
}
