//! What the tensors of an adapter's file are called.

use std::collections::BTreeMap;

use crate::editors::flux::names;

use super::Adaptable;

/// The names of a layer's tensors as they are stored.
#[derive(Debug, Default)]
pub(super) struct Pair {
    pub(super) down: Option<String>,
    pub(super) up: Option<String>,
    pub(super) alpha: Option<String>,
}

/// Where a pair belongs: so many rows of a layer from one on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) layer: usize,
    pub(super) start: usize,
    pub(super) rows: usize,
    pub(super) is_swapped: bool,
}

/// What PEFT puts before every name.
const PEFT: &str = "base_model.model.";

/// What may stand before the name of a layer: diffusers' name of the component, PEFT's wrapper, that of user interfaces, and
/// nothing.
const PREFIXES: [&str; 3] = ["transformer.", PEFT, "diffusion_model."];

/// What Kohya's trainers put before the name of a layer, whose dots they write as underscores.
const FLATTENED: &str = "lora_unet_";

/// What the names of tensors end in, and which tensor of a pair it is. What PEFT calls an adapter may stand in between.
const ENDINGS: [(&str, Part); 7] = [
    (".lora_A.weight", Part::Down),
    (".lora_B.weight", Part::Up),
    (".lora_A.default.weight", Part::Down),
    (".lora_B.default.weight", Part::Up),
    (".lora_down.weight", Part::Down),
    (".lora_up.weight", Part::Up),
    (".alpha", Part::Alpha),
];

/// A tensor of a pair.
#[derive(Debug, Clone, Copy)]
enum Part {
    Down,
    Up,
    Alpha,
}

/// Whether PEFT wrote it, which keeps the strength in a file of its own.
pub(super) fn is_wrapped(name: &str) -> bool {
    name.starts_with(PEFT)
}

/// The tensors of a file by the layer's name. The reason names a tensor that belongs to no kind of adapter that is known.
pub(super) fn pairs<'a>(stored: impl Iterator<Item = &'a str>) -> Result<BTreeMap<String, Pair>, String> {
    let mut pairs: BTreeMap<String, Pair> = BTreeMap::new();
    for name in stored {
        let plain = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        let found = ENDINGS.iter().find_map(|(ending, part)| plain.strip_suffix(ending).map(|layer| (layer, *part)));
        let (layer, part) = found.ok_or_else(|| misplaced(name))?;
        if layer.starts_with("text_encoder") {
            return Err(format!("tensor `{name}` is for a text encoder: only the transformer takes up adapters"));
        }
        let pair = pairs.entry(layer.to_owned()).or_default();
        let place = match part {
            Part::Down => &mut pair.down,
            Part::Up => &mut pair.up,
            Part::Alpha => &mut pair.alpha,
        };
        if let Some(earlier) = place.replace(name.to_owned()) {
            return Err(format!("tensors `{earlier}` and `{name}` are for the same layer"));
        }
    }
    Ok(pairs)
}

/// The name of a layer as Kohya's trainers write it.
fn flat(name: &str) -> String {
    format!("{FLATTENED}{}", name.replace('.', "_"))
}

/// Why a tensor cannot be part of an adapter.
fn misplaced(name: &str) -> String {
    let holds = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let reason = if holds(&["lora_magnitude_vector", "dora_scale"]) {
        "adapters that also scale weights (DoRA) are not supported"
    } else if name.ends_with(".lora_B.bias") || name.ends_with(".lora_up.bias") {
        "adapters with a bias (`lora_bias`) are not supported"
    } else if holds(&[".lora.down", ".lora.up", "processor"]) {
        "names of diffusers before 0.22 are not read: expected `….lora_A.weight` and `….lora_B.weight`"
    } else {
        "expected `….lora_A.weight` and `….lora_B.weight`, `….lora_down.weight` and `….lora_up.weight`, or `….alpha`"
    };
    format!("tensor `{name}` is no part of a low-rank adapter: {reason}")
}

/// Where pairs of each name belong: the names of diffusers for parts of layers, the original ones for whole layers, and both as
/// Kohya's trainers write them.
pub(super) fn targets(layers: &[Adaptable]) -> BTreeMap<String, Target> {
    let mut targets = BTreeMap::new();
    for (at, layer) in layers.iter().enumerate() {
        let all = layer.outputs.iter().sum();
        targets.insert(layer.name.clone(), Target { layer: at, start: 0, rows: all, is_swapped: false });
        let mut start = 0;
        for (part, &rows) in names::diffusers(&layer.name).unwrap_or_default().into_iter().zip(&layer.outputs) {
            targets.insert(part, Target { layer: at, start, rows, is_swapped: layer.is_swapped });
            start += rows;
        }
    }
    let flattened: Vec<_> = targets.iter().map(|(name, target)| (flat(name), *target)).collect();
    targets.extend(flattened);
    targets
}
