//! From files to Step1X-Edit.

use editscale_core::EditorName;

use crate::editors::diffusion::{DiffusionOptions, Identity, Knob};
use crate::editors::fingerprint::{Fingerprint, compute_text};
use crate::editors::flux::TransformerSource;
use crate::editors::latent_space::LatentSpace;
use crate::editors::memory::check_weights;
use crate::editors::samplers::{FlowConfig, MOST_STEPS};
use crate::editors::step1x_edit::components::{Parts, fit};
use crate::editors::step1x_edit::denoiser::{self, Denoiser};
use crate::editors::step1x_edit::files::{Files, Places};
use crate::editors::step1x_edit::networks::Networks;
use crate::editors::step1x_edit::options::Options;
use crate::editors::step1x_edit::pipeline::Step1xEdit;
use crate::editors::step1x_edit::text::TextReader;
use crate::editors::step1x_edit::{GuidanceRule, Version};
use crate::encoders::vision_language::VisionLanguageEncoder;
use crate::load::LoadError;
use crate::weights::Storage;

/// What helps where the weights do not fit into memory.
const ROOM: &str = "set `weights: stored`, or use a card";

/// The version of everything that decides a candidate's pixels beside weights and settings.
const VERSION: &str = "step1x_edit/1";

/// The bytes of all weights in their files.
pub fn stored_bytes(files: &Files) -> Result<u64, LoadError> {
    let places = Places::of(files)?;
    Ok(places.text_bytes(Storage::Stored)? + places.picture_bytes(Storage::Stored)?)
}

/// Loads everything, and says what its editor is to be called.
pub fn load(
    files: &Files,
    name: EditorName,
    options: Options,
    shared: &DiffusionOptions,
) -> Result<(Identity, Step1xEdit), LoadError> {
    let places = Places::of(files)?;
    let flow = flow(&places, options.steps)?;
    let (compute, text_compute) = (&options.compute, &options.text_compute);
    let taken = [(places.text_bytes(text_compute.kept)?, text_compute), (places.picture_bytes(compute.kept)?, compute)];
    check_weights(&places.root(), &taken, ROOM)?;
    let (checkpoint, naming, mut config) = denoiser::open(&places.transformer)?;
    let version = options.version.unwrap_or_else(|| config.version(&checkpoint));
    config.connector.scales_mean = version == Version::V1_0;
    let is_folder = matches!(places.transformer, TransformerSource::Folder(_));
    let rule = options.rule.unwrap_or_else(|| version.default_rule(is_folder));
    let encoder = VisionLanguageEncoder::open(&places.encoder, text_compute)?;
    let latent_space = LatentSpace::load(&places.vae, compute)?;
    let parts = Parts {
        largest_id: Some(encoder.words().largest_id()),
        rows: Some(encoder.vocabulary()),
        encoder: Some(encoder.config()),
        autoencoder: Some(latent_space.config()),
        denoiser: Some(&config),
    };
    fit(&places.encoder.tokenizer, &places.transformer.described(), &parts).first()?;
    let denoiser = Denoiser::load((&checkpoint, naming), &config, compute)?;
    let identity = Identity {
        name,
        revision: fingerprint(&places, &flow, (version, rule), (&options, shared))?.revision(VERSION),
        steps: options.steps,
        most_evaluations: 2,
        is_stochastic: options.eta > 0.0,
        knobs: vec![Knob { name: "guidance", default: options.guidance, low: 2.0, high: 10.0 }],
    };
    let text = TextReader { encoder, version };
    Ok((identity, Step1xEdit::new(Networks { options, version, text, latent_space, denoiser }, flow, rule)))
}

/// What the scheduler's file says; the authors' files come without, and are as FLUX.1 is.
fn flow(places: &Places, steps: usize) -> Result<FlowConfig, LoadError> {
    let flow = places.scheduler.as_deref().map_or_else(|| Ok(FlowConfig::published()), FlowConfig::read)?;
    if !(1..=MOST_STEPS).contains(&steps) {
        let reason = format!("leads 1 to {MOST_STEPS} steps: found {steps} in the recipe's `steps`");
        return Err(LoadError::content(&places.root(), reason));
    }
    Ok(flow)
}

fn fingerprint(
    places: &Places,
    flow: &FlowConfig,
    (version, rule): (Version, GuidanceRule),
    (options, shared): (&Options, &DiffusionOptions),
) -> Result<Fingerprint, LoadError> {
    let mut fingerprint = Fingerprint::default();
    places.enter(&mut fingerprint)?;
    fingerprint.enter(format!("{flow:?} {version:?} {rule:?}").as_bytes());
    fingerprint.enter(format!("{:?}", (options.steps, options.guidance, options.eta, options.size_level)).as_bytes());
    fingerprint.enter(format!("{:?} {:?}", options.reference_latent, shared.result_size).as_bytes());
    fingerprint.enter(options.negative.as_bytes());
    fingerprint.enter(compute_text(&options.compute).as_bytes());
    fingerprint.enter(compute_text(&options.text_compute).as_bytes());
    shared.injected.iter().for_each(|injected| fingerprint.enter(&injected.digest));
    Ok(fingerprint)
}
