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

/// What may stand before the name of a layer: diffusers' name of the component, PEFT's wrapper, and nothing.
const PREFIXES: [&str; 2] = ["transformer.", PEFT];

/// Whether PEFT wrote it, which keeps the strength in a file of its own.
pub(super) fn is_wrapped(name: &str) -> bool {
    name.starts_with(PEFT)
}

/// The tensors of a file by the layer's name. The reason names a tensor that belongs to no kind of adapter that is known.
pub(super) fn pairs<'a>(stored: impl Iterator<Item = &'a str>) -> Result<BTreeMap<String, Pair>, String> {
    let mut pairs: BTreeMap<String, Pair> = BTreeMap::new();
    for name in stored {
        let plain = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
        let parts = [(".lora_A.weight", 0), (".lora_B.weight", 1), (".alpha", 2)];
        let found = parts.iter().find_map(|(ending, kind)| plain.strip_suffix(ending).map(|layer| (layer, kind)));
        let (layer, kind) = found.ok_or_else(|| misplaced(name))?;
        if layer.starts_with("text_encoder") {
            return Err(format!("tensor `{name}` is for a text encoder: only the transformer takes up adapters"));
        }
        let pair = pairs.entry(layer.to_owned()).or_default();
        let place = match kind {
            0 => &mut pair.down,
            1 => &mut pair.up,
            _ => &mut pair.alpha,
        };
        if let Some(earlier) = place.replace(name.to_owned()) {
            return Err(format!("tensors `{earlier}` and `{name}` are for the same layer"));
        }
    }
    Ok(pairs)
}

/// Why a tensor cannot be part of an adapter.
fn misplaced(name: &str) -> String {
    let holds = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    let reason = if holds(&["lora_magnitude_vector", "dora_scale"]) {
        "adapters that also scale weights (DoRA) are not supported"
    } else if name.ends_with(".lora_B.bias") {
        "adapters with a bias (`lora_bias`) are not supported"
    } else if holds(&["lora_down", "lora_up", ".lora.down", ".lora.up", "processor"]) {
        "names of other trainers are not read: expected `….lora_A.weight` and `….lora_B.weight`, as of diffusers or PEFT"
    } else {
        "expected `….lora_A.weight`, `….lora_B.weight` or `….alpha`"
    };
    format!("tensor `{name}` is no part of a low-rank adapter: {reason}")
}

/// Where pairs of each name belong: the names of diffusers for parts of layers, the original ones for whole layers.
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
    targets
}
