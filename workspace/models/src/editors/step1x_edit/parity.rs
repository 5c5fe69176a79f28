//! Whole edits are those of the authors' networks, stage by stage, with tiny random weights.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::quantized::{GgmlDType, QTensor, gguf_file};
use candle_core::{DType, Device, Tensor};
use editscale_core::{Image, Knobs, LocalEditor, NobodyWatches, PolicyWeights, Start, TowerPictures, Until};
use serde::Deserialize;
use serde_json::Value;

use super::*;
use crate::editors::cases::{
    Case, LOOSE, TIGHT, cases_in, check_batches, check_half_precision, check_pause, copy, editor_name, final_latents,
    injecting, make, off,
};
use crate::editors::diffusion::{Ask, DiffusionEditor, DiffusionOptions, Layout, Pipeline, Row};
use crate::editors::residency::Residency;
use crate::editors::step1x_edit::testing::fixtures;
use crate::layers::Compute;
use crate::layers::autoencoder_kl::of_original;
use crate::weights::Storage;

/// What a case says beside what all editors' cases do.
#[derive(Deserialize)]
struct Own {
    rule: String,
    negative: Option<String>,
    size_level: usize,
}

fn rule(name: &str) -> GuidanceRule {
    match name {
        "plain" => GuidanceRule::Plain,
        "damped_early" => GuidanceRule::DampedEarly,
        "damped" => GuidanceRule::Damped,
        other => panic!("no rule `{other}`"),
    }
}

fn cases() -> Vec<Case> {
    let cases = cases_in(&fixtures().join("cases"));
    assert!(cases.len() >= 5);
    cases
}

fn case(name: &str) -> Case {
    cases().into_iter().find(|case| case.name == name).unwrap()
}

fn create(folder: &Path) -> &Path {
    fs::create_dir_all(folder).unwrap();
    folder
}

/// A pipeline of a transformer, with noise of a case. Those that are one file are laid out as the authors publish them, the others as
/// their fork of diffusers does.
fn pipeline(case: &Case) -> (tempfile::TempDir, Files) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    case.save_noise(folder);
    let home = fixtures();
    copy(&home.join("transformers").join(&case.pipeline), &folder.join("transformer"));
    let file = folder.join("transformer/step1x.safetensors");
    if file.exists() {
        copy(&home.join("encoder"), &folder.join("encoder"));
        copy(&home.join("vae"), &folder.join("vae"));
        let vae = folder.join("vae/ae.safetensors");
        let files = Files { dir: None, transformer: Some(file), vae: Some(vae), encoder: Some(folder.join("encoder")) };
        return (temporary, files);
    }
    let class = CLASSES[usize::from(case.pipeline == "v1_2")].name();
    fs::write(folder.join("model_index.json"), format!("{{\"_class_name\": \"{class}\"}}")).unwrap();
    let scheduler = create(&folder.join("scheduler")).join("scheduler_config.json");
    fs::copy(home.join("scheduler_config.json"), scheduler).unwrap();
    copy(&home.join("encoder"), &folder.join("text_encoder"));
    let processor = folder.join("processor");
    for name in ["preprocessor_config.json", "tokenizer.json"] {
        fs::copy(home.join("encoder").join(name), create(&processor).join(name)).unwrap();
    }
    write_vae(&home.join("vae"), create(&folder.join("vae")));
    let files = Files { dir: Some(folder.to_owned()), ..Files::default() };
    (temporary, files)
}

/// The original file as a folder of diffusers.
fn write_vae(from: &Path, to: &Path) {
    fs::copy(from.join("config.json"), to.join("config.json")).unwrap();
    let all = candle_core::safetensors::load(from.join("ae.safetensors"), &Device::Cpu).unwrap();
    let all: HashMap<String, Tensor> = all.into_iter().map(|(name, tensor)| (of_original(&name), tensor)).collect();
    candle_core::safetensors::save(&all, to.join("diffusion_pytorch_model.safetensors")).unwrap();
}

fn options(case: &Case) -> Options {
    let own: Own = case.own();
    Options {
        steps: case.request.steps,
        guidance: case.request.guidance,
        rule: Some(rule(&own.rule)),
        negative: own.negative.unwrap_or_default(),
        size_level: own.size_level,
        ..Options::on(Compute::cpu())
    }
}

fn editor_with(case: &Case, shared: Option<DiffusionOptions>, options: Options) -> DiffusionEditor<Step1xEdit> {
    let (folder, files) = pipeline(case);
    let shared = shared.unwrap_or_else(|| injecting(folder.path()));
    let (identity, pipeline) = load(&files, editor_name(), options, &shared).expect("a pipeline");
    DiffusionEditor::new(&identity, pipeline, shared).expect("an editor")
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// The first and the last rows, as cases keep them.
fn ends(tensor: &Tensor) -> Tensor {
    let rows = tensor.dims()[0];
    Tensor::cat(&[tensor.narrow(0, 0, 12).unwrap(), tensor.narrow(0, rows - 24, 24).unwrap()], 0).unwrap()
}

#[test]
fn stages_are_those_of_the_authors() {
    for case in cases() {
        let (_folder, files) = pipeline(&case);
        let shared = DiffusionOptions::new(false);
        let (_, mut pipeline) = load(&files, editor_name(), options(&case), &shared).expect("a pipeline");
        let source = case.source();
        let size = pipeline.networks.worked_size(source.size());
        assert_eq!([size.width, size.height], case.read, "{}", case.name);
        check_texts(&case, &pipeline, &source);
        let knobs = Knobs::default();
        let ask = Ask { start: &source, instruction: &case.request.instruction, knobs: &knobs, output_size: None };
        let prepared = pipeline.prepare(ask).expect("conditions");
        assert_eq!(prepared.geometry.dims(), case.latents, "{}", case.name);
        assert_eq!(prepared.evaluations, case.branches as u64, "{}", case.name);
        let geometry = prepared.geometry;
        case.check_sampler(&*prepared.sampler, |noise| Layout::Tokens.arranged(noise, geometry));
        let mut input = case.part("initial_latents", 0);
        for step in 0..case.steps_made {
            let timestep = prepared.sampler.timesteps()[step];
            let row = Row { conditions: &prepared.conditions, geometry, input, timestep };
            let answers = pipeline.predict(&[row], &NobodyWatches).unwrap().concat();
            case.close(&format!("guided.{step}"), &answers, LOOSE);
            input = case.part(&format!("latents.{step}"), 0);
        }
        let planes = Layout::Tokens.planes(input, geometry);
        case.check_picture(0, pipeline.decode(&[&planes], geometry).unwrap()[0].as_ref().expect("a picture"));
    }
}

fn check_texts(case: &Case, pipeline: &Step1xEdit, source: &Image) {
    let networks = &pipeline.networks;
    let size = networks.worked_size(source.size());
    let seen = networks.source(source, size).unwrap();
    let own: Own = case.own();
    let texts = [Some(case.request.instruction.clone()), own.negative];
    for (at, text) in texts.into_iter().flatten().enumerate() {
        let encoder = networks.text.encoder.get().unwrap();
        let words = encoder.words();
        let prompt = Prompt::new(networks.version, words, &text, seen.picture.tokens()).unwrap();
        let ids: Vec<u32> = case.tensor(&format!("{at}.ids")).to_vec1().unwrap();
        let cells: Vec<u32> = case.tensor(&format!("{at}.cells")).to_vec1().unwrap();
        assert_eq!(seen.picture.tokens(), cells[0] as usize, "{}", case.name);
        let (mut once, picture) = (prompt.ids.clone(), words.picture());
        once.dedup_by(|a, b| *a == picture && *b == picture);
        assert_eq!(once, ids, "{}", case.name);
        let kept = networks.text.encode(&text, &seen.picture, size).unwrap();
        case.close(&format!("{at}.states"), &numbers(&ends(&kept.states)), TIGHT);
        case.close(&format!("{at}.embeddings"), &numbers(&ends(&kept.embeddings)), TIGHT);
        if let Some(places) = kept.places {
            let places = Tensor::from_vec(places.concat(), (places.len(), 3), &Device::Cpu).unwrap();
            case.close(&format!("{at}.places"), &numbers(&ends(&places)), 1e-6);
        }
        assert_eq!(kept.note, None);
    }
}

#[test]
fn pictures_are_those_of_the_authors() {
    for case in cases() {
        let mut editor = editor_with(&case, None, options(&case));
        let made = case.check_edit(&mut editor);
        // Other cases may have shown the same picture to the same tower.
        let TowerPictures { computed, found } = case.check_counters(&made, case.branches as u64);
        assert!(computed <= 1 && computed + found == case.branches as u64, "{}", case.name);
        assert_eq!(made[0].cost.nfe, (case.branches * case.steps_made) as u64, "{}", case.name);
    }
}

/// One mistake at a time, and how far the latents at the end go astray.
#[test]
fn mistakes_show_in_the_picture() {
    let astray = |case: &Case, options: Options| {
        let made = make(&mut editor_with(case, None, options), case.item(0, Start::Source, Until::Finished));
        off(final_latents(&made), &case.part("final.latents", 0))
    };
    let (old, damped, early) = (case("v1_0"), case("v1_1"), case("v1_1_early"));
    let with = |case: &Case, rule| Options { rule: Some(rule), ..options(case) };
    for (case, options) in [
        (&old, with(&old, GuidanceRule::Damped)),
        (&old, with(&old, GuidanceRule::DampedEarly)),
        (&damped, with(&damped, GuidanceRule::Plain)),
        (&damped, with(&damped, GuidanceRule::DampedEarly)),
        (&damped, Options { version: Some(Version::V1_0), ..options(&damped) }),
        (&damped, Options { reference_latent: ReferenceLatent::Sample, ..options(&damped) }),
        (&early, with(&early, GuidanceRule::Damped)),
        (&early, Options { negative: String::new(), ..options(&early) }),
    ] {
        let off = astray(case, options.clone());
        assert!(off > 20.0 * LOOSE, "{} with {options:?}: {off}", case.name);
    }
}

/// The key decides between versions that tensors leave open, and no others.
#[test]
fn a_version_that_the_tensors_contradict_is_refused_by_name() {
    use Version::{V1_0, V1_1, V1_2};
    for (name, refused, expected) in [
        (
            "v1_0",
            [V1_1, V1_2].as_slice(),
            "has `connector.scale_factor`, which only v1.0 has: expected `version` to be `v1.0`,",
        ),
        ("v1_1", &[V1_2], "has no `text_token_mapping`, which v1.2 has: expected `version` to be `v1.1` or `v1.0`,"),
        ("v1_2", &[V1_0, V1_1], "has `text_token_mapping`, which only v1.2 has: expected `version` to be `v1.2`,"),
    ] {
        let case = case(name);
        let (folder, files) = pipeline(&case);
        for version in [V1_0, V1_1, V1_2] {
            let options = Options { version: Some(version), ..options(&case) };
            match load(&files, editor_name(), options, &injecting(folder.path())) {
                Ok((_, pipeline)) => {
                    assert_eq!(pipeline.networks.version, version, "{name}");
                    assert!(!refused.contains(&version), "{name} as {version}");
                }
                Err(error) => {
                    let expected = format!("{expected} or left out, found `{version}`");
                    assert!(error.to_string().contains(&expected), "{name}: {error}");
                    assert!(refused.contains(&version), "{name} as {version}: {error}");
                }
            }
        }
    }
}

#[test]
fn paused_runs_go_on_as_if_never_paused() {
    for case in ["v1_1", "v1_2"].map(case) {
        for eta in [0.0, 0.7] {
            let shared = DiffusionOptions { keeps_trajectory: true, ..DiffusionOptions::new(false) };
            let mut editor = editor_with(&case, Some(shared), Options { eta, ..options(&case) });
            let [_, _, whole] = check_pause(&case, &mut editor);
            let probabilities = &whole.trajectory.unwrap().log_probabilities;
            assert!(probabilities.iter().all(|density| density.is_some() == (eta > 0.0)));
        }
    }
}

#[test]
fn a_seed_is_the_same_picture_alone_and_among_others() {
    for case in ["v1_0", "v1_2"].map(case) {
        check_batches(&case, editor_with(&case, Some(DiffusionOptions::new(false)), options(&case)));
    }
}

#[test]
fn half_precision_comes_near() {
    let case = case("v1_1_unguided");
    check_half_precision(&case, |compute| {
        let options = Options { text_compute: compute.clone(), compute, ..options(&case) };
        editor_with(&case, Some(DiffusionOptions::new(false)), options)
    });
}

/// Both prompts and all candidates share what the vision tower makes of the source.
#[test]
fn a_source_goes_through_the_vision_tower_once() {
    let case = case("v1_1");
    let (_folder, files) = pipeline(&case);
    let shared = DiffusionOptions::new(false);
    // Weights kept so that no other test shares the tower, and counts there.
    let apart = Compute { kept: Storage::Stored, ..Compute::cpu() };
    let options = Options { text_compute: apart, ..options(&case) };
    let (identity, pipeline) = load(&files, editor_name(), options, &shared).expect("a pipeline");
    let encoder = pipeline.networks.text.encoder.get().unwrap();
    let before = encoder.counters();
    let mut editor = DiffusionEditor::new(&identity, pipeline, shared).expect("an editor");
    let items = (0..3).map(|id| case.item(id, Start::Source, Until::Finished)).collect();
    let made = editor.edit(&editscale_core::EditBatch { items }, &NobodyWatches);
    assert!(made.iter().all(Result::is_ok));
    let after = encoder.counters();
    assert_eq!(after.prompts - before.prompts, 2);
    assert_eq!(after.pictures_computed - before.pictures_computed, 1);
    assert_eq!(after.pictures_found - before.pictures_found, 1);
}

/// A file with pairs for two layers, one of them under the name of Kohya's trainers.
fn adapter(folder: &Path) -> PathBuf {
    let ones = |rows: usize, columns: usize| Tensor::ones((rows, columns), DType::F32, &Device::Cpu).unwrap();
    let (values, gate) = ("transformer_blocks.0.attn.to_v", "lora_unet_single_blocks_0_linear2");
    let alpha = || Tensor::new(0.02_f32, &Device::Cpu).unwrap();
    let tensors = HashMap::from([
        (format!("transformer.{values}.lora_A.weight"), ones(1, 12)),
        (format!("transformer.{values}.lora_B.weight"), (ones(12, 1) * 5.0).unwrap()),
        (format!("transformer.{values}.alpha"), alpha()),
        (format!("{gate}.lora_down.weight"), ones(1, 60)),
        (format!("{gate}.lora_up.weight"), ones(12, 1)),
        (format!("{gate}.alpha"), alpha()),
    ]);
    let file = folder.join("adapter.safetensors");
    candle_core::safetensors::save(&tensors, &file).unwrap();
    file
}

#[test]
fn adapters_come_and_go() {
    let place = tempfile::tempdir().unwrap();
    let file = adapter(place.path());
    for case in ["v1_0", "v1_2"].map(case) {
        let edit = |editor: &mut DiffusionEditor<Step1xEdit>| {
            make(editor, case.item(0, Start::Source, Until::Finished)).image.bytes
        };
        let mut editor = editor_with(&case, None, options(&case));
        assert!(editor.adopts().adapters);
        let before = edit(&mut editor);
        let adopted = editor.adopt(&PolicyWeights::adapter("a", file.to_str().unwrap())).unwrap();
        assert_eq!(*adopted.checksum, *blake3::hash(&fs::read(&file).unwrap()).to_hex().as_str());
        let with = edit(&mut editor);
        assert_ne!(with, before, "{}", case.name);
        editor.adopt(&PolicyWeights::base("base")).unwrap();
        assert_eq!(edit(&mut editor), before, "{}", case.name);
        assert!(editor.adopt(&PolicyWeights::checkpoint("c", "x")).is_err());
        // The recipe's own is where the editor begins, loaded in turn as well, and part of its revision.
        let own = Options { adapter: Some(file.clone()), ..options(&case) };
        let (home, files) = pipeline(&case);
        let revision = |options: Options| {
            load(&files, editor_name(), options, &injecting(home.path())).expect("a pipeline").0.revision
        };
        assert_ne!(revision(own.clone()), revision(options(&case)));
        assert_ne!(revision(own.clone()), revision(Options { adapter_scale: 0.5, ..own.clone() }));
        let in_turn = Options { residency: Residency::InTurn, ..own };
        let (identity, pipeline) = load(&files, editor_name(), in_turn, &injecting(home.path())).unwrap();
        let mut editor = DiffusionEditor::new(&identity, pipeline, injecting(home.path())).unwrap();
        assert_eq!(edit(&mut editor), with, "{}", case.name);
    }
}

/// Weights that are loaded once more are those that the revision was made of, or nothing is made with them.
#[test]
fn weights_that_were_changed_meanwhile_are_not_used() {
    for (name, file) in [("v1_0", "transformer/step1x.safetensors"), ("v1_2", "text_encoder/model.safetensors")] {
        let case = case(name);
        let (place, files) = pipeline(&case);
        let options = Options { residency: Residency::InTurn, cache_bytes: 0, ..options(&case) };
        let (identity, pipeline) = load(&files, editor_name(), options, &injecting(place.path())).unwrap();
        let mut editor = DiffusionEditor::new(&identity, pipeline, injecting(place.path())).unwrap();
        make(&mut editor, case.item(0, Start::Source, Until::Finished));
        let file = place.path().join(file);
        let mut bytes = fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&file, bytes).unwrap();
        let items = vec![case.item(0, Start::Source, Until::Finished)];
        let made = editor.edit(&editscale_core::EditBatch { items }, &NobodyWatches).remove(0);
        let failure = made.expect_err("other weights");
        assert!(failure.message.contains("was changed while an editor used it"), "{name}: {failure}");
    }
}

/// Tiles see less of their surroundings, and come near all the same; what is denoised does not change.
#[test]
fn tiles_come_near() {
    let case = case("v1_1");
    let make = |options: Options| {
        let mut editor = editor_with(&case, None, options);
        make(&mut editor, case.item(0, Start::Source, Until::Finished))
    };
    let (whole, tiled) = (make(options(&case)), make(Options { tile: Some(32), ..options(&case) }));
    assert_eq!(whole.trajectory, tiled.trajectory);
    assert_ne!(whole.image.bytes, tiled.image.bytes);
    let pixels = |candidate: &editscale_core::Candidate| {
        editscale_picture::decode_rgb8(&candidate.image.bytes, &editscale_picture::Limits::default()).unwrap().data
    };
    let (whole, tiled) = (pixels(&whole), pixels(&tiled));
    let apart: u32 = whole.iter().zip(&tiled).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    let mean = f64::from(apart) / whole.len() as f64;
    println!("tiles are {mean:.1} levels from the whole in the mean");
    assert!(mean < 40.0, "{mean}");
}

/// A quantised file takes the place of the authors' own.
#[test]
fn a_quantised_denoiser_takes_the_place_of_the_authors_file() {
    let case = case("v1_0");
    let (folder, files) = pipeline(&case);
    let own = files.transformer.clone().unwrap();
    let path = own.with_extension("gguf");
    let all = candle_core::safetensors::load(&own, &Device::Cpu).unwrap();
    let stored = |(name, tensor): (&String, &Tensor)| {
        (name.clone(), QTensor::quantize(&tensor.to_dtype(DType::F32).unwrap(), GgmlDType::F32).unwrap())
    };
    let stored: Vec<(String, QTensor)> = all.iter().map(stored).collect();
    let listed: Vec<(&str, &QTensor)> = stored.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    gguf_file::write(&mut fs::File::create(&path).unwrap(), &[], &listed).unwrap();
    let edit = |files: &Files| {
        let shared = || injecting(folder.path());
        let (identity, pipeline) = load(files, editor_name(), options(&case), &shared()).expect("a pipeline");
        let mut editor = DiffusionEditor::new(&identity, pipeline, shared()).expect("an editor");
        make(&mut editor, case.item(0, Start::Source, Until::Finished)).image.bytes
    };
    assert_eq!(edit(&Files { transformer: Some(path), ..files.clone() }), edit(&files));
}

/// Loaded in turn, networks make the same pictures; the time that loading took is told.
#[test]
fn networks_that_are_loaded_in_turn_make_the_same_pictures() {
    // One file with original names, and a folder whose words have places.
    for case in ["v1_0", "v1_2"].map(case) {
        // The files have to stay: networks are loaded from them again.
        let (place, files) = pipeline(&case);
        let begin = |residency| {
            let options = Options { residency, ..options(&case) };
            load(&files, editor_name(), options, &injecting(place.path())).expect("a pipeline")
        };
        let edit = |editor: &mut DiffusionEditor<Step1xEdit>| {
            let made = make(editor, case.item(0, Start::Source, Until::Finished));
            (made.counters.load_ms, made.image.bytes)
        };
        let editor = |(identity, pipeline)| DiffusionEditor::new(&identity, pipeline, injecting(place.path())).unwrap();
        let together = edit(&mut editor(begin(Residency::Together)));
        let (identity, pipeline) = begin(Residency::InTurn);
        assert!(!pipeline.networks.denoiser.is_loaded() && !pipeline.networks.text.encoder.is_loaded());
        let turns = pipeline.networks.turns.clone();
        let mut editor = editor((identity, pipeline));
        let in_turn = edit(&mut editor);
        assert_eq!(in_turn.1, together.1, "{}", case.name);
        assert!(in_turn.0 > 0 && together.0 == 0, "{}", case.name);
        assert_eq!(turns.loads(), 2, "{}: encoder and denoiser, once each", case.name);
        // What was encoded is kept: the encoder is not needed again.
        assert_eq!((edit(&mut editor), turns.loads()), ((0, together.1), 2), "{}", case.name);
    }
}

#[test]
fn folders_are_verified_and_files_are_told() {
    use crate::editors::{Depth, verify_to};
    for case in ["v1_1", "v1_2"].map(case) {
        let (folder, _) = pipeline(&case);
        for depth in [Depth::Settings, Depth::Headers, Depth::Values] {
            let verified = verify_to(folder.path(), depth).expect("a pipeline");
            assert!(verified.vocabulary > 0, "{} {depth:?}", case.name);
        }
        let file = folder.path().join("transformer/config.json");
        let mut config: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        config["connector_in_channels"] = 13.into();
        fs::write(&file, config.to_string()).unwrap();
        let problems = verify_to(folder.path(), Depth::Headers).unwrap_err().to_string();
        assert!(problems.contains("a connector for a width of 13: expected 12"), "{problems}");
        assert!(problems.contains("connector.S.input_embedder.weight"), "{problems}");
    }
    let refused = |files: &Files| stored_bytes(files).unwrap_err().to_string();
    assert!(refused(&Files::default()).contains("`dir`, or all of `transformer`, `vae` and `encoder`"));
    let (folder, files) = pipeline(&case("v1_0"));
    assert!(stored_bytes(&files).unwrap() > 100_000);
    assert!(refused(&Files { dir: Some(folder.path().to_owned()), ..files }).contains("models pull step1x-edit"));
}
