//! Random pipelines that the crate can build, for tests and the benchmark: text encoder, tokenizer and, where nothing else
//! is asked for, autoencoder are those of editscale's own tests; the U-Net has random weights of the shape asked for.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "shared by programs that each use some of it; one that cannot go on fails"
)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{Device, Tensor};
use diffusers::models::unet_2d::{BlockConfig, UNet2DConditionModel, UNet2DConditionModelConfig};
use diffusers::models::vae::{AutoEncoderKL, AutoEncoderKLConfig};
use editscale_core::{
    CandidateId, Digest, Edge, EditItem, EditRequest, EditorName, Image, ImageSize, Instruction, Knobs, Lineage,
    MediaType, Noise, Proposal, RunId, Seed, Start, Until,
};
use editscale_models::editors::noise::normal;
use editscale_picture::{Limits, probe};
use serde_json::{Value, json};
use tch::nn::VarStore;

/// What a U-Net is like.
#[derive(Debug, Clone, Copy)]
pub struct UNetShape {
    /// Channels of each resolution, whether it attends, and heads.
    pub blocks: &'static [(i64, bool, i64)],
    /// Residual blocks of a resolution.
    pub layers: i64,
    /// Whether transformers map by matrices.
    pub is_linear: bool,
}

/// A tiny one: two resolutions.
pub const FLAT: UNetShape = UNetShape { blocks: &[(32, true, 2), (64, false, 2)], layers: 1, is_linear: false };
/// A tiny one of three resolutions.
pub const DEEP: UNetShape =
    UNetShape { blocks: &[(32, true, 1), (32, true, 2), (64, false, 4)], layers: 2, is_linear: true };

/// Numbers that scale and shift what is normalised stay near 1 and 0; all others keep the size of what they map.
fn numbers(name: &str, shape: &[i64], stream: u32) -> Vec<f32> {
    let count = shape.iter().product::<i64>() as usize;
    let random = normal(Seed::new(20_261_126).unwrap(), stream, count);
    let inputs = shape.iter().skip(1).product::<i64>().max(1) as f32;
    let number = |value: f32| match (shape.len(), name.ends_with("weight")) {
        (1, true) => 1.0 + 0.1 * value,
        (1, false) => 0.1 * value,
        _ => value / inputs.sqrt(),
    };
    random.into_iter().map(number).collect()
}

/// Writes random weights for all of a network's variables.
fn write_weights(network: &VarStore, folder: &Path) {
    let mut variables: Vec<(String, Vec<i64>)> =
        network.variables().into_iter().map(|(name, variable)| (name, variable.size())).collect();
    variables.sort();
    let tensors: HashMap<String, Tensor> = variables
        .into_iter()
        .enumerate()
        .map(|(stream, (name, shape))| {
            let dims: Vec<usize> = shape.iter().map(|extent| *extent as usize).collect();
            let tensor = Tensor::from_vec(numbers(&name, &shape, stream as u32), dims, &Device::Cpu).unwrap();
            (name, tensor)
        })
        .collect();
    candle_core::safetensors::save(&tensors, folder.join("diffusion_pytorch_model.safetensors")).unwrap();
}

/// The folder of editscale's own fixtures.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../workspace/models/tests/fixtures/editors")
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// A fixture's pipeline with a U-Net of this shape and a scheduler of these settings.
pub fn pipeline(fixture: &str, shape: UNetShape, scheduler: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&fixtures().join("pipelines").join(fixture), folder.path());
    let unet = folder.path().join("unet");
    let width = read(&folder.path().join("text_encoder/config.json"))["hidden_size"].as_i64().unwrap();
    fs::remove_dir_all(&unet).unwrap();
    write_unet(&unet, shape, width);
    write(&folder.path().join("scheduler/scheduler_config.json"), scheduler);
    folder
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

fn write(file: &Path, value: &Value) {
    fs::write(file, serde_json::to_vec_pretty(value).unwrap()).unwrap();
}

fn write_unet(folder: &Path, shape: UNetShape, width: i64) {
    fs::create_dir_all(folder).unwrap();
    let UNetShape { blocks, layers, is_linear } = shape;
    let kind = |is_attending: bool, plain: &str, attending: &str| {
        if is_attending { attending.to_owned() } else { plain.to_owned() }
    };
    let down: Vec<String> =
        blocks.iter().map(|(_, attends, _)| kind(*attends, "DownBlock2D", "CrossAttnDownBlock2D")).collect();
    let up: Vec<String> =
        blocks.iter().rev().map(|(_, attends, _)| kind(*attends, "UpBlock2D", "CrossAttnUpBlock2D")).collect();
    let config = json!({
        "_class_name": "UNet2DConditionModel", "act_fn": "silu", "in_channels": 8, "out_channels": 4,
        "block_out_channels": blocks.iter().map(|block| block.0).collect::<Vec<_>>(),
        "attention_head_dim": blocks.iter().map(|block| block.2).collect::<Vec<_>>(),
        "down_block_types": down, "up_block_types": up, "layers_per_block": layers,
        "cross_attention_dim": width, "norm_num_groups": 32, "use_linear_projection": is_linear,
    });
    write(&folder.join("config.json"), &config);
    let block = |&(out_channels, use_cross_attn, attention_head_dim): &(i64, bool, i64)| BlockConfig {
        out_channels,
        use_cross_attn,
        attention_head_dim,
    };
    let config = UNet2DConditionModelConfig {
        blocks: blocks.iter().map(block).collect(),
        layers_per_block: layers,
        cross_attention_dim: width,
        use_linear_projection: is_linear,
        ..UNet2DConditionModelConfig::default()
    };
    let variables = VarStore::new(tch::Device::Cpu);
    drop(UNet2DConditionModel::new(variables.root(), 8, 4, config));
    write_weights(&variables, folder);
}

/// Replaces a pipeline's autoencoder by a random one of these channels.
pub fn write_autoencoder(pipeline: &Path, channels: &[i64], layers: i64) {
    let folder = pipeline.join("vae");
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir_all(&folder).unwrap();
    let config = json!({
        "_class_name": "AutoencoderKL", "act_fn": "silu", "block_out_channels": channels, "layers_per_block": layers,
        "latent_channels": 4, "norm_num_groups": 32, "scaling_factor": 0.18215,
        "down_block_types": vec!["DownEncoderBlock2D"; channels.len()],
        "up_block_types": vec!["UpDecoderBlock2D"; channels.len()],
    });
    write(&folder.join("config.json"), &config);
    let config = AutoEncoderKLConfig {
        block_out_channels: channels.to_vec(),
        layers_per_block: layers,
        latent_channels: 4,
        norm_num_groups: 32,
    };
    let variables = VarStore::new(tch::Device::Cpu);
    drop(AutoEncoderKL::new(variables.root(), 3, 3, config));
    write_weights(&variables, &folder);
}

/// The scheduler of Stable Diffusion, under a class.
pub fn scheduler(class: &str) -> Value {
    json!({
        "_class_name": class, "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012,
        "beta_schedule": "scaled_linear", "steps_offset": 1, "clip_sample": false, "set_alpha_to_one": false,
    })
}

/// A picture from a file.
pub fn image(path: &Path) -> Image {
    let bytes: Arc<[u8]> = fs::read(path).unwrap().into();
    let facts = probe(&bytes, &Limits::default()).unwrap();
    let size = ImageSize { width: facts.width, height: facts.height };
    Image::new(Digest::from_bytes(*blake3::hash(&bytes).as_bytes()), MediaType::Png, size, Arc::new(bytes))
}

/// The source of one of editscale's cases.
pub fn source(case: &str) -> PathBuf {
    fixtures().join("cases").join(case).join("source.png")
}

/// A candidate to be made of a picture.
pub fn item(source: &Image, id: u32, start: Start, until: Until) -> EditItem {
    let request = EditRequest {
        source: source.clone(),
        instruction: Instruction::new("x").unwrap(),
        mask: None,
        output_size: None,
        seed: Seed::new(1).unwrap(),
    };
    let proposal = Proposal {
        id: CandidateId(id),
        editor: name(),
        start,
        until,
        seed: Seed::new(u64::from(id) + 5).unwrap(),
        noise: Noise::Own,
        instruction: "Let it snow, and make it night".into(),
        knobs: Knobs::default(),
        lineage: Lineage { parent: None, edge: Edge::Fresh },
    };
    let (run, start) = (RunId::new("run").unwrap(), request.source.clone());
    EditItem { run, request: Arc::new(request), proposal, start, path: Vec::new(), earlier: None }
}

/// The name of every editor here.
pub fn name() -> EditorName {
    EditorName::new("editor").unwrap()
}

/// The largest difference of two rows of numbers of one length.
pub fn most(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).fold(0.0, |most: f32, (a, b)| most.max((a - b).abs()))
}
