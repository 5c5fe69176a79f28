//! From a pipeline's folder to InstructPix2Pix.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use editscale_core::EditorName;

use crate::editors::class::{DIFFUSERS, TRANSFORMERS};
use crate::editors::clip::Clip;
use crate::editors::diffusion::{DiffusionOptions, Identity, Knob};
use crate::editors::fingerprint::{Fingerprint, compute_text};
use crate::editors::folder::PipelineFolder;
use crate::editors::instruct_pix2pix::CLASS;
use crate::editors::instruct_pix2pix::components::{Parts, fit};
use crate::editors::instruct_pix2pix::networks::{MOST_BRANCHES, Networks};
use crate::editors::instruct_pix2pix::options::Options;
use crate::editors::instruct_pix2pix::pipeline::InstructPix2Pix;
use crate::editors::instruct_pix2pix::unet::UNet;
use crate::editors::latent_space::LatentSpace;
use crate::editors::memory::{check_weights, weight_bytes};
use crate::editors::samplers::{DiffusionConfig, Sampler, SamplerChoice};
use crate::load::LoadError;

const PULL: &str = "editscale models pull instruct-pix2pix";

/// What helps where the weights do not fit into memory.
const ROOM: &str = "free some, or use a card";

/// The version of everything that decides a candidate's pixels beside weights and settings.
const VERSION: &str = "instruct_pix2pix/1";

/// The folders of a pipeline's parts.
struct Places {
    tokenizer: PathBuf,
    text_encoder: PathBuf,
    vae: PathBuf,
    unet: PathBuf,
}

impl Places {
    fn of(folder: &PipelineFolder) -> Result<Self, LoadError> {
        Ok(Self {
            tokenizer: folder.component("tokenizer")?,
            text_encoder: folder.component("text_encoder")?,
            vae: folder.component("vae")?,
            unet: folder.component("unet")?,
        })
    }

    /// The parts with weights, and what their files are called.
    fn weights(&self) -> [(&Path, &'static str); 3] {
        [(&self.text_encoder, TRANSFORMERS), (&self.vae, DIFFUSERS), (&self.unet, DIFFUSERS)]
    }
}

/// Loads a pipeline's folder, and says what its editor is to be called.
pub fn load(
    folder: &Path,
    name: EditorName,
    options: Options,
    shared: &DiffusionOptions,
) -> Result<(Identity, InstructPix2Pix), LoadError> {
    let folder = PipelineFolder::open(folder, CLASS, PULL)?;
    let places = Places::of(&folder)?;
    let scheduler = folder.scheduler();
    let choice = SamplerChoice { kind: options.sampler, steps: options.steps, eta: options.eta };
    let sampler = DiffusionConfig::read(&scheduler)?.sampler(&scheduler, choice)?;
    let compute = &options.compute;
    let bytes = places.weights().into_iter().map(|(part, stem)| weight_bytes(part, stem, compute.kept));
    check_weights(folder.path(), &[(bytes.sum::<Result<u64, _>>()?, compute)], ROOM)?;
    let clip = Clip::load(&places.tokenizer, &places.text_encoder, compute)?;
    let latent_space = LatentSpace::load(&places.vae, compute)?;
    let unet = UNet::load(&places.unet, compute)?;
    let parts = Parts {
        largest_id: Some(clip.largest_id()),
        text: Some(clip.config()),
        autoencoder: Some(latent_space.config()),
        unet: Some(unet.config()),
    };
    fit(&places.tokenizer, &places.unet, &parts).first()?;
    let identity = Identity {
        name,
        revision: revision(&places, &*sampler, &options, shared)?,
        steps: sampler.steps(),
        most_evaluations: MOST_BRANCHES,
        is_stochastic: sampler.is_stochastic(),
        knobs: vec![
            Knob { name: "guidance", default: options.guidance, low: 1.0, high: 15.0 },
            Knob { name: "image_guidance", default: options.image_guidance, low: 1.0, high: 3.0 },
        ],
    };
    Ok((identity, InstructPix2Pix::new(Networks { options, clip, latent_space, unet }, sampler)))
}

fn revision(
    places: &Places,
    sampler: &dyn Sampler,
    options: &Options,
    shared: &DiffusionOptions,
) -> Result<Arc<str>, LoadError> {
    let mut fingerprint = Fingerprint::default();
    fingerprint.enter_files(&places.tokenizer)?;
    places.weights().into_iter().try_for_each(|(part, stem)| fingerprint.enter_component(part, stem))?;
    fingerprint.enter(format!("{sampler:?}").as_bytes());
    fingerprint.enter(format!("{:?}", (options.guidance, options.image_guidance, options.max_pixels)).as_bytes());
    fingerprint.enter(format!("{} {:?}", compute_text(&options.compute), shared.result_size).as_bytes());
    shared.injected.iter().for_each(|injected| fingerprint.enter(&injected.digest));
    Ok(fingerprint.revision(VERSION))
}
