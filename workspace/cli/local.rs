//! From a recipe's options to a loaded editing model.

use std::path::Path;

use anyhow::{Context, Result};
use editscale_config as config;
use editscale_config::{DiffusionSettings, FluxKontextOptions, InstructPix2PixOptions, WeightChoice};
use editscale_core::{EditorName, LocalEditor};
use editscale_models::device::{self, DeviceChoice, DtypeChoice};
use editscale_models::editors::diffusion::{
    DiffusionEditor, DiffusionOptions, Identity, Injected, Pipeline, ResultSize,
};
use editscale_models::editors::samplers::SamplerKind;
use editscale_models::editors::{flux_kontext, instruct_pix2pix};
use editscale_models::layers::Compute;
use editscale_models::weights::Storage;

use crate::compute::{MOST_CONVERTED, device_choice, dtype_choice};

/// Loads the `InstructPix2Pix` that a recipe describes.
pub(crate) fn load_instruct_pix2pix(
    name: &EditorName,
    options: &InstructPix2PixOptions,
) -> Result<Box<dyn LocalEditor>> {
    let load = || {
        let compute = device::compute(device_choice(options.shared.device), dtype_choice(options.shared.dtype))?;
        let shared = diffusion_options(&options.shared, &compute)?;
        let chosen = instruct_pix2pix::Options {
            compute,
            steps: options.steps as usize,
            guidance: options.guidance,
            image_guidance: options.image_guidance,
            sampler: match options.sampler {
                config::SamplerChoice::File => None,
                config::SamplerChoice::EulerAncestral => Some(SamplerKind::EulerAncestral),
                config::SamplerChoice::Ddim => Some(SamplerKind::Ddim),
            },
            eta: options.eta,
            max_pixels: options.max_pixels as usize,
            cache_bytes: options.cache_mib << 20,
        };
        let (identity, pipeline) = instruct_pix2pix::load(Path::new(&options.dir), name.clone(), chosen, &shared)?;
        editor(&identity, pipeline, shared)
    };
    load().with_context(|| format!("cannot load InstructPix2Pix from `{}`", options.dir))
}

/// Loads the FLUX.1 Kontext that a recipe describes.
pub(crate) fn load_flux_kontext(name: &EditorName, options: &FluxKontextOptions) -> Result<Box<dyn LocalEditor>> {
    let load = || {
        let mut compute = device::compute(device_choice(options.shared.device), dtype_choice(options.shared.dtype))?;
        let mut text_compute = match options.text_device {
            config::TextDevice::Same => compute.clone(),
            config::TextDevice::Cpu => device::compute(DeviceChoice::Cpu, DtypeChoice::Auto)?,
        };
        for compute in [&mut compute, &mut text_compute] {
            if is_stored(options, compute)? {
                compute.kept = Storage::Stored;
            }
        }
        let shared = diffusion_options(&options.shared, &compute)?;
        let chosen = flux_kontext::Options {
            compute,
            text_compute,
            transformer: options.transformer.as_ref().map(Into::into),
            steps: options.steps as usize,
            guidance: options.guidance,
            eta: options.eta,
            max_pixels: options.max_pixels as usize,
            is_source_fitted: options.fit_source,
            text_tokens: options.text_tokens as usize,
            cache_bytes: options.cache_mib << 20,
        };
        let (identity, pipeline) = flux_kontext::load(Path::new(&options.dir), name.clone(), chosen, &shared)?;
        editor(&identity, pipeline, shared)
    };
    load().with_context(|| format!("cannot load FLUX.1 Kontext from `{}`", options.dir))
}

/// Whether weights stay as the files have them.
fn is_stored(options: &FluxKontextOptions, compute: &Compute) -> Result<bool> {
    Ok(match options.weights {
        WeightChoice::Converted => false,
        WeightChoice::Stored => true,
        WeightChoice::Auto => {
            let transformer = options.transformer.as_ref().map(Path::new);
            compute.device.is_cpu()
                && flux_kontext::stored_bytes(Path::new(&options.dir), transformer)? > MOST_CONVERTED
        }
    })
}

fn diffusion_options(settings: &DiffusionSettings, compute: &Compute) -> Result<DiffusionOptions> {
    let mut options = DiffusionOptions::new(!compute.device.is_cpu());
    options.injected = settings.latents.as_ref().map(|file| Injected::load(Path::new(file))).transpose()?;
    options.keeps_trajectory = settings.trajectory;
    options.result_size = match settings.result_size {
        config::ResultSize::Model => ResultSize::Model,
        config::ResultSize::Source => ResultSize::Source,
    };
    options.paused_bytes = settings.paused_mib << 20;
    options.largest_batch = settings.batch;
    if let Some(mib) = settings.activation_mib {
        options.activation_bytes = mib << 20;
    }
    Ok(options)
}

fn editor<P: Pipeline + 'static>(
    identity: &Identity,
    pipeline: P,
    shared: DiffusionOptions,
) -> Result<Box<dyn LocalEditor>> {
    Ok(Box::new(DiffusionEditor::new(identity, pipeline, shared)?))
}
