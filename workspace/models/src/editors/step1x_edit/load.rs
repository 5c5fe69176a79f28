//! From files to Step1X-Edit.

use editscale_core::EditorName;

use crate::editors::adoption::Adoption;
use crate::editors::conditioner::{Conditioner, DENOISER};
use crate::editors::diffusion::{DiffusionOptions, Identity, Knob};
use crate::editors::fingerprint::Fingerprint;
use crate::editors::flux::TransformerSource;
use crate::editors::latent_space::LatentSpace;
use crate::editors::memory::check_turns;
use crate::editors::residency::{Residency, Resident, Turns};
use crate::editors::samplers::{FlowConfig, check_steps};
use crate::editors::step1x_edit::components::{Parts, fit};
use crate::editors::step1x_edit::denoiser::{self, Denoiser};
use crate::editors::step1x_edit::files::{Files, Places};
use crate::editors::step1x_edit::networks::Networks;
use crate::editors::step1x_edit::options::Options;
use crate::editors::step1x_edit::pipeline::Step1xEdit;
use crate::editors::step1x_edit::text::TextReader;
use crate::editors::step1x_edit::{DenoiserConfig, GuidanceRule, Version};
use crate::editors::unchanged::Unchanged;
use crate::editors::verify;
use crate::load::LoadError;
use crate::weights::Storage;

/// What helps where the weights do not fit into memory.
const ROOM: &str = "set `residency: in_turn` or `weights: stored`, or use a card";

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
    check_room(&places, &options)?;
    let (version, shape) = version(&places, &options)?;
    let is_folder = matches!(places.transformer, TransformerSource::Folder(_));
    let rule = options.rule.unwrap_or_else(|| version.default_rule(is_folder));
    let turns = Turns::new(options.residency);
    let encoder = Conditioner::new(&turns, &places.encoder, &options.text_compute)?;
    let latent_space = LatentSpace::load(&places.vae, &options.compute)?.with_tiles(options.tile);
    check_fit(&places, (&encoder, &latent_space), &shape)?;
    let (denoiser, adoption) = denoiser(&turns, &places, (&shape, &options))?;
    // What is loaded to be looked at is on no candidate's account.
    turns.take_load_ms();
    let mut fingerprint = fingerprint(&places, &flow, (version, rule), (&options, shared))?;
    adoption.enter(options.adapter_scale, &mut fingerprint);
    let identity = Identity {
        name,
        revision: fingerprint.revision(VERSION),
        steps: options.steps,
        most_evaluations: 2,
        is_stochastic: options.eta > 0.0,
        knobs: vec![Knob { name: "guidance", default: options.guidance, low: 2.0, high: 10.0 }],
    };
    let text = TextReader { encoder, version };
    let networks = Networks { options, version, text, latent_space, denoiser, shape, adoption, turns };
    Ok((identity, Step1xEdit::new(networks, flow, rule)))
}

/// Refuses weights that do not fit into memory, all together or the larger turn.
fn check_room(places: &Places, options: &Options) -> Result<(), LoadError> {
    let (compute, text_compute) = (&options.compute, &options.text_compute);
    let parts = [(places.text_bytes(text_compute.kept)?, text_compute), (places.picture_bytes(compute.kept)?, compute)];
    check_turns(&places.root(), options.residency, &parts, ROOM)
}

/// The version of the denoiser's checkpoint, and its shape.
fn version(places: &Places, options: &Options) -> Result<(Version, DenoiserConfig), LoadError> {
    let (weights, mut shape) = denoiser::open(&places.transformer)?;
    let version = options.version.unwrap_or_else(|| shape.version(&weights));
    shape.connector.scales_mean = version == Version::V1_0;
    Ok((version, shape))
}

fn check_fit(
    places: &Places,
    (encoder, latent_space): (&Conditioner, &LatentSpace),
    shape: &DenoiserConfig,
) -> Result<(), LoadError> {
    let (encoder, autoencoder) = (encoder.facts()?, Some(latent_space.config()));
    let parts = Parts { encoder, autoencoder, denoiser: Some(shape) };
    fit(&places.encoder.tokenizer, &places.transformer.described(), &parts).first()
}

/// The denoiser, and what it computes with. Loaded in turn, it is looked at by its headers, so that what is wrong there shows before
/// the first edit: the encoder is needed first, and would have it let go unused. With an adapter, which is read layer by layer, or
/// of a quantised file it is loaded to be looked at.
fn denoiser(
    turns: &Turns,
    places: &Places,
    (shape, options): (&DenoiserConfig, &Options),
) -> Result<(Resident<Denoiser>, Adoption), LoadError> {
    let is_looked_at = || {
        let (weights, _) = denoiser::open(&places.transformer)?;
        weights.by_headers(|weights| Denoiser::load(weights, shape, &verify::compute()).map(drop))
    };
    if turns.residency() == Residency::InTurn && options.adapter.is_none() && is_looked_at()?.is_some() {
        return Ok((resident(turns, places, (shape, options))?, Adoption::default()));
    }
    let denoiser = resident(turns, places, (shape, options))?;
    let loaded = denoiser.get()?;
    let own = (options.adapter.as_ref(), options.adapter_scale);
    let adoption = Adoption::begin(own, |source| loaded.transformer.read_adapter(source))?;
    Ok((denoiser, adoption))
}

fn resident(
    turns: &Turns,
    places: &Places,
    (shape, options): (&DenoiserConfig, &Options),
) -> Result<Resident<Denoiser>, LoadError> {
    let (source, shape, compute) = (places.transformer.clone(), shape.clone(), options.compute.clone());
    let unchanged = Unchanged::of_transformer(&source)?;
    turns.resident(DENOISER, move || {
        unchanged.check()?;
        Denoiser::load(&denoiser::open(&source)?.0, &shape, &compute)
    })
}

/// What the scheduler's file says; the authors' files come without, and are as FLUX.1 is.
fn flow(places: &Places, steps: usize) -> Result<FlowConfig, LoadError> {
    let flow = places.scheduler.as_deref().map_or_else(|| Ok(FlowConfig::published()), FlowConfig::read)?;
    check_steps(&places.root(), steps)?;
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
    // As it was before there were tiles, where there are none.
    if let Some(tile) = options.tile {
        fingerprint.enter(format!("tile {tile}").as_bytes());
    }
    fingerprint.enter_ways([&options.compute, &options.text_compute], shared);
    Ok(fingerprint)
}
