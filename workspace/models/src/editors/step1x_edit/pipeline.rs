//! Step1X-Edit under the shared loop: two prompts about one picture, the source as further tokens, and guidance.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};
use editscale_core::{Digest, EditCounters, Failure, PolicySupport, PolicyWeights, Watch};
use editscale_picture::Rgb8;

use crate::editors::adoption::ADAPTERS;
use crate::editors::diffusion::{Activations, Ask, Geometry, Layout, Pipeline, Prepared, Row, numbers};
use crate::editors::encoded::Encoded;
use crate::editors::samplers::{FlowConfig, FlowEuler};
use crate::editors::step1x_edit::GuidanceRule;
use crate::editors::step1x_edit::denoiser::{Denoiser, Item, Prompted};
use crate::editors::step1x_edit::networks::{Networks, Source};
use crate::editors::step1x_edit::text::KeptStates;
use crate::pictures::{Filter, Size};

/// The networks, and what is kept of prompts and sources. What is kept has not gone through the denoiser.
#[derive(Debug)]
pub struct Step1xEdit {
    pub(super) networks: Networks,
    flow: FlowConfig,
    rule: GuidanceRule,
    /// By instruction, picture, and the size that it is worked on in.
    texts: Encoded<(Arc<str>, Digest, Size), KeptStates>,
    sources: Encoded<(Digest, Size), Source>,
}

/// What the denoiser is told of one candidate.
#[derive(Debug)]
pub struct Conditions {
    text: Arc<KeptStates>,
    /// What guidance leads away from, and how strongly.
    negative: Option<(Arc<KeptStates>, f32)>,
    source: Arc<Source>,
}

impl Step1xEdit {
    pub(super) fn new(networks: Networks, flow: FlowConfig, rule: GuidanceRule) -> Self {
        let bound = networks.options.cache_bytes / 2;
        let (texts, sources) = (Encoded::new(bound, KeptStates::bytes), Encoded::new(bound, Source::bytes));
        Self { networks, flow, rule, texts, sources }
    }

    fn item<'a>(&self, denoiser: &Denoiser, row: &Row<'_, Conditions>, text: &'a Prompted) -> Result<Item<'a>> {
        let latents = Tensor::from_slice(&row.input, Self::LAYOUT.dims(row.geometry), &Device::Cpu)?;
        Ok(Item {
            latents: self.networks.here(&latents)?,
            grid: row.geometry.grid(),
            reference: self.networks.reference(denoiser, &row.conditions.source)?,
            text,
            sigma: row.timestep,
        })
    }

    /// The velocities of rows that are told these texts.
    fn velocities(
        &self,
        denoiser: &Denoiser,
        rows: &[(&Row<'_, Conditions>, &KeptStates)],
        watch: &dyn Watch,
    ) -> Result<Vec<Vec<f32>>> {
        let texts = rows.iter().map(|(_, text)| self.networks.prompted(denoiser, text)).collect::<Result<Vec<_>>>()?;
        let both = rows.iter().zip(&texts);
        let items = both.map(|((row, _), text)| self.item(denoiser, row, text)).collect::<Result<Vec<_>>>()?;
        denoiser.velocities(&items, watch)?.iter().map(numbers).collect()
    }
}

impl Pipeline for Step1xEdit {
    type Conditions = Conditions;

    const LAYOUT: Layout = Layout::Tokens;

    const RESULT_FILTER: Filter = Filter::Bicubic;

    fn prepare(&mut self, ask: Ask<'_>) -> std::result::Result<Prepared<Conditions>, Failure> {
        let Self { networks, flow, texts, sources, .. } = self;
        let (options, mut counters) = (&networks.options, EditCounters::default());
        let (digest, size) = (ask.start.digest(), networks.worked_size(ask.start.size()));
        let source = sources.get_or((digest, size), || {
            counters.image_encodes += 1;
            networks.source(ask.start, size)
        })?;
        let mut encoded = |instruction: &str| {
            texts.get_or((instruction.into(), digest, size), || {
                counters.text_encodes += 1;
                let encoded = networks.encode(instruction, &source.picture, size)?;
                counters.pictures += encoded.pictures;
                Ok(encoded)
            })
        };
        let scale = ask.knobs.get("guidance").unwrap_or(options.guidance) as f32;
        let text = encoded(ask.instruction)?;
        let negative = (scale > 1.0).then(|| encoded(&options.negative)).transpose()?.map(|text| (text, scale));
        let geometry = networks.geometry(ask.start.size(), ask.output_size);
        let words = networks.words(&text).max(negative.as_ref().map_or(0, |(text, _)| networks.words(text)));
        let tokens = words + source.grid.0 * source.grid.1 + geometry.tokens();
        let shape = &networks.shape.transformer;
        Ok(Prepared {
            geometry,
            sampler: Arc::new(FlowEuler::new(flow, options.steps, geometry.tokens(), options.eta)),
            evaluations: if negative.is_some() { 2 } else { 1 },
            activations: Activations {
                pass: shape.pass_bytes(&options.compute),
                row: shape.row_bytes(tokens, &options.compute),
                decode: networks.latent_space.decode_bytes(geometry),
            },
            notes: text.note.iter().cloned().collect(),
            counters,
            conditions: Conditions { text, negative, source },
        })
    }

    /// What is told of the instruction and what is not go through the denoiser one after the other: together they take twice
    /// the memory, and nothing is saved.
    fn predict(&self, rows: &[Row<'_, Conditions>], watch: &dyn Watch) -> Result<Vec<Vec<f32>>> {
        let denoiser = self.networks.denoiser().map_err(candle_core::Error::wrap)?;
        let told: Vec<_> = rows.iter().map(|row| (row, &*row.conditions.text)).collect();
        let untold: Vec<_> = rows.iter().filter_map(|row| negative(row).map(|(text, _)| (row, text))).collect();
        let with = self.velocities(&denoiser, &told, watch)?;
        let without = if untold.is_empty() { Vec::new() } else { self.velocities(&denoiser, &untold, watch)? };
        let (mut without, width) = (without.into_iter(), self.networks.shape.transformer.out_channels);
        let guided = |(row, with): (&Row<'_, Conditions>, Vec<f32>)| match negative(row) {
            Some((_, scale)) => {
                let without = without.next().unwrap_or_default();
                self.rule.combined(row.timestep, scale, [&with, &without], width)
            }
            None => with,
        };
        Ok(rows.iter().zip(with).map(guided).collect())
    }

    fn decode(&self, latents: &[&[f32]], geometry: Geometry) -> Result<Vec<Option<Rgb8>>> {
        self.networks.latent_space.decode(latents, geometry)
    }

    fn device(&self) -> &Device {
        &self.networks.options.compute.device
    }

    fn take_load_ms(&self) -> u64 {
        self.networks.turns.take_load_ms()
    }

    fn adopts(&self) -> PolicySupport {
        ADAPTERS
    }

    fn adopt(&mut self, weights: &PolicyWeights) -> std::result::Result<Option<Arc<str>>, Failure> {
        let Networks { adoption, denoiser, .. } = &mut self.networks;
        adoption.adopt(weights, "Step1X-Edit", |source| denoiser.get()?.transformer.read_adapter(source))
    }
}

/// What a candidate is led away from, and how strongly.
fn negative<'a>(row: &'a Row<'_, Conditions>) -> Option<(&'a KeptStates, f32)> {
    row.conditions.negative.as_ref().map(|(text, scale)| (&**text, *scale))
}
