//! `InstructPix2Pix` on libtorch under editscale's loop: texts, source, and guidance in two scales.
//!
//! A pass of the U-Net is one candidate: with guidance three rows, without one. Products of matrices round by their shapes;
//! so a candidate's numbers are the same whatever else is in its batch.

use std::sync::Arc;

use candle_core::{Error, Result};
use editscale_core::{Digest, EditCounters, Failure, FailureKind, Image, Knobs, Watch};
use editscale_models::editors::Encoded;
use editscale_models::editors::diffusion::{Activations, Ask, Geometry, Layout, Pipeline, Prepared, Row};
use editscale_models::editors::instruct_pix2pix::working_size;
use editscale_models::editors::samplers::Sampler;
use editscale_models::pictures::Size;
use editscale_models::text::ClipTokens;
use editscale_picture::Rgb8;
use tch::Device;

use crate::networks::{Autoencoder, ClipText, UNet, guarded, tensor};
use crate::pixels;

/// The rows of the U-Net that a candidate with guidance is.
pub(crate) const MOST_BRANCHES: u64 = 3;

/// Everything with weights.
#[derive(Debug)]
pub struct Networks {
    /// The tokenizer.
    pub tokens: ClipTokens,
    /// The text encoder.
    pub text: ClipText,
    /// The autoencoder.
    pub autoencoder: Autoencoder,
    /// The U-Net.
    pub unet: UNet,
    /// Where they compute.
    pub device: Device,
}

/// How they are used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// How strongly the instruction counts where no knob says.
    pub guidance: f64,
    /// How strongly the source counts where no knob says.
    pub image_guidance: f64,
    /// The most pixels that are worked on.
    pub max_pixels: usize,
    /// The most bytes that are kept of encoded texts and sources.
    pub cache_bytes: u64,
}

/// The networks, and what is kept of texts and sources.
#[derive(Debug)]
pub struct TorchPix2Pix {
    networks: Networks,
    usage: Usage,
    sampler: Arc<dyn Sampler>,
    texts: Encoded<Arc<str>, Text>,
    sources: Encoded<(Digest, Size), Vec<f32>>,
    /// Tells the pipeline's own loop that work is done on the processor's memory.
    processor: candle_core::Device,
}

/// A text's states, [tokens, width].
#[derive(Debug)]
struct Text {
    states: Vec<f32>,
    note: Option<Arc<str>>,
}

/// What the U-Net is told of one candidate, in the processor's memory: libtorch's tensors cannot be shared by threads.
#[derive(Debug)]
pub struct Conditions {
    text: Arc<Text>,
    empty: Arc<Text>,
    /// The source's latents.
    source: Arc<Vec<f32>>,
    /// Scales of text and picture; none where the plain answer is used.
    guidance: Option<(f32, f32)>,
}

impl TorchPix2Pix {
    /// The networks with a way from noise to picture.
    pub fn new(networks: Networks, usage: Usage, sampler: Arc<dyn Sampler>) -> Self {
        let texts = Encoded::new(usage.cache_bytes / 2, |text: &Text| 4 * text.states.len() as u64);
        let sources = Encoded::new(usage.cache_bytes / 2, |source: &Vec<f32>| 4 * source.len() as u64);
        Self { networks, usage, sampler, texts, sources, processor: candle_core::Device::Cpu }
    }

    fn text(&mut self, text: &str, counters: &mut EditCounters) -> std::result::Result<Arc<Text>, Failure> {
        let Self { networks, texts, .. } = self;
        texts.get_or(text.into(), || {
            counters.text_encodes += 1;
            networks.read(text)
        })
    }

    fn source(
        &mut self,
        start: &Image,
        size: Size,
        counters: &mut EditCounters,
    ) -> std::result::Result<Arc<Vec<f32>>, Failure> {
        let Self { networks, sources, .. } = self;
        sources.get_or((start.digest(), size), || {
            counters.image_encodes += 1;
            let planes = pixels::planes(start, size)?;
            let encoded = networks.autoencoder.encode(&planes, size.height, size.width);
            encoded.map_err(|reason| crashed("encoding the source", &reason))
        })
    }

    /// The two scales; none where the reference compares no answers.
    fn guidance(&self, knobs: &Knobs) -> Option<(f32, f32)> {
        let text = knobs.get("guidance").unwrap_or(self.usage.guidance);
        let image = knobs.get("image_guidance").unwrap_or(self.usage.image_guidance);
        (text > 1.0 && image >= 1.0).then_some((text as f32, image as f32))
    }

    /// The U-Net's answer to one candidate: with guidance to the instruction and the source, to the source alone, and to
    /// neither.
    fn answer(&self, row: &Row<'_, Conditions>) -> std::result::Result<Vec<f32>, String> {
        let Conditions { text, empty, source, guidance } = row.conditions;
        let nothing = vec![0.0; source.len()];
        let branches: [(&[f32], &Text); MOST_BRANCHES as usize] = [(source, text), (source, empty), (&nothing, empty)];
        let used = if guidance.is_some() { branches.len() } else { 1 };
        let answer = self.predict_rows(row, branches.get(..used).unwrap_or_default())?;
        let Some(scales) = *guidance else { return Ok(answer) };
        let each = answer.len() / 3;
        let (text, rest) = answer.split_at(each);
        let (image, nothing) = rest.split_at(each);
        Ok(combined(text, image, nothing, scales))
    }

    /// The U-Net's answers to rows of one candidate, each with a source and a text of its own.
    fn predict_rows(
        &self,
        row: &Row<'_, Conditions>,
        branches: &[(&[f32], &Text)],
    ) -> std::result::Result<Vec<f32>, String> {
        let Networks { unet, device, .. } = &self.networks;
        let [channels, rows, columns] = row.geometry.dims().map(|extent| extent as i64);
        let count = branches.len() as i64;
        let (mut latents, mut states) = (Vec::new(), Vec::new());
        for (source, text) in branches {
            latents.extend(row.input.iter().chain(*source).copied());
            states.extend_from_slice(&text.states);
        }
        let width = unet.config().cross_attention_dim as i64;
        let inputs = guarded(|| {
            let latents = tensor(&latents, &[count, 2 * channels, rows, columns], *device);
            Ok((latents, tensor(&states, &[count, -1, width], *device)))
        });
        let (latents, states) = inputs?;
        unet.predict(&latents, row.timestep, &states)
    }
}

impl Networks {
    /// How many tokens of a text are read, start and end included.
    fn length(&self) -> usize {
        let positions = self.text.config().max_position_embeddings;
        self.tokens.length().map_or(positions, |length| length.min(positions))
    }

    fn read(&self, text: &str) -> std::result::Result<Text, Failure> {
        let length = self.length();
        let tokenized = self.tokens.encode(text, length);
        let tokenized = tokenized.map_err(|error| Failure::new(FailureKind::Invalid, error.to_string()))?;
        let states = self.text.encode(&tokenized.ids).map_err(|reason| crashed("encoding the text", &reason))?;
        let note = tokenized.cut.map(|cut| format!("the model reads {length} tokens: it has not read `{cut}`").into());
        Ok(Text { states, note })
    }
}

impl Pipeline for TorchPix2Pix {
    type Conditions = Conditions;

    const LAYOUT: Layout = Layout::Planes;

    fn prepare(&mut self, ask: Ask<'_>) -> std::result::Result<Prepared<Conditions>, Failure> {
        let mut counters = EditCounters::default();
        let empty = self.text("", &mut counters)?;
        let text = self.text(ask.instruction, &mut counters)?;
        let (given, factor) = (ask.start.size(), self.networks.autoencoder.config().factor());
        let given = Size { height: given.height as usize, width: given.width as usize };
        let size = working_size(given, factor, self.usage.max_pixels);
        let source = self.source(ask.start, size, &mut counters)?;
        let Networks { autoencoder, .. } = &self.networks;
        let geometry = Geometry {
            channels: autoencoder.config().latent_channels,
            rows: size.height / factor,
            columns: size.width / factor,
        };
        let guidance = self.guidance(ask.knobs);
        let evaluations = if guidance.is_some() { MOST_BRANCHES } else { 1 };
        Ok(Prepared {
            geometry,
            sampler: Arc::clone(&self.sampler),
            evaluations,
            activations: self.activations(geometry, size, evaluations),
            notes: text.note.iter().cloned().collect(),
            counters,
            conditions: Conditions { text, empty, source, guidance },
        })
    }

    fn predict(&self, rows: &[Row<'_, Conditions>], watch: &dyn Watch) -> Result<Vec<Vec<f32>>> {
        let answer = |row| {
            if watch.cancelled() {
                return Err(Error::Msg("the work is not wanted any more".to_owned()));
            }
            self.answer(row).map_err(Error::Msg)
        };
        rows.iter().map(answer).collect()
    }

    fn decode(&self, latents: &[&[f32]], geometry: Geometry) -> Result<Vec<Option<Rgb8>>> {
        let autoencoder = &self.networks.autoencoder;
        let factor = autoencoder.config().factor();
        let size = Size { height: geometry.rows * factor, width: geometry.columns * factor };
        let picture = |latents: &&[f32]| {
            let planes = autoencoder.decode(latents, geometry.rows, geometry.columns).map_err(Error::Msg)?;
            Ok(pixels::picture(&planes, size))
        };
        latents.iter().map(picture).collect()
    }

    fn device(&self) -> &candle_core::Device {
        &self.processor
    }
}

impl TorchPix2Pix {
    /// What a candidate takes of the processor's memory; nothing to speak of where a card computes.
    fn activations(&self, geometry: Geometry, size: Size, branches: u64) -> Activations {
        let Networks { autoencoder, unet, device, .. } = &self.networks;
        if device.is_cuda() {
            return Activations { pass: 0, row: 1, decode: 1 };
        }
        let coded =
            [autoencoder.encode_bytes(size.height, size.width), autoencoder.decode_bytes(size.height, size.width)];
        Activations {
            pass: 0,
            row: unet.bytes(geometry.rows, geometry.columns, branches),
            decode: coded.into_iter().max().unwrap_or_default(),
        }
    }
}

/// Guidance in two scales (Brooks et al., equation 3), summed in the order of the reference.
fn combined(text: &[f32], image: &[f32], nothing: &[f32], (of_text, of_image): (f32, f32)) -> Vec<f32> {
    let each = text.iter().zip(image).zip(nothing);
    each.map(|((text, image), nothing)| nothing + of_text * (text - image) + of_image * (image - nothing)).collect()
}

fn crashed(what: &str, reason: &str) -> Failure {
    Failure::new(FailureKind::Crashed, format!("{what} failed: {reason}"))
}
