//! Adapters: parity with diffusers and PEFT, and what a file that is not one costs.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use editscale_core::{
    Candidate, Failure, FailureKind, LocalEditor, PolicyKind, PolicySupport, PolicyWeights, Start, Until,
};
use serde_json::{Value, json};

use super::parity::{KIND, options};
use super::*;
use crate::editors::cases::{Case, cases, editor_name, fixtures, injecting, make};
use crate::editors::diffusion::DiffusionEditor;
use crate::layers::Compute;
use crate::weights::Storage;

/// One adapter with what the reference makes with it.
struct Adapter {
    name: String,
    folder: PathBuf,
    scale: f32,
    /// The request, with the reference's numbers for this adapter.
    case: Case,
}

impl Adapter {
    /// The file of weights.
    fn file(&self) -> PathBuf {
        let names = ["pytorch_lora_weights.safetensors", "adapter_model.safetensors"];
        names.iter().map(|name| self.folder.join(name)).find(|file| file.is_file()).unwrap()
    }

    fn weights(&self) -> PolicyWeights {
        PolicyWeights { scale: self.scale, ..PolicyWeights::adapter(self.name.as_str(), text(&self.folder)) }
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn case(name: &str) -> Case {
    cases(KIND).into_iter().find(|case| case.name == name).unwrap()
}

fn adapters() -> Vec<Adapter> {
    let entries = fs::read_dir(fixtures().join("../adapters")).unwrap();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 5);
    let read = |folder: PathBuf| {
        let facts: Value = serde_json::from_slice(&fs::read(folder.join("adapter.json")).unwrap()).unwrap();
        let mut case = case(facts["case"].as_str().unwrap());
        case.tensors.extend(candle_core::safetensors::load(folder.join("tensors.safetensors"), &Device::Cpu).unwrap());
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        Adapter { name, folder, scale: facts["scale"].as_f64().unwrap() as f32, case }
    };
    folders.into_iter().map(read).collect()
}

fn adapter(name: &str) -> Adapter {
    adapters().into_iter().find(|adapter| adapter.name == name).unwrap()
}

fn editor(case: &Case, change: impl Fn(Options) -> Options) -> DiffusionEditor<FluxKontext> {
    let folder = case.pipeline_folder();
    let shared = injecting(folder.path());
    let (identity, pipeline) = load(folder.path(), editor_name(), change(options(case)), &shared).expect("a pipeline");
    DiffusionEditor::new(&identity, pipeline, shared).expect("an editor")
}

/// The first candidate of a case.
fn first(editor: &mut DiffusionEditor<FluxKontext>, case: &Case) -> Candidate {
    make(editor, case.item(0, Start::Source, Until::Finished))
}

fn same(ours: &Candidate, theirs: &Candidate) -> bool {
    ours.image.bytes == theirs.image.bytes && ours.trajectory == theirs.trajectory
}

#[test]
fn pictures_are_those_of_diffusers_and_the_model_is_as_before_without_it() {
    for adapter in adapters() {
        let mut editor = editor(&adapter.case, |options| options);
        assert_eq!(editor.adopts(), PolicySupport { adapters: true, checkpoints: false });
        let before = first(&mut editor, &adapter.case);
        let adopted = editor.adopt(&adapter.weights()).expect("an adapter");
        let digest = blake3::hash(&fs::read(adapter.file()).unwrap()).to_hex();
        assert_eq!((&*adopted.version, &*adopted.checksum), (adapter.name.as_str(), digest.as_str()));
        adapter.case.check_edit(&mut editor);
        let with = first(&mut editor, &adapter.case);
        assert!(!same(&with, &before), "{}", adapter.name);

        let base = editor.adopt(&PolicyWeights::base("base")).expect("the beginning");
        assert_eq!(base.checksum, editor.card().revision);
        assert!(same(&first(&mut editor, &adapter.case), &before), "{}: something is left of it", adapter.name);
        // The file itself is as good as its folder.
        let kind = PolicyKind::Adapter(text(&adapter.file()).into());
        editor.adopt(&PolicyWeights { kind, ..adapter.weights() }).expect("an adapter");
        assert!(same(&first(&mut editor, &adapter.case), &with), "{}", adapter.name);
    }
}

/// What the earlier one changed and the later does not is as it was loaded, what is kept of texts and sources included.
#[test]
fn an_adapter_takes_the_place_of_the_one_before() {
    let [all, bare] = ["diffusers_all", "diffusers_bare"].map(adapter);
    let mut editor = editor(&bare.case, |options| options);
    editor.adopt(&bare.weights()).unwrap();
    let alone = first(&mut editor, &bare.case);
    editor.adopt(&all.weights()).unwrap();
    all.case.check_edit(&mut editor);
    editor.adopt(&bare.weights()).unwrap();
    assert!(same(&first(&mut editor, &bare.case), &alone));
}

#[test]
fn a_recipes_adapter_is_where_the_editor_begins() {
    let [all, bare] = ["diffusers_all", "diffusers_bare"].map(adapter);
    let with = |path: &Path, scale: f64| {
        let (adapter, adapter_scale) = (Some(path.to_owned()), scale);
        editor(&all.case, |options| Options { adapter: adapter.clone(), adapter_scale, ..options })
    };
    let mut editor_with = with(&all.folder, 1.0);
    all.case.check_edit(&mut editor_with);
    let begun = first(&mut editor_with, &all.case);
    editor_with.adopt(&bare.weights()).unwrap();
    assert!(!same(&first(&mut editor_with, &all.case), &begun));
    editor_with.adopt(&PolicyWeights::base("base")).unwrap();
    assert!(same(&first(&mut editor_with, &all.case), &begun));

    let revision = |editor: DiffusionEditor<FluxKontext>| Arc::clone(&editor.card().revision);
    let revisions = [
        revision(with(&all.folder, 1.0)),
        revision(with(&all.folder, 0.5)),
        revision(with(&bare.folder, 1.0)),
        revision(editor(&all.case, |options| options)),
    ];
    for (at, revision) in revisions.iter().enumerate() {
        assert!(!revisions[..at].contains(revision), "{revision}");
    }
    assert_eq!(editor_with.card().revision, revisions[0]);
}

#[test]
fn a_narrow_type_takes_adapters_up() {
    let adapter = adapter("diffusers_bare");
    let picture = |dtype| {
        let compute = Compute { device: Device::Cpu, dtype, kept: Storage::As(dtype) };
        let mut editor = editor(&adapter.case, |options| Options {
            text_compute: compute.clone(),
            compute: compute.clone(),
            ..options
        });
        let before = first(&mut editor, &adapter.case);
        editor.adopt(&adapter.weights()).expect("an adapter");
        let latents = |candidate: &Candidate| candidate.trajectory.as_ref().unwrap().latents.clone();
        (latents(&before), latents(&first(&mut editor, &adapter.case)))
    };
    let (wide_before, wide) = picture(DType::F32);
    let (_, narrow) = picture(DType::F16);
    let most = |a: &[f32], b: &[f32]| a.iter().zip(b).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
    assert!(most(&wide, &narrow) < 0.25 * most(&wide, &wide_before), "{}", most(&wide, &narrow));
}

/// A file with some of its tensors changed.
type Change = fn(&mut HashMap<String, Tensor>);

const LAYER: &str = "transformer.transformer_blocks.0.ff.net.2";

fn pair(tensors: &mut HashMap<String, Tensor>, layer: &str) -> [Tensor; 2] {
    ["lora_A", "lora_B"].map(|part| tensors.remove(&format!("{layer}.{part}.weight")).unwrap())
}

fn put(tensors: &mut HashMap<String, Tensor>, name: &str, tensor: Tensor) {
    tensors.insert(name.to_owned(), tensor);
}

fn zeros(shape: &[usize]) -> Tensor {
    Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap()
}

/// What is changed, and what is said of it.
fn changes() -> [(Change, &'static [&'static str]); 17] {
    [
        (
            |all| drop(all.remove(&format!("{LAYER}.lora_A.weight"))),
            &["no `lora_A` for layer `transformer_blocks.0.ff.net.2`"],
        ),
        (
            |all| drop(all.remove(&format!("{LAYER}.lora_B.weight"))),
            &["no `lora_B` for layer `transformer_blocks.0.ff.net.2`"],
        ),
        (
            |all| {
                let [down, up] = pair(all, LAYER);
                put(all, "transformer.transformer_blocks.77.ff.net.2.lora_A.weight", down);
                put(all, "transformer.transformer_blocks.77.ff.net.2.lora_B.weight", up);
            },
            &["transformer_blocks.77.ff.net.2.lora_A.weight`", "this transformer has none"],
        ),
        (
            |all| put(all, "transformer.transformer_blocks.0.attn.norm_q.lora_A.weight", zeros(&[1, 12])),
            &["attn.norm_q.lora_A.weight`", "this transformer has none"],
        ),
        (
            |all| put(all, &format!("{LAYER}.lora_A.weight"), zeros(&[2, 5])),
            &["lora_A.weight` has shape [2, 5]: expected [2, 96]"],
        ),
        (
            |all| put(all, &format!("{LAYER}.lora_B.weight"), zeros(&[24, 3])),
            &["lora_B.weight` has shape [24, 3]: expected [24, 2]"],
        ),
        (
            |all| put(all, &format!("{LAYER}.lora_A.weight"), zeros(&[192])),
            &["has shape [192]: expected [rank, inputs]"],
        ),
        (
            |all| put(all, &format!("{LAYER}.lora_A.weight"), zeros(&[0, 96])),
            &["has shape [0, 96]: expected [rank, inputs]"],
        ),
        (
            |all| {
                let nan = (zeros(&[24, 2]) + f64::NAN).unwrap();
                put(all, &format!("{LAYER}.lora_B.weight"), nan);
            },
            &["lora_B.weight` holds a value that is not finite"],
        ),
        (
            |all| put(all, &format!("{LAYER}.alpha"), zeros(&[])),
            &["has alphas, and none for layer `single_transformer_blocks.0.attn.to_v`"],
        ),
        (
            |all| put(all, "text_encoder.x.lora_A.weight", zeros(&[1, 1])),
            &["text_encoder.x.lora_A.weight` is for a text encoder"],
        ),
        (|all| put(all, &format!("{LAYER}.lora_B.bias"), zeros(&[24])), &["lora_B.bias`", "`lora_bias`"]),
        (|all| put(all, &format!("{LAYER}.lora_magnitude_vector"), zeros(&[24])), &["DoRA"]),
        (
            |all| put(all, "lora_unet_double_blocks_0_img_attn_proj.lora_down.weight", zeros(&[1, 24])),
            &["has `lora_unet_double_blocks_0_img_attn_proj.lora_down.weight`", "expected both"],
        ),
        (|all| put(all, "transformer.x.attn.processor.to_q.lora.down.weight", zeros(&[1, 1])), &["before 0.22"]),
        (
            |all| put(all, "transformer.proj_out.weight", zeros(&[1, 1])),
            &["`transformer.proj_out.weight` is no part of a low-rank adapter"],
        ),
        (
            |all| {
                let [down, up] = pair(all, LAYER);
                put(all, "base_model.model.transformer_blocks.0.ff.net.2.lora_A.weight", down);
                put(all, "base_model.model.transformer_blocks.0.ff.net.2.lora_B.weight", up);
            },
            &["as PEFT writes it", "expected `adapter_config.json` beside it, with its `lora_alpha`"],
        ),
    ]
}

#[test]
fn what_is_no_adapter_of_this_model_is_named_and_changes_nothing() {
    let adapter = adapter("diffusers_bare");
    let mut editor = editor(&adapter.case, |options| options);
    editor.adopt(&adapter.weights()).unwrap();
    let before = first(&mut editor, &adapter.case);
    let stored = candle_core::safetensors::load(adapter.file(), &Device::Cpu).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let refused = |editor: &mut DiffusionEditor<FluxKontext>, weights: &PolicyWeights, parts: &[&str]| {
        let failure: Failure = editor.adopt(weights).expect_err(parts[0]);
        assert_eq!(failure.kind, FailureKind::Invalid, "{failure}");
        for part in parts {
            assert!(failure.message.contains(part), "{failure}: expected {part}");
        }
    };
    for (change, parts) in changes() {
        let mut tensors = stored.clone();
        change(&mut tensors);
        let file = folder.path().join("bad.safetensors");
        candle_core::safetensors::save(&tensors, &file).unwrap();
        refused(&mut editor, &PolicyWeights::adapter("bad", text(&file)), parts);
    }
    let weights = adapter.weights();
    refused(
        &mut editor,
        &PolicyWeights { scale: f32::NAN, ..weights.clone() },
        &["scale NaN: expected a finite number"],
    );
    refused(&mut editor, &PolicyWeights::adapter("bad", text(&folder.path().join("gone"))), &["gone"]);
    refused(
        &mut editor,
        &PolicyWeights::adapter("bad", text(&fixtures())),
        &["has no adapter: expected `pytorch_lora"],
    );
    refused(&mut editor, &PolicyWeights::checkpoint("bad", "x"), &["it takes up adapters only"]);
    candle_core::safetensors::save(&HashMap::<String, Tensor>::new(), folder.path().join("empty.safetensors")).unwrap();
    refused(
        &mut editor,
        &PolicyWeights::adapter("bad", text(&folder.path().join("empty.safetensors"))),
        &["holds no tensors"],
    );
    assert!(same(&first(&mut editor, &adapter.case), &before));
}

#[test]
fn configurations_that_cannot_be_followed_are_named() {
    let adapter = adapter("peft");
    let mut editor = editor(&adapter.case, |options| options);
    let folder = tempfile::tempdir().unwrap();
    fs::copy(adapter.file(), folder.path().join("adapter_model.safetensors")).unwrap();
    let config: Value = serde_json::from_slice(&fs::read(adapter.folder.join("adapter_config.json")).unwrap()).unwrap();
    for (key, value, part) in [
        ("use_dora", json!(true), "sets `use_dora`, which is not supported"),
        ("fan_in_fan_out", json!(true), "sets `fan_in_fan_out`, which is not supported"),
        ("lora_alpha", json!("eight"), "is no configuration of a low-rank adapter"),
        ("lora_alpha", Value::Null, "missing field `lora_alpha`"),
        ("alpha_pattern", json!({"attn.(to_q|to_k)": 2}), "has `attn.(to_q|to_k)` in `alpha_pattern`"),
        ("alpha_pattern", json!({"to_q": 8, "attn.to_q": 16}), "has `to_q` and `attn.to_q` in `alpha_pattern`"),
        ("alpha_pattern", json!({"^a.to_q": 8, "to_q": 16}), "has `to_q` and `^a.to_q` in `alpha_pattern`"),
    ] {
        let mut changed = config.clone();
        changed[key] = value;
        fs::write(folder.path().join("adapter_config.json"), changed.to_string()).unwrap();
        let failure = editor.adopt(&PolicyWeights::adapter("bad", text(folder.path()))).expect_err(part);
        assert!(failure.message.contains(part) && failure.message.contains("adapter_config.json"), "{failure}");
    }
}
