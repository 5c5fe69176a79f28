//! Against diffusers: `tests/parity/editors/make_qwen_goldens.py` made the fixtures.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use serde_json::{Value, json};

use super::names::canonical;
use super::{AutoencoderQwen, Config};
use crate::layers::Compute;
use crate::layers::testing::{self, changed, off, off_in_the_mean, replaced, tensors};
use crate::weights::Storage;

const NAMES: [&str; 2] = ["released_levels", "two_levels"];
/// With two channels, which norms bring to one length, roundings grow on their way through four levels.
const TOLERANCE: f32 = 1e-4;

const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

fn folder(name: &str) -> PathBuf {
    testing::folder("autoencoder_qwen", name)
}

fn load(name: &str) -> (AutoencoderQwen, HashMap<String, Tensor>) {
    let case = tensors(&folder(name).join("case.safetensors"));
    (AutoencoderQwen::load(&folder(name), &Compute::cpu()).unwrap(), case)
}

#[test]
fn pictures_and_latents_are_those_of_diffusers() {
    for name in NAMES {
        let (model, case) = load(name);
        let modes = model.encode(&case["0.pictures"]).unwrap();
        let normed = model.normalise(&modes).unwrap();
        let restored = model.restore(&case["0.latents"]).unwrap();
        let found = [
            ("modes", off(&modes, &case["0.modes"])),
            ("normalised", off(&normed, &case["0.normalised"])),
            ("restored", off(&restored, &case["0.restored"])),
            ("decoded", off(&model.decode(&restored).unwrap(), &case["0.decoded"])),
        ];
        println!("{name}: {found:?}");
        assert!(found.iter().all(|(_, off)| *off < TOLERANCE), "{name}: {found:?}");
    }
}

/// Of diffusers' kernels over time only the last tap meets a single frame. Any other makes another picture.
#[test]
fn another_tap_makes_another_picture() {
    let (_, case) = load("two_levels");
    let copy = tempfile::tempdir().unwrap();
    fs::copy(folder("two_levels").join("config.json"), copy.path().join("config.json")).unwrap();
    let flipped = |tensor: Tensor| match tensor.dims() {
        &[_, _, 3, _, _] => {
            let taps: Vec<Tensor> = (0..3).rev().map(|at| tensor.narrow(2, at, 1).unwrap()).collect();
            Tensor::cat(&taps, 2).unwrap()
        }
        _ => tensor,
    };
    let weights = tensors(&folder("two_levels").join(WEIGHTS));
    let weights: HashMap<String, Tensor> = weights.into_iter().map(|(name, it)| (name, flipped(it))).collect();
    candle_core::safetensors::save(&weights, copy.path().join(WEIGHTS)).unwrap();
    let model = AutoencoderQwen::load(copy.path(), &Compute::cpu()).unwrap();
    assert!(off(&model.encode(&case["0.pictures"]).unwrap(), &case["0.modes"]) > 0.05);
    assert!(off(&model.decode(&case["0.restored"]).unwrap(), &case["0.decoded"]) > 0.05);
}

/// The tensors of a folder under Wan's names, which are listed in the order of diffusers'.
fn wan(folder: &Path) -> HashMap<String, Tensor> {
    let stored: BTreeMap<String, Tensor> = tensors(&folder.join(WEIGHTS)).into_iter().collect();
    let names: Vec<String> = serde_json::from_slice(&fs::read(folder.join("wan_names.json")).unwrap()).unwrap();
    assert_eq!(names.len(), stored.len());
    stored.keys().zip(&names).for_each(|(name, wan)| assert_eq!(&canonical(wan), name));
    names.into_iter().zip(stored.into_values()).collect()
}

#[test]
fn one_file_with_wans_names_is_the_same_model() {
    let (_, case) = load("released_levels");
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("vae.safetensors");
    candle_core::safetensors::save(&wan(&folder("released_levels")), &file).unwrap();
    // Without a `config.json` the numbers of the released model hold: others than those of this one.
    let model = AutoencoderQwen::load(&file, &Compute::cpu()).unwrap();
    assert!(off(&model.encode(&case["0.pictures"]).unwrap(), &case["0.modes"]) < 2e-5);
    assert!((model.config().means[0] + 0.7571).abs() < 1e-12);
    fs::copy(folder("released_levels").join("config.json"), place.path().join("config.json")).unwrap();
    let model = AutoencoderQwen::load(&file, &Compute::cpu()).unwrap();
    let restored = model.restore(&case["0.latents"]).unwrap();
    assert!(off(&model.decode(&restored).unwrap(), &case["0.decoded"]) < TOLERANCE);
}

#[test]
fn tiles_are_those_of_diffusers() {
    for name in NAMES {
        let (model, case) = load(name);
        let whole = model.decode(&case["1.restored"]).unwrap();
        let factor = model.factor();
        let model = model.with_tiles(Some(4 * factor));
        let tiled = model.decode(&case["1.restored"]).unwrap();
        let off_theirs = off(&tiled, &case["1.tiled"]);
        assert!(off_theirs < TOLERANCE, "{name}: {off_theirs}");
        assert!(off(&tiled, &whole) > 1e-4, "tiles see less of their surroundings");
        // A picture that is no larger than a tile is decoded at once.
        let model = model.with_tiles(Some(64 * factor));
        assert_eq!(off(&model.decode(&case["1.restored"]).unwrap(), &whole), 0.0);
        assert!(model.with_tiles(Some(0)).decode(&case["1.restored"]).is_ok());
    }
}

/// Beside attention, a pixel of this decoder depends on its surroundings alone: where a tile holds those, it is the whole, and where two
/// tiles fade into each other it is near.
#[test]
fn tiles_that_hold_what_pixels_depend_on_are_the_whole() {
    let place = changed(&folder("two_levels"), |config| config);
    let file = place.path().join(WEIGHTS);
    let weights = tensors(&file).into_iter();
    let silent = |(name, it): (String, Tensor)| {
        let it = if name.contains("attentions.0.proj") { it.zeros_like().unwrap() } else { it };
        (name, it)
    };
    candle_core::safetensors::save(&weights.map(silent).collect::<HashMap<_, _>>(), &file).unwrap();
    let model = AutoencoderQwen::load(place.path(), &Compute::cpu()).unwrap();
    // Latents that a pixel sees on each side: ten convolutions among them, six among pixels.
    let (factor, reach, side) = (model.factor(), 13, 28);
    let value = |at: usize| ((at * 7919 + 13) % 1009) as f32 / 252.0 - 2.0;
    let latents =
        Tensor::from_vec((0..4 * 5 * 40).map(value).collect::<Vec<_>>(), (1, 4, 5, 40), &Device::Cpu).unwrap();
    let whole = model.decode(&latents).unwrap();
    let tiled = model.with_tiles(Some(side * factor)).decode(&latents).unwrap();
    // Columns of the first tile alone that see nothing beyond it; then of the second.
    for (from, to) in [(0, side - reach), (21 + reach, 40)] {
        let part = |picture: &Tensor| picture.narrow(3, from * factor, (to - from) * factor).unwrap();
        let off = off(&part(&tiled), &part(&whole));
        assert!(off < 1e-5, "latents {from} to {to}: off by {off}");
    }
    let apart = off_in_the_mean(&tiled, &whole);
    println!("tiles of {side}: {apart:.3} from the whole in the mean");
    assert!((1e-6..0.5).contains(&apart), "{apart}");
}

#[test]
fn other_types_go_through_candles_operations() {
    for (dtype, kept, most) in [(DType::F64, DType::F64, 2e-5), (DType::F16, DType::F16, 3e-2)] {
        let compute = Compute { device: Device::Cpu, dtype, kept: Storage::As(kept) };
        let (_, case) = load("two_levels");
        let model = AutoencoderQwen::load(&folder("two_levels"), &compute).unwrap();
        let modes = model.encode(&case["0.pictures"]).unwrap();
        let decoded = model.decode(&case["0.restored"]).unwrap();
        assert_eq!((modes.dtype(), decoded.dtype()), (dtype, dtype));
        for (found, right) in [(modes, &case["0.modes"]), (decoded, &case["0.decoded"])] {
            assert!(off(&found, right) < most, "{dtype:?} is off by {}", off(&found, right));
        }
    }
}

fn read(text: &Value) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    fs::write(&file, text.to_string()).unwrap();
    Config::read(&file).map_err(|error| error.to_string())
}

#[test]
fn configurations_are_read_or_refused_by_name() {
    let released = read(&json!({"_class_name": "AutoencoderKLQwenImage", "attn_scales": [], "dropout": 0.0})).unwrap();
    assert_eq!(released, Config::released(96));
    assert_eq!((released.factor(), released.means.len()), (8, 16));
    for (key, value) in [
        ("_class_name", json!("AutoencoderKLWan")),
        ("base_dim", json!(0)),
        ("base_dim", json!(3)),
        ("dim_mult", json!([])),
        ("attn_scales", json!([0.5])),
        ("dropout", json!(0.1)),
        ("z_dim", json!(4)),
        ("latents_mean", json!([0.5, 0.5])),
        ("latents_std", json!(vec![0.0; 16])),
        ("something_new", json!(true)),
    ] {
        let mut config = json!({"dim_mult": [1, 1]});
        config[key] = value.clone();
        let error = read(&config).unwrap_err();
        let named = if key == "z_dim" {
            "latents_mean"
        } else if key == "base_dim" && value == 3 {
            "dim_mult"
        } else {
            key
        };
        assert!(error.contains(named) && error.contains("expected"), "{key} = {value}: {error}");
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let (model, _) = load("two_levels");
    let zeros = |shape: (usize, usize, usize, usize)| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    for shape in [(1, 3, 16, 5), (1, 4, 16, 16), (1, 3, 0, 16)] {
        assert!(model.encode(&zeros(shape)).is_err(), "{shape:?}");
    }
    assert!(model.decode(&zeros((1, 3, 4, 4))).is_err() && model.decode(&zeros((1, 4, 0, 4))).is_err());
    let changed = replaced(&folder("two_levels"), "\"num_res_blocks\": 1", "\"num_res_blocks\": 2");
    let error = AutoencoderQwen::load(changed.path(), &Compute::cpu()).unwrap_err().to_string();
    assert!(error.contains("tensor `"), "{error}");
    assert!(model.config().bytes(usize::MAX, usize::MAX, DType::F32) == u64::MAX);
    assert!(model.config().bytes(16, 16, DType::F32) >= 16 * 16 * 4 * 4 * 10);
}
