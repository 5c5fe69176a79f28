//! From a pipeline's folder to an editor.

use std::path::Path;
use std::sync::Arc;

use candle_core::DType;
use editscale_core::{EditorName, NameError};
use editscale_models::editors::diffusion::{DiffusionEditor, DiffusionOptions, Identity, Injected, Knob};
use editscale_models::editors::instruct_pix2pix::CLASS;
use editscale_models::editors::samplers::{DiffusionConfig, Sampler, SamplerChoice};
use editscale_models::editors::{Depth, Fingerprint, PipelineClass, check_weights, verify_to, weight_bytes};
use editscale_models::layers::Compute;
use editscale_models::load::LoadError;
use editscale_models::text::ClipTokens;
use editscale_models::verify::VerifyError;
use editscale_models::weights::Storage;
use thiserror::Error;

use crate::networks::{Autoencoder, ClipText, UNet};
use crate::pipeline::{MOST_BRANCHES, Networks, TorchPix2Pix, Usage};
use crate::settings::{Settings, SettingsError};

/// The version of everything that decides a candidate's pixels beside weights and settings.
const VERSION: &str = "diffusers-rs/1 diffusers 0.3.1 tch 0.13";

/// The components with weights, and what their files are called.
const WEIGHTS: [(&str, &str); 3] =
    [("text_encoder", "model"), ("vae", "diffusion_pytorch_model"), ("unet", "diffusion_pytorch_model")];

/// Why there is no editor.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The folder holds something else, or the crate cannot build what it holds.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// All that is wrong with the folder.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// What the recipe calls the editor is no name.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// Loads the editor that settings ask for, under a name.
pub fn open(settings: &Settings, name: EditorName) -> Result<DiffusionEditor<TorchPix2Pix>, OpenError> {
    let device = settings.device()?;
    if let Some(threads) = settings.threads {
        tch::set_num_threads(threads.get() as i32);
    }
    let folder = Path::new(&settings.dir);
    check(folder)?;
    let sampler = sampler(folder, settings)?;
    let shared = shared(settings)?;
    let identity = Identity {
        name,
        revision: revision(folder, settings, &*sampler, &shared)?,
        steps: sampler.steps(),
        most_evaluations: MOST_BRANCHES,
        is_stochastic: sampler.is_stochastic(),
        knobs: vec![
            Knob { name: "guidance", default: settings.guidance, low: 1.0, high: 15.0 },
            Knob { name: "image_guidance", default: settings.image_guidance, low: 1.0, high: 3.0 },
        ],
    };
    let usage = Usage {
        guidance: settings.guidance,
        image_guidance: settings.image_guidance,
        max_pixels: settings.max_pixels as usize,
        cache_bytes: settings.cache_mib << 20,
    };
    let pipeline = TorchPix2Pix::new(networks(folder, device)?, usage, sampler);
    Ok(DiffusionEditor::new(&identity, pipeline, shared)?)
}

/// Looks at the whole folder before any weights are read: what it is, whether its parts go together, and whether there
/// is room for them.
fn check(folder: &Path) -> Result<(), OpenError> {
    let index = folder.join(PipelineClass::INDEX);
    if folder.is_dir() && PipelineClass::read(&index)? != CLASS {
        let reason = format!("names another pipeline: expected `{}`", CLASS.name());
        return Err(LoadError::content(&index, reason).into());
    }
    verify_to(folder, Depth::Headers)?;
    let single = Storage::As(DType::F32);
    let bytes = WEIGHTS.map(|(part, stem)| weight_bytes(&folder.join(part), stem, single));
    let bytes = bytes.into_iter().sum::<Result<u64, _>>()?;
    check_weights(folder, &[(bytes, &Compute::cpu())], "free some")?;
    Ok(())
}

fn networks(folder: &Path, device: tch::Device) -> Result<Networks, LoadError> {
    // The U-Net first: of what the crate cannot build it has the most.
    let unet = UNet::load(&folder.join("unet"), device)?;
    let autoencoder = Autoencoder::load(&folder.join("vae"), device)?;
    let text = ClipText::load(&folder.join("text_encoder"), device)?;
    let tokens = ClipTokens::load(&folder.join("tokenizer"))?;
    Ok(Networks { tokens, text, autoencoder, unet, device })
}

fn sampler(folder: &Path, settings: &Settings) -> Result<Arc<dyn Sampler>, LoadError> {
    let file = folder.join("scheduler").join("scheduler_config.json");
    let choice = SamplerChoice { kind: settings.sampler.kind(), steps: settings.steps as usize, eta: settings.eta };
    DiffusionConfig::read(&file)?.sampler(&file, choice)
}

fn shared(settings: &Settings) -> Result<DiffusionOptions, LoadError> {
    let latents = settings.latents.as_deref();
    Ok(DiffusionOptions {
        injected: latents.map(|file| Injected::load(Path::new(file))).transpose()?,
        keeps_trajectory: settings.trajectory,
        result_size: settings.result_size.size(),
        // One candidate a pass, so that its numbers do not depend on others.
        activation_bytes: 0,
        paused_bytes: settings.paused_mib << 20,
        largest_batch: settings.batch,
    })
}

/// What exactly answers: files, settings that decide pixels, code.
fn revision(
    folder: &Path,
    settings: &Settings,
    sampler: &dyn Sampler,
    shared: &DiffusionOptions,
) -> Result<Arc<str>, LoadError> {
    let mut fingerprint = Fingerprint::default();
    fingerprint.enter_files(&folder.join("tokenizer"))?;
    WEIGHTS.into_iter().try_for_each(|(part, stem)| fingerprint.enter_component(&folder.join(part), stem))?;
    fingerprint.enter(format!("{sampler:?}").as_bytes());
    let Settings { guidance, image_guidance, max_pixels, result_size, .. } = settings;
    let is_card = settings.device != "cpu";
    fingerprint.enter(format!("{:?}", (guidance, image_guidance, max_pixels, result_size, is_card)).as_bytes());
    shared.injected.iter().for_each(|injected| fingerprint.enter(&injected.digest));
    Ok(fingerprint.revision(VERSION))
}
