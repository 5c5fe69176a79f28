//! Model directories, verified from their headers: the released sizes as stand-ins, and everything that can be wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use editscale_models::layers::qwen25_vl::Config;
use editscale_models::rewards::editreward::{expected_tensors, verify};
use editscale_models::verify::Problem;
use serde_json::{Value, json};

const NANO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/nano");

/// Names and shapes by name, as a header has them.
type Tensors = BTreeMap<String, Vec<usize>>;

/// The configuration of Qwen2.5-VL-7B-Instruct, as far as shapes follow from it, in the older layout of its file.
fn qwen_7b() -> Value {
    json!({
        "model_type": "qwen2_5_vl", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28,
        "num_attention_heads": 28, "num_key_value_heads": 4, "rms_norm_eps": 1e-6, "rope_theta": 1_000_000.0,
        "hidden_act": "silu", "use_sliding_window": false,
        "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
        "vision_config": {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "in_chans": 3,
            "out_hidden_size": 3584, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2,
            "window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31]},
    })
}

/// MiMo-VL-7B, as far as it is known: more layers, a wider decoder, eight key heads.
fn mimo_7b() -> Value {
    let mut config = qwen_7b();
    let text = [("hidden_size", 4096), ("intermediate_size", 11008), ("num_hidden_layers", 36)];
    let heads = [("num_attention_heads", 32), ("num_key_value_heads", 8)];
    text.iter().chain(&heads).for_each(|(key, value)| config[key] = json!(value));
    config["vision_config"]["out_hidden_size"] = json!(4096);
    config
}

fn tensors(config: &Value, vocabulary: usize) -> Tensors {
    let config = Config::read(config.to_string().as_bytes()).unwrap();
    let expected = expected_tensors(&config, vocabulary, [1024, 16]);
    let count = expected.len();
    let tensors: Tensors = expected.into_iter().collect();
    assert_eq!(tensors.len(), count, "a name comes twice");
    tensors
}

/// A model directory to spoil: the side files of `nano`, and weights that are a header and nothing else.
struct Model {
    folder: tempfile::TempDir,
    tensors: Tensors,
    types: BTreeMap<String, &'static str>,
}

impl Model {
    fn of(config: &Value, vocabulary: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let model = Self { folder, tensors: tensors(config, vocabulary), types: BTreeMap::new() };
        fs::create_dir(model.path("prompts")).unwrap();
        for name in ["tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"] {
            fs::copy(Path::new(NANO).join(name), model.path(name)).unwrap();
        }
        for name in ["instruction_following", "visual_quality", "tail"] {
            let name = format!("prompts/{name}.txt");
            fs::copy(Path::new(NANO).join(&name), model.path(&name)).unwrap();
        }
        fs::write(model.path("config.json"), config.to_string()).unwrap();
        model
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Writes the header of a file that holds all tensors in brain floats.
    fn write_header(&self) {
        let mut header = serde_json::Map::new();
        let mut at = 0;
        for (name, shape) in &self.tensors {
            let dtype = self.types.get(name).copied().unwrap_or("BF16");
            let size = match dtype {
                "I64" => 8,
                "F32" => 4,
                _ => 2,
            };
            let end = at + size * shape.iter().product::<usize>();
            header.insert(name.clone(), json!({"dtype": dtype, "shape": shape, "data_offsets": [at, end]}));
            at = end;
        }
        let header = Value::Object(header).to_string();
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        fs::write(self.path("model.safetensors"), file).unwrap();
    }

    /// What is wrong, with paths from the folder on.
    fn problems(&self) -> Vec<String> {
        self.write_header();
        let problems = verify(self.folder.path()).unwrap_err().problems;
        let said = |problem: &Problem| problem.to_string().replace(&format!("{}/", self.folder.path().display()), "");
        problems.iter().map(said).collect()
    }
}

#[test]
fn the_released_7b_checkpoint_passes_as_a_stand_in() {
    let mut model = Model::of(&qwen_7b(), 151_666);
    assert_eq!(model.tensors.len(), 740);
    model.tensors.insert("lm_head.weight".to_owned(), vec![151_666, 3584]);
    for (name, shape) in [
        ("model.visual.patch_embed.proj.weight", vec![1280, 3, 2, 14, 14]),
        ("model.visual.blocks.31.mlp.down_proj.weight", vec![1280, 3420]),
        ("model.visual.merger.mlp.0.weight", vec![5120, 5120]),
        ("model.language_model.layers.27.self_attn.k_proj.bias", vec![512]),
        ("rm_heads.head_1.5.bias", vec![2]),
    ] {
        assert_eq!(model.tensors.get(name), Some(&shape), "{name}");
    }
    model.write_header();
    let verified = verify(model.folder.path()).unwrap();
    // 16.59 GB in two bytes a number, as the released checkpoint takes.
    assert_eq!((verified.tensors, verified.parameters, verified.vocabulary), (741, 8_296_688_740, 151_666));
    assert_eq!(verified.notes.len(), 2, "{:?}", verified.notes);
}

#[test]
fn the_other_released_checkpoint_passes_too() {
    let mut model = Model::of(&mimo_7b(), 151_681);
    model.tensors.insert("lm_head.weight".to_owned(), vec![151_681, 4096]);
    model.write_header();
    assert_eq!(verify(model.folder.path()).unwrap().tensors, 837);
}

#[test]
fn older_names_are_the_same_tensors() {
    let mut model = Model::of(&qwen_7b(), 151_666);
    let older = |name: &str| {
        let name = name.strip_prefix("model.").filter(|rest| rest.starts_with("visual.")).unwrap_or(name);
        name.replace("model.language_model.", "model.")
    };
    model.tensors = model.tensors.iter().map(|(name, shape)| (older(name), shape.clone())).collect();
    model.write_header();
    verify(model.folder.path()).unwrap();
}

#[test]
fn nano_passes() {
    let verified = verify(Path::new(NANO)).unwrap();
    assert!(verified.notes.is_empty() && verified.types.contains_key("F16"), "{verified:?}");
}

#[test]
fn every_tensor_that_is_wrong_is_listed() {
    let mut model = Model::of(&qwen_7b(), 151_666);
    model.tensors.remove("model.visual.blocks.3.norm1.weight");
    model.tensors.remove("rm_heads.head_1.0.bias");
    model.tensors.insert("rm_head.weight".to_owned(), vec![1, 3584]);
    model.tensors.insert("model.language_model.norm.weight".to_owned(), vec![3583]);
    model.types.insert("rm_heads.head_0.5.bias".to_owned(), "I64");
    assert_eq!(
        model.problems(),
        [
            "model.safetensors: tensor `model.visual.blocks.3.norm1.weight` of shape [1280] is missing",
            "model.safetensors: tensor `model.language_model.norm.weight` has shape [3583]: expected [3584]",
            "model.safetensors: tensor `rm_heads.head_0.5.bias` is stored as I64: expected F32, F16 or BF16",
            "model.safetensors: tensor `rm_heads.head_1.0.bias` of shape [1024] is missing",
            "model.safetensors: tensor `rm_head.weight` of shape [1, 3584] is none of this model",
        ]
    );
}

#[test]
fn every_side_file_that_is_wrong_is_listed() {
    let model = Model::of(&qwen_7b(), 151_666);
    model.write("preprocessor_config.json", "{}");
    model.write("tokenizer_config.json", "{\"chat_template\": null}");
    model.write("prompts/visual_quality.txt", "no place for the instruction");
    model.write("prompts/tail.txt", "no token");
    fs::remove_file(model.path("prompts/instruction_following.txt")).unwrap();
    let tokenizer = fs::read_to_string(model.path("tokenizer.json")).unwrap();
    model.write("tokenizer.json", &tokenizer.replace("<|Reward|>", "<|Other|>"));
    let said = model.problems();
    for (at, start) in [
        "preprocessor_config.json: lacks `min_pixels`",
        "tokenizer_config.json: has no `chat_template`",
        "prompts/instruction_following.txt: cannot be read",
        "prompts/visual_quality.txt: has no `{text_prompt}`",
        "prompts/tail.txt: holds `<|Reward|>` 0 times",
        "tokenizer.json: has no token `<|Reward|>`",
    ]
    .iter()
    .enumerate()
    {
        assert!(said.get(at).is_some_and(|said| said.starts_with(start)), "{start}\n{said:#?}");
    }
    assert_eq!(said.len(), 6, "{said:#?}");
}

/// What is there and cannot be read is no reason to look elsewhere.
#[test]
fn a_template_of_another_kind_is_named() {
    for template in ["7", "[{\"name\": \"other\", \"template\": \"x\"}]"] {
        let model = Model::of(&qwen_7b(), 151_666);
        model.write("chat_template.json", &format!("{{\"chat_template\": {template}}}"));
        let said = model.problems();
        let reason = "`chat_template` is neither a text nor a list of them with one called `default`";
        assert_eq!(said, [format!("chat_template.json: {reason}")], "{template}");
    }
}

#[test]
fn weights_of_training_are_told_how_to_become_some() {
    let model = Model::of(&qwen_7b(), 151_666);
    model.write("model.pth", "");
    let said = verify(model.folder.path()).unwrap_err().to_string();
    assert!(said.contains("model.safetensors: is missing") && said.contains("`editscale models convert`"), "{said}");
}

#[test]
fn a_token_beyond_the_embeddings_is_found() {
    let said = Model::of(&qwen_7b(), 950).problems();
    assert_eq!(said, ["tokenizer.json: gives `<|Reward|>` the id 950, but the checkpoint has 950 embeddings"]);
}

#[test]
fn a_folder_without_anything_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let error = verify(folder.path()).unwrap_err();
    let said = error.to_string();
    for name in ["config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json", "tail.txt"] {
        assert!(said.contains(name), "{name}\n{said}");
    }
    let none = verify(&folder.path().join("none")).unwrap_err();
    assert!(none.to_string().contains("is not a folder"), "{none}");
    fs::write(folder.path().join("model-00001-of-00002.safetensors"), "").unwrap();
    assert!(verify(folder.path()).unwrap_err().to_string().contains("is one of 1 shards without"));
}
