//! The denoiser is that of the authors' fork of diffusers, on random weights, under both schemes of names.

use std::path::PathBuf;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use editscale_core::NobodyWatches;
use serde::Deserialize;

use super::*;
use crate::editors::flux::TransformerSource;
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
    let (checkpoint, naming, config) = open(&place.unwrap_or_else(|| source(name))).unwrap();
    assert_eq!(config.version(&checkpoint), version);
    let denoiser = Denoiser::load((&Arc::new(checkpoint), naming), &config, &Compute::cpu()).unwrap();
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
        let loaded =
            open(&TransformerSource::Folder(temporary.path().to_owned())).and_then(|(checkpoint, naming, config)| {
                Denoiser::load((&Arc::new(checkpoint), naming), &config, &Compute::cpu())
            });
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
