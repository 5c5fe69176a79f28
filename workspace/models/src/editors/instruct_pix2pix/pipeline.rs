//! InstructPix2Pix under the shared loop: texts, source, and guidance in two scales.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use editscale_core::{Digest, EditCounters, Failure, Watch};
use editscale_picture::Rgb8;

use crate::cache::bytes;
use crate::editors::diffusion::{Activations, Ask, Geometry, Layout, Pipeline, Prepared, Row};
use crate::editors::encoded::Encoded;
use crate::editors::instruct_pix2pix::networks::{Conditions, MOST_BRANCHES, Networks, Texts};
use crate::editors::instruct_pix2pix::size::working_size;
use crate::editors::pixels::size_of;
use crate::editors::samplers::Sampler;
use crate::pictures::Size;

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
