//! Parity with diffusers, stage by stage.

use candle_core::Tensor;
use editscale_core::{Knobs, NobodyWatches};
use serde_json::Value;

use super::size::{result_size, source_size};
use super::*;
use crate::editors::cases::{
    Case, LOOSE, TIGHT, cases, check_batches, check_half_precision, check_pause, editor_name, fixtures, injecting,
};
use crate::editors::diffusion::{Ask, DiffusionEditor, DiffusionOptions, Layout, Pipeline, Row};
use crate::layers::Compute;
use crate::pictures::Size;

pub(super) const KIND: &str = "flux_kontext";

pub(super) fn options(case: &Case) -> Options {
    let asked = &case.request;
    let pixels = asked.height.unwrap_or(0) as usize * asked.width.unwrap_or(0) as usize;
    Options {
        steps: asked.steps,
        guidance: asked.guidance,
        max_pixels: asked.max_area.filter(|area| *area > 0).unwrap_or(pixels),
        is_source_fitted: asked.auto_resize.unwrap_or(true),
        text_tokens: asked.max_sequence_length.unwrap_or(512),
        ..Options::on(Compute::cpu())
    }
}

fn pipeline(case: &Case) -> FluxKontext {
    let (folder, shared) = (case.pipeline_folder(), DiffusionOptions::new(false));
    load(folder.path(), editor_name(), options(case), &shared).expect("a pipeline").1
}

fn editor(case: &Case) -> DiffusionEditor<FluxKontext> {
    let folder = case.pipeline_folder();
    let shared = injecting(folder.path());
    let (identity, pipeline) = load(folder.path(), editor_name(), options(case), &shared).expect("a pipeline");
    DiffusionEditor::new(&identity, pipeline, shared).expect("an editor")
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn stages_are_those_of_diffusers() {
    for case in cases(KIND) {
        let mut pipeline = pipeline(&case);
        check_texts(&case, &pipeline);
        let source = case.source();
        let size = pipeline.networks.source_size(source.size());
        assert_eq!([size.width, size.height], case.read, "{}", case.name);
        let (tokens, _) = pipeline.networks.source_tokens(&source, size).unwrap();
        case.close("source.latents", &numbers(&tokens), LOOSE);
        let knobs = Knobs::default();
        let output_size = case.output_size();
        let ask = Ask { start: &source, instruction: &case.request.instruction, knobs: &knobs, output_size };
        let prepared = pipeline.prepare(ask).expect("conditions");
        assert_eq!(prepared.geometry.dims(), case.latents, "{}", case.name);
        let geometry = prepared.geometry;
        case.check_sampler(&*prepared.sampler, |noise| Layout::Tokens.arranged(noise, geometry));
        let mut latents: Vec<Vec<f32>> =
            (0..case.request.candidates).map(|at| case.part("initial_latents", at)).collect();
        for step in 0..case.steps_made {
            let timestep = prepared.sampler.timesteps()[step];
            let conditions = &prepared.conditions;
            let row = |input: &Vec<f32>| Row { conditions, geometry, input: input.clone(), timestep };
            let answers =
                pipeline.predict(&latents.iter().map(row).collect::<Vec<_>>(), &NobodyWatches).unwrap().concat();
            case.close(&format!("denoiser.{step}"), &answers, LOOSE);
            latents = (0..latents.len()).map(|at| case.part(&format!("latents.{step}"), at)).collect();
        }
        for (at, latents) in latents.into_iter().enumerate() {
            let planes = Layout::Tokens.planes(latents, geometry);
            case.check_picture(at, pipeline.decode(&[&planes], geometry).unwrap()[0].as_ref().expect("a picture"));
        }
    }
}

fn check_texts(case: &Case, pipeline: &FluxKontext) {
    let states = pipeline.networks.text.encode(&case.request.instruction).unwrap();
    assert_eq!(states.note.is_some(), case.name == "kontext_cut", "{}: {:?}", case.name, states.note);
    case.close("text.t5", &numbers(&states.tokens), TIGHT);
    case.close("text.pooled", &numbers(&states.pooled), TIGHT);
}

#[test]
fn pictures_are_those_of_diffusers() {
    for case in cases(KIND) {
        let made = case.check_edit(&mut editor(&case));
        case.check_counters(&made, 2);
    }
}

#[test]
fn paused_runs_go_on_as_if_never_paused() {
    for case in cases(KIND).into_iter().filter(|case| case.steps_made > 1) {
        for eta in [0.0, 0.7] {
            let folder = case.pipeline_folder();
            let shared = || DiffusionOptions { keeps_trajectory: true, ..DiffusionOptions::new(false) };
            let options = Options { eta, ..options(&case) };
            let (identity, pipeline) = load(folder.path(), editor_name(), options, &shared()).expect("a pipeline");
            let mut editor = DiffusionEditor::new(&identity, pipeline, shared()).expect("an editor");
            let [_, _, whole] = check_pause(&case, &mut editor);
            let probabilities = &whole.trajectory.unwrap().log_probabilities;
            assert!(probabilities.iter().all(|density| density.is_some() == (eta > 0.0)));
        }
    }
}

fn seeded(case: &Case, compute: Compute) -> DiffusionEditor<FluxKontext> {
    let folder = case.pipeline_folder();
    let shared = DiffusionOptions::new(false);
    let options = Options { text_compute: compute.clone(), compute, ..options(case) };
    let (identity, pipeline) = load(folder.path(), editor_name(), options, &shared).expect("a pipeline");
    DiffusionEditor::new(&identity, pipeline, shared).expect("an editor")
}

#[test]
fn a_seed_is_the_same_picture_alone_and_among_others() {
    for case in cases(KIND).into_iter().filter(|case| ["kontext", "no_guidance"].contains(&case.name.as_str())) {
        check_batches(&case, seeded(&case, Compute::cpu()));
    }
}

#[test]
fn half_precision_comes_near() {
    for case in cases(KIND).into_iter().filter(|case| ["kontext", "no_guidance"].contains(&case.name.as_str())) {
        check_half_precision(&case, |compute| seeded(&case, compute));
    }
}

#[test]
fn sizes_are_those_of_diffusers() {
    let text = std::fs::read(fixtures().join("sizes.json")).unwrap();
    let table: Vec<Value> = serde_json::from_slice(&text).unwrap();
    assert!(table.len() > 40);
    let size = |value: &Value| {
        let side = |at: usize| usize::try_from(value[at].as_u64().unwrap()).unwrap();
        Size { width: side(0), height: side(1) }
    };
    for row in &table {
        let source = size(&row["source"]);
        for (name, shape, pixels, fitted) in [
            ("default", Size { width: 1024, height: 1024 }, 1 << 20, true),
            ("own", source, 1 << 20, true),
            ("own_quarter_area", source, 1 << 18, true),
            ("own_not_resized", source, 1 << 18, false),
        ] {
            let expected = &row[name];
            if expected.is_null() || expected.get("error").is_some() {
                continue;
            }
            assert_eq!(result_size(shape, 16, pixels), size(&expected["output"]), "{name}: {row}");
            assert_eq!(source_size(source, 16, fitted), size(&expected["reference"]), "{name}: {row}");
        }
    }
}

/// Held so that runs of earlier versions can be resumed: part of what is hashed is text that the compiler derives.
#[test]
fn revisions_stay_what_they_are() {
    let table = [
        ("kontext_f16", "flux_kontext/1 71b561c2e590f80a4b6b0ee078a2dbb8"),
        ("kontext_no_guidance_bf16", "flux_kontext/1 e0cebd9a4ce07b2b55f0b0154532fdcc"),
    ];
    for (name, expected) in table {
        let folder = fixtures().join("pipelines").join(name);
        let shared = DiffusionOptions::new(false);
        let (identity, _) = load(&folder, editor_name(), Options::on(Compute::cpu()), &shared).expect("a pipeline");
        assert_eq!(&*identity.revision, expected, "{name}");
    }
}
