//! Parity with diffusers, stage by stage: `tests/parity/editors/make_qwen_pipelines.py` made the cases.

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use editscale_core::{KnobName, Knobs, NobodyWatches, Start, Until};
use editscale_picture::{Limits, Rgb8, decode_rgb8};
use serde::Deserialize;

use super::guidance::guided;
use super::networks::Networks;
use super::*;
use crate::editors::cases::{Case, LOOSE, TIGHT, cases_in, editor_name, injecting, make, off};
use crate::editors::diffusion::{Ask, DiffusionEditor, DiffusionOptions, Layout, Pipeline, Row};
use crate::editors::samplers::{FlowConfig, FlowEuler, Sampler};
use crate::encoders::vision_language::EncoderPicture;
use crate::layers::Compute;

/// Of a tensor every so many numbers are kept.
const STRIDE: usize = 37;

/// What a case says beside what all editors' cases do.
#[derive(Debug, Deserialize)]
pub(super) struct Own {
    pub(super) negative: Option<String>,
    pub(super) references: usize,
    tokens: Vec<usize>,
    grids: Vec<(usize, usize)>,
    grids_of_tokens: Vec<(usize, usize)>,
}

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

pub(super) fn cases() -> Vec<Case> {
    let cases = cases_in(&fixtures("qwen_image_edit/cases"));
    assert!(cases.len() >= 12);
    cases
}

pub(super) fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case `{name}`"))
}

fn case_folder(case: &Case) -> PathBuf {
    fixtures("qwen_image_edit/cases").join(&case.name)
}

fn copy(from: &Path, to: PathBuf) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
}

/// Numbers with the mean and the deviation of noise, as the script makes them.
fn noise(count: usize) -> Vec<f32> {
    let mixed = |at: usize| (at as u64 * 2_654_435_761 + 40_503) % (1 << 32);
    (0..count).map(|at| ((mixed(at) as f64 / 4_294_967_296.0 - 0.5) * 3.464_101_615_137_754_4) as f32).collect()
}

/// A case's pipeline: networks that other tests have as well, in one folder, with a file of the case's noise.
pub(super) fn folder(case: &Case) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let own = fixtures("qwen_image_edit").join("pipelines").join(&case.pipeline);
    let weights = "diffusion_pytorch_model.safetensors";
    let (transformer, vae) = (fixtures("layers/qwen_image/two_blocks"), fixtures("layers/autoencoder_qwen/two_levels"));
    copy(&own.join("model_index.json"), at("model_index.json"));
    copy(&own.join("transformer.json"), at("transformer/config.json"));
    copy(&transformer.join(weights), at("transformer").join(weights));
    copy(&vae.join("config.json"), at("vae/config.json"));
    copy(&vae.join(weights), at("vae").join(weights));
    copy(&case_folder(case).join("scheduler_config.json"), at("scheduler/scheduler_config.json"));
    copy(&fixtures("qwen_image_edit/preprocessor_config.json"), at("processor/preprocessor_config.json"));
    let encoder = fixtures("editreward/models/shards_bf16");
    copy(&encoder.join("tokenizer.json"), at("processor/tokenizer.json"));
    for entry in fs::read_dir(&encoder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("model") || name == "config.json" {
            copy(&path, at("text_encoder").join(name));
        }
    }
    let [channels, rows, columns] = case.latents;
    let latents =
        Tensor::from_vec(noise(channels * rows * columns), (1, channels, rows, columns), &Device::Cpu).unwrap();
    let noise = std::collections::HashMap::from([("latents".to_owned(), latents)]);
    candle_core::safetensors::save(&noise, at("noise.safetensors")).unwrap();
    place
}

pub(super) fn options(case: &Case) -> Options {
    let own: Own = case.own();
    let further = (1..=own.references).map(|at| case_folder(case).join(format!("reference_{at}.png")));
    Options {
        steps: case.request.steps,
        guidance: if own.negative.is_some() { case.request.guidance } else { 1.0 },
        negative: own.negative.unwrap_or_default(),
        references: further.collect(),
        max_pixels: 2048,
        source_pixels: 2048,
        seen_pixels: 3136,
        ..Options::on(Compute::cpu())
    }
}

/// A case's pipeline, whose noise is that of the case, or of seeds.
pub(super) fn loaded(case: &Case, options: Options) -> QwenImageEdit {
    let folder = folder(case);
    load(folder.path(), editor_name(), options, &DiffusionOptions::new(false)).expect("a pipeline").1
}

pub(super) fn editor(case: &Case, options: Options) -> DiffusionEditor<QwenImageEdit> {
    let folder = folder(case);
    let shared = injecting(folder.path());
    let (identity, pipeline) = load(folder.path(), editor_name(), options, &shared).expect("a pipeline");
    DiffusionEditor::new(&identity, pipeline, shared).expect("an editor")
}

/// The numbers of a tensor that are kept.
fn thin(values: &[f32]) -> Vec<f32> {
    values.iter().copied().step_by(STRIDE).collect()
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The pictures of a case: its source, then its references.
fn pictures(case: &Case) -> Vec<Rgb8> {
    let own: Own = case.own();
    let name = |at: usize| if at == 0 { "source.png".to_owned() } else { format!("reference_{at}.png") };
    let read = |at: usize| {
        let bytes = fs::read(case_folder(case).join(name(at))).unwrap();
        decode_rgb8(&bytes, &Limits::default()).unwrap()
    };
    (0..=own.references).map(read).collect()
}

fn check_texts(case: &Case, networks: &Networks) {
    let own: Own = case.own();
    let seen: Vec<EncoderPicture> = pictures(case).iter().map(|it| networks.text.picture(it).unwrap()).collect();
    let grids: Vec<(usize, usize)> = seen.iter().map(|it| (it.grid().rows, it.grid().columns)).collect();
    assert_eq!(grids, own.grids, "{}", case.name);
    let words = std::iter::once(case.request.instruction.as_str()).chain(own.negative.as_deref());
    for (at, words) in words.enumerate() {
        let states = networks.text.states(words, &seen).unwrap().0;
        assert_eq!(states.dim(0).unwrap() + release::DROPPED, own.tokens[at], "{}", case.name);
        case.close(&format!("states.{at}"), &thin(&numbers(&states)), TIGHT);
    }
}

fn check_references(case: &Case, networks: &Networks) {
    let own: Own = case.own();
    let mut all = Vec::new();
    for (at, picture) in pictures(case).into_iter().enumerate() {
        let size = networks.source_size(&picture);
        let (tokens, grid) = networks.latents.tokens(picture, size).unwrap();
        assert_eq!(grid, own.grids_of_tokens[at + 1], "{}", case.name);
        all.extend(numbers(&tokens));
    }
    case.close("references", &thin(&all), LOOSE);
}

/// The setting of a proposal that turns guidance.
pub(super) fn guidance(value: f64) -> Knobs {
    let mut knobs = Knobs::default();
    knobs.set(KnobName::new("guidance").unwrap(), value).unwrap();
    knobs
}

/// What the transformer says of the noise beside one of the texts.
fn velocity(pipeline: &mut QwenImageEdit, case: &Case, instruction: &str) -> Vec<f32> {
    let knobs = guidance(1.0);
    let source = case.source();
    let ask = Ask { start: &source, instruction, knobs: &knobs, output_size: None };
    let prepared = pipeline.prepare(ask).expect("conditions");
    assert_eq!((prepared.evaluations, prepared.geometry.dims()), (1, case.latents), "{}", case.name);
    let geometry = prepared.geometry;
    let input = Layout::Tokens.arranged(noise(geometry.count()), geometry);
    case.close("initial", &thin(&input), TIGHT);
    let timestep = prepared.sampler.timesteps()[0];
    let row = Row { conditions: &prepared.conditions, geometry, input, timestep };
    pipeline.predict(&[row], &NobodyWatches).unwrap().remove(0)
}

#[test]
fn stages_are_those_of_diffusers() {
    for case in cases() {
        let (options, own) = (options(&case), case.own::<Own>());
        let mut pipeline = loaded(&case, options.clone());
        check_texts(&case, &pipeline.networks);
        check_references(&case, &pipeline.networks);
        let positive = velocity(&mut pipeline, &case, &case.request.instruction);
        case.close("velocity.0", &thin(&positive), LOOSE);
        let Some(words) = own.negative else {
            case.close("guided.0", &thin(&positive), LOOSE);
            continue;
        };
        let negative = velocity(&mut pipeline, &case, &words);
        case.close("negative.0", &thin(&negative), LOOSE);
        let width = 4 * case.latents[0];
        case.close("guided.0", &thin(&guided(&positive, &negative, options.guidance as f32, width)), LOOSE);
    }
}

#[test]
fn pictures_are_those_of_diffusers() {
    for case in cases() {
        let mut editor = editor(&case, options(&case));
        let made = make(&mut editor, case.item(0, Start::Source, Until::Finished));
        let way = made.trajectory.as_ref().expect("a trajectory");
        case.close("sigmas", &way.sigmas, 1e-5);
        let count = way.latents.len() / (case.steps_made + 1);
        for (step, latents) in way.latents.chunks(count).skip(1).enumerate() {
            case.close(&format!("latents.{step}"), &thin(latents), LOOSE);
        }
        let picture = decode_rgb8(&made.image.bytes, &Limits::default()).unwrap();
        assert_eq!([picture.width, picture.height], case.output, "{}", case.name);
        let theirs: Vec<u8> = case.tensor("image").to_vec1().unwrap();
        let ours = picture.data.iter().step_by(STRIDE);
        let most = ours.zip(&theirs).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(most <= Some(1), "{}: the picture is off by {most:?}", case.name);
        let (own, counters) = (case.own::<Own>(), made.counters);
        let texts = if own.negative.is_some() { 2 } else { 1 };
        assert_eq!(
            (counters.text_encodes, counters.image_encodes),
            (texts, own.references as u64 + 1),
            "{}",
            case.name
        );
        assert_eq!(counters.denoiser_passes, case.steps_made as u64, "{}", case.name);
        assert_eq!(made.cost.nfe, texts * case.steps_made as u64, "{}", case.name);
    }
}

/// What a port might get wrong is told apart from what is right.
#[test]
fn mistakes_show() {
    let case = case("first");
    let (options, own) = (options(&case), case.own::<Own>());
    let mut pipeline = loaded(&case, options.clone());
    let off = |name: &str, ours: &[f32]| off(ours, &case.tensor(name).to_vec1::<f32>().unwrap());
    let positive = velocity(&mut pipeline, &case, &case.request.instruction);
    let negative = velocity(&mut pipeline, &case, &own.negative.unwrap());
    let plain: Vec<f32> = positive.iter().zip(&negative).map(|(c, u)| u + 4.0 * (c - u)).collect();
    assert!(off("guided.0", &thin(&plain)) > 50.0 * LOOSE, "guidance without bringing tokens to their length");
    let seen: Vec<EncoderPicture> =
        pictures(&case).iter().map(|it| pipeline.networks.text.picture(it).unwrap()).collect();
    let states = pipeline.networks.text.states(&case.request.instruction, &seen).unwrap().0;
    let rolled =
        Tensor::cat(&[states.narrow(0, 1, states.dim(0).unwrap() - 1).unwrap(), states.narrow(0, 0, 1).unwrap()], 0);
    assert!(off("states.0", &thin(&numbers(&rolled.unwrap()))) > 0.05, "one token more is dropped");
    let mut other = loaded(&case_of_pipeline("clean", &case), options);
    let clean = velocity(&mut other, &case, &case.request.instruction);
    assert!(off("velocity.0", &thin(&clean)) > 0.01, "another release");
}

/// A key of a scheduler's file, and what it says instead.
type Change = (&'static str, serde_json::Value);

/// The levels of a case whose scheduler says something else.
fn levels(case: &Case, tokens: usize, changes: &[Change]) -> Vec<f32> {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("scheduler_config.json");
    let mut said: serde_json::Value =
        serde_json::from_slice(&fs::read(case_folder(case).join("scheduler_config.json")).unwrap()).unwrap();
    for (key, value) in changes {
        assert_ne!(said[*key], *value, "{}: `{key}` says so already", case.name);
        said[*key] = value.clone();
    }
    fs::write(&file, said.to_string()).unwrap();
    FlowEuler::new(&FlowConfig::read(&file).unwrap(), case.request.steps, tokens, 0.0).sigmas().to_vec()
}

/// How far they are from the case's own.
fn levels_off(case: &Case, tokens: usize, changes: &[Change]) -> f32 {
    off(&levels(case, tokens, changes), &case.tensor("sigmas").to_vec1::<f32>().unwrap())
}

/// Each part of the schedule by itself: what a case's levels would be without it is none of them.
#[test]
fn schedules_without_a_part_show() {
    let null = || serde_json::Value::Null;
    let other: [(&str, &str, &[Change]); 7] = [
        ("first", "not stretched to the terminal level", &[("shift_terminal", null())]),
        ("first", "stretched further", &[("shift_terminal", 0.2.into())]),
        ("first", "shifted as FLUX.1", &[("max_shift", 1.15.into()), ("max_image_seq_len", 4096.into())]),
        ("first", "shifted alike for every size", &[("use_dynamic_shifting", false.into())]),
        ("first_lightning", "stretched, which few steps are not", &[("shift_terminal", 0.02.into())]),
        ("first_static", "not stretched to the terminal level", &[("shift_terminal", null())]),
        ("first_static", "shifted by size", &[("use_dynamic_shifting", true.into())]),
    ];
    let most = 50.0 * 1e-5;
    for (name, mistake, changes) in other {
        let case = case(name);
        let tokens = case.latents[1] * case.latents[2] / 4;
        assert!(levels_off(&case, tokens, &[]) < 1e-5, "{name}");
        let found = levels_off(&case, tokens, changes);
        assert!(found > most, "{name} {mistake}: off by {found}");
    }
    // Tokens of the result alone count: with those of the source the shift is another.
    let case = case("first");
    let all = 2 * case.latents[1] * case.latents[2] / 4;
    assert!(levels_off(&case, all, &[]) > most);
}

/// A case's request to the pipeline of another.
fn case_of_pipeline(name: &str, request: &Case) -> Case {
    let mut own = case(&request.name);
    own.pipeline = case(name).pipeline;
    own
}
