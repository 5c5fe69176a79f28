//! Against diffusers: `tests/parity/editors/make_layer_goldens.py` made the fixtures.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use candle_core::{DType, Device, Tensor};
use serde_json::{Value, json};

use super::{AutoencoderKl, Config};
use crate::layers::Compute;
use crate::layers::testing::{self, changed, off, off_in_the_mean, tensors};
use crate::weights::Storage;

const NAMES: [&str; 4] = ["plain", "old_names", "old_convolutions", "one_block"];

fn folder(name: &str) -> PathBuf {
    testing::folder("autoencoder_kl", name)
}

fn load(name: &str) -> (AutoencoderKl, HashMap<String, Tensor>) {
    let case = tensors(&folder(name).join("case.safetensors"));
    (AutoencoderKl::load(&folder(name), &Compute::cpu()).unwrap(), case)
}

#[test]
fn pictures_and_latents_are_those_of_diffusers() {
    for name in NAMES {
        let (model, case) = load(name);
        let means = off(&model.encode(&case["0.pictures"]).unwrap(), &case["0.means"]);
        let decoded = off(&model.decode(&case["0.latents"]).unwrap(), &case["0.decoded"]);
        println!("{name}: means off by {means:.1e}, pictures by {decoded:.1e}");
        assert!(means < 2e-5, "{name}: means are off by {means}");
        assert!(decoded < 2e-5, "{name}: pictures are off by {decoded}");
    }
}

/// Cut as diffusers cuts them. What a tile does not see is what its neighbours hold and the groups that norms are over, which is much of
/// what random weights make: the larger the tiles, the nearer pictures come to those that are decoded at once.
#[test]
fn tiles_are_those_of_diffusers() {
    let case = tensors(&folder("tiles.safetensors"));
    for name in ["plain", "old_convolutions"] {
        let (model, _) = load(name);
        let factor = model.factor();
        // With the most that tiles may be off the whole, as a share of it in the mean.
        let apart = [(0, 4, 1.0), (1, 8, 0.6)].map(|(at, side, most)| {
            let tensor = |what: &str| &case[&format!("{name}.{at}.{what}")];
            let whole = model.decode(tensor("latents")).unwrap();
            assert!(off(&whole, tensor("decoded")) < 2e-5);
            let tiled = model.clone().with_tiles(Some(side * factor)).decode(tensor("latents")).unwrap();
            let (theirs, apart) = (off(&tiled, tensor("tiled")), off_in_the_mean(&tiled, &whole));
            println!("{name} in tiles of {side}: off by {theirs:.1e}, from the whole by {apart:.2}");
            assert!(theirs < 2e-5, "{name} in tiles of {side}: off by {theirs}");
            assert!((1e-3..most).contains(&apart), "{name} in tiles of {side}: {apart} from the whole");
            // A picture that is no larger than a tile is decoded at once.
            let large = model.clone().with_tiles(Some(64 * factor)).decode(tensor("latents")).unwrap();
            assert_eq!(off(&large, &whole), 0.0);
            apart
        });
        assert!(apart[1] < 0.75 * apart[0], "{name}: {apart:?}");
        let (tiled, once) = (model.clone().with_tiles(Some(16 * factor)), model.decode_bytes(1024, 1024));
        assert!(tiled.decode_bytes(1024, 1024) < once / 4);
        assert_eq!(tiled.decode_bytes(8 * factor, 8 * factor), model.decode_bytes(8 * factor, 8 * factor));
        assert!(tiled.decode_bytes(usize::MAX, usize::MAX) == u64::MAX);
    }
}

#[test]
fn other_types_go_through_candles_operations() {
    let types = [(DType::F64, DType::F64, 2e-5), (DType::F16, DType::F16, 2e-2), (DType::F32, DType::F16, 2e-5)];
    for (dtype, kept, most) in types {
        let compute = Compute { device: Device::Cpu, dtype, kept: Storage::As(kept) };
        let (_, case) = load("old_names");
        let model = AutoencoderKl::load(&folder("old_names"), &compute).unwrap();
        let means = model.encode(&case["0.pictures"]).unwrap();
        let decoded = model.decode(&case["0.latents"]).unwrap();
        assert_eq!((means.dtype(), decoded.dtype()), (dtype, dtype));
        for (found, right) in [(means, &case["0.means"]), (decoded, &case["0.decoded"])] {
            let off = off(&found, right);
            assert!(off < most, "{dtype:?} with weights of {kept:?} is off by {off}");
        }
    }
}

#[test]
fn a_picture_does_not_depend_on_its_batch() {
    let (model, case) = load("plain");
    let all = model.encode(&case["0.pictures"]).unwrap();
    for at in 0..2 {
        let alone = model.encode(&case["0.pictures"].narrow(0, at, 1).unwrap()).unwrap();
        assert!(off(&alone, &all.narrow(0, at, 1).unwrap()) < 1e-5);
    }
}

#[test]
fn the_configuration_is_read() {
    let (model, _) = load("old_convolutions");
    let config = model.config();
    assert_eq!((config.scaling_factor, config.shift_factor), (0.3611, 0.1159));
    assert_eq!((model.factor(), config.latent_channels, config.use_quant_conv), (2, 6, false));
    let (model, _) = load("old_names");
    assert_eq!((model.factor(), model.config().shift_factor), (4, 0.0));
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
    let right = Config {
        in_channels: 3,
        out_channels: 3,
        block_out_channels: vec![64],
        layers_per_block: 1,
        latent_channels: 4,
        norm_num_groups: 32,
        scaling_factor: 0.18215,
        shift_factor: 0.0,
        use_quant_conv: true,
        use_post_quant_conv: true,
        mid_block_add_attention: true,
    };
    assert_eq!(read(&json!({})), right);
}

#[test]
fn the_configurations_of_released_models_are_read() {
    let stable_diffusion = json!({
        "_class_name": "AutoencoderKL", "_diffusers_version": "0.10.0.dev0", "act_fn": "silu",
        "block_out_channels": [128, 256, 512, 512], "down_block_types": vec!["DownEncoderBlock2D"; 4],
        "in_channels": 3, "latent_channels": 4, "layers_per_block": 2, "norm_num_groups": 32, "out_channels": 3,
        "sample_size": 256, "up_block_types": vec!["UpDecoderBlock2D"; 4]
    });
    let config = read(&stable_diffusion);
    assert_eq!((config.factor(), config.scaling_factor, config.use_quant_conv), (8, 0.18215, true));
    let mut flux = stable_diffusion;
    let changed = json!({
        "force_upcast": true, "latent_channels": 16, "latents_mean": null, "latents_std": null,
        "mid_block_add_attention": true, "sample_size": 1024, "scaling_factor": 0.3611, "shift_factor": 0.1159,
        "use_post_quant_conv": false, "use_quant_conv": false
    });
    flux.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    let config = read(&flux);
    assert_eq!((config.latent_channels, config.shift_factor, config.use_quant_conv), (16, 0.1159, false));
}

#[test]
fn pictures_that_do_not_fit_are_errors() {
    let (model, _) = load("old_names");
    let zeros = |shape: (usize, usize, usize, usize)| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    for shape in [(1, 3, 16, 6), (1, 3, 2, 16), (1, 4, 16, 16), (1, 3, 0, 16)] {
        assert!(model.encode(&zeros(shape)).is_err(), "{shape:?}");
    }
    for shape in [(1, 3, 4, 4), (1, 4, 0, 4)] {
        assert!(model.decode(&zeros(shape)).is_err(), "{shape:?}");
    }
    assert!(model.decode(&Tensor::zeros((4, 4, 4), DType::F32, &Device::Cpu).unwrap()).is_err());
}

#[test]
fn estimates_bound_what_is_counted_by_hand() {
    let (model, _) = load("plain");
    // The full resolution of 16 by 8: an input of 8 channels, or of 16 from below, in four bytes.
    assert!(model.config().encode_bytes(16, 8, DType::F32) >= 16 * 8 * 4 * 8 * 10);
    assert!(model.config().decode_bytes(16, 8, DType::F32) >= 16 * 8 * 4 * 16 * 10);
    assert!(model.config().decode_bytes(usize::MAX, usize::MAX, DType::F32) == u64::MAX);
}

/// The model's folder with one key of its configuration changed; null takes none away.
fn with(name: &str, key: &str, value: &Value) -> tempfile::TempDir {
    changed(&folder(name), |config| {
        let mut config: Value = serde_json::from_str(&config).unwrap();
        config[key] = value.clone();
        config.to_string()
    })
}

#[test]
fn settings_that_are_not_supported_are_refused_by_name() {
    let bad = [
        ("_class_name", json!("AutoencoderTiny")),
        ("act_fn", json!("gelu")),
        ("act_fn", Value::Null),
        ("block_out_channels", json!([8, 18])),
        ("block_out_channels", json!([])),
        ("block_out_channels", json!([8, "16"])),
        ("block_out_channels", json!([8, -16])),
        ("block_out_channels", json!([8, u64::MAX])),
        ("down_block_types", json!(["DownEncoderBlock2D", "AttnDownEncoderBlock2D"])),
        ("up_block_types", json!(["UpDecoderBlock2D"])),
        ("in_channels", json!(0)),
        ("latent_channels", json!(1.5)),
        ("latents_mean", json!([0.1, 0.2, 0.3, 0.4])),
        ("latents_std", json!([1.0, 1.0, 1.0, 1.0])),
        ("layers_per_block", json!(0)),
        ("norm_num_groups", json!(0)),
        ("norm_num_groups", Value::Null),
        ("scaling_factor", json!(0)),
        ("scaling_factor", json!(1e-60)),
        ("shift_factor", json!("none")),
        ("use_quant_conv", json!(1)),
        ("mid_block_add_attention", Value::Null),
        ("something_new", json!(true)),
    ];
    for (key, value) in bad {
        let changed = with("plain", key, &value);
        let error = AutoencoderKl::load(changed.path(), &Compute::cpu()).unwrap_err().to_string();
        assert!(error.contains("config.json") && error.contains(&format!("`{key}`")), "{key} = {value}: {error}");
        assert!(error.contains("expected"), "{key} = {value}: {error}");
    }
}

#[test]
fn settings_that_change_nothing_are_passed_over() {
    let good = [("force_upcast", json!(false)), ("sample_size", json!([512, 512])), ("something_new", Value::Null)];
    for (key, value) in good {
        let changed = with("plain", key, &value);
        assert!(AutoencoderKl::load(changed.path(), &Compute::cpu()).is_ok(), "{key} = {value}");
    }
}

#[test]
fn weights_that_do_not_fit_are_errors() {
    let bad = [("layers_per_block", json!(2)), ("latent_channels", json!(5)), ("block_out_channels", json!([16, 16]))];
    for (key, value) in bad {
        let changed = with("plain", key, &value);
        let error = AutoencoderKl::load(changed.path(), &Compute::cpu()).unwrap_err().to_string();
        assert!(error.contains("tensor `"), "{key} = {value}: {error}");
    }
}
