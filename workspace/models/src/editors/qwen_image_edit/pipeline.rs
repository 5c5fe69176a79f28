//! Qwen-Image-Edit under the shared loop: a text that was read with the pictures in sight, pictures as further tokens, and
//! the velocity.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};
use editscale_core::{Digest, EditCounters, Failure, PolicySupport, PolicyWeights, Watch};
use editscale_picture::Rgb8;

use crate::cache::bytes;
use crate::editors::adoption::ADAPTERS;
use crate::editors::diffusion::{Activations, Ask, Geometry, Layout, Pipeline, Prepared, Row, numbers};
use crate::editors::encoded::Encoded;
use crate::editors::pixels;
use crate::editors::qwen_image::{QwenItem, QwenReference, QwenTransformer};
use crate::editors::qwen_image_edit::guidance::guided;
use crate::editors::qwen_image_edit::networks::{Networks, Seen};
use crate::editors::qwen_image_edit::references::Reference;
use crate::editors::samplers::{FlowConfig, FlowEuler};
use crate::encoders::vision_language::EncoderPicture;

/// The networks, and what is kept of texts and pictures. What is kept has not gone through the transformer, so that it stays
/// right whatever adapter comes.
#[derive(Debug)]
pub struct QwenImageEdit {
    pub(super) networks: Networks,
    flow: FlowConfig,
    /// The pictures that a recipe names beside the source.
    references: Vec<Reference>,
    /// States by words and what they were read beside.
    texts: Encoded<(Arc<str>, Vec<Digest>), Tensor>,
    seen: Encoded<Digest, Seen>,
}

/// What the transformer is told of one candidate.
#[derive(Debug)]
pub struct Conditions {
    /// States of its text.
    text: Arc<Tensor>,
    /// Those of what guidance leads away from, and how strongly; none where it does not.
    negative: Option<(Arc<Tensor>, f32)>,
    pictures: Vec<Arc<Seen>>,
}

impl Conditions {
    /// The tokens of pictures that are not made but seen.
    fn picture_tokens(&self) -> usize {
        self.pictures.iter().map(|seen| seen.grid.0 * seen.grid.1).sum()
    }
}

impl QwenImageEdit {
    pub(super) fn new(networks: Networks, flow: FlowConfig, references: Vec<Reference>) -> Self {
        let bound = networks.options.cache_bytes / 2;
        let (texts, seen) = (Encoded::new(bound, bytes), Encoded::new(bound, Seen::bytes));
        Self { networks, flow, references, texts, seen }
    }

    /// The pictures of a request: its source first, then those that the recipe names.
    fn pictures(&mut self, ask: &Ask<'_>, counters: &mut EditCounters) -> std::result::Result<Pictures, Failure> {
        let Self { networks, references, seen, .. } = self;
        let mut look = |digest: Digest, pixels: &dyn Fn() -> std::result::Result<Rgb8, Failure>| {
            seen.get_or(digest, || {
                counters.image_encodes += 1;
                networks.see(pixels()?)
            })
        };
        let mut all = vec![look(ask.start.digest(), &|| pixels::read(ask.start))?];
        for reference in &*references {
            all.push(look(reference.digest, &|| Ok(reference.pixels.clone()))?);
        }
        let digests = std::iter::once(ask.start.digest()).chain(references.iter().map(|it| it.digest)).collect();
        Ok(Pictures { all, digests })
    }

    /// A text that is read beside pictures.
    fn text(
        &mut self,
        words: &str,
        pictures: &Pictures,
        counters: &mut EditCounters,
    ) -> std::result::Result<Arc<Tensor>, Failure> {
        let Self { networks, texts, .. } = self;
        texts.get_or((words.into(), pictures.digests.clone()), || {
            counters.text_encodes += 1;
            let beside: Vec<EncoderPicture> = pictures.all.iter().map(|seen| seen.picture.clone()).collect();
            let (states, asked) = networks.encode(words, &beside)?;
            counters.pictures += asked;
            Ok(states)
        })
    }

    /// What a candidate's pass takes, guidance included.
    fn activations(&self, conditions: &Conditions, geometry: Geometry) -> Activations {
        let words = |states: &Tensor| states.dims().first().copied().unwrap_or_default();
        let pictures = geometry.tokens() + conditions.picture_tokens();
        let negative = conditions.negative.as_ref().map_or(0, |(states, _)| words(states) + pictures);
        let Networks { shape, options, latents, .. } = &self.networks;
        Activations {
            pass: shape.pass_bytes(&options.compute),
            row: shape.row_bytes(words(&conditions.text) + pictures + negative, &options.compute),
            decode: latents.decode_bytes(geometry),
        }
    }

    /// A candidate before a step: beside its text and, where it is guided, beside what guidance leads away from.
    fn items(&self, row: &Row<'_, Conditions>, transformer: &QwenTransformer) -> Result<Vec<QwenItem>> {
        let latents = Tensor::from_slice(&row.input, Self::LAYOUT.dims(row.geometry), &Device::Cpu)?;
        let latents = self.networks.here(&latents)?;
        let prepare = |seen: &Arc<Seen>| transformer.prepare_reference(&seen.tokens, seen.grid);
        let references = row.conditions.pictures.iter().map(prepare).collect::<Result<Vec<QwenReference>>>()?;
        let item = |states: &Tensor| {
            Ok(QwenItem {
                latents: latents.clone(),
                grid: row.geometry.grid(),
                references: references.clone(),
                text: transformer.prepare_text(states)?,
                timestep: row.timestep,
            })
        };
        let negative = row.conditions.negative.as_ref().map(|(states, _)| &**states);
        std::iter::once(&*row.conditions.text).chain(negative).map(item).collect()
    }
}

/// What a request is about.
struct Pictures {
    all: Vec<Arc<Seen>>,
    digests: Vec<Digest>,
}

impl Pipeline for QwenImageEdit {
    type Conditions = Conditions;

    const LAYOUT: Layout = Layout::Tokens;

    fn prepare(&mut self, ask: Ask<'_>) -> std::result::Result<Prepared<Conditions>, Failure> {
        let mut counters = EditCounters::default();
        let pictures = self.pictures(&ask, &mut counters)?;
        let text = self.text(ask.instruction, &pictures, &mut counters)?;
        let scale = ask.knobs.get("guidance").unwrap_or(self.networks.options.guidance);
        let negative = if scale > 1.0 {
            let words = self.networks.options.negative.clone();
            Some((self.text(&words, &pictures, &mut counters)?, scale as f32))
        } else {
            None
        };
        let conditions = Conditions { text, negative, pictures: pictures.all };
        let geometry = self.networks.geometry(ask.output_size.unwrap_or(ask.start.size()));
        let options = &self.networks.options;
        Ok(Prepared {
            geometry,
            sampler: Arc::new(FlowEuler::new(&self.flow, options.steps, geometry.tokens(), options.eta)),
            evaluations: if conditions.negative.is_some() { 2 } else { 1 },
            activations: self.activations(&conditions, geometry),
            notes: Vec::new(),
            counters,
            conditions,
        })
    }

    fn predict(&self, rows: &[Row<'_, Conditions>], watch: &dyn Watch) -> Result<Vec<Vec<f32>>> {
        let transformer = self.networks.transformer().map_err(|error| candle_core::Error::msg(error.to_string()))?;
        let items = rows.iter().map(|row| self.items(row, &transformer)).collect::<Result<Vec<_>>>()?;
        let velocities = transformer.forward(&items.concat(), watch)?;
        let mut answers = velocities.iter().map(numbers);
        let missing = || candle_core::Error::msg("the transformer has answered too few items");
        let answer = |row: &Row<'_, Conditions>| {
            let positive = answers.next().ok_or_else(missing)??;
            let Some((_, scale)) = row.conditions.negative else { return Ok(positive) };
            let negative = answers.next().ok_or_else(missing)??;
            Ok(guided(&positive, &negative, scale, 4 * row.geometry.channels))
        };
        rows.iter().map(answer).collect()
    }

    fn decode(&self, latents: &[&[f32]], geometry: Geometry) -> Result<Vec<Option<Rgb8>>> {
        self.networks.latents.decode(latents, geometry)
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
        let Networks { adoption, transformer, .. } = &mut self.networks;
        adoption.adopt(weights, "Qwen-Image", |source| transformer.get()?.read_adapter(source))
    }
}
