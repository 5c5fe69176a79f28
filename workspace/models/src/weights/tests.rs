//! Folders of weights, whole and broken.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;

use crate::weights::{Checkpoint, Storage, WeightError};

/// Writes a file that holds a tensor of two numbers under each name.
fn write(file: &Path, names: &[&str]) {
    let tensor = Tensor::new(&[1.0_f32, 2.0], &Device::Cpu).unwrap().to_dtype(DType::F16).unwrap();
    let tensors: HashMap<&str, Tensor> = names.iter().map(|name| (*name, tensor.clone())).collect();
    candle_core::safetensors::save(&tensors, file).unwrap();
}

fn write_index(file: &Path, shards: &[(&str, &str)]) {
    let shards: HashMap<&str, &str> = shards.iter().copied().collect();
    fs::write(file, json!({ "weight_map": shards }).to_string()).unwrap();
}

/// Every way to hold two tensors, each before those that count before it.
#[test]
fn all_layouts_are_found() {
    let layouts = [
        ("m.safetensors.index.fp16.json", Some(["m.fp16-1-of-2.safetensors", "m.fp16-2-of-2.safetensors"])),
        ("m.fp16.safetensors", None),
        ("m.safetensors.index.json", Some(["m-1-of-2.safetensors", "m-2-of-2.safetensors"])),
        ("m.safetensors", None),
    ];
    let folder = tempfile::tempdir().unwrap();
    let missing = Checkpoint::open_stem(folder.path(), "m", str::to_owned).unwrap_err().to_string();
    assert!(missing.contains("m.safetensors: is missing"), "{missing}");
    for (root, shards) in layouts {
        if let Some([first, second]) = shards {
            write(&folder.path().join(first), &["a"]);
            write(&folder.path().join(second), &["b"]);
            write_index(&folder.path().join(root), &[("a", first), ("b", second)]);
        } else {
            write(&folder.path().join(root), &["a", "b"]);
        }
        let checkpoint = Checkpoint::open_stem(folder.path(), "m", str::to_uppercase).unwrap();
        assert_eq!(checkpoint.root(), folder.path().join(root));
        for name in ["A", "B"] {
            let tensor = checkpoint.tensor(name, &[2], Storage::As(DType::F32), &Device::Cpu).unwrap();
            assert_eq!(tensor.to_vec1::<f32>().unwrap(), [1.0, 2.0]);
        }
    }
}

#[test]
fn indexes_that_are_not_right_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("model.safetensors.index.json");
    let said = || Checkpoint::open(folder.path(), str::to_owned).unwrap_err().to_string();
    fs::write(&index, "[]").unwrap();
    assert!(said().contains("index.json: is not an index"), "{}", said());
    for shard in ["../a.safetensors", "", "..", "b\\a.safetensors"] {
        write_index(&index, &[("a", shard)]);
        assert!(said().contains(&format!("names the shard `{shard}`")), "{}", said());
    }
    write_index(&index, &[("a", "a.safetensors")]);
    assert!(said().contains("a.safetensors: cannot be read"), "{}", said());
    write(&folder.path().join("a.safetensors"), &["b"]);
    assert!(said().contains("index.json: names tensor `a`, and no shard holds it"), "{}", said());
}

#[test]
fn two_names_of_one_tensor_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["d.a", "c.a", "b.a", "e.a", "z"];
    write(&folder.path().join("model.safetensors"), &names);
    let rename = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    for _ in 0..20 {
        // The second in the order of names, in every run.
        let said = Checkpoint::open(folder.path(), rename).unwrap_err().to_string();
        assert!(said.contains("holds tensor `c.a`"), "{said}");
    }
}

/// A tensor with its type, shape and bytes.
type Raw<'a> = (&'a str, Dtype, &'a [usize], &'a [u8]);

/// A file of tensors.
fn write_raw(file: &Path, tensors: &[Raw<'_>]) {
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| (*name, TensorView::new(*dtype, shape.to_vec(), bytes).unwrap()));
    fs::write(file, safetensors::serialize(views, None).unwrap()).unwrap();
}

/// Two rows of 1, 2, −1 and 0.5 in four bits of exponent.
const ROWS: [u8; 4] = [0x38, 0x40, 0xb8, 0x30];

fn open_raw(tensors: &[Raw<'_>]) -> (tempfile::TempDir, Checkpoint) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("narrow.safetensors");
    write_raw(&file, tensors);
    let checkpoint = Checkpoint::open_file(&file, |name| name.trim_start_matches("model.").to_owned()).unwrap();
    (folder, checkpoint)
}

fn numbers(checkpoint: &Checkpoint, kept: Storage) -> Result<(DType, Vec<f32>), WeightError> {
    let tensor = checkpoint.tensor("a.weight", &[2, 2], kept, &Device::Cpu)?;
    Ok((tensor.dtype(), tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()))
}

#[test]
fn weights_of_eight_bits_are_widened_and_multiplied() {
    let weight = ("model.a.weight", Dtype::F8_E4M3, [2, 2].as_slice(), ROWS.as_slice());
    let (half, pair) = (0.5_f32.to_le_bytes(), [0.5_f32, 4.0].map(f32::to_le_bytes).concat());
    let (none, marker) = ([].as_slice(), ("scaled_fp8", Dtype::F8_E4M3, [2].as_slice(), [0, 0].as_slice()));
    let plain = [1.0, 2.0, -1.0, 0.5];
    let halved = [0.5, 1.0, -0.5, 0.25];
    let cases: [(Vec<Raw<'_>>, [f32; 4]); 6] = [
        (vec![weight], plain),
        (vec![weight, marker, ("model.a.scale_weight", Dtype::F32, none_shape(), &half)], halved),
        (
            vec![
                weight,
                ("model.a.scale_weight", Dtype::F32, &[1], &half),
                ("model.a.scale_input", Dtype::F32, &[1], &pair[4..]),
            ],
            halved,
        ),
        (
            vec![
                weight,
                ("model.a.weight_scale", Dtype::F32, &[1], &half),
                ("model.a.comfy_quant", Dtype::U8, &[2], b"{}"),
                ("model.scaled_fp8", Dtype::F8_E4M3, &[0], none),
            ],
            halved,
        ),
        (vec![weight, ("model.a.weight_scale", Dtype::F32, &[2], &pair)], [0.5, 1.0, -4.0, 2.0]),
        (vec![weight, ("model.a.weight_scale", Dtype::F32, &[2, 1], &pair)], [0.5, 1.0, -4.0, 2.0]),
    ];
    let mut samples = Vec::new();
    for (tensors, right) in cases {
        let (_folder, checkpoint) = open_raw(&tensors);
        // What stands beside is no tensor of the model.
        assert_eq!(checkpoint.facts().map(|(name, _)| name).collect::<Vec<_>>(), ["a.weight"]);
        for (kept, dtype) in [
            (Storage::As(DType::F32), DType::F32),
            (Storage::As(DType::F16), DType::F16),
            (Storage::Stored, DType::BF16),
        ] {
            assert_eq!(numbers(&checkpoint, kept).unwrap(), (dtype, right.to_vec()), "{tensors:?}");
        }
        assert_eq!(checkpoint.kept_bytes(Storage::Stored), 8);
        samples.push((checkpoint.sample().unwrap(), right));
        assert!(checkpoint.holds_same_below("a", &checkpoint).unwrap());
        assert_eq!(checkpoint.holds_same_below("a", &open_raw(&[weight]).1).unwrap(), right == plain);
    }
    // Other factors are other weights.
    for (sample, right) in &samples {
        assert!(samples.iter().all(|(other, also)| (other == sample) == (also == right)));
    }
    let (_folder, five) = open_raw(&[("a.weight", Dtype::F8_E5M2, &[2, 2], &[0x3c, 0x40, 0xbc, 0x38])]);
    assert_eq!(numbers(&five, Storage::As(DType::F32)).unwrap().1, plain);
}

/// The shape of one number.
fn none_shape() -> &'static [usize] {
    &[]
}

#[test]
fn weights_of_other_few_bits_are_refused_by_name() {
    let pair = [0.5_f32, 4.0].map(f32::to_le_bytes).concat();
    let weight = ("a.weight", Dtype::F8_E4M3, [2, 2].as_slice(), ROWS.as_slice());
    let said = |tensors: &[Raw<'_>]| {
        let (_folder, checkpoint) = open_raw(tensors);
        numbers(&checkpoint, Storage::As(DType::F32)).unwrap_err().to_string()
    };
    let scaled = said(&[weight, ("a.scale_weight", Dtype::F32, &[1, 2], &pair)]);
    assert!(
        scaled.contains("factors of shape [1, 2], stored as F32: expected one number, or one for each of 2 rows"),
        "{scaled}"
    );
    let scaled = said(&[weight, ("a.scale_weight", Dtype::U8, &[1], &[1])]);
    assert!(scaled.contains("stored as U8"), "{scaled}");
    let integers = said(&[("a.weight", Dtype::U8, &[2, 2], &ROWS)]);
    assert!(integers.contains("`a.weight` is stored as U8: expected F32, F16, BF16, F8_E4M3 or F8_E5M2"), "{integers}");
    let bad = said(&[("a.weight", Dtype::F8_E4M3, &[2, 2], &[0x38, 0x7f, 0, 0])]);
    assert!(bad.contains("`a.weight` holds a value that is not finite (NaN or infinity) at index 1"), "{bad}");
    // Factors of weights that are wide are tensors like others, which no model asks for.
    let (_folder, checkpoint) =
        open_raw(&[("a.weight", Dtype::F32, &[1], &pair[..4]), ("a.scale_weight", Dtype::F32, &[1], &pair[..4])]);
    assert_eq!(checkpoint.facts().count(), 2);
}
