//! InstructPix2Pix under the shared loop: texts, source, and guidance in two scales.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use editscale_core::{Digest, EditCounters, Failure, Knobs, Watch};
use editscale_picture::Rgb8;

use crate::cache::bytes;
use crate::editors::clip::Clip;
use crate::editors::diffusion::{Activations, Ask, Geometry, Layout, Pipeline, Prepared, Row};
use crate::editors::encoded::Encoded;
use crate::editors::failure::failed;
use crate::editors::instruct_pix2pix::options::Options;
use crate::editors::instruct_pix2pix::size::working_size;
use crate::editors::instruct_pix2pix::unet::{PreparedText, UNet, UNetBatch};
use crate::editors::latent_space::{LatentSpace, size_of};
use crate::editors::samplers::Sampler;
use crate::pictures::Size;

/// The rows of the UNet that a candidate with guidance is.
pub(super) const MOST_BRANCHES: u64 = 3;

/// Which text a branch of guidance looks at: the instruction lies first.
const INSTRUCTION: usize = 0;
const EMPTY: usize = 1;

/// Everything with weights, and how it is used.
#[derive(Debug)]
pub(super) struct Networks {
    pub(super) options: Options,
    pub(super) clip: Clip,
    pub(super) latent_space: LatentSpace,
    pub(super) unet: UNet,
}

/// The networks, and what is kept of texts and sources.
#[derive(Debug)]
pub struct InstructPix2Pix {
    pub(super) networks: Networks,
    sampler: Arc<dyn Sampler>,
    /// Each instruction beside the empty text.
    texts: Encoded<Arc<str>, Texts>,
    /// The empty text's rows, once they were needed.
    empty: Option<Tensor>,
    sources: Encoded<(Digest, Size), Tensor>,
}

/// An instruction and the empty text, encoded.
#[derive(Debug)]
struct Texts {
    prepared: PreparedText,
    note: Option<Arc<str>>,
}

/// What the UNet is told of one candidate.
#[derive(Debug)]
pub struct Conditions {
    texts: Arc<Texts>,
    /// The source's latents: [1, channels, rows, columns].
    pub(super) source: Arc<Tensor>,
    /// Scales of text and picture; none where the plain answer is used.
    guidance: Option<(f32, f32)>,
}

impl Networks {
    /// The rows of an instruction beside those of the empty text, ready for every step.
    fn encode(&self, instruction: &str, empty: Tensor) -> std::result::Result<Texts, Failure> {
        let read = self.clip.encode(instruction)?;
        let prepared = self.unet.prepare(&[read.states.hidden, empty]);
        let prepared = prepared.map_err(|error| failed("preparing the text", &error))?;
        let length = self.clip.length();
        let note = read.cut.map(|cut| format!("the model reads {length} tokens: it has not read `{cut}`").into());
        Ok(Texts { prepared, note })
    }

    /// The two scales; none where the reference compares no answers.
    fn guidance(&self, knobs: &Knobs) -> Option<(f32, f32)> {
        let text = knobs.get("guidance").unwrap_or(self.options.guidance);
        let image = knobs.get("image_guidance").unwrap_or(self.options.image_guidance);
        (text > 1.0 && image >= 1.0).then_some((text as f32, image as f32))
    }

    /// Every row's branches in one batch: with guidance the instruction and the source, the source alone, and neither.
    pub(super) fn batch(&self, rows: &[Row<'_, Conditions>]) -> Result<UNetBatch> {
        let compute = &self.options.compute;
        let (mut latents, mut timesteps, mut of) = (Vec::new(), Vec::new(), Vec::new());
        for (at, row) in rows.iter().enumerate() {
            let noisy = row.geometry.batch(&[&row.input], &compute.device, compute.dtype)?;
            let source = &*row.conditions.source;
            let with_source = Tensor::cat(&[&noisy, source], 1)?;
            let text = |which: usize| 2 * at + which;
            if row.conditions.guidance.is_some() {
                let with_nothing = Tensor::cat(&[&noisy, &source.zeros_like()?], 1)?;
                latents.extend([with_source.clone(), with_source, with_nothing]);
                of.extend([text(INSTRUCTION), text(EMPTY), text(EMPTY)]);
                timesteps.extend([row.timestep; 3]);
            } else {
                latents.push(with_source);
                of.push(text(INSTRUCTION));
                timesteps.push(row.timestep);
            }
        }
        let (text, of) = joined(rows, of)?;
        Ok(UNetBatch { latents: Tensor::cat(&latents, 0)?, timesteps, text, of })
    }
}

/// All rows' texts as one, and which of them each branch looks at: most batches are of one instruction.
fn joined(rows: &[Row<'_, Conditions>], of: Vec<usize>) -> Result<(PreparedText, Vec<usize>)> {
    let first = &rows[0].conditions.texts;
    if rows.iter().all(|row| Arc::ptr_eq(&row.conditions.texts, first)) {
        return Ok((first.prepared.clone(), of.into_iter().map(|text| text % 2).collect()));
    }
    let parts: Vec<&PreparedText> = rows.iter().map(|row| &row.conditions.texts.prepared).collect();
    Ok((PreparedText::join(&parts)?, of))
}

impl InstructPix2Pix {
    pub(super) fn new(networks: Networks, sampler: Arc<dyn Sampler>) -> Self {
        let bound = networks.options.cache_bytes / 2;
        let texts = Encoded::new(bound, |texts: &Texts| texts.prepared.bytes());
        Self { networks, sampler, texts, empty: None, sources: Encoded::new(bound, bytes) }
    }

    /// An instruction beside the empty text, encoded now or earlier.
    fn texts(&mut self, instruction: &str, counters: &mut EditCounters) -> std::result::Result<Arc<Texts>, Failure> {
        let Self { networks, texts, empty, .. } = self;
        texts.get_or(instruction.into(), || {
            let empty = if let Some(empty) = empty {
                empty.clone()
            } else {
                counters.text_encodes += 1;
                empty.insert(networks.clip.encode("")?.states.hidden).clone()
            };
            counters.text_encodes += 1;
            networks.encode(instruction, empty)
        })
    }
}

impl Pipeline for InstructPix2Pix {
    type Conditions = Conditions;

    const LAYOUT: Layout = Layout::Planes;

    fn prepare(&mut self, ask: Ask<'_>) -> std::result::Result<Prepared<Conditions>, Failure> {
        let mut counters = EditCounters::default();
        let texts = self.texts(ask.instruction, &mut counters)?;
        let Networks { options, latent_space, unet, .. } = &self.networks;
        let size = working_size(size_of(ask.start.size()), latent_space.factor(), options.max_pixels);
        let source = self.sources.get_or((ask.start.digest(), size), || {
            counters.image_encodes += 1;
            latent_space.encode(ask.start, size)
        })?;
        let geometry = latent_space.geometry(size);
        let guidance = self.networks.guidance(ask.knobs);
        let branches = if guidance.is_some() { MOST_BRANCHES } else { 1 };
        let row = unet.config().row_bytes(geometry.rows, geometry.columns, options.compute.dtype);
        Ok(Prepared {
            geometry,
            sampler: Arc::clone(&self.sampler),
            evaluations: branches,
            activations: Activations {
                pass: 0,
                row: row.saturating_mul(branches),
                decode: latent_space.decode_bytes(geometry),
            },
            notes: texts.note.iter().cloned().collect(),
            counters,
            conditions: Conditions { texts, source, guidance },
        })
    }

    fn predict(&self, rows: &[Row<'_, Conditions>], watch: &dyn Watch) -> Result<Vec<Vec<f32>>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self.networks.unet.forward(&self.networks.batch(rows)?, watch)?;
        let answers: Vec<Vec<f32>> =
            answers.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_from(1)?.to_vec2()?;
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let guided = |row: &Row<'_, Conditions>| match row.conditions.guidance {
            None => next(),
            Some(scales) => combined(&next(), &next(), &next(), scales),
        };
        Ok(rows.iter().map(guided).collect())
    }

    fn decode(&self, latents: &[&[f32]], geometry: Geometry) -> Result<Vec<Option<Rgb8>>> {
        self.networks.latent_space.decode(latents, geometry)
    }

    fn device(&self) -> &Device {
        &self.networks.options.compute.device
    }
}

/// Guidance in two scales (Brooks et al., equation 3), summed in the order of the reference.
fn combined(text: &[f32], image: &[f32], nothing: &[f32], (of_text, of_image): (f32, f32)) -> Vec<f32> {
    let each = text.iter().zip(image).zip(nothing);
    each.map(|((text, image), nothing)| nothing + of_text * (text - image) + of_image * (image - nothing)).collect()
}
