//! Folders of weights, whole and broken.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use serde_json::json;

use crate::weights::{Checkpoint, Storage};

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
