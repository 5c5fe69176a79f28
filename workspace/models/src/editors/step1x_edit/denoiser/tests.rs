//! The denoiser is that of the authors' fork of diffusers, on random weights, under both schemes of names.

use std::collections::HashMap;
use std::path::PathBuf;

use candle_core::quantized::{GgmlDType, QTensor, gguf_file};
use candle_core::{DType, Device, Tensor};
use editscale_core::NobodyWatches;
use serde::Deserialize;

use super::*;
use crate::editors::flux::{AdapterSource, TransformerSource};
use crate::editors::step1x_edit::Version;
use crate::editors::step1x_edit::testing::{fixtures, off};
use crate::layers::Compute;

#[derive(Deserialize)]
struct Described {
    grid: (usize, usize),
    reference: (usize, usize),
    length: usize,
    sigma: f32,
}

fn folder(name: &str) -> PathBuf {
    fixtures().join("transformers").join(name)
}

fn source(name: &str) -> TransformerSource {
    let file = folder(name).join("step1x.safetensors");
    if file.exists() { TransformerSource::File(file) } else { TransformerSource::Folder(folder(name)) }
}

/// What a mistake would do otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mistake {
    None,
    Place([i32; 3]),
    NotFilled,
    NoPlaces,
    NoMarks,
    AllMarked,
    /// The last shift and scale in each other's place.
    Swapped,
}

/// A copy of a single file with the halves of the last modulation in each other's place.
fn swapped(name: &str) -> tempfile::TempDir {
    let temporary = tempfile::tempdir().unwrap();
    crate::editors::cases::copy(&folder(name), temporary.path());
    let file = temporary.path().join("step1x.safetensors");
    let mut all = candle_core::safetensors::load(&file, &Device::Cpu).unwrap();
    for ending in ["weight", "bias"] {
        let tensor = all.get_mut(&format!("final_layer.adaLN_modulation.1.{ending}")).unwrap();
        let half = tensor.dims()[0] / 2;
        let halves = [tensor.narrow(0, half, half).unwrap(), tensor.narrow(0, 0, half).unwrap()];
        *tensor = Tensor::cat(&halves, 0).unwrap();
    }
    candle_core::safetensors::save(&all, file).unwrap();
    temporary
}

fn off_with(name: &str, version: Version, mistake: Mistake) -> f32 {
    let changed = (mistake == Mistake::Swapped).then(|| swapped(name));
    let place = changed.as_ref().map(|folder| TransformerSource::File(folder.path().join("step1x.safetensors")));
    off_of((name, version), &place.unwrap_or_else(|| source(name)), mistake)
}

/// How far the answers of weights somewhere are off those of the reference.
fn off_of((name, version): (&str, Version), place: &TransformerSource, mistake: Mistake) -> f32 {
    let (weights, config) = open(place).unwrap();
    assert_eq!(config.version(&weights, None).unwrap(), version);
    let denoiser = Denoiser::load(&weights, &config, &Compute::cpu()).unwrap();
    let all = candle_core::safetensors::load(folder(name).join("items.safetensors"), &Device::Cpu).unwrap();
    let described: Vec<Described> =
        serde_json::from_slice(&std::fs::read(folder(name).join("items.json")).unwrap()).unwrap();
    let mut worst = 0.0_f32;
    for (at, item) in described.iter().enumerate() {
        let tensor = |name: &str| all[&format!("{at}.{name}")].clone();
        let states = tensor("states");
        let tokens = states.dims()[0];
        let marks: Vec<bool> = tensor("marks").to_vec1::<f32>().unwrap().into_iter().map(|mark| mark > 0.0).collect();
        let marks = if mistake == Mistake::AllMarked { vec![true; tokens] } else { marks };
        let places: Vec<[f32; 3]> =
            tensor("places").to_vec2::<f32>().unwrap().into_iter().map(|place| place.try_into().unwrap()).collect();
        let embeddings = tensor("embeddings");
        let read = Read {
            states: &states,
            marked: (mistake != Mistake::NoMarks).then_some((&embeddings, marks.as_slice())),
            places: (version == Version::V1_2 && mistake != Mistake::NoPlaces).then_some(places.as_slice()),
            length: if version == Version::V1_2 || mistake == Mistake::NotFilled { tokens } else { item.length },
        };
        let prompted = denoiser.prepare(read).unwrap();
        let first = if let Mistake::Place(place) = mistake { place } else { version.reference_place() };
        let reference = denoiser.prepare_reference(&tensor("source"), item.reference, first).unwrap();
        let (latents, grid, sigma) = (tensor("latents"), item.grid, item.sigma);
        let item = Item { latents, grid, reference, text: &prompted, sigma };
        let found = denoiser.velocities(std::slice::from_ref(&item), &NobodyWatches).unwrap();
        worst = worst.max(off(&found[0], &tensor("velocity")));
        // Among others an item's answer is the same.
        let both = denoiser.velocities(&[item.clone(), item], &NobodyWatches).unwrap();
        assert!(off(&both[1], &found[0]) < 1e-5);
    }
    worst
}

#[test]
fn velocities_are_those_of_the_authors() {
    for (name, version) in [("v1_0", Version::V1_0), ("v1_1", Version::V1_1), ("v1_2", Version::V1_2)] {
        let off = off_with(name, version, Mistake::None);
        assert!(off < 1e-4, "{name}: off by {off}");
    }
}

#[test]
fn mistakes_are_told_apart() {
    for (name, version, mistake) in [
        ("v1_0", Version::V1_0, Mistake::Place([1, 1, 1])),
        ("v1_0", Version::V1_0, Mistake::NotFilled),
        ("v1_0", Version::V1_0, Mistake::Swapped),
        ("v1_1", Version::V1_1, Mistake::Place([0, 0, 0])),
        ("v1_1", Version::V1_1, Mistake::Place([1, 0, 0])),
        ("v1_1", Version::V1_1, Mistake::NotFilled),
        ("v1_2", Version::V1_2, Mistake::Place([1, 1, 1])),
        ("v1_2", Version::V1_2, Mistake::NoPlaces),
        ("v1_2", Version::V1_2, Mistake::NoMarks),
        ("v1_2", Version::V1_2, Mistake::AllMarked),
    ] {
        let off = off_with(name, version, mistake);
        assert!(off > 1e-2, "{name} with {mistake:?}: off by {off}");
    }
}

/// The same tensors quantised under the same names, as files for other programs are made of the authors': the connector's as well.
#[test]
fn quantised_files_come_near() {
    let home = tempfile::tempdir().unwrap();
    let file = folder("v1_0").join("step1x.safetensors");
    std::fs::copy(folder("v1_0").join("config.json"), home.path().join("config.json")).unwrap();
    let all = candle_core::safetensors::load(&file, &Device::Cpu).unwrap();
    for (prefix, matrices, most) in
        [("", GgmlDType::F32, 1e-4), ("model.diffusion_model.", GgmlDType::F16, 1e-4), ("", GgmlDType::Q8_0, 0.05)]
    {
        let stored = |(name, tensor): (&String, &Tensor)| {
            let wide = tensor.to_dtype(DType::F32).unwrap();
            let fits = wide.rank() == 2 && wide.dim(1).unwrap() % matrices.block_size() == 0;
            let kind = if fits { matrices } else { GgmlDType::F32 };
            (format!("{prefix}{name}"), QTensor::quantize(&wide, kind).unwrap())
        };
        let stored: Vec<(String, QTensor)> = all.iter().map(stored).collect();
        let listed: Vec<(&str, &QTensor)> = stored.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
        let path = home.path().join("step1x.gguf");
        let architecture = gguf_file::Value::String("step1x".to_owned());
        let mut out = std::fs::File::create(&path).unwrap();
        gguf_file::write(&mut out, &[("general.architecture", &architecture)], &listed).unwrap();
        drop(out);
        let off = off_of(("v1_0", Version::V1_0), &TransformerSource::File(path), Mistake::None);
        println!("{matrices:?}: off by {off:.1e}");
        assert!(off < most, "{matrices:?}: off by {off}");
    }
}

/// Layers of the transformer that an adapter is for, by the names of diffusers and by the original ones: the first row of the
/// layer, and how many inputs and outputs the pair has.
const LAYERS: [(&str, &str, [usize; 3]); 4] = [
    ("transformer_blocks.0.attn.to_k", "double_blocks.0.img_attn.qkv", [12, 12, 12]),
    ("transformer_blocks.0.ff_context.net.2", "double_blocks.0.txt_mlp.2", [0, 48, 12]),
    ("single_transformer_blocks.0.proj_mlp", "single_blocks.0.linear1", [36, 12, 48]),
    ("transformer_blocks.0.norm1_context.linear", "double_blocks.0.txt_mod.lin", [0, 12, 72]),
];

/// The pair of a layer: what comes first and what second, of rank 2.
fn pair(at: usize, [_, inputs, outputs]: [usize; 3]) -> [Tensor; 2] {
    let made = |rows: usize, columns: usize, seed: usize| {
        let value = |n: usize| ((n * 37 + seed * 11) % 23) as f32 / 23.0 - 0.5;
        Tensor::from_vec((0..rows * columns).map(value).collect::<Vec<_>>(), (rows, columns), &Device::Cpu).unwrap()
    };
    [made(2, inputs, at), made(outputs, 2, at + 5)]
}

/// Adapters under the names of diffusers and of Kohya's trainers, on weights of both layouts, do what they do merged into weights.
#[test]
fn adapters_are_the_same_as_merged_ones() {
    let (home, strength) = (tempfile::tempdir().unwrap(), 3.0);
    let file = home.path().join("merged.safetensors");
    std::fs::copy(folder("v1_0").join("config.json"), home.path().join("config.json")).unwrap();
    let mut merged = candle_core::safetensors::load(folder("v1_0").join("step1x.safetensors"), &Device::Cpu).unwrap();
    let mut files = [HashMap::new(), HashMap::new()];
    for (at, (diffusers, original, shape)) in LAYERS.into_iter().enumerate() {
        let [down, up] = pair(at, shape);
        let weight = merged.get_mut(&format!("{original}.weight")).unwrap();
        let (rows, start) = (weight.dim(0).unwrap(), shape[0]);
        let sum = (up.matmul(&down).unwrap() * strength).unwrap();
        let sum = sum.pad_with_zeros(0, start, rows - start - shape[2]).unwrap();
        *weight = (weight.to_dtype(DType::F32).unwrap() + sum).unwrap();
        files[0].insert(format!("transformer.{diffusers}.lora_A.weight"), down.clone());
        files[0].insert(format!("transformer.{diffusers}.lora_B.weight"), (&up * strength).unwrap());
        let flat = format!("lora_unet_{}", original.replace('.', "_"));
        files[1].insert(format!("{flat}.lora_down.weight"), down);
        files[1]
            .insert(format!("{flat}.lora_up.weight"), up.pad_with_zeros(0, start, rows - start - shape[2]).unwrap());
        files[1].insert(format!("{flat}.alpha"), Tensor::new(2.0 * strength as f32, &Device::Cpu).unwrap());
    }
    candle_core::safetensors::save(&merged, &file).unwrap();
    let velocities = |denoiser: &Denoiser| {
        let all = candle_core::safetensors::load(folder("v1_0").join("items.safetensors"), &Device::Cpu).unwrap();
        let tensor = |name: &str| all[&format!("0.{name}")].clone();
        let described: Vec<Described> =
            serde_json::from_slice(&std::fs::read(folder("v1_0").join("items.json")).unwrap()).unwrap();
        let Described { grid, reference, length, sigma } = described[0];
        let states = tensor("states");
        let prompted = denoiser.prepare(Read { states: &states, marked: None, places: None, length }).unwrap();
        let reference = denoiser.prepare_reference(&tensor("source"), reference, [0, 0, 0]).unwrap();
        let item = Item { latents: tensor("latents"), grid, reference, text: &prompted, sigma };
        denoiser.velocities(&[item], &NobodyWatches).unwrap().remove(0)
    };
    let loaded = |place: &TransformerSource| {
        let (weights, config) = open(place).unwrap();
        Denoiser::load(&weights, &config, &Compute::cpu()).unwrap()
    };
    let right = velocities(&loaded(&TransformerSource::File(file)));
    let denoiser = loaded(&source("v1_0"));
    let before = velocities(&denoiser);
    for (at, tensors) in files.iter().enumerate() {
        let path = home.path().join(format!("adapter_{at}.safetensors"));
        candle_core::safetensors::save(tensors, &path).unwrap();
        let adapter = denoiser.transformer.read_adapter(AdapterSource { path: &path, scale: 1.0 }).unwrap();
        assert_eq!(adapter.layers(), LAYERS.len());
        denoiser.transformer.set_adapter(Some(&adapter));
        let with = velocities(&denoiser);
        assert!(off(&with, &right) < 1e-4, "{at}: off by {}", off(&with, &right));
        assert!(off(&with, &before) > 0.01, "{at}: the adapter does something");
        denoiser.transformer.set_adapter(None);
        assert_eq!(off(&velocities(&denoiser), &before), 0.0);
        // Folders of the fork take the same up, though they keep queries, keys and values apart.
        let other = loaded(&source("v1_1"));
        assert_eq!(other.transformer.read_adapter(AdapterSource { path: &path, scale: 1.0 }).unwrap().layers(), 4);
    }
    let path = home.path().join("connector.safetensors");
    let [down, up] = pair(0, [0, 16, 16]);
    let name = "connector.S.individual_token_refiner.blocks.0.self_attn_proj";
    let tensors = HashMap::from([(format!("{name}.lora_A.weight"), down), (format!("{name}.lora_B.weight"), up)]);
    candle_core::safetensors::save(&tensors, &path).unwrap();
    let refused = denoiser.transformer.read_adapter(AdapterSource { path: &path, scale: 1.0 }).unwrap_err().to_string();
    assert!(refused.contains(name), "{refused}");
}

/// A configuration that is not that of the weights, and weights with more than it says.
#[test]
fn what_does_not_fit_is_named() {
    let change = |key: &str, value: serde_json::Value| {
        let temporary = tempfile::tempdir().unwrap();
        crate::editors::cases::copy(&folder("v1_2"), temporary.path());
        let file = temporary.path().join("config.json");
        let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        config[key] = value;
        std::fs::write(&file, config.to_string()).unwrap();
        let loaded = open(&TransformerSource::Folder(temporary.path().to_owned()))
            .and_then(|(weights, config)| Denoiser::load(&weights, &config, &Compute::cpu()));
        loaded.unwrap_err().to_string()
    };
    for (key, value, expected) in [
        ("connector_depth", 0.into(), "connector_depth"),
        ("enable_text_token_mapping", false.into(), "text_token_mapping"),
        ("connector_heads_num", 5.into(), "a divisor of `connector_hidden_size`, 16"),
        ("guidance_embeds", true.into(), "guidance_embeds"),
        ("_class_name", "FluxTransformer2DModel".into(), "Step1XEditTransformer2DModel"),
        ("joint_attention_dim", 20.into(), "text width of 20: expected 16"),
        ("num_single_layers", 2.into(), "single_transformer_blocks.1"),
        ("unknown", 1.into(), "unknown"),
    ] {
        let refused = change(key, value);
        assert!(refused.contains(expected), "{key}: {refused}");
    }
}
