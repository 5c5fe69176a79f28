//! Parity with diffusers, stage by stage.

use editscale_core::{Knobs, NobodyWatches};

use super::networks::Conditions;
use super::*;
use crate::editors::cases::{
    Case, LOOSE, TIGHT, cases, check_batches, check_half_precision, check_pause, editor_name, fixtures, injecting,
};
use crate::editors::diffusion::{Ask, DiffusionEditor, DiffusionOptions, Pipeline, Prepared, Row};
use crate::layers::Compute;

const KIND: &str = "instruct_pix2pix";

fn options(case: &Case) -> Options {
    Options {
        steps: case.request.steps,
        guidance: case.request.guidance,
        image_guidance: case.request.image_guidance,
        eta: case.request.eta,
        ..Options::on(Compute::cpu())
    }
}

fn pipeline(case: &Case) -> InstructPix2Pix {
    let (folder, shared) = (case.pipeline_folder(), DiffusionOptions::new(false));
    load(folder.path(), editor_name(), options(case), &shared).expect("a pipeline").1
}

fn editor(case: &Case) -> DiffusionEditor<InstructPix2Pix> {
    let folder = case.pipeline_folder();
    let shared = injecting(folder.path());
    let (identity, pipeline) = load(folder.path(), editor_name(), options(case), &shared).expect("a pipeline");
    DiffusionEditor::new(&identity, pipeline, shared).expect("an editor")
}

#[test]
fn stages_are_those_of_diffusers() {
    for case in cases(KIND) {
        let mut pipeline = pipeline(&case);
        let read = pipeline.networks.clip.encode(&case.request.instruction).expect("a text");
        case.close("text.hidden", &read.states.hidden.flatten_all().unwrap().to_vec1::<f32>().unwrap(), TIGHT);
        assert_eq!(read.cut.is_some(), case.name == "euler_long", "{}: {:?}", case.name, read.cut);
        let (source, knobs) = (case.source(), Knobs::default());
        let ask = Ask { start: &source, instruction: &case.request.instruction, knobs: &knobs, output_size: None };
        let prepared = pipeline.prepare(ask).expect("conditions");
        let latents: Vec<f32> = prepared.conditions.source.flatten_all().unwrap().to_vec1().unwrap();
        case.close("source.latents", &latents, LOOSE);
        assert_eq!(prepared.geometry.dims(), case.latents, "{}", case.name);
        assert_eq!(prepared.evaluations as usize, case.branches, "{}", case.name);
        assert_eq!(prepared.sampler.steps(), case.steps_made, "{}", case.name);
        case.check_sampler(&*prepared.sampler, |noise| noise);
        check_denoiser(&case, &pipeline, &prepared);
        for at in 0..case.request.candidates {
            let latents = case.part("final.latents", at);
            case.check_picture(
                at,
                pipeline.decode(&[&latents], prepared.geometry).unwrap()[0].as_ref().expect("a picture"),
            );
        }
        case.close("timesteps", prepared.sampler.timesteps(), 1e-6);
    }
}

/// The UNet's own answers in every branch, and what guidance makes of them, from the reference's latents at each step.
fn check_denoiser(case: &Case, pipeline: &InstructPix2Pix, prepared: &Prepared<Conditions>) {
    let sampler = &prepared.sampler;
    let mut latents: Vec<Vec<f32>> = (0..case.request.candidates)
        .map(|at| case.part("initial_latents", at).iter().map(|value| value * sampler.initial_scale()).collect())
        .collect();
    for step in 0..case.steps_made {
        let row = |latents: &Vec<f32>| Row {
            conditions: &prepared.conditions,
            geometry: prepared.geometry,
            input: latents.iter().map(|value| value * sampler.input_scale(step)).collect(),
            timestep: sampler.timesteps()[step],
        };
        let rows: Vec<_> = latents.iter().map(row).collect();
        let networks = &pipeline.networks;
        let answers = networks.unet.forward(&networks.batch(&rows).unwrap(), &NobodyWatches).unwrap();
        // The reference has all candidates of a branch together, we all branches of a candidate.
        let count = rows.len();
        let order = (0..case.branches).flat_map(|branch| (0..count).map(move |at| at * case.branches + branch));
        let ours: Vec<f32> =
            order.flat_map(|at| answers.get(at).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap()).collect();
        case.close(&format!("denoiser.{step}"), &ours, LOOSE);
        if case.branches > 1 {
            case.close(&format!("guided.{step}"), &pipeline.predict(&rows, &NobodyWatches).unwrap().concat(), LOOSE);
        }
        latents = (0..count).map(|at| case.part(&format!("latents.{step}"), at)).collect();
    }
}

#[test]
fn pictures_are_those_of_diffusers() {
    for case in cases(KIND) {
        let mut editor = editor(&case);
        let made = case.check_edit(&mut editor);
        case.check_counters(&made, 2);
        let evaluations = (case.steps_made * case.branches) as u64;
        assert!(made.iter().all(|candidate| candidate.cost.nfe == evaluations), "{}", case.name);
        // What is encoded is kept for the rounds to come.
        let again = case.check_edit(&mut editor);
        assert!(again.iter().all(|candidate| candidate.counters.text_encodes + candidate.counters.image_encodes == 0));
    }
}

/// An editor whose noise is that of the seeds.
fn seeded(case: &Case, compute: Compute) -> DiffusionEditor<InstructPix2Pix> {
    let folder = case.pipeline_folder();
    let shared = DiffusionOptions { keeps_trajectory: true, ..DiffusionOptions::new(false) };
    let options = Options { compute, ..options(case) };
    let (identity, pipeline) = load(folder.path(), editor_name(), options, &shared).expect("a pipeline");
    DiffusionEditor::new(&identity, pipeline, shared).expect("an editor")
}

#[test]
fn paused_runs_go_on_as_if_never_paused() {
    for case in cases(KIND).into_iter().filter(|case| case.steps_made > 1) {
        let mut editor = seeded(&case, Compute::cpu());
        let [paused, resumed, whole] = check_pause(&case, &mut editor);
        assert_eq!(paused.cost.nfe + resumed.cost.nfe, whole.cost.nfe, "{}", case.name);
    }
}

#[test]
fn a_seed_is_the_same_picture_alone_and_among_others() {
    for case in cases(KIND).into_iter().filter(|case| ["euler", "ddim_eta", "deep_euler"].contains(&case.name.as_str()))
    {
        check_batches(&case, seeded(&case, Compute::cpu()));
    }
}

#[test]
fn half_precision_comes_near() {
    for case in cases(KIND).into_iter().filter(|case| ["euler", "deep_euler"].contains(&case.name.as_str())) {
        check_half_precision(&case, |compute| seeded(&case, compute));
    }
}

/// Held so that runs of earlier versions can be resumed: part of what is hashed is text that the compiler derives.
#[test]
fn revisions_stay_what_they_are() {
    let table = [
        ("pix2pix_f16", "instruct_pix2pix/1 7332f082d42ce9e7935c4908f50677f5"),
        ("pix2pix_deep_bf16", "instruct_pix2pix/1 536a6cf23517634f8f9cb47091db4be4"),
    ];
    for (name, expected) in table {
        let folder = fixtures().join("pipelines").join(name);
        let shared = DiffusionOptions::new(false);
        let (identity, _) = load(&folder, editor_name(), Options::on(Compute::cpu()), &shared).expect("a pipeline");
        assert_eq!(&*identity.revision, expected, "{name}");
    }
}
