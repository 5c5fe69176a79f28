//! Parity with diffusers: `tests/parity/editors/make_qwen_goldens.py` made the fixtures.

mod hostile;
mod places;
mod sources;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use editscale_core::NobodyWatches;
use serde::Deserialize;

use super::*;
use crate::editors::flux::TransformerSource;
use crate::layers::Compute;
use crate::weights::Storage;

/// Relative to the largest number of the reference: ten times its own rounding.
const TOLERANCE: f32 = 2e-5;

/// The model that most is tried with.
const MODEL: &str = "two_blocks";

fn folder_of(model: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/layers/qwen_image").join(model)
}

pub(super) fn folder() -> PathBuf {
    folder_of(MODEL)
}

/// A copy of the model, which says of its references that they are clean, or does not.
pub(super) fn copy(clean: bool) -> tempfile::TempDir {
    copy_of(MODEL, clean)
}

fn copy_of(model: &str, clean: bool) -> tempfile::TempDir {
    let (copy, folder) = (tempfile::tempdir().unwrap(), folder_of(model));
    fs::copy(folder.join(WEIGHTS), copy.path().join(WEIGHTS)).unwrap();
    let config = fs::read_to_string(folder.join("config.json")).unwrap();
    assert!(config.contains("\"zero_cond_t\": false"));
    let config = config.replace("\"zero_cond_t\": false", &format!("\"zero_cond_t\": {clean}"));
    fs::write(copy.path().join("config.json"), config).unwrap();
    copy
}

pub(super) const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    grids: Vec<(usize, usize)>,
    timestep: f32,
}

fn tensors_of(model: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(folder_of(model).join("items.safetensors"), &Device::Cpu).unwrap()
}

pub(super) fn load(clean: bool, compute: &Compute) -> QwenTransformer {
    QwenTransformer::load(&TransformerSource::Folder(copy(clean).path().to_owned()), compute).unwrap()
}

/// The items of the reference, prepared by the model.
pub(super) fn items(model: &QwenTransformer, compute: &Compute) -> Vec<QwenItem> {
    items_of(MODEL, model, compute)
}

fn items_of(name: &str, model: &QwenTransformer, compute: &Compute) -> Vec<QwenItem> {
    let tensors = tensors_of(name);
    let stored: Vec<Stored> = serde_json::from_slice(&fs::read(folder_of(name).join("items.json")).unwrap()).unwrap();
    let typed = |name: String| tensors[&name].to_dtype(compute.dtype).unwrap();
    let item = |(at, stored): (usize, &Stored)| QwenItem {
        latents: typed(format!("{at}.picture.0")),
        grid: stored.grids[0],
        references: (1..stored.grids.len())
            .map(|n| model.prepare_reference(&typed(format!("{at}.picture.{n}")), stored.grids[n]).unwrap())
            .collect(),
        text: model.prepare_text(&typed(format!("{at}.text"))).unwrap(),
        timestep: stored.timestep,
    };
    stored.iter().enumerate().map(item).collect()
}

/// How far velocities are off those of the reference, at most, as shares of its largest numbers.
pub(super) fn off(found: &[Tensor], clean: bool) -> f32 {
    off_of(MODEL, found, clean)
}

fn off_of(name: &str, found: &[Tensor], clean: bool) -> f32 {
    let tensors = tensors_of(name);
    let of = |(at, found): (usize, &Tensor)| {
        let right = &tensors[&if clean { format!("{at}.velocity.zero") } else { format!("{at}.velocity") }];
        crate::layers::testing::off(found, right)
    };
    found.iter().enumerate().map(of).fold(0.0, f32::max)
}

fn check(clean: bool, compute: &Compute) -> f32 {
    let model = load(clean, compute);
    off(&model.forward(&items(&model, compute), &NobodyWatches).unwrap(), clean)
}

/// One block, three heads that turn otherwise, other widths: nothing of a shape is taken for granted.
#[test]
fn another_shape_is_the_same_code() {
    let (name, compute) = ("three_heads", Compute::cpu());
    for clean in [false, true] {
        let copy = copy_of(name, clean);
        let model = QwenTransformer::load(&TransformerSource::Folder(copy.path().to_owned()), &compute).unwrap();
        let config = model.config();
        assert_eq!((config.blocks, config.heads, config.axes, config.in_channels), (1, 3, [2, 4, 2], 12));
        let velocities = model.forward(&items_of(name, &model, &compute), &NobodyWatches).unwrap();
        assert!(off_of(name, &velocities, clean) < TOLERANCE, "{}", off_of(name, &velocities, clean));
        assert!(off_of(name, &velocities, !clean) > 0.01, "`zero_cond_t`");
    }
}

#[test]
fn velocities_are_those_of_diffusers() {
    for clean in [false, true] {
        let off = check(clean, &Compute::cpu());
        println!("clean references {clean}: off by {off:.1e}");
        assert!(off < TOLERANCE, "clean references {clean}: off by {off}");
    }
}

#[test]
fn other_types_go_through_candles_operations() {
    for (dtype, most) in [(DType::F16, 0.03), (DType::BF16, 0.2)] {
        let compute = Compute { device: Device::Cpu, dtype, kept: Storage::As(dtype) };
        let off = check(true, &compute);
        println!("{dtype:?}: off by {off:.1e}");
        assert!(off < most, "{dtype:?} is off by {off}");
    }
    let stored = Compute { kept: Storage::Stored, ..Compute::cpu() };
    assert!(check(false, &stored) < TOLERANCE);
}

#[test]
fn an_item_does_not_depend_on_its_batch() {
    let model = load(true, &Compute::cpu());
    for item in items(&model, &Compute::cpu()) {
        let alone = model.forward(std::slice::from_ref(&item), &NobodyWatches).unwrap().remove(0);
        let others = [items(&model, &Compute::cpu()), vec![item]].concat();
        let among = model.forward(&others, &NobodyWatches).unwrap().pop().unwrap();
        assert!(crate::layers::testing::off(&among, &alone) < 1e-5);
    }
}

/// What a port might get wrong is told apart from what is right.
#[test]
fn mistakes_show() {
    let compute = Compute::cpu();
    let model = load(false, &compute);
    let with = |change: &dyn Fn(&mut QwenItem)| {
        let mut items = items(&model, &compute);
        items.iter_mut().for_each(change);
        off(&model.forward(&items, &NobodyWatches).unwrap(), false)
    };
    assert!(with(&|_| ()) < TOLERANCE);
    assert!(with(&|item| item.references.reverse()) > 0.01, "which reference is which");
    assert!(with(&|item| item.timestep *= 0.9) > 0.01);
    let turned = |item: &mut QwenItem| item.references.iter_mut().for_each(|it| it.grid = (it.grid.1, it.grid.0));
    assert!(with(&turned) > 0.01, "rows and columns");
    // The same numbers for the other kind of model.
    assert!(off(&model.forward(&items(&model, &compute), &NobodyWatches).unwrap(), true) > 0.05, "`zero_cond_t`");
    let swapped = with_tensor("norm_out.linear", |tensor| {
        let half = tensor.dim(0).unwrap() / 2;
        Tensor::cat(&[tensor.narrow(0, half, half).unwrap(), tensor.narrow(0, 0, half).unwrap()], 0).unwrap()
    });
    assert!(
        off(&swapped.forward(&items(&swapped, &compute), &NobodyWatches).unwrap(), false) > 0.05,
        "scale and shift"
    );
}

/// The model with the tensors of a layer changed.
fn with_tensor(layer: &str, change: impl Fn(&Tensor) -> Tensor) -> QwenTransformer {
    let copy = copy(false);
    let mut weights = candle_core::safetensors::load(copy.path().join(WEIGHTS), &Device::Cpu).unwrap();
    weights.iter_mut().filter(|(name, _)| name.starts_with(layer)).for_each(|(_, it)| *it = change(it));
    candle_core::safetensors::save(&weights, copy.path().join(WEIGHTS)).unwrap();
    QwenTransformer::load(&TransformerSource::Folder(copy.path().to_owned()), &Compute::cpu()).unwrap()
}
