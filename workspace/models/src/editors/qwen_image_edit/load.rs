//! From a pipeline's folder to Qwen-Image-Edit.

use std::path::{Path, PathBuf};

use editscale_core::EditorName;

use crate::editors::adoption::Adoption;
use crate::editors::class::PipelineClass;
use crate::editors::conditioner::{Conditioner, DENOISER};
use crate::editors::diffusion::{DiffusionOptions, Identity, Knob};
use crate::editors::fingerprint::Fingerprint;
use crate::editors::flux::TransformerSource;
use crate::editors::folder::PipelineFolder;
use crate::editors::memory::check_turns;
use crate::editors::qwen_image::{QwenConfig, QwenTransformer};
use crate::editors::qwen_image_edit::components::{EDIT, EDIT_PLUS, Parts, fit};
use crate::editors::qwen_image_edit::latents::Latents;
use crate::editors::qwen_image_edit::networks::Networks;
use crate::editors::qwen_image_edit::options::{Options, Schedule};
use crate::editors::qwen_image_edit::pipeline::QwenImageEdit;
use crate::editors::qwen_image_edit::references::{self, Reference};
use crate::editors::qwen_image_edit::release::Release;
use crate::editors::qwen_image_edit::text::TextReader;
use crate::editors::residency::{Residency, Resident, Turns};
use crate::editors::samplers::{FlowConfig, check_steps};
use crate::editors::unchanged::Unchanged;
use crate::encoders::vision_language::EncoderPlaces;
use crate::layers::autoencoder_qwen::AutoencoderQwen;
use crate::load::LoadError;
use crate::weights::Storage;

/// What helps where the weights do not fit into memory.
const ROOM: &str = "set `weights: stored`, name a quantised `transformer` (`.gguf`), or use a card";

/// The version of everything that decides a candidate's pixels beside weights and settings.
const VERSION: &str = "qwen_image_edit/1";

/// Where the parts of a pipeline lie.
#[derive(Debug, Clone)]
struct Places {
    encoder: EncoderPlaces,
    /// A folder or a file.
    vae: PathBuf,
    transformer: TransformerSource,
}

impl Places {
    /// Those of a folder, or with files in place of some.
    fn of(folder: &PipelineFolder, options: &Options) -> Result<Self, LoadError> {
        let encoder = EncoderPlaces::of(folder.path())?;
        Ok(Self {
            encoder: match &options.encoder {
                Some(file) => encoder.with_language(file),
                None => encoder,
            },
            vae: options.vae.clone().map_or_else(|| folder.component("vae"), Ok)?,
            transformer: match &options.transformer {
                Some(file) => TransformerSource::File(file.clone()),
                None => TransformerSource::Folder(folder.component("transformer")?),
            },
        })
    }

    /// The bytes of the autoencoder and the transformer, kept so.
    fn picture_bytes(&self, kept: Storage) -> Result<u64, LoadError> {
        Ok(AutoencoderQwen::open(&self.vae)?.kept_bytes(kept) + self.transformer.kept_bytes(kept)?)
    }

    fn enter(&self, fingerprint: &mut Fingerprint) -> Result<(), LoadError> {
        fingerprint.enter(&self.encoder.sample()?);
        fingerprint.enter_weights(&self.vae)?;
        fingerprint.enter_transformer(&self.transformer)
    }
}

/// Opens the folder of any release.
fn open(folder: &Path) -> Result<(PipelineFolder, Release), LoadError> {
    let index = folder.join(PipelineClass::INDEX);
    // Told by the class alone: releases from September 2025 on share one.
    let class = if index.is_file() { PipelineClass::read(&index)? } else { EDIT_PLUS };
    if class == EDIT {
        let pull = "editscale models pull qwen-image-edit";
        return Ok((PipelineFolder::open(folder, EDIT, pull)?, Release::Single));
    }
    let pull = "editscale models pull qwen-image-edit-2511";
    Ok((PipelineFolder::open(folder, EDIT_PLUS, pull)?, Release::Several))
}

/// The bytes of all weights of a pipeline's folder in its files, or with files in place of some.
pub fn stored_bytes(folder: &Path, options: &Options) -> Result<u64, LoadError> {
    let places = Places::of(&open(folder)?.0, options)?;
    Ok(places.encoder.kept_bytes(Storage::Stored)? + places.picture_bytes(Storage::Stored)?)
}

/// Refuses weights that do not fit into memory, all together or the larger turn.
fn check_room(folder: &PipelineFolder, places: &Places, options: &Options) -> Result<(), LoadError> {
    let (compute, text_compute) = (&options.compute, &options.text_compute);
    let text = (places.encoder.kept_bytes(text_compute.kept)?, text_compute);
    let pictures = (places.picture_bytes(compute.kept)?, compute);
    check_turns(folder.path(), options.residency, &[text, pictures], ROOM)
}

/// The encoder and the transformer.
fn residents(
    turns: &Turns,
    places: &Places,
    options: &Options,
) -> Result<(Conditioner, Resident<QwenTransformer>), LoadError> {
    let encoder = Conditioner::new(turns, &places.encoder, &options.text_compute)?;
    let (own, compute) = (places.transformer.clone(), options.compute.clone());
    let unchanged = Unchanged::of_transformer(&own)?;
    let transformer = turns.resident(DENOISER, move || {
        unchanged.check()?;
        QwenTransformer::load(&own, &compute)
    })?;
    Ok((encoder, transformer))
}

/// Loads a pipeline's folder, and says what its editor is to be called.
pub fn load(
    folder: &Path,
    name: EditorName,
    options: Options,
    shared: &DiffusionOptions,
) -> Result<(Identity, QwenImageEdit), LoadError> {
    let (folder, release) = open(folder)?;
    let flow = flow(&folder.scheduler(), &options)?;
    let references = further(&folder, release, &options)?;
    let places = Places::of(&folder, &options)?;
    check_room(&folder, &places, &options)?;
    let turns = Turns::new(options.residency);
    let latents = Latents::load(&places.vae, &options.compute, options.tile)?;
    let (encoder, transformer) = residents(&turns, &places, &options)?;
    let (shape, adoption) = looked_at(&places, &latents, (&encoder, &transformer), &options)?;
    // What is loaded to be looked at is on no candidate's account.
    turns.take_load_ms();
    let mut fingerprint = Fingerprint::default();
    places.enter(&mut fingerprint)?;
    enter_settings(&mut fingerprint, &flow, &options, shared);
    references.iter().for_each(|reference| fingerprint.enter(reference.digest.as_bytes()));
    adoption.enter(options.adapter_scale, &mut fingerprint);
    let identity = Identity {
        name,
        revision: fingerprint.revision(VERSION),
        steps: options.steps,
        most_evaluations: 2,
        is_stochastic: options.eta > 0.0,
        knobs: vec![Knob { name: "guidance", default: options.guidance, low: 1.0, high: 8.0 }],
    };
    let pixels = if release == Release::Single { options.source_pixels } else { options.seen_pixels };
    let text = TextReader { encoder, release, pixels };
    let networks = Networks { options, text, latents, transformer, shape, adoption, turns };
    Ok((identity, QwenImageEdit::new(networks, flow, references)))
}

/// The transformer's shape and the adapter that the recipe names, where all belong together.
fn looked_at(
    places: &Places,
    latents: &Latents,
    (encoder, transformer): (&Conditioner, &Resident<QwenTransformer>),
    options: &Options,
) -> Result<(QwenConfig, Adoption), LoadError> {
    let encoder = encoder.facts()?;
    let (config, adoption) = transformer_looked_at(places, transformer, options)?;
    let parts = Parts { encoder, autoencoder: Some(latents.autoencoder().config()), transformer: Some(&config) };
    fit(&places.encoder.tokenizer, &places.transformer.described(), &parts).first()?;
    Ok((config, adoption))
}

/// The transformer's shape and the adapter that the recipe names. Loaded in turn, its headers are looked at, for the encoder is
/// needed first, and would have it let go unused; unless there is an adapter, which is read layer by layer, or a quantised file.
fn transformer_looked_at(
    places: &Places,
    transformer: &Resident<QwenTransformer>,
    options: &Options,
) -> Result<(QwenConfig, Adoption), LoadError> {
    if options.residency == Residency::InTurn
        && options.adapter.is_none()
        && let Some(config) = QwenTransformer::look(&places.transformer)?
    {
        return Ok((config, Adoption::default()));
    }
    let loaded = transformer.get()?;
    let own = (options.adapter.as_ref(), options.adapter_scale);
    Ok((loaded.config().clone(), Adoption::begin(own, |source| loaded.read_adapter(source))?))
}

/// The pictures that the recipe names beside the source.
fn further(folder: &PipelineFolder, release: Release, options: &Options) -> Result<Vec<Reference>, LoadError> {
    let count = options.references.len();
    let most = if release == Release::Single { 0 } else { references::MOST };
    if count > most {
        let index = folder.path().join(PipelineClass::INDEX);
        let reason = format!(
            "is of a release that sees at most {most} pictures beside the source: found {count} in `references`"
        );
        return Err(LoadError::content(&index, reason));
    }
    references::read(&options.references)
}

fn flow(scheduler: &Path, options: &Options) -> Result<FlowConfig, LoadError> {
    // Read in any case: a folder without it is not whole.
    let own = FlowConfig::read(scheduler)?;
    check_steps(scheduler, options.steps)?;
    Ok(match options.schedule {
        Schedule::Pipeline => own,
        Schedule::Lightning => FlowConfig::lightning(),
    })
}

fn enter_settings(fingerprint: &mut Fingerprint, flow: &FlowConfig, options: &Options, shared: &DiffusionOptions) {
    fingerprint.enter(format!("{flow:?} {:?}", (options.steps, options.guidance, options.eta)).as_bytes());
    let sizes = (options.max_pixels, options.source_pixels, options.seen_pixels, options.tile);
    fingerprint.enter(format!("{sizes:?} {:?} {:?}", options.negative, shared.result_size).as_bytes());
    fingerprint.enter_ways([&options.compute, &options.text_compute], shared);
}
