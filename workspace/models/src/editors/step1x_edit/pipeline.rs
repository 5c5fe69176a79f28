//! Step1X-Edit under the shared loop: two prompts about one picture, the source as further tokens, and guidance.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use editscale_core::{Digest, EditCounters, Failure, Watch};
use editscale_picture::Rgb8;

use crate::editors::diffusion::{Activations, Ask, Geometry, Layout, Pipeline, Prepared, Row};
use crate::editors::encoded::Encoded;
use crate::editors::samplers::{FlowConfig, FlowEuler};
use crate::editors::step1x_edit::GuidanceRule;
use crate::editors::step1x_edit::denoiser::Item;
use crate::editors::step1x_edit::networks::{Networks, Source, Text};
use crate::encoders::vision_language::EncoderCounters;
use crate::pictures::{Filter, Size};

/// The networks, and what is kept of prompts and sources.
#[derive(Debug)]
pub struct Step1xEdit {
    pub(super) networks: Networks,
    flow: FlowConfig,
    rule: GuidanceRule,
    /// By instruction, picture, and the size that it is worked on in.
    texts: Encoded<(Arc<str>, Digest, Size), Text>,
    sources: Encoded<(Digest, Size), Source>,
}

/// What the denoiser is told of one candidate.
#[derive(Debug)]
pub struct Conditions {
    text: Arc<Text>,
    /// What guidance leads away from, and how strongly.
    negative: Option<(Arc<Text>, f32)>,
    source: Arc<Source>,
}

impl Step1xEdit {
    pub(super) fn new(networks: Networks, flow: FlowConfig, rule: GuidanceRule) -> Self {
        let bound = networks.options.cache_bytes / 2;
        let texts = Encoded::new(bound, |text: &Text| text.prompted.bytes());
        Self { networks, flow, rule, texts, sources: Encoded::new(bound, Source::bytes) }
    }

    /// What the encoder has computed so far.
    pub fn encoder_counters(&self) -> EncoderCounters {
        self.networks.text.encoder.counters()
    }

    fn item<'a>(&self, row: &Row<'_, Conditions>, text: &'a Text) -> Result<Item<'a>> {
        let latents = Tensor::from_slice(&row.input, Self::LAYOUT.dims(row.geometry), &Device::Cpu)?;
        Ok(Item {
            latents: self.networks.here(&latents)?,
            grid: row.geometry.grid(),
            reference: row.conditions.source.reference.clone(),
            text: &text.prompted,
            sigma: row.timestep,
        })
    }

    /// The velocities of rows that are told these texts.
    fn velocities(&self, rows: &[(&Row<'_, Conditions>, &Text)], watch: &dyn Watch) -> Result<Vec<Vec<f32>>> {
        let items = rows.iter().map(|(row, text)| self.item(row, text)).collect::<Result<Vec<_>>>()?;
        let numbers =
            |velocity: Tensor| velocity.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>();
        self.networks.denoiser.velocities(&items, watch)?.into_iter().map(numbers).collect()
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
                networks.encode(instruction, &source.picture, size)
            })
        };
        let scale = ask.knobs.get("guidance").unwrap_or(options.guidance) as f32;
        let text = encoded(ask.instruction)?;
        let negative = (scale > 1.0).then(|| encoded(&options.negative)).transpose()?.map(|text| (text, scale));
        let geometry = networks.geometry(ask.start.size(), ask.output_size);
        let transformer = &networks.denoiser.transformer;
        let words = text.prompted.tokens().max(negative.as_ref().map_or(0, |(text, _)| text.prompted.tokens()));
        let tokens = words + source.reference.tokens() + geometry.tokens();
        Ok(Prepared {
            geometry,
            sampler: Arc::new(FlowEuler::new(flow, options.steps, geometry.tokens(), options.eta)),
            evaluations: if negative.is_some() { 2 } else { 1 },
            activations: Activations {
                pass: transformer.pass_bytes(),
                row: transformer.row_bytes(tokens),
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
        let told: Vec<_> = rows.iter().map(|row| (row, &*row.conditions.text)).collect();
        let untold: Vec<_> = rows.iter().filter_map(|row| negative(row).map(|(text, _)| (row, text))).collect();
        let with = self.velocities(&told, watch)?;
        let mut without = if untold.is_empty() { Vec::new() } else { self.velocities(&untold, watch)? }.into_iter();
        let width = self.networks.denoiser.transformer.config().out_channels;
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
}

/// What a candidate is led away from, and how strongly.
fn negative<'a>(row: &'a Row<'_, Conditions>) -> Option<(&'a Text, f32)> {
    row.conditions.negative.as_ref().map(|(text, scale)| (&**text, *scale))
}
