//! The networks of InstructPix2Pix together: texts, source, and guidance in two scales.

use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use editscale_core::{
    Digest, EditCounters, EditorName, Failure, FailureKind, KnobName, KnobScale, KnobSpec, Knobs, NameError,
};
use editscale_picture::Rgb8;

use crate::cache::{Cache, bytes};
use crate::editors::class::PipelineClass;
use crate::editors::diffusion::{Ask, DiffusionOptions, Geometry, Identity, Pipeline, Prepared, Row};
use crate::editors::folder::{DIFFUSERS, Fingerprint, PipelineFolder, TRANSFORMERS, weight_bytes};
use crate::editors::instruct_pix2pix::fit::{Parts, fit};
use crate::editors::instruct_pix2pix::options::Options;
use crate::editors::instruct_pix2pix::size::working_size;
use crate::editors::instruct_pix2pix::unet::{PreparedText, UNet};
use crate::editors::memory::{check_room, check_weights, explained};
use crate::editors::pixels;
use crate::editors::samplers::{DiffusionConfig, Sampler, SamplerChoice};
use crate::layers::Compute;
use crate::layers::autoencoder_kl::AutoencoderKl;
use crate::layers::clip_text::ClipText;
use crate::load::LoadError;
use crate::pictures::Size;
use crate::text::ClipTokens;

const CLASS: PipelineClass = PipelineClass::InstructPix2Pix;
const PULL: &str = "editscale models pull instruct-pix2pix";

/// What helps where the weights do not fit into memory.
const ROOM: &str = "free some, or use a card";

/// The version of everything that decides a candidate's pixels beside weights and settings.
const REVISION: &str = "instruct_pix2pix/1";

/// The networks, and what is kept of texts and sources.
#[derive(Debug)]
pub struct InstructPix2Pix {
    options: Options,
    tokens: ClipTokens,
    text: ClipText,
    autoencoder: AutoencoderKl,
    pub(super) unet: UNet,
    sampler: Arc<dyn Sampler>,
    /// Each instruction beside the empty text.
    texts: Cache<Arc<str>, Texts>,
    /// The empty text's rows, once they were needed.
    empty: Option<Tensor>,
    sources: Cache<(Digest, Size), Tensor>,
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

/// Which text a branch of guidance looks at: the instruction lies first.
const INSTRUCTION: usize = 0;
const EMPTY: usize = 1;

/// Loads a pipeline's folder, and says what its editor is to be called.
pub fn load(
    folder: &Path,
    name: EditorName,
    options: Options,
    shared: &DiffusionOptions,
) -> std::result::Result<(Identity, InstructPix2Pix), LoadError> {
    let folder = PipelineFolder::open(folder, CLASS, PULL)?;
    let [tokenizer, text_encoder, vae, unet_folder] = [
        folder.component("tokenizer")?,
        folder.component("text_encoder")?,
        folder.component("vae")?,
        folder.component("unet")?,
    ];
    let scheduler = folder.scheduler();
    let choice = SamplerChoice { kind: options.sampler, steps: options.steps, eta: options.eta };
    let sampler = DiffusionConfig::read(&scheduler)?.sampler(&scheduler, choice)?;
    let kept = |component: &Path, stem: &str| weight_bytes(component, stem, options.compute.kept);
    let bytes = kept(&text_encoder, TRANSFORMERS)? + kept(&vae, DIFFUSERS)? + kept(&unet_folder, DIFFUSERS)?;
    check_weights(folder.path(), &[(bytes, &options.compute)], ROOM)?;
    let tokens = ClipTokens::load(&tokenizer)?;
    let text = ClipText::load(&text_encoder, &options.compute)?;
    let autoencoder = AutoencoderKl::load(&vae, &options.compute)?;
    let unet = UNet::load(&unet_folder, &options.compute)?;
    check(&unet_folder, &tokenizer, (&tokens, &text, &autoencoder, &unet))?;
    let mut fingerprint = Fingerprint::default();
    fingerprint.enter_files(&tokenizer)?;
    fingerprint.enter_component(&text_encoder, TRANSFORMERS)?;
    fingerprint.enter_component(&vae, DIFFUSERS)?;
    fingerprint.enter_component(&unet_folder, DIFFUSERS)?;
    fingerprint.enter(format!("{sampler:?}").as_bytes());
    fingerprint.enter(format!("{:?}", (options.guidance, options.image_guidance, options.max_pixels)).as_bytes());
    let Compute { dtype, kept, device } = &options.compute;
    fingerprint.enter(format!("{dtype:?} {kept:?} {} {:?}", device.is_cpu(), shared.result_size).as_bytes());
    shared.injected.iter().for_each(|injected| fingerprint.enter(&injected.digest));
    let identity = Identity {
        name,
        revision: format!("{REVISION} {}", fingerprint.digits()).into(),
        steps: sampler.steps(),
        is_stochastic: sampler.is_stochastic(),
    };
    let (texts, sources) = (Cache::new(options.cache_bytes / 2), Cache::new(options.cache_bytes / 2));
    Ok((identity, InstructPix2Pix { options, tokens, text, autoencoder, unet, sampler, texts, empty: None, sources }))
}

/// Checks that the components belong together.
fn check(
    unet_folder: &Path,
    tokenizer: &Path,
    (tokens, text, autoencoder, unet): (&ClipTokens, &ClipText, &AutoencoderKl, &UNet),
) -> std::result::Result<(), LoadError> {
    let parts = Parts {
        largest_id: Some(tokens.largest_id()),
        text: Some(text.config()),
        autoencoder: Some(autoencoder.config()),
        unet: Some(unet.config()),
    };
    fit(tokenizer, unet_folder, &parts).first()
}

fn failed(what: &str, error: &candle_core::Error) -> Failure {
    Failure::new(FailureKind::Crashed, format!("{what} failed: {}", explained(error)))
}

impl InstructPix2Pix {
    /// How many tokens the text encoder reads.
    fn length(&self) -> usize {
        let positions = self.text.config().max_position_embeddings;
        self.tokens.length().map_or(positions, |length| length.min(positions))
    }

    /// The rows of a text: [tokens, width].
    pub(super) fn encode(&self, text: &str) -> std::result::Result<(Tensor, Option<Arc<str>>), Failure> {
        let length = self.length();
        let invalid = |error: crate::text::TokenizeError| Failure::new(FailureKind::Invalid, error.to_string());
        let tokenized = self.tokens.encode(text, length).map_err(invalid)?;
        let note = tokenized.cut.map(|cut| format!("the model reads {length} tokens: it has not read `{cut}`").into());
        let encoded = self.text.encode(&[tokenized.ids]).map_err(|error| failed("encoding the text", &error))?;
        Ok((encoded.hidden, note))
    }

    /// An instruction beside the empty text, encoded now or earlier.
    fn texts(&mut self, instruction: &str, counters: &mut EditCounters) -> std::result::Result<Arc<Texts>, Failure> {
        let key: Arc<str> = instruction.into();
        if let Some(texts) = self.texts.get(&key) {
            return Ok(texts);
        }
        let empty = if let Some(empty) = &self.empty {
            empty.clone()
        } else {
            counters.text_encodes += 1;
            self.empty.insert(self.encode("")?.0).clone()
        };
        let (rows, note) = self.encode(instruction)?;
        counters.text_encodes += 1;
        let prepared = self.unet.prepare(&[rows, empty]).map_err(|error| failed("preparing the text", &error))?;
        let texts = Arc::new(Texts { prepared, note });
        let weight = texts.prepared.bytes();
        self.texts.keep(key, Arc::clone(&texts), weight);
        Ok(texts)
    }

    /// A picture's latents, encoded now or earlier.
    fn source(&mut self, ask: Ask<'_>, counters: &mut EditCounters) -> std::result::Result<Arc<Tensor>, Failure> {
        let size = ask.start.size();
        let size = Size { height: size.height as usize, width: size.width as usize };
        let size = working_size(size, self.autoencoder.factor(), self.options.max_pixels);
        let key = (ask.start.digest(), size);
        if let Some(source) = self.sources.get(&key) {
            return Ok(source);
        }
        let compute = &self.options.compute;
        let config = self.autoencoder.config();
        check_room(config.encode_bytes(size.height, size.width, compute.dtype), &compute.device)?;
        let picture = pixels::read(ask.start)?;
        let encode = || self.autoencoder.encode(&pixels::to_unit(picture, size, &compute.device, compute.dtype)?);
        let source = Arc::new(encode().map_err(|error| failed("encoding the source", &error))?);
        counters.image_encodes += 1;
        self.sources.keep(key, Arc::clone(&source), bytes(&source));
        Ok(source)
    }

    /// The two scales; none where the reference compares no answers.
    fn guidance(&self, knobs: &Knobs) -> Option<(f32, f32)> {
        let text = knobs.get("guidance").unwrap_or(self.options.guidance);
        let image = knobs.get("image_guidance").unwrap_or(self.options.image_guidance);
        (text > 1.0 && image >= 1.0).then_some((text as f32, image as f32))
    }

    /// Every row's branches in one batch: with guidance the instruction and the source, the source alone, and neither.
    pub(super) fn branches(&self, rows: &[Row<'_, Conditions>]) -> Result<(Tensor, Vec<f32>, Vec<usize>)> {
        let compute = &self.options.compute;
        let (mut inputs, mut timesteps, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for (at, row) in rows.iter().enumerate() {
            let latents = pixels::batch(&[&row.input], row.geometry.dims(), &compute.device, compute.dtype)?;
            let source = &*row.conditions.source;
            let with_source = Tensor::cat(&[&latents, source], 1)?;
            let text = |which: usize| 2 * at + which;
            if row.conditions.guidance.is_some() {
                let with_nothing = Tensor::cat(&[&latents, &source.zeros_like()?], 1)?;
                inputs.extend([with_source.clone(), with_source, with_nothing]);
                texts.extend([text(INSTRUCTION), text(EMPTY), text(EMPTY)]);
                timesteps.extend([row.timestep; 3]);
            } else {
                inputs.push(with_source);
                texts.push(text(INSTRUCTION));
                timesteps.push(row.timestep);
            }
        }
        Ok((Tensor::cat(&inputs, 0)?, timesteps, texts))
    }

    /// All rows' texts as one, and which of them each branch looks at: most batches are of one instruction.
    pub(super) fn joined(rows: &[Row<'_, Conditions>], of: Vec<usize>) -> Result<(PreparedText, Vec<usize>)> {
        let first = &rows[0].conditions.texts;
        if rows.iter().all(|row| Arc::ptr_eq(&row.conditions.texts, first)) {
            return Ok((first.prepared.clone(), of.into_iter().map(|text| text % 2).collect()));
        }
        let parts: Vec<&PreparedText> = rows.iter().map(|row| &row.conditions.texts.prepared).collect();
        Ok((PreparedText::join(&parts)?, of))
    }
}

impl Pipeline for InstructPix2Pix {
    type Conditions = Conditions;

    fn prepare(&mut self, ask: Ask<'_>) -> std::result::Result<Prepared<Conditions>, Failure> {
        let mut counters = EditCounters::default();
        let texts = self.texts(ask.instruction, &mut counters)?;
        let source = self.source(ask, &mut counters)?;
        let dims = source.dims4().map_err(|error| failed("encoding the source", &error))?;
        let geometry = Geometry { channels: dims.1, rows: dims.2, columns: dims.3 };
        let guidance = self.guidance(ask.knobs);
        let evaluations = if guidance.is_some() { 3 } else { 1 };
        let (sampler, notes) = (Arc::clone(&self.sampler), texts.note.iter().cloned().collect());
        let conditions = Conditions { texts, source, guidance };
        Ok(Prepared { conditions, geometry, sampler, evaluations, notes, counters })
    }

    fn predict(&self, rows: &[Row<'_, Conditions>]) -> Result<Vec<Vec<f32>>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let (inputs, timesteps, of) = self.branches(rows)?;
        let (texts, of) = Self::joined(rows, of)?;
        let answers = self.unet.forward(&inputs, &timesteps, &texts, &of)?;
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
        let compute = &self.options.compute;
        let latents = pixels::batch(latents, geometry.dims(), &compute.device, DType::F32)?;
        let latents = (latents / self.autoencoder.config().scaling_factor)?.to_dtype(compute.dtype)?;
        pixels::from_unit(&self.autoencoder.decode(&latents)?)
    }

    fn arranged(&self, latents: Vec<f32>, _: Geometry) -> Vec<f32> {
        latents
    }

    fn arranged_dims(&self, geometry: Geometry) -> Vec<usize> {
        geometry.dims().to_vec()
    }

    fn row_bytes(&self, conditions: &Conditions, geometry: Geometry) -> u64 {
        let branches = if conditions.guidance.is_some() { 3 } else { 1 };
        branches * self.unet.config().row_bytes(geometry.rows, geometry.columns, self.options.compute.dtype)
    }

    fn decode_bytes(&self, geometry: Geometry) -> u64 {
        let factor = self.autoencoder.factor();
        let (height, width) = (geometry.rows * factor, geometry.columns * factor);
        self.autoencoder.config().decode_bytes(height, width, self.options.compute.dtype)
    }

    fn device(&self) -> &Device {
        &self.options.compute.device
    }

    fn knobs(&self) -> std::result::Result<Vec<KnobSpec>, NameError> {
        let knob = |name: &str, high: f64, default: f64| {
            let (low, high) = (default.min(1.0), default.max(high));
            Ok(KnobSpec { name: KnobName::new(name)?, low, high, default, scale: KnobScale::Linear })
        };
        Ok(vec![
            knob("guidance", 15.0, self.options.guidance)?,
            knob("image_guidance", 3.0, self.options.image_guidance)?,
        ])
    }

    fn most_evaluations(&self) -> u64 {
        3
    }
}

/// Guidance in two scales (Brooks et al., equation 3), summed in the order of the reference.
fn combined(text: &[f32], image: &[f32], nothing: &[f32], (of_text, of_image): (f32, f32)) -> Vec<f32> {
    let each = text.iter().zip(image).zip(nothing);
    each.map(|((text, image), nothing)| nothing + of_text * (text - image) + of_image * (image - nothing)).collect()
}
