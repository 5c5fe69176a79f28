//! The networks of FLUX.1 Kontext together: two texts, the source as further tokens, and the velocity.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use editscale_core::{
    Digest, EditCounters, EditorName, Failure, FailureKind, KnobName, KnobScale, KnobSpec, NameError,
};
use editscale_picture::Rgb8;

use crate::cache::Cache;
use crate::editors::class::PipelineClass;
use crate::editors::diffusion::{Ask, DiffusionOptions, Geometry, Identity, Pipeline, Prepared, Row};
use crate::editors::flux::{FluxItem, FluxReference, FluxText, FluxTransformer, TransformerSource};
use crate::editors::flux_kontext::fit::{Parts, fit};
use crate::editors::flux_kontext::options::Options;
use crate::editors::flux_kontext::packing::{pack, unpack};
use crate::editors::flux_kontext::size::{result_size, source_size};
use crate::editors::flux_kontext::weights::WeightParts;
use crate::editors::folder::{DIFFUSERS, Fingerprint, PipelineFolder, TRANSFORMERS};
use crate::editors::memory::{check_room, check_weights, explained};
use crate::editors::pixels;
use crate::editors::samplers::{FlowConfig, FlowEuler, MOST_STEPS};
use crate::layers::autoencoder_kl::AutoencoderKl;
use crate::layers::clip_text::ClipText;
use crate::layers::t5::T5Encoder;
use crate::load::LoadError;
use crate::pictures::Size;
use crate::text::{ClipTokens, T5Tokens, TokenizeError};
use crate::weights::Storage;

const CLASS: PipelineClass = PipelineClass::FluxKontext;
const PULL: &str = "editscale models pull flux-kontext";

/// What helps where the weights do not fit into memory.
const ROOM: &str = "set `weights: stored`, name a quantised `transformer` (`.gguf`), or use a card";

/// The version of everything that decides a candidate's pixels beside weights and settings.
const REVISION: &str = "flux_kontext/1";

/// The networks, and what is kept of texts and sources.
#[derive(Debug)]
pub struct FluxKontext {
    pub(super) options: Options,
    pub(super) clip: (ClipTokens, ClipText),
    pub(super) t5: (T5Tokens, T5Encoder),
    autoencoder: AutoencoderKl,
    transformer: FluxTransformer,
    flow: FlowConfig,
    texts: Cache<Arc<str>, Text>,
    sources: Cache<(Digest, Size), FluxReference>,
}

/// An instruction, encoded.
#[derive(Debug)]
struct Text {
    prepared: FluxText,
    note: Option<Arc<str>>,
}

/// What the transformer is told of one candidate.
#[derive(Debug)]
pub struct Conditions {
    text: Arc<Text>,
    reference: Arc<FluxReference>,
    guidance: Option<f32>,
    /// Tokens of text and source together.
    tokens: usize,
}

/// The bytes of all weights of a pipeline's folder in its files, or with a file in place of its transformer.
pub fn stored_bytes(folder: &Path, transformer: Option<&Path>) -> std::result::Result<u64, LoadError> {
    let folder = PipelineFolder::open(folder, CLASS, PULL)?;
    let encoders = [folder.component("text_encoder")?, folder.component("text_encoder_2")?];
    let transformer = match transformer {
        Some(file) => TransformerSource::File(file.to_owned()),
        None => TransformerSource::Folder(folder.component("transformer")?),
    };
    let parts = WeightParts { encoders: &encoders, vae: &folder.component("vae")?, transformer: &transformer };
    Ok(parts.text_bytes(Storage::Stored)? + parts.picture_bytes(Storage::Stored)?)
}

/// Loads a pipeline's folder, and says what its editor is to be called.
pub fn load(
    folder: &Path,
    name: EditorName,
    options: Options,
    shared: &DiffusionOptions,
) -> std::result::Result<(Identity, FluxKontext), LoadError> {
    let folder = PipelineFolder::open(folder, CLASS, PULL)?;
    let flow = FlowConfig::read(&folder.scheduler())?;
    if !(1..=MOST_STEPS).contains(&options.steps) {
        let reason = format!("leads 1 to {MOST_STEPS} steps: found {} in the recipe's `steps`", options.steps);
        return Err(LoadError::content(&folder.scheduler(), reason));
    }
    let component = |name: &str| folder.component(name);
    let (tokenizers, encoders) = (
        [component("tokenizer")?, component("tokenizer_2")?],
        [component("text_encoder")?, component("text_encoder_2")?],
    );
    let vae = component("vae")?;
    let source = match &options.transformer {
        Some(file) => TransformerSource::File(file.clone()),
        None => TransformerSource::Folder(component("transformer")?),
    };
    let parts = WeightParts { encoders: &encoders, vae: &vae, transformer: &source };
    let (compute, text_compute) = (&options.compute, &options.text_compute);
    let taken = [(parts.text_bytes(text_compute.kept)?, text_compute), (parts.picture_bytes(compute.kept)?, compute)];
    check_weights(folder.path(), &taken, ROOM)?;
    let clip = (ClipTokens::load(&tokenizers[0])?, ClipText::load(&encoders[0], &options.text_compute)?);
    let t5 = (T5Tokens::load(&tokenizers[1])?, T5Encoder::load(&encoders[1], &options.text_compute)?);
    let autoencoder = AutoencoderKl::load(&vae, &options.compute)?;
    let transformer = FluxTransformer::load(&source, &options.compute)?;
    let mut fingerprint = Fingerprint::default();
    tokenizers.iter().try_for_each(|folder| fingerprint.enter_files(folder))?;
    encoders.iter().try_for_each(|folder| fingerprint.enter_component(folder, TRANSFORMERS))?;
    fingerprint.enter_component(&vae, DIFFUSERS)?;
    match &source {
        TransformerSource::Folder(folder) => fingerprint.enter_component(folder, DIFFUSERS)?,
        TransformerSource::File(file) => {
            fingerprint.enter_ends(file)?;
            // What lies beside the file may say its shape.
            file.parent().map_or(Ok(()), |folder| fingerprint.enter_file(&folder.join("config.json")))?;
        }
    }
    fingerprint.enter(format!("{flow:?} {:?}", (options.steps, options.guidance, options.eta)).as_bytes());
    let sizes = (options.max_pixels, options.is_source_fitted, options.text_tokens);
    fingerprint.enter(format!("{sizes:?} {:?}", shared.result_size).as_bytes());
    for compute in [&options.compute, &options.text_compute] {
        fingerprint.enter(format!("{:?} {:?} {}", compute.dtype, compute.kept, compute.device.is_cpu()).as_bytes());
    }
    shared.injected.iter().for_each(|injected| fingerprint.enter(&injected.digest));
    let identity = Identity {
        name,
        revision: format!("{REVISION} {}", fingerprint.digits()).into(),
        steps: options.steps,
        is_stochastic: options.eta > 0.0,
    };
    let (texts, sources) = (Cache::new(options.cache_bytes / 2), Cache::new(options.cache_bytes / 2));
    let kontext = FluxKontext { options, clip, t5, autoencoder, transformer, flow, texts, sources };
    kontext.check(&tokenizers.each_ref().map(PathBuf::as_path), &source_file(&source))?;
    Ok((identity, kontext))
}

/// What errors about the transformer's shape point at.
fn source_file(source: &TransformerSource) -> PathBuf {
    match source {
        TransformerSource::Folder(folder) => folder.join("config.json"),
        TransformerSource::File(file) => file.clone(),
    }
}

fn failed(what: &str, error: &candle_core::Error) -> Failure {
    Failure::new(FailureKind::Crashed, format!("{what} failed: {}", explained(error)))
}

impl FluxKontext {
    /// Checks that the components belong together.
    fn check(&self, tokenizers: &[&Path; 2], transformer: &Path) -> std::result::Result<(), LoadError> {
        let parts = Parts {
            largest_ids: [Some(self.clip.0.largest_id()), Some(self.t5.0.largest_id())],
            clip: Some(self.clip.1.config()),
            t5: Some(self.t5.1.config()),
            autoencoder: Some(self.autoencoder.config()),
            transformer: Some(self.transformer.config()),
        };
        fit(*tokenizers, transformer, &parts).first()
    }

    /// Pixels of a token's edge.
    pub(super) fn multiple(&self) -> usize {
        2 * self.autoencoder.factor()
    }

    fn encode(&self, instruction: &str) -> std::result::Result<Text, Failure> {
        let invalid = |error: TokenizeError| Failure::new(FailureKind::Invalid, error.to_string());
        let positions = self.clip.1.config().max_position_embeddings;
        let short = self.clip.0.length().map_or(positions, |length| length.min(positions));
        let clip = self.clip.0.encode(instruction, short).map_err(invalid)?;
        let length = self.options.text_tokens;
        let t5 = self.t5.0.encode(instruction, length).map_err(invalid)?;
        let (cut, lost) = (t5.cut, clip.cut);
        let of_all = cut.map(|cut| format!("the model reads {length} tokens: it has not read `{cut}`"));
        let of_summary = || {
            lost.map(|cut| format!("the model's summary of the instruction holds {short} tokens: `{cut}` is not in it"))
        };
        let note = of_all.or_else(of_summary).map(Into::into);
        let encode = || {
            let compute = &self.options.compute;
            let here = |tensor: Tensor| tensor.to_device(&compute.device)?.to_dtype(compute.dtype);
            let pooled = here(self.clip.1.encode(&[clip.ids])?.pooled)?;
            self.transformer.prepare_text(&here(self.t5.1.encode(&[t5.ids])?)?, &pooled)
        };
        let prepared = encode().map_err(|error| failed("encoding the text", &error))?;
        Ok(Text { prepared, note })
    }

    /// An instruction, encoded now or earlier.
    fn text(&mut self, instruction: &str, counters: &mut EditCounters) -> std::result::Result<Arc<Text>, Failure> {
        let key: Arc<str> = instruction.into();
        if let Some(text) = self.texts.get(&key) {
            return Ok(text);
        }
        let text = Arc::new(self.encode(instruction)?);
        counters.text_encodes += 2;
        let weight = text.prepared.bytes();
        self.texts.keep(key, Arc::clone(&text), weight);
        Ok(text)
    }

    /// A picture as further tokens, encoded now or earlier.
    fn reference(
        &mut self,
        ask: Ask<'_>,
        counters: &mut EditCounters,
    ) -> std::result::Result<Arc<FluxReference>, Failure> {
        let size = source_size(size_of(ask.start.size()), self.multiple(), self.options.is_source_fitted);
        let key = (ask.start.digest(), size);
        if let Some(source) = self.sources.get(&key) {
            return Ok(source);
        }
        let (compute, config) = (&self.options.compute, self.autoencoder.config());
        check_room(config.encode_bytes(size.height, size.width, compute.dtype), &compute.device)?;
        let picture = pixels::read(ask.start)?;
        let reference = Arc::new(self.embed(picture, size).map_err(|error| failed("encoding the source", &error))?);
        counters.image_encodes += 1;
        self.sources.keep(key, Arc::clone(&reference), reference.bytes());
        Ok(reference)
    }

    fn embed(&self, picture: Rgb8, size: Size) -> Result<FluxReference> {
        let (tokens, grid) = self.source_tokens(picture, size)?;
        let compute = &self.options.compute;
        self.transformer.prepare_reference(&tokens.to_dtype(compute.dtype)?.to_device(&compute.device)?, grid)
    }

    /// A picture's latents as tokens, on the processor: [tokens, channels · 4].
    pub(super) fn source_tokens(&self, picture: Rgb8, size: Size) -> Result<(Tensor, (usize, usize))> {
        let (compute, config) = (&self.options.compute, self.autoencoder.config());
        let means = self.autoencoder.encode(&pixels::to_unit(picture, size, &compute.device, compute.dtype)?)?;
        let (_, channels, rows, columns) = means.dims4()?;
        let scaled = ((means.to_dtype(DType::F32)? - config.shift_factor)? * config.scaling_factor)?;
        let scaled: Vec<f32> = scaled.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
        let grid = (rows / 2, columns / 2);
        let packed = pack(&scaled, [channels, rows, columns]);
        Ok((Tensor::from_vec(packed, (grid.0 * grid.1, channels * 4), &Device::Cpu)?, grid))
    }

    /// The size of the result's latents: of the shape that is asked for, else that of the source.
    fn geometry(&self, ask: Ask<'_>) -> Geometry {
        let shape = size_of(ask.output_size.unwrap_or(ask.start.size()));
        let size = result_size(shape, self.multiple(), self.options.max_pixels);
        let (factor, channels) = (self.autoencoder.factor(), self.autoencoder.config().latent_channels);
        Geometry { channels, rows: size.height / factor, columns: size.width / factor }
    }

    fn item(&self, row: &Row<'_, Conditions>) -> Result<FluxItem> {
        let compute = &self.options.compute;
        let Geometry { channels, rows, columns } = row.geometry;
        let grid = (rows / 2, columns / 2);
        let latents = Tensor::from_slice(&row.input, (grid.0 * grid.1, channels * 4), &Device::Cpu)?;
        Ok(FluxItem {
            latents: latents.to_dtype(compute.dtype)?.to_device(&compute.device)?,
            grid,
            reference: Some((*row.conditions.reference).clone()),
            text: row.conditions.text.prepared.clone(),
            timestep: row.timestep,
            guidance: row.conditions.guidance,
        })
    }
}

fn size_of(size: editscale_core::ImageSize) -> Size {
    Size { height: size.height as usize, width: size.width as usize }
}

impl Pipeline for FluxKontext {
    type Conditions = Conditions;

    fn prepare(&mut self, ask: Ask<'_>) -> std::result::Result<Prepared<Conditions>, Failure> {
        let mut counters = EditCounters::default();
        let text = self.text(ask.instruction, &mut counters)?;
        let reference = self.reference(ask, &mut counters)?;
        let geometry = self.geometry(ask);
        let guidance = ask.knobs.get("guidance").unwrap_or(self.options.guidance) as f32;
        let guidance = self.transformer.config().guidance.then_some(guidance);
        let tokens = (geometry.rows / 2) * (geometry.columns / 2);
        let sampler = Arc::new(FlowEuler::new(&self.flow, self.options.steps, tokens, self.options.eta));
        let notes = text.note.iter().cloned().collect();
        let conditions = Conditions { tokens: text.prepared.tokens() + reference.tokens(), text, reference, guidance };
        Ok(Prepared { conditions, geometry, sampler, evaluations: 1, notes, counters })
    }

    fn predict(&self, rows: &[Row<'_, Conditions>]) -> Result<Vec<Vec<f32>>> {
        let items = rows.iter().map(|row| self.item(row)).collect::<Result<Vec<_>>>()?;
        let numbers =
            |velocity: Tensor| velocity.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>();
        self.transformer.forward(&items)?.into_iter().map(numbers).collect()
    }

    fn decode(&self, latents: &[&[f32]], geometry: Geometry) -> Result<Vec<Option<Rgb8>>> {
        let (compute, config) = (&self.options.compute, self.autoencoder.config());
        let planes: Vec<Vec<f32>> = latents.iter().map(|tokens| unpack(tokens, geometry.dims())).collect();
        let planes: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
        let latents = pixels::batch(&planes, geometry.dims(), &compute.device, DType::F32)?;
        let latents = ((latents / config.scaling_factor)? + config.shift_factor)?.to_dtype(compute.dtype)?;
        pixels::from_unit(&self.autoencoder.decode(&latents)?)
    }

    fn arranged(&self, latents: Vec<f32>, geometry: Geometry) -> Vec<f32> {
        pack(&latents, geometry.dims())
    }

    fn arranged_dims(&self, geometry: Geometry) -> Vec<usize> {
        vec![(geometry.rows / 2) * (geometry.columns / 2), geometry.channels * 4]
    }

    fn row_bytes(&self, conditions: &Conditions, geometry: Geometry) -> u64 {
        self.transformer.row_bytes(conditions.tokens + (geometry.rows / 2) * (geometry.columns / 2))
    }

    fn pass_bytes(&self) -> u64 {
        self.transformer.pass_bytes()
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
        if !self.transformer.config().guidance {
            return Ok(Vec::new());
        }
        let default = self.options.guidance;
        let (low, high) = (default.min(1.0), default.max(8.0));
        Ok(vec![KnobSpec { name: KnobName::new("guidance")?, low, high, default, scale: KnobScale::Linear }])
    }

    fn most_evaluations(&self) -> u64 {
        1
    }
}
