//! Pipelines, verified: those of the fixtures as they are and broken in every part, and the released sizes as stand-ins.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

mod released;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use editscale_models::editors::{Depth, verify, verify_to};
use editscale_models::verify::Verified;
use serde_json::{Map, Value, json};

use released::{Tensors, numbers, qwen_autoencoder, qwen_transformer, qwen25_vl, step1x_denoiser};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/editors/pipelines");
const PIX2PIX: &str = "pix2pix_f16";
const KONTEXT: &str = "kontext_f16";
const SHARDED: &str = "kontext_no_guidance_bf16";
const UNET: &str = "unet/diffusion_pytorch_model.safetensors";

/// A copy of a fixture to spoil.
struct Pipeline(tempfile::TempDir);

impl Pipeline {
    fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for component in fs::read_dir(Path::new(FIXTURES).join(name)).unwrap() {
            let from = component.unwrap().path();
            let to = folder.path().join(from.file_name().unwrap());
            if from.is_file() {
                fs::copy(&from, &to).unwrap();
                continue;
            }
            fs::create_dir(&to).unwrap();
            for file in fs::read_dir(&from).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn remove(&self, name: &str) {
        let path = self.path(name);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }

    /// Sets a key of a JSON file; null takes it out.
    fn set(&self, name: &str, key: &str, value: Value) {
        let mut all: Map<String, Value> = serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap();
        match value {
            Value::Null => _ = all.remove(key),
            value => _ = all.insert(key.to_owned(), value),
        }
        fs::write(self.path(name), Value::Object(all).to_string()).unwrap();
    }

    /// Changes the header and the data of a safetensors file.
    fn weights(&self, name: &str, change: impl FnOnce(&mut Map<String, Value>, &mut Vec<u8>)) {
        let file = fs::read(self.path(name)).unwrap();
        let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        let mut header = serde_json::from_slice(&file[8..8 + length]).unwrap();
        let mut data = file[8 + length..].to_vec();
        change(&mut header, &mut data);
        fs::write(self.path(name), safetensors(header, &data)).unwrap();
    }

    /// What is wrong, with paths from the folder on.
    fn problems(&self) -> Vec<String> {
        let problems = verify(self.0.path()).map_or_else(|error| error.problems, |_| Vec::new());
        let root = format!("{}/", self.0.path().display());
        problems.iter().map(|problem| problem.to_string().replace(&root, "")).collect()
    }
}

fn safetensors(header: Map<String, Value>, data: &[u8]) -> Vec<u8> {
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

#[test]
fn every_fixture_passes() {
    for name in [PIX2PIX, KONTEXT, SHARDED, "pix2pix_deep_bf16"] {
        let verified = verify(&Path::new(FIXTURES).join(name)).unwrap();
        assert!(verified.notes.is_empty() && verified.tensors > 100, "{verified:?}");
        assert_eq!(verified.vocabulary, 834, "{name}");
        assert_eq!(verified.types.len(), 1, "{name}");
    }
}

/// A fixture, what is done to it, and how everything begins that is then wrong.
type Case = (&'static str, fn(&Pipeline), &'static [&'static str]);

fn check(cases: &[Case]) {
    for (at, (fixture, spoil, expected)) in cases.iter().enumerate() {
        let pipeline = Pipeline::of(fixture);
        spoil(&pipeline);
        let found = pipeline.problems();
        assert_eq!(found.len(), expected.len(), "case {at} of {fixture}\n{found:#?}");
        for (found, expected) in found.iter().zip(*expected) {
            assert!(found.starts_with(expected), "case {at} of {fixture}\n{expected}\n{found}");
        }
    }
}

#[test]
fn indexes_schedulers_and_tokenizers_are_looked_at() {
    check(&[
        (PIX2PIX, |p| p.remove("model_index.json"), &["model_index.json: cannot be read"]),
        (PIX2PIX, |p| fs::write(p.path("model_index.json"), "[]").unwrap(), &["model_index.json: invalid type"]),
        (
            PIX2PIX,
            |p| p.set("model_index.json", "_class_name", json!("StableDiffusionPipeline")),
            &[
                "model_index.json: names the pipeline `StableDiffusionPipeline`: expected `StableDiffusionInstructPix2Pix",
            ],
        ),
        (
            PIX2PIX,
            |p| p.set("model_index.json", "_class_name", Value::Null),
            &["model_index.json: names no pipeline: expected"],
        ),
        (PIX2PIX, |p| p.remove("scheduler"), &["scheduler: is missing"]),
        (
            PIX2PIX,
            |p| p.set("scheduler/scheduler_config.json", "_class_name", json!("LCMScheduler")),
            &["scheduler/scheduler_config.json: names the scheduler `LCMScheduler`: expected"],
        ),
        (
            PIX2PIX,
            |p| p.set("scheduler/scheduler_config.json", "use_karras_sigmas", json!(true)),
            &["scheduler/scheduler_config.json: has `use_karras_sigmas` true"],
        ),
        (
            KONTEXT,
            |p| p.set("scheduler/scheduler_config.json", "_class_name", json!("DDIMScheduler")),
            &["scheduler/scheduler_config.json: names the scheduler `DDIMScheduler`: expected"],
        ),
        (PIX2PIX, |p| p.remove("tokenizer/vocab.json"), &["tokenizer/vocab.json: cannot be read"]),
        (
            PIX2PIX,
            |p| fs::write(p.path("tokenizer/merges.txt"), "#version: 0.2\na\n").unwrap(),
            &["tokenizer/merges.txt: line 2 has 1 tokens"],
        ),
        (
            KONTEXT,
            |p| {
                p.remove("tokenizer_2/tokenizer.json");
                fs::write(p.path("tokenizer_2/spiece.model"), "").unwrap();
            },
            &["tokenizer_2: has `spiece.model` only"],
        ),
    ]);
}

#[test]
fn configurations_are_looked_at() {
    check(&[
        (PIX2PIX, |p| p.remove("vae/config.json"), &["vae/config.json: cannot be read"]),
        (
            PIX2PIX,
            |p| p.set("unet/config.json", "class_embed_type", json!("timestep")),
            &["unet/config.json: `class_embed_type` is \"timestep\""],
        ),
        (
            PIX2PIX,
            |p| p.set("vae/config.json", "_class_name", json!("AutoencoderTiny")),
            &["vae/config.json: `_class_name` is \"AutoencoderTiny\""],
        ),
        (
            PIX2PIX,
            |p| p.set("text_encoder/config.json", "hidden_act", json!("tanh")),
            &["text_encoder/config.json: `hidden_act` is `tanh`"],
        ),
        (
            KONTEXT,
            |p| p.set("text_encoder_2/config.json", "dense_act_fn", json!("tanh")),
            &["text_encoder_2/config.json: `feed_forward_proj` is `gated-gelu`, with the activation `tanh`"],
        ),
        (
            KONTEXT,
            |p| p.set("transformer/config.json", "num_attention_heads", json!(0)),
            &["transformer/config.json: "],
        ),
    ]);
}

#[test]
fn weights_are_looked_at() {
    check(&[
        (
            PIX2PIX,
            |p| p.remove(UNET),
            &["unet/diffusion_pytorch_model.safetensors: is missing, and there are no weights"],
        ),
        (
            PIX2PIX,
            |p| {
                let file = fs::read(p.path(UNET)).unwrap();
                fs::write(p.path(UNET), &file[..file.len() - 100]).unwrap();
            },
            &["unet/diffusion_pytorch_model.safetensors: is truncated: its tensors take"],
        ),
        (
            PIX2PIX,
            |p| fs::write(p.path(UNET), "<html>").unwrap(),
            &["unet/diffusion_pytorch_model.safetensors: is trunc"],
        ),
        (
            PIX2PIX,
            |p| p.weights(UNET, |header, _| header["conv_in.weight"]["shape"] = json!([8, 8, 9])),
            &[
                "unet/diffusion_pytorch_model.safetensors: tensor `conv_in.weight` has shape [8, 8, 9]: expected [8, 8, 3, 3]",
            ],
        ),
        (
            PIX2PIX,
            |p| {
                p.weights(UNET, |header, _| {
                    for (from, to) in [("conv_in.bias", "other"), ("mid_block.resnets.0.norm1.weight", "another")] {
                        let moved = header.remove(from).unwrap();
                        header.insert(to.to_owned(), moved);
                    }
                });
            },
            &[
                "unet/diffusion_pytorch_model.safetensors: tensor `conv_in.bias` of shape [8] is missing",
                "unet/diffusion_pytorch_model.safetensors: tensor `mid_block.resnets.0.norm1.weight` of shape [16] is miss",
            ],
        ),
        (
            PIX2PIX,
            |p| p.weights(UNET, |header, _| header["conv_out.bias"]["dtype"] = json!("I16")),
            &["unet/diffusion_pytorch_model.safetensors: tensor `conv_out.bias` is stored as I16"],
        ),
        (
            PIX2PIX,
            |p| {
                p.weights(UNET, |header, data| {
                    let at = header["conv_out.bias"]["data_offsets"][0].as_u64().unwrap() as usize;
                    data[at + 4..at + 6].copy_from_slice(&[0, 0x7e]);
                });
            },
            &[
                "unet/diffusion_pytorch_model.safetensors: tensor `conv_out.bias` holds a value that is not finite (NaN or \
               infinity) at index 2",
            ],
        ),
        (
            SHARDED,
            |p| p.remove("transformer/diffusion_pytorch_model-00002-of-00003.safetensors"),
            &["transformer/diffusion_pytorch_model-00002-of-00003.safetensors: cannot be read"],
        ),
        (
            SHARDED,
            |p| p.remove("transformer/diffusion_pytorch_model.safetensors.index.json"),
            &["transformer/diffusion_pytorch_model.safetensors: is missing"],
        ),
        (
            KONTEXT,
            |p| p.set("transformer/config.json", "guidance_embeds", json!(false)),
            &[
                "transformer/diffusion_pytorch_model.safetensors: tensor `time_text_embed.guidance_embedder.linear_1.bias`",
                "transformer/diffusion_pytorch_model.safetensors: tensor `time_text_embed.guidance_embedder.linear_1.weight`",
                "transformer/diffusion_pytorch_model.safetensors: tensor `time_text_embed.guidance_embedder.linear_2.bias`",
                "transformer/diffusion_pytorch_model.safetensors: tensor `time_text_embed.guidance_embedder.linear_2.weight`",
            ],
        ),
    ]);
}

#[test]
fn components_have_to_belong_together() {
    check(&[
        (
            PIX2PIX,
            |p| {
                let file = "text_encoder/model.safetensors";
                p.set("text_encoder/config.json", "vocab_size", json!(800));
                p.weights(file, |header, data| {
                    let tensor = &mut header["text_model.embeddings.token_embedding.weight"];
                    let at = |end: usize| tensor["data_offsets"][end].as_u64().unwrap() as usize;
                    let (from, to) = (at(0), at(0) + 800 * 16 * 2);
                    let gone = at(1) - to;
                    data.drain(to..to + gone);
                    (tensor["shape"], tensor["data_offsets"]) = (json!([800, 16]), json!([from, to]));
                    for tensor in header.values_mut() {
                        let Some(offsets) = tensor.get_mut("data_offsets") else { continue };
                        let moved = |at: &Value| at.as_u64().unwrap() as usize - gone;
                        if offsets[0].as_u64().unwrap() as usize > from {
                            *offsets = json!([moved(&offsets[0]), moved(&offsets[1])]);
                        }
                    }
                });
            },
            &["tokenizer: has ids up to 833: the text encoder has 800 tokens"],
        ),
        (
            PIX2PIX,
            |p| {
                let other = Path::new(FIXTURES).join("pix2pix_deep_bf16/text_encoder");
                for name in ["config.json", "model.safetensors"] {
                    fs::copy(other.join(name), p.path("text_encoder").join(name)).unwrap();
                }
            },
            &["unet/config.json: has `cross_attention_dim` 16: expected 12, as the other components have it"],
        ),
    ]);
}

#[test]
fn everything_is_listed_at_once() {
    check(&[(
        KONTEXT,
        |p| {
            p.remove("scheduler/scheduler_config.json");
            p.remove("tokenizer");
            p.remove("text_encoder/model.safetensors");
            p.set("text_encoder_2/config.json", "model_type", json!("umt5"));
            p.remove("vae");
            p.set("transformer/config.json", "pooled_projection_dim", json!(20));
        },
        &[
            "scheduler/scheduler_config.json: cannot be read",
            "tokenizer: is missing",
            "text_encoder/model.safetensors: is missing",
            "text_encoder_2/config.json: `model_type` is `umt5`",
            "vae: is missing",
            "transformer/diffusion_pytorch_model.safetensors: tensor `time_text_embed.text_embedder.linear_1.weight` has sha",
            "transformer/config.json: has a pooled width of 20: expected 16",
        ],
    )]);
}

#[test]
fn a_closer_look_sees_more() {
    let pipeline = Pipeline::of(PIX2PIX);
    pipeline.weights(UNET, |_, data| data.fill(0xff));
    verify_to(pipeline.0.path(), Depth::Headers).unwrap();
    assert_eq!(pipeline.problems().len(), 208);
    pipeline.remove(UNET);
    verify_to(pipeline.0.path(), Depth::Settings).unwrap();
    assert!(verify_to(pipeline.0.path(), Depth::Headers).is_err());
    let none = verify(&pipeline.path("none")).unwrap_err();
    assert!(none.to_string().contains("is not a folder"), "{none}");
}

#[test]
fn what_is_no_mistake_is_noted() {
    let pipeline = Pipeline::of(PIX2PIX);
    pipeline.set("scheduler/scheduler_config.json", "_class_name", json!("PNDMScheduler"));
    pipeline.weights("text_encoder/model.safetensors", |header, data| {
        let from = data.len();
        data.extend([0; 8]);
        let extra = json!({"dtype": "I64", "shape": [1], "data_offsets": [from, from + 8]});
        header.insert("text_model.embeddings.position_ids".to_owned(), extra);
    });
    let notes = verify(pipeline.0.path()).unwrap().notes;
    assert!(notes[0].contains("`PNDMScheduler`") && notes[1].contains("`embeddings.position_ids`"), "{notes:?}");
    assert_eq!(notes.len(), 2);
}

/// The library of tokenizers panics at such a file. In a process of its own, whose words can be read.
#[test]
fn a_hostile_tokenizer_is_told_once() {
    const CHILD: &str = "EDITSCALE_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let pipeline = Pipeline::of(KONTEXT);
        // A table of one unit, which leads beyond its end.
        let table = json!({"type": "Precompiled", "precompiled_charsmap": "BAAAAAAAAAA="});
        pipeline.set("tokenizer_2/tokenizer.json", "normalizer", table);
        assert_eq!(pipeline.problems(), ["tokenizer_2/tokenizer.json: the tokenizer fails on it"]);
        std::panic::catch_unwind(|| panic!("any other panic")).unwrap_err();
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "a_hostile_tokenizer_is_told_once", "--nocapture"]).env(CHILD, "1");
    let done = child.output().unwrap();
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{told}");
    assert_eq!(told.matches("panicked at").count(), 1, "{told}");
    assert!(told.contains("any other panic"), "{told}");
}

#[test]
fn an_absurd_configuration_ends() {
    let pipeline = Pipeline::of(KONTEXT);
    pipeline.set("text_encoder_2/config.json", "num_layers", json!(1_000_000));
    assert!(pipeline.problems().len() < 3000);
}

/// Writes the headers that a pipeline's configurations ask for, and looks at them.
fn stand_in(pipeline: &Pipeline, weights: &[&str]) -> u64 {
    for name in weights {
        fs::write(pipeline.path(name), safetensors(Map::new(), &[])).unwrap();
    }
    let verified = fill_in(pipeline, BTreeMap::new());
    assert_eq!(verified.notes.len(), weights.len(), "{:?}", verified.notes);
    verified.parameters
}

/// The same where some headers have something already, from which the rest follows.
fn fill_in(pipeline: &Pipeline, mut headers: BTreeMap<PathBuf, Map<String, Value>>) -> Verified {
    for (file, header) in &headers {
        fs::write(file, safetensors(header.clone(), &[])).unwrap();
    }
    for problem in verify_to(pipeline.0.path(), Depth::Headers).unwrap_err().problems {
        let (name, shape) = problem.reason.strip_prefix("tensor `").unwrap().split_once("` of shape ").unwrap();
        let shape: Vec<u64> = serde_json::from_str(shape.strip_suffix(" is missing").unwrap()).unwrap();
        let header = headers.entry(problem.file).or_default();
        let last = |header: &Map<String, Value>| header.values().filter_map(|it| it["data_offsets"][1].as_u64()).max();
        let from = last(header).unwrap_or(0);
        let offsets = json!([from, from + 2 * shape.iter().product::<u64>()]);
        header.insert(name.to_owned(), json!({"dtype": "BF16", "shape": shape, "data_offsets": offsets}));
    }
    for (file, header) in headers {
        fs::write(file, safetensors(header, &[])).unwrap();
    }
    verify(pipeline.0.path()).unwrap()
}

fn set_all(pipeline: &Pipeline, name: &str, values: Value) {
    values.as_object().unwrap().iter().for_each(|(key, value)| pipeline.set(name, key, value.clone()));
}

/// The text encoder of CLIP ViT-L/14, which both pipelines have.
fn clip_large(pipeline: &Pipeline) {
    let sizes = json!({"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "num_hidden_layers": 12,
        "vocab_size": 49408});
    set_all(pipeline, "text_encoder/config.json", sizes);
}

#[test]
fn the_released_instruct_pix2pix_has_the_published_size() {
    let pipeline = Pipeline::of(PIX2PIX);
    clip_large(&pipeline);
    let (down, up) = ("CrossAttnDownBlock2D", "CrossAttnUpBlock2D");
    let unet = json!({"block_out_channels": [320, 640, 1280, 1280], "cross_attention_dim": 768, "attention_head_dim": 8,
        "down_block_types": [down, down, down, "DownBlock2D"], "up_block_types": ["UpBlock2D", up, up, up],
        "layers_per_block": 2, "norm_num_groups": 32});
    set_all(&pipeline, "unet/config.json", unet);
    let vae = json!({"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "norm_num_groups": 32});
    set_all(&pipeline, "vae/config.json", vae);
    let found =
        stand_in(&pipeline, &["text_encoder/model.safetensors", "vae/diffusion_pytorch_model.safetensors", UNET]);
    // The UNet of Stable Diffusion 1.5 with four more channels to read, the autoencoder and the text encoder.
    assert_eq!(found, 859_520_964 + 320 * 4 * 9 + 83_653_863 + 123_060_480);
}

#[test]
fn the_released_kontext_has_the_published_size() {
    let pipeline = Pipeline::of(KONTEXT);
    clip_large(&pipeline);
    let t5 =
        json!({"d_model": 4096, "d_ff": 10240, "d_kv": 64, "num_heads": 64, "num_layers": 24, "vocab_size": 32128});
    set_all(&pipeline, "text_encoder_2/config.json", t5);
    let vae = json!({"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "norm_num_groups": 32,
        "latent_channels": 16});
    set_all(&pipeline, "vae/config.json", vae);
    let transformer = json!({"attention_head_dim": 128, "axes_dims_rope": [16, 56, 56], "in_channels": 64,
        "joint_attention_dim": 4096, "num_attention_heads": 24, "num_layers": 19, "num_single_layers": 38,
        "pooled_projection_dim": 768});
    set_all(&pipeline, "transformer/config.json", transformer);
    let weights = [
        "text_encoder/model.safetensors",
        "text_encoder_2/model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
        "transformer/diffusion_pytorch_model.safetensors",
    ];
    let found = stand_in(&pipeline, &weights);
    // The transformer, the encoder of T5 v1.1 XXL, the autoencoder and the text encoder.
    assert_eq!(found, 11_901_408_320 + 4_762_310_656 + 83_819_683 + 123_060_480);
}

/// The files of a Step1X-Edit as its authors' fork of diffusers lays them out, with nothing in the weights yet.
fn step1x() -> Pipeline {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/step1x");
    let pipeline = Pipeline(tempfile::tempdir().unwrap());
    let copy = |from: &str, to: &str| {
        fs::create_dir_all(pipeline.path(to).parent().unwrap()).unwrap();
        fs::copy(home.join(from), pipeline.path(to)).unwrap();
    };
    fs::write(pipeline.path("model_index.json"), r#"{"_class_name": "Step1XEditPipeline"}"#).unwrap();
    copy("scheduler_config.json", "scheduler/scheduler_config.json");
    copy("encoder/tokenizer.json", "processor/tokenizer.json");
    copy("encoder/preprocessor_config.json", "processor/preprocessor_config.json");
    copy("encoder/config.json", "text_encoder/config.json");
    copy("transformers/v1_1/config.json", "transformer/config.json");
    copy("vae/config.json", "vae/config.json");
    pipeline
}

/// Qwen2.5-VL-7B as both editors have it.
fn vision_language(pipeline: &Pipeline) {
    let text = json!({"hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
        "num_key_value_heads": 4, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "vocab_size": 152_064,
        "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]}});
    let vision = json!({"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "in_channels": 3,
        "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2, "window_size": 112,
        "fullatt_block_indexes": [7, 15, 23, 31], "out_hidden_size": 3584, "hidden_act": "silu"});
    set_all(pipeline, "text_encoder/config.json", json!({"text_config": text, "vision_config": vision}));
}

/// A file of headers alone, of tensors in a type.
fn write_header(file: &Path, tensors: &Tensors, dtype: &str, bytes: u64) {
    let mut header = Map::new();
    let mut from = 0;
    for (name, shape) in tensors {
        let to = from + bytes * shape.iter().product::<u64>();
        header.insert(name.clone(), json!({"dtype": dtype, "shape": shape, "data_offsets": [from, to]}));
        from = to;
    }
    assert_eq!(header.len(), tensors.len(), "no name stands twice");
    fs::write(file, safetensors(header, &[])).unwrap();
}

const ENCODER: &str = "text_encoder/model.safetensors";
const VAE: &str = "vae/diffusion_pytorch_model.safetensors";
const TRANSFORMER: &str = "transformer/diffusion_pytorch_model.safetensors";

/// What is wrong with a pipeline of headers, each with a tensor more, one fewer, and one of another shape.
fn check_spoilt(pipeline: &Pipeline, name: &str, tensors: &Tensors, spoilt: &str) {
    let without = tensors.iter().filter(|(name, _)| name != spoilt).cloned().collect();
    write_header(&pipeline.path(name), &without, "BF16", 2);
    let (_, shape) = tensors.iter().find(|(name, _)| name == spoilt).unwrap();
    assert_eq!(pipeline.problems(), [format!("{name}: tensor `{spoilt}` of shape {shape:?} is missing")]);
    let other = |(name, shape): &(String, Vec<u64>)| {
        let more = u64::from(name == spoilt);
        (name.clone(), shape.iter().map(|edge| edge + more).collect())
    };
    write_header(&pipeline.path(name), &tensors.iter().map(other).collect(), "BF16", 2);
    let problems = pipeline.problems();
    assert!(problems.len() == 1 && problems[0].contains(&format!("tensor `{spoilt}` has shape")), "{problems:?}");
    write_header(&pipeline.path(name), tensors, "BF16", 2);
}

/// The files of a Qwen-Image-Edit of a release, with nothing in the weights yet.
fn qwen(release: &str) -> Pipeline {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let pipeline = Pipeline(tempfile::tempdir().unwrap());
    let write = |to: &str, bytes: Vec<u8>| {
        fs::create_dir_all(pipeline.path(to).parent().unwrap()).unwrap();
        fs::write(pipeline.path(to), bytes).unwrap();
    };
    let read = |from: &str| fs::read(home.join(from)).unwrap();
    write("model_index.json", read(&format!("qwen_image_edit/pipelines/{release}/model_index.json")));
    write("scheduler/scheduler_config.json", read("qwen_image_edit/cases/first/scheduler_config.json"));
    write("processor/preprocessor_config.json", read("qwen_image_edit/preprocessor_config.json"));
    // In one folder or the other, depending on the release.
    let tokenizer = if release == "first" { "tokenizer/tokenizer.json" } else { "processor/tokenizer.json" };
    write("tokenizer/tokenizer_config.json", b"{}".to_vec());
    write(tokenizer, read("step1x/encoder/tokenizer.json"));
    write("text_encoder/config.json", read("step1x/encoder/config.json"));
    write("vae/config.json", br#"{"_class_name": "AutoencoderKLQwenImage"}"#.to_vec());
    let transformer = json!({"_class_name": "QwenImageTransformer2DModel", "zero_cond_t": release == "2511"});
    write("transformer/config.json", transformer.to_string().into_bytes());
    vision_language(&pipeline);
    pipeline
}

#[test]
fn the_released_qwen_image_edits_are_good_by_their_headers() {
    let (autoencoder, transformer, encoder) = (qwen_autoencoder(), qwen_transformer(), qwen25_vl());
    // As diffusers and transformers count them.
    assert_eq!((autoencoder.len(), numbers(&autoencoder)), (194, 126_892_531));
    assert_eq!((transformer.len(), numbers(&transformer)), (1933, 20_430_401_088));
    assert_eq!((encoder.len(), numbers(&encoder)), (729, 8_292_166_656));
    for release in ["first", "2509", "2511"] {
        let pipeline = qwen(release);
        for (name, tensors) in [(VAE, &autoencoder), (TRANSFORMER, &transformer), (ENCODER, &encoder)] {
            write_header(&pipeline.path(name), tensors, "BF16", 2);
        }
        let verified = verify(pipeline.0.path()).unwrap_or_else(|error| panic!("{release}: {error}"));
        assert_eq!(verified.parameters, 126_892_531 + 20_430_401_088 + 8_292_166_656, "{release}");
        // Only what further frames need is left over, and the way to the next token.
        let unused: Vec<&String> = verified.notes.iter().filter(|note| note.contains("not used")).collect();
        assert_eq!(unused.len(), 2, "{:?}", verified.notes);
        assert!(unused[0].contains("text_encoder: 1 of the tensors"), "{unused:?}");
        assert!(
            unused[1]
                .contains("vae: 8 of the tensors are not used, such as `decoder.up_blocks.0.upsamplers.0.time_conv")
        );
    }
    let pipeline = qwen("first");
    for (name, tensors) in [(VAE, &autoencoder), (TRANSFORMER, &transformer), (ENCODER, &encoder)] {
        write_header(&pipeline.path(name), tensors, "BF16", 2);
    }
    check_spoilt(&pipeline, VAE, &autoencoder, "decoder.up_blocks.1.resnets.0.conv_shortcut.bias");
    check_spoilt(&pipeline, TRANSFORMER, &transformer, "transformer_blocks.59.txt_mlp.net.2.bias");
}

#[test]
fn the_released_step1x_edits_are_good_by_their_headers() {
    for (class, maps_marked, count) in
        [("Step1XEditPipeline", false, 12_427_800_384), ("Step1XEditPipelineV1P2", true, 12_442_484_544)]
    {
        let (pipeline, denoiser, encoder) = (step1x_released(), step1x_denoiser(maps_marked), qwen25_vl());
        pipeline.set("model_index.json", "_class_name", json!(class));
        if maps_marked {
            pipeline.set("transformer/config.json", "enable_text_token_mapping", json!(true));
        }
        assert_eq!((denoiser.len(), numbers(&denoiser)), (if maps_marked { 1198 } else { 1196 }, count), "{class}");
        write_header(&pipeline.path(ENCODER), &encoder, "BF16", 2);
        // As users cast it, and as it was published.
        for (dtype, bytes) in [("F8_E4M3", 1), ("BF16", 2)] {
            write_header(&pipeline.path(TRANSFORMER), &denoiser, dtype, bytes);
            // The autoencoder is FLUX.1's, of whose names the other editors' tests are.
            let found = fill_in(&pipeline, [(pipeline.path(VAE), Map::new())].into());
            assert_eq!(found.parameters, count + 8_292_166_656 + 83_819_683, "{class}");
            assert!(found.types.contains_key(dtype), "{:?}", found.types);
            assert_eq!(found.notes.len(), 4, "three stand-ins, and the way to the next token: {:?}", found.notes);
        }
        let last = "single_transformer_blocks.37.proj_mlp.bias";
        check_spoilt(&pipeline, TRANSFORMER, &denoiser, last);
        check_spoilt(&pipeline, TRANSFORMER, &denoiser, "connector.S.individual_token_refiner.blocks.1.mlp.fc2.bias");
        // A configuration of the other version does not go with these weights.
        pipeline.set("transformer/config.json", "enable_text_token_mapping", json!(!maps_marked));
        assert!(pipeline.problems().iter().all(|problem| problem.contains("text_token_mapping")));
        assert_eq!(pipeline.problems().len(), 2);
    }
}

/// A Step1X-Edit with configurations as released.
fn step1x_released() -> Pipeline {
    let pipeline = step1x();
    vision_language(&pipeline);
    let vae = json!({"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "norm_num_groups": 32,
        "latent_channels": 16});
    set_all(&pipeline, "vae/config.json", vae);
    let transformer = json!({"attention_head_dim": 128, "axes_dims_rope": [16, 56, 56], "in_channels": 64,
        "joint_attention_dim": 4096, "num_attention_heads": 24, "num_layers": 19, "num_single_layers": 38,
        "vector_in_dim": 768, "connector_in_channels": 3584, "connector_hidden_size": 4096, "connector_heads_num": 32,
        "connector_depth": 2});
    set_all(&pipeline, "transformer/config.json", transformer);
    pipeline
}
