//! Against diffusers: `tests/parity/editors/make_layer_goldens.py` made the fixtures.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use editscale_core::NobodyWatches;
use serde_json::{Value, json};

use super::{BlockConfig, Config, PreparedText, UNet, UNetBatch};
use crate::editors::cases::CancelsAfter;
use crate::layers::Compute;
use crate::weights::Storage;

const NAMES: [&str; 3] = ["heads", "linear", "odd"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/layers/unet").join(name)
}

fn model(name: &str) -> UNet {
    UNet::load(&folder(name), &Compute::cpu()).unwrap()
}

/// What a fixture gives to a model, and the right answer.
struct Case {
    latents: Tensor,
    timesteps: Vec<f32>,
    texts: Vec<Tensor>,
    of: Vec<usize>,
    noise: Tensor,
}

fn case(name: &str, at: usize) -> Case {
    let file = folder(name).join("case.safetensors");
    let mut all: HashMap<String, Tensor> = candle_core::safetensors::load(file, &Device::Cpu).unwrap();
    let mut take = |name: &str| all.remove(&format!("{at}.{name}")).unwrap();
    let texts = take("texts");
    Case {
        latents: take("latents"),
        timesteps: take("timesteps").to_vec1().unwrap(),
        texts: (0..texts.dim(0).unwrap()).map(|text| texts.get(text).unwrap()).collect(),
        of: take("of").to_vec1::<f32>().unwrap().into_iter().map(|of| of as usize).collect(),
        noise: take("noise"),
    }
}

/// One step of latents, each of which looks at one of the texts.
fn run(
    model: &UNet,
    latents: &Tensor,
    timesteps: &[f32],
    (text, of): (&PreparedText, &[usize]),
) -> candle_core::Result<Tensor> {
    let (timesteps, of) = (timesteps.to_vec(), of.to_vec());
    model.forward(&UNetBatch { latents: latents.clone(), timesteps, text: text.clone(), of }, &NobodyWatches)
}

/// The greatest difference, relative to the greatest magnitude.
fn off(found: &Tensor, right: &Tensor) -> f32 {
    assert_eq!(found.dims(), right.dims());
    let greatest = |tensor: &Tensor| tensor.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
    greatest(&(found - right).unwrap()) / greatest(right)
}

#[test]
fn noise_is_that_of_diffusers() {
    for name in NAMES {
        let model = model(name);
        for at in 0..2 {
            let Case { latents, timesteps, texts, of, noise } = case(name, at);
            let text = model.prepare(&texts).unwrap();
            let off = off(&run(&model, &latents, &timesteps, (&text, &of)).unwrap(), &noise);
            println!("{name} {:?}: off by {off:.1e}", latents.dims());
            assert!(off < 5e-5, "{name} {at} is off by {off}");
        }
    }
}

#[test]
fn other_types_go_through_candles_operations() {
    let types = [(DType::F64, DType::F64, 5e-5), (DType::F16, DType::F16, 4e-2), (DType::F32, DType::F16, 5e-5)];
    for (dtype, kept, most) in types {
        let compute = Compute { device: Device::Cpu, dtype, kept: Storage::As(kept) };
        for name in ["heads", "linear"] {
            let model = UNet::load(&folder(name), &compute).unwrap();
            let Case { latents, timesteps, texts, of, noise } = case(name, 1);
            let found = run(&model, &latents, &timesteps, (&model.prepare(&texts).unwrap(), &of)).unwrap();
            assert_eq!(found.dtype(), dtype);
            let off = off(&found.to_dtype(DType::F32).unwrap(), &noise);
            assert!(off < most, "{name} in {dtype:?} with weights of {kept:?} is off by {off}");
        }
    }
}

#[test]
fn a_row_does_not_depend_on_its_batch() {
    let (model, Case { latents, timesteps, texts, of, .. }) = (model("heads"), case("heads", 0));
    let all = run(&model, &latents, &timesteps, (&model.prepare(&texts).unwrap(), &of)).unwrap();
    for at in 0..latents.dim(0).unwrap() {
        let text = model.prepare(&texts[of[at]..=of[at]]).unwrap();
        let alone = run(&model, &latents.narrow(0, at, 1).unwrap(), &timesteps[at..=at], (&text, &[0])).unwrap();
        let off = off(&alone, &all.narrow(0, at, 1).unwrap());
        assert!(off < 1e-5, "row {at} is off by {off}");
    }
}

#[test]
fn texts_may_be_joined_and_differ_in_length() {
    let (model, Case { latents, timesteps, texts, .. }) = (model("heads"), case("heads", 1));
    let short = texts[1].narrow(0, 0, 2).unwrap();
    let parts = [model.prepare(&texts[..1]).unwrap(), model.prepare(std::slice::from_ref(&short)).unwrap()];
    let joined = PreparedText::join(&parts.iter().collect::<Vec<_>>()).unwrap();
    let together = model.prepare(&[texts[0].clone(), short]).unwrap();
    assert_eq!((joined.len(), joined.is_empty()), (2, false));
    let answer = |text: &PreparedText, of: &[usize]| run(&model, &latents, &timesteps, (text, of)).unwrap();
    let right = answer(&together, &[1, 0]);
    assert!(off(&answer(&joined, &[1, 0]), &right) < 1e-6);
    assert!(off(&answer(&joined, &[0, 1]), &right) > 1e-3);
    let alone = run(&model, &latents.narrow(0, 0, 1).unwrap(), &timesteps[..1], (&parts[1], &[0])).unwrap();
    assert!(off(&alone, &right.narrow(0, 0, 1).unwrap()) < 1e-5);
    assert!(PreparedText::join(&[]).is_err());
}

#[test]
fn a_pass_can_be_left_between_any_two_blocks() {
    let (model, Case { latents, timesteps, texts, of, .. }) = (model("heads"), case("heads", 0));
    let batch = UNetBatch { latents, timesteps, text: model.prepare(&texts).unwrap(), of };
    // The way down, the middle, and the way up.
    let blocks = 2 * model.config().blocks.len() as u32 + 1;
    for asked in 0..blocks {
        assert!(model.forward(&batch, &CancelsAfter::new(asked)).is_err(), "{asked} of {blocks}");
    }
    assert!(model.forward(&batch, &CancelsAfter::new(blocks)).is_ok());
}

/// What a text is read as.
fn read(text: &Value) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    fs::write(&file, text.to_string()).unwrap();
    Config::read(&file).unwrap()
}

#[test]
fn absent_keys_are_what_diffusers_takes_them_to_be() {
    let block = |channels: usize, is_attending: bool| BlockConfig {
        channels,
        layers: 2,
        is_attending_down: is_attending,
        is_attending_up: is_attending,
        heads: 8,
        transformer_layers: 1,
    };
    let right = Config {
        in_channels: 4,
        out_channels: 4,
        center_input_sample: false,
        flip_sin_to_cos: true,
        freq_shift: 0.0,
        blocks: vec![block(320, true), block(640, true), block(1280, true), block(1280, false)],
        downsample_padding: 1,
        mid_block_scale_factor: 1.0,
        norm_num_groups: 32,
        norm_eps: 1e-5,
        cross_attention_dim: 1280,
        use_linear_projection: false,
    };
    assert_eq!(read(&json!({})), right);
}

#[test]
fn the_configurations_of_released_models_are_read() {
    let pix2pix = json!({
        "_class_name": "UNet2DConditionModel", "_diffusers_version": "0.10.0.dev0", "act_fn": "silu",
        "attention_head_dim": 8, "block_out_channels": [320, 640, 1280, 1280], "center_input_sample": false,
        "class_embed_type": null, "cross_attention_dim": 768,
        "down_block_types":
            ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
        "downsample_padding": 1, "dual_cross_attention": false, "flip_sin_to_cos": true, "freq_shift": 0,
        "in_channels": 8, "layers_per_block": 2, "mid_block_scale_factor": 1,
        "mid_block_type": "UNetMidBlock2DCrossAttn", "norm_eps": 1e-5, "norm_num_groups": 32,
        "num_class_embeds": null, "only_cross_attention": false, "out_channels": 4,
        "resnet_time_scale_shift": "default", "sample_size": 64,
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
        "upcast_attention": false, "use_linear_projection": false
    });
    let config = read(&pix2pix);
    assert_eq!((config.in_channels, config.cross_attention_dim), (8, 768));
    assert_eq!(config.blocks, read(&json!({})).blocks);
    // A step on 64 by 64 in half precision takes megabytes, not gigabytes, of each picture.
    let bytes = config.row_bytes(64, 64, DType::F16);
    assert!((50 << 20..500 << 20).contains(&bytes), "{bytes}");
}

#[test]
fn inputs_that_do_not_fit_are_errors() {
    let (model, Case { latents, texts, .. }) = (model("heads"), case("heads", 0));
    let text = model.prepare(&texts).unwrap();
    let fails = |latents: &Tensor, timesteps: &[f32], text: &PreparedText, of: &[usize]| {
        assert!(run(&model, latents, timesteps, (text, of)).is_err());
    };
    fails(&latents, &[1.0; 2], &text, &[0; 3]);
    fails(&latents, &[1.0; 3], &text, &[0; 2]);
    fails(&latents, &[1.0; 3], &text, &[0, 1, 2]);
    fails(&latents.narrow(1, 0, 4).unwrap(), &[1.0; 3], &text, &[0; 3]);
    fails(&latents.narrow(2, 0, 0).unwrap(), &[1.0; 3], &text, &[0; 3]);
    let other = super::UNet::load(&folder("linear"), &Compute::cpu()).unwrap();
    let foreign = other.prepare(&case("linear", 0).texts).unwrap();
    fails(&latents, &[1.0; 3], &foreign, &[0; 3]);
    assert!(model.prepare(&[]).is_err());
    assert!(model.prepare(&case("linear", 0).texts).is_err());
    assert!(model.prepare(&[texts[0].narrow(0, 0, 0).unwrap()]).is_err());
}

#[test]
fn sizes_too_small_to_halve_are_errors() {
    let (model, Case { latents, texts, .. }) = (model("linear"), case("linear", 0));
    let text = model.prepare(&texts).unwrap();
    let strip = latents.narrow(2, 0, 1).unwrap();
    assert!(run(&model, &strip, &[1.0; 2], (&text, &[0; 2])).is_err());
}

#[test]
fn estimates_bound_what_is_counted_by_hand() {
    let model = model("heads");
    // At the full resolution the last residual block's input has 16 channels, unfolded nine times.
    assert!(model.config().row_bytes(8, 8, DType::F32) >= 8 * 8 * 16 * 9 * 4);
    assert!(model.config().row_bytes(8, 8, DType::F32) > model.config().row_bytes(8, 8, DType::BF16));
    assert_eq!(model.config().row_bytes(usize::MAX, usize::MAX, DType::F32), u64::MAX);
}

/// A fixture's folder with one key of its configuration changed.
fn with(name: &str, key: &str, value: &Value) -> tempfile::TempDir {
    let changed = tempfile::tempdir().unwrap();
    let text = fs::read(folder(name).join("config.json")).unwrap();
    let mut config: Value = serde_json::from_slice(&text).unwrap();
    config[key] = value.clone();
    fs::write(changed.path().join("config.json"), config.to_string()).unwrap();
    let weights = "diffusion_pytorch_model.safetensors";
    fs::copy(folder(name).join(weights), changed.path().join(weights)).unwrap();
    changed
}

#[test]
fn settings_that_are_not_supported_are_refused_by_name() {
    let bad = [
        ("_class_name", json!("UNet2DModel")),
        ("act_fn", json!("gelu")),
        ("addition_embed_type", json!("text_time")),
        ("addition_time_embed_dim", json!(256)),
        ("attention_head_dim", json!([2, 3, 2])),
        ("attention_head_dim", json!([2, 4])),
        ("attention_head_dim", Value::Null),
        ("attention_type", json!("gated")),
        ("block_out_channels", json!([8, 16, 18])),
        ("block_out_channels", json!([])),
        ("class_embed_type", json!("timestep")),
        ("class_embeddings_concat", json!(true)),
        ("conv_in_kernel", json!(5)),
        ("conv_out_kernel", json!(1)),
        ("cross_attention_dim", json!([12, 12, 13])),
        ("cross_attention_norm", json!("layer_norm")),
        ("down_block_types", json!(["CrossAttnDownBlock2D", "SimpleCrossAttnDownBlock2D", "DownBlock2D"])),
        ("down_block_types", json!(["DownBlock2D"])),
        ("downsample_padding", json!(2)),
        ("dual_cross_attention", json!(true)),
        ("encoder_hid_dim", json!(12)),
        ("encoder_hid_dim_type", json!("text_proj")),
        ("freq_shift", json!(4)),
        ("freq_shift", json!("0")),
        ("in_channels", json!(0)),
        ("layers_per_block", json!([1, 1])),
        ("mid_block_scale_factor", json!(0)),
        ("mid_block_type", json!("UNetMidBlock2D")),
        ("mid_block_type", Value::Null),
        ("norm_eps", json!(0)),
        ("norm_num_groups", Value::Null),
        ("norm_num_groups", json!(3)),
        ("num_attention_heads", json!(4)),
        ("num_class_embeds", json!(10)),
        ("only_cross_attention", json!(true)),
        ("only_cross_attention", json!([false, true, false])),
        ("projection_class_embeddings_input_dim", json!(8)),
        ("resnet_out_scale_factor", json!(2.0)),
        ("resnet_skip_time_act", json!(true)),
        ("resnet_time_scale_shift", json!("scale_shift")),
        ("reverse_transformer_layers_per_block", json!([1, 1, 1])),
        ("something_new", json!(1)),
        ("time_cond_proj_dim", json!(256)),
        ("time_embedding_act_fn", json!("silu")),
        ("time_embedding_dim", json!(32)),
        ("time_embedding_type", json!("fourier")),
        ("timestep_post_act", json!("silu")),
        ("transformer_layers_per_block", json!([[1], [1], [1]])),
        ("transformer_layers_per_block", json!(0)),
        ("up_block_types", json!(["UpBlock2D", "CrossAttnUpBlock2D", "SkipUpBlock2D"])),
        ("use_linear_projection", json!("no")),
    ];
    for (key, value) in bad {
        let changed = with("heads", key, &value);
        let error = UNet::load(changed.path(), &Compute::cpu()).unwrap_err().to_string();
        assert!(error.contains("config.json") && error.contains(&format!("`{key}`")), "{key} = {value}: {error}");
        assert!(error.contains("expected"), "{key} = {value}: {error}");
    }
}

#[test]
fn settings_that_change_nothing_are_passed_over() {
    let good = [
        ("dropout", json!(0.1)),
        ("upcast_attention", json!(true)),
        ("only_cross_attention", json!([false, false, false])),
        ("mid_block_only_cross_attention", Value::Null),
        ("sample_size", json!([8, 12])),
        ("something_new", Value::Null),
    ];
    for (key, value) in good {
        let changed = with("heads", key, &value);
        let loaded = UNet::load(changed.path(), &Compute::cpu());
        assert!(loaded.is_ok(), "{key} = {value}: {loaded:?}");
    }
}

#[test]
fn weights_that_do_not_fit_are_errors() {
    let bad = [
        ("layers_per_block", json!(2)),
        ("cross_attention_dim", json!(13)),
        ("block_out_channels", json!([16, 16, 16])),
        ("use_linear_projection", json!(true)),
        ("transformer_layers_per_block", json!(2)),
        ("in_channels", json!(4)),
    ];
    for (key, value) in bad {
        let changed = with("heads", key, &value);
        let error = UNet::load(changed.path(), &Compute::cpu()).unwrap_err().to_string();
        assert!(error.contains("tensor `"), "{key} = {value}: {error}");
    }
}
