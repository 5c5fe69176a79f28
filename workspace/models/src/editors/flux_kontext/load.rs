//! From a pipeline's folder to FLUX.1 Kontext.

use std::path::{Path, PathBuf};

use editscale_core::EditorName;

use crate::editors::class::{DIFFUSERS, TRANSFORMERS};
use crate::editors::diffusion::{DiffusionOptions, Identity, Knob};
use crate::editors::fingerprint::Fingerprint;
use crate::editors::flux::{AdapterSource, FluxTransformer, TransformerSource};
use crate::editors::flux_kontext::CLASS;
use crate::editors::flux_kontext::components::{Parts, fit};
use crate::editors::flux_kontext::networks::Networks;
use crate::editors::flux_kontext::options::Options;
use crate::editors::flux_kontext::pipeline::FluxKontext;
use crate::editors::flux_kontext::text::TextReader;
use crate::editors::folder::PipelineFolder;
use crate::editors::latent_space::LatentSpace;
use crate::editors::memory::{check_weights, weight_bytes};
use crate::editors::samplers::{FlowConfig, check_steps};
use crate::load::LoadError;
use crate::weights::Storage;

const PULL: &str = "editscale models pull flux-kontext";

/// What helps where the weights do not fit into memory.
const ROOM: &str = "set `weights: stored`, name a quantised `transformer` (`.gguf`), or use a card";

/// The version of everything that decides a candidate's pixels beside weights and settings.
const VERSION: &str = "flux_kontext/1";

/// Where the parts of a pipeline lie.
#[derive(Debug)]
pub(super) struct Places {
    /// The folders of CLIP's and T5's tokenizers.
    pub(super) tokenizers: [PathBuf; 2],
    /// The folders of both text encoders.
    pub(super) encoders: [PathBuf; 2],
    vae: PathBuf,
    transformer: TransformerSource,
}

impl Places {
    /// Those of a folder, or with a file in place of its transformer.
    fn of(folder: &PipelineFolder, transformer: Option<&Path>) -> Result<Self, LoadError> {
        Ok(Self {
            tokenizers: [folder.component("tokenizer")?, folder.component("tokenizer_2")?],
            encoders: [folder.component("text_encoder")?, folder.component("text_encoder_2")?],
            vae: folder.component("vae")?,
            transformer: match transformer {
                Some(file) => TransformerSource::File(file.to_owned()),
                None => TransformerSource::Folder(folder.component("transformer")?),
            },
        })
    }

    /// The bytes of the text encoders, kept so.
    fn text_bytes(&self, kept: Storage) -> Result<u64, LoadError> {
        self.encoders.iter().map(|folder| weight_bytes(folder, TRANSFORMERS, kept)).sum()
    }

    /// The bytes of the autoencoder and the transformer, kept so.
    fn picture_bytes(&self, kept: Storage) -> Result<u64, LoadError> {
        Ok(weight_bytes(&self.vae, DIFFUSERS, kept)? + self.transformer.kept_bytes(kept)?)
    }

    fn enter(&self, fingerprint: &mut Fingerprint) -> Result<(), LoadError> {
        self.tokenizers.iter().try_for_each(|folder| fingerprint.enter_files(folder))?;
        self.encoders.iter().try_for_each(|folder| fingerprint.enter_component(folder, TRANSFORMERS))?;
        fingerprint.enter_component(&self.vae, DIFFUSERS)?;
        fingerprint.enter_transformer(&self.transformer)
    }
}

/// The bytes of all weights of a pipeline's folder in its files, or with a file in place of its transformer.
pub fn stored_bytes(folder: &Path, transformer: Option<&Path>) -> Result<u64, LoadError> {
    let places = Places::of(&PipelineFolder::open(folder, CLASS, PULL)?, transformer)?;
    Ok(places.text_bytes(Storage::Stored)? + places.picture_bytes(Storage::Stored)?)
}

/// Loads a pipeline's folder, and says what its editor is to be called.
pub fn load(
    folder: &Path,
    name: EditorName,
    options: Options,
    shared: &DiffusionOptions,
) -> Result<(Identity, FluxKontext), LoadError> {
    let folder = PipelineFolder::open(folder, CLASS, PULL)?;
    let flow = FlowConfig::read(&folder.scheduler())?;
    check_steps(&folder.scheduler(), options.steps)?;
    let places = Places::of(&folder, options.transformer.as_deref())?;
    let (compute, text_compute) = (&options.compute, &options.text_compute);
    let taken = [(places.text_bytes(text_compute.kept)?, text_compute), (places.picture_bytes(compute.kept)?, compute)];
    check_weights(folder.path(), &taken, ROOM)?;
    let text = TextReader::load(&places, text_compute, options.text_tokens)?;
    let latent_space = LatentSpace::load(&places.vae, compute)?;
    let transformer = FluxTransformer::load(&places.transformer, compute)?;
    let parts = Parts {
        largest_ids: text.largest_ids().map(Some),
        clip: Some(text.clip.config()),
        t5: Some(text.t5.config()),
        autoencoder: Some(latent_space.config()),
        transformer: Some(transformer.config()),
    };
    fit(&places.tokenizers, &places.transformer.described(), &parts).first()?;
    let adapter = AdapterSource::chosen(options.adapter.as_ref(), options.adapter_scale);
    let adapter = adapter.map(|source| transformer.read_adapter(source)).transpose()?;
    let mut fingerprint = Fingerprint::default();
    places.enter(&mut fingerprint)?;
    enter_settings(&mut fingerprint, &flow, &options, shared);
    fingerprint.enter_adapter(adapter.as_ref(), options.adapter_scale);
    let guidance = Knob { name: "guidance", default: options.guidance, low: 1.0, high: 8.0 };
    let identity = Identity {
        name,
        revision: fingerprint.revision(VERSION),
        steps: options.steps,
        most_evaluations: 1,
        is_stochastic: options.eta > 0.0,
        knobs: if transformer.config().guidance { vec![guidance] } else { Vec::new() },
    };
    Ok((identity, FluxKontext::new(Networks { options, text, latent_space, transformer }, flow, adapter)))
}

fn enter_settings(fingerprint: &mut Fingerprint, flow: &FlowConfig, options: &Options, shared: &DiffusionOptions) {
    fingerprint.enter(format!("{flow:?} {:?}", (options.steps, options.guidance, options.eta)).as_bytes());
    let sizes = (options.max_pixels, options.is_source_fitted, options.text_tokens);
    fingerprint.enter(format!("{sizes:?} {:?}", shared.result_size).as_bytes());
    fingerprint.enter_ways([&options.compute, &options.text_compute], shared);
}
