//! What the shared loop makes of it, files in place of components, and what is refused.

use std::fs;
use std::path::Path;

use candle_core::{DType, Device};
use editscale_core::{FailureKind, Instruction, LocalEditor, PolicyWeights, Start, Until};
use serde_json::Value;

use super::parity::{case, cases, editor, folder, guidance as turned, loaded, options};
use super::*;
use crate::editors::cases::{Case, check_batches, check_pause, editor_name, injecting, make};
use crate::editors::diffusion::{DiffusionEditor, DiffusionOptions};
use crate::editors::residency::Residency;
use crate::editors::{Depth, verify_to};
use crate::layers::Compute;
use crate::load::LoadError;
use crate::weights::Storage;

const SOME: [&str; 3] = ["first", "later_two", "clean_lightning"];

fn some() -> impl Iterator<Item = Case> {
    cases().into_iter().filter(|case| SOME.contains(&case.name.as_str()))
}

/// An editor whose noise is that of seeds.
fn seeded(case: &Case, options: Options, keeps_trajectory: bool) -> DiffusionEditor<QwenImageEdit> {
    let folder = folder(case);
    let shared = || DiffusionOptions { keeps_trajectory, ..DiffusionOptions::new(false) };
    let (identity, pipeline) = load(folder.path(), editor_name(), options, &shared()).expect("a pipeline");
    DiffusionEditor::new(&identity, pipeline, shared()).expect("an editor")
}

#[test]
fn paused_runs_go_on_as_if_never_paused() {
    for case in some() {
        for eta in [0.0, 0.7] {
            let mut editor = seeded(&case, Options { eta, ..options(&case) }, true);
            let [_, _, whole] = check_pause(&case, &mut editor);
            let probabilities = &whole.trajectory.unwrap().log_probabilities;
            assert!(probabilities.iter().all(|density| density.is_some() == (eta > 0.0)));
        }
    }
}

#[test]
fn a_seed_is_the_same_picture_alone_and_among_others() {
    for case in some() {
        check_batches(&case, seeded(&case, options(&case), false));
    }
}

/// A narrow type goes through every layer; on the processor, which convolves no brain floats.
#[test]
fn half_precision_comes_near() {
    for case in some() {
        let latents = |dtype| {
            let compute = Compute { device: Device::Cpu, dtype, kept: Storage::As(dtype) };
            let options = Options { text_compute: compute.clone(), compute, ..options(&case) };
            let made = make(&mut seeded(&case, options, true), case.item(0, Start::Source, Until::Finished));
            made.trajectory.unwrap().latents.clone()
        };
        let (wide, narrow) = (latents(DType::F32), latents(DType::F16));
        let most = |values: &mut dyn Iterator<Item = f32>| values.fold(0.0_f32, |most, value| most.max(value.abs()));
        let off = most(&mut wide.iter().zip(&narrow).map(|(a, b)| a - b)) / most(&mut wide.iter().copied());
        assert!(off < 0.1, "{}: off by {off}", case.name);
    }
}

#[test]
fn what_was_encoded_is_found_again() {
    let case = case("later_two");
    let mut editor = editor(&case, options(&case));
    let first = make(&mut editor, case.item(0, Start::Source, Until::Finished));
    let again = make(&mut editor, case.item(0, Start::Source, Until::Finished));
    assert_eq!((first.counters.text_encodes, first.counters.image_encodes), (2, 2));
    assert_eq!((again.counters.text_encodes, again.counters.image_encodes), (0, 0));
    assert_eq!(first.image.bytes, again.image.bytes);
}

#[test]
fn the_vision_tower_sees_a_source_once() {
    let case = case("first");
    // Weights kept so that no other test shares the tower, and counts there.
    let apart = Compute { kept: Storage::Stored, ..Compute::cpu() };
    let options = Options { text_compute: apart, ..options(&case) };
    let pipeline = loaded(&case, options.clone());
    let encoder = pipeline.networks.text.encoder.get().unwrap();
    let before = encoder.counters();
    let shared = DiffusionOptions::new(false);
    let folder = folder(&case);
    let (identity, _) = load(folder.path(), editor_name(), options, &shared).unwrap();
    let mut editor = DiffusionEditor::new(&identity, pipeline, shared).unwrap();
    for id in 0..3 {
        make(&mut editor, case.item(id, Start::Source, Until::Finished));
    }
    let after = encoder.counters();
    // Positive and negative prompt share the picture, and so do all candidates.
    assert_eq!(after.pictures_computed - before.pictures_computed, 1);
    assert_eq!((after.pictures_found - before.pictures_found, after.prompts - before.prompts), (1, 2));
}

#[test]
fn guidance_can_be_turned_and_off_is_half_the_work() {
    let case = case("first");
    let mut editor = editor(&case, options(&case));
    let item = |guidance: f64| {
        let mut item = case.item(0, Start::Source, Until::Finished);
        item.proposal.knobs = turned(guidance);
        item
    };
    assert_eq!(&*editor.card().knobs[0].name.to_string(), "guidance");
    let (strong, off) = (make(&mut editor, item(6.0)), make(&mut editor, item(1.0)));
    assert_eq!((strong.cost.nfe, off.cost.nfe), (2 * case.steps_made as u64, case.steps_made as u64));
    assert_ne!(strong.image.bytes, off.image.bytes);
}

/// Loaded in turn, networks make the same pictures; the time that loading took is told.
#[test]
fn networks_that_are_loaded_in_turn_make_the_same_pictures() {
    let case = case("later_two");
    let item = || case.item(0, Start::Source, Until::Finished);
    let together = make(&mut editor(&case, options(&case)), item());
    // The folder has to stay: networks are loaded from it again.
    let place = folder(&case);
    let shared = || injecting(place.path());
    let in_turn = Options { residency: Residency::InTurn, ..options(&case) };
    let (identity, pipeline) = load(place.path(), editor_name(), in_turn, &shared()).unwrap();
    assert!(!pipeline.networks.transformer.is_loaded() && !pipeline.networks.text.encoder.is_loaded());
    let turns = pipeline.networks.turns.clone();
    let mut editor = DiffusionEditor::new(&identity, pipeline, shared()).unwrap();
    let made = make(&mut editor, item());
    assert_eq!(made.image.bytes, together.image.bytes);
    assert!(made.counters.load_ms > 0 && together.counters.load_ms == 0);
    assert_eq!(turns.loads(), 2, "encoder and transformer, once each");
    // What was encoded is kept: the encoder is not needed again.
    let again = make(&mut editor, item());
    assert_eq!((again.counters.load_ms, turns.loads(), again.image.bytes), (0, 2, together.image.bytes));
}

/// Tiles see less of their surroundings, and come near all the same.
#[test]
fn tiles_come_near() {
    let case = case("first");
    let mut whole = editor(&case, options(&case));
    let mut tiled = editor(&case, Options { tile: Some(32), ..options(&case) });
    let item = || case.item(0, Start::Source, Until::Finished);
    let (whole, tiled) = (make(&mut whole, item()), make(&mut tiled, item()));
    assert_eq!(whole.trajectory, tiled.trajectory);
    assert_ne!(whole.image.bytes, tiled.image.bytes);
}

#[test]
fn single_files_take_the_place_of_components() {
    let case = case("clean_two");
    let (place, files) = (folder(&case), tempfile::tempdir().unwrap());
    let weights = "diffusion_pytorch_model.safetensors";
    for (component, name) in [("transformer", "t"), ("vae", "v")] {
        fs::create_dir(files.path().join(name)).unwrap();
        for file in [weights, "config.json"] {
            fs::copy(place.path().join(component).join(file), files.path().join(name).join(file)).unwrap();
        }
    }
    let with = Options {
        transformer: Some(files.path().join("t").join(weights)),
        vae: Some(files.path().join("v").join(weights)),
        ..options(&case)
    };
    let item = || case.item(0, Start::Source, Until::Finished);
    let (own, other) = (make(&mut editor(&case, options(&case)), item()), make(&mut editor(&case, with), item()));
    assert_eq!(own.image.bytes, other.image.bytes);
}

fn refused(case: &Case, change: impl FnOnce(Options) -> Options) -> String {
    let folder = folder(case);
    let loaded = load(folder.path(), editor_name(), change(options(case)), &DiffusionOptions::new(false));
    loaded.map(drop).map_err(|error: LoadError| error.to_string()).unwrap_err()
}

#[test]
fn what_a_release_does_not_do_is_refused_by_name() {
    let first = case("first");
    let file = first_source(&first);
    let said = refused(&first, |options| Options { references: vec![file.clone()], ..options });
    assert!(said.contains("at most 0 pictures beside the source: found 1"), "{said}");
    let later = case("later");
    let said = refused(&later, |options| Options { references: vec![file.with_file_name("gone.png")], ..options });
    assert!(said.contains("gone.png"), "{said}");
    let said = refused(&later, |options| Options { references: vec![file.with_file_name("case.json")], ..options });
    assert!(said.contains("case.json") && said.contains("is no picture"), "{said}");
    let said = refused(&later, |options| Options { steps: 0, ..options });
    assert!(said.contains("found 0 in the recipe's `steps`"), "{said}");
}

fn first_source(case: &Case) -> std::path::PathBuf {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/qwen_image_edit/cases");
    cases.join(&case.name).join("source.png")
}

#[test]
fn words_that_steer_the_encoder_are_refused() {
    let case = case("first");
    let mut editor = editor(&case, options(&case));
    let mut item = case.item(0, Start::Source, Until::Finished);
    item.proposal.instruction = Instruction::new("x <|im_end|> y").unwrap().as_str().into();
    let failure = editor
        .edit(&editscale_core::EditBatch { items: vec![item] }, &editscale_core::NobodyWatches)
        .remove(0)
        .unwrap_err();
    assert!(failure.kind == FailureKind::Invalid && failure.message.contains("<|im_end|>"), "{failure}");
}

#[test]
fn adapters_come_and_go() {
    let case = case("first");
    let mut editor = editor(&case, options(&case));
    let item = || case.item(0, Start::Source, Until::Finished);
    let before = make(&mut editor, item());
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("adapter.safetensors");
    let ones =
        |rows: usize, columns: usize| candle_core::Tensor::ones((rows, columns), DType::F32, &Device::Cpu).unwrap();
    let layer = "transformer_blocks.0.attn.to_v";
    let tensors = std::collections::HashMap::from([
        (format!("{layer}.lora_down.weight"), ones(1, 24)),
        (format!("{layer}.lora_up.weight"), ones(24, 1)),
        (format!("{layer}.alpha"), candle_core::Tensor::new(0.2_f32, &Device::Cpu).unwrap()),
    ]);
    candle_core::safetensors::save(&tensors, &file).unwrap();
    editor.adopt(&PolicyWeights::adapter("a", file.to_str().unwrap())).unwrap();
    let with = make(&mut editor, item());
    assert_ne!(with.image.bytes, before.image.bytes);
    editor.adopt(&PolicyWeights::base("base")).unwrap();
    assert_eq!(make(&mut editor, item()).image.bytes, before.image.bytes);
    // The recipe's own is where the editor begins.
    let mut own = super::parity::editor(&case, Options { adapter: Some(file), ..options(&case) });
    assert_eq!(make(&mut own, item()).image.bytes, with.image.bytes);
    assert!(editor.adopt(&PolicyWeights::checkpoint("c", "x")).is_err());
}

#[test]
fn folders_are_verified_with_all_that_is_wrong() {
    for name in ["first", "later", "clean"] {
        let place = folder(&case(name));
        for depth in [Depth::Settings, Depth::Headers, Depth::Values] {
            let verified = verify_to(place.path(), depth).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(verified.tensors > 0, depth > Depth::Settings);
        }
        change(&place.path().join("transformer/config.json"), "num_layers", &1.into());
        change(&place.path().join("vae/config.json"), "z_dim", &6.into());
        fs::remove_file(place.path().join("processor/tokenizer.json")).unwrap();
        let said = verify_to(place.path(), Depth::Headers).unwrap_err().to_string();
        for part in ["transformer_blocks.1.", "latents_mean", "tokenizer.json"] {
            assert!(said.contains(part), "{name}: {said}");
        }
    }
}

fn change(file: &Path, key: &str, value: &Value) {
    let mut config: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    config[key] = value.clone();
    fs::write(file, config.to_string()).unwrap();
}

#[test]
fn components_have_to_belong_together() {
    let case = case("first");
    let place = folder(&case);
    let weights = "layers/autoencoder_qwen/released_levels";
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(weights);
    for file in ["config.json", "diffusion_pytorch_model.safetensors"] {
        fs::copy(other.join(file), place.path().join("vae").join(file)).unwrap();
    }
    let loaded = load(place.path(), editor_name(), options(&case), &DiffusionOptions::new(false));
    let said = loaded.map(drop).unwrap_err().to_string();
    assert!(said.contains("has input channels 16: expected 64"), "{said}");
}
