//! A workflow with its places found and checked: what is left is to fill it in.

use std::collections::BTreeSet;

use editscale_core::{ImageSize, Proposal};
use serde_json::Value;

use super::options::ComfyUiOptions;
use super::workflow::{Kind, Place, Workflow};
use crate::SetupError;
use crate::editors::knobs::{FieldKnob, values};
use crate::editors::openai_images::MaskRule;

/// A workflow that an edit can be written into.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) workflow: Workflow,
    pub(crate) outputs: Vec<String>,
    image: Place,
    instruction: Place,
    seed: Place,
    mask: Option<(Place, MaskRule)>,
    sides: Option<(Place, Place)>,
    knobs: Vec<(FieldKnob, Place)>,
}

/// What is written into a workflow for one edit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filling<'a> {
    pub(crate) image: &'a str,
    pub(crate) mask: Option<&'a str>,
    pub(crate) seed: u64,
    pub(crate) size: Option<ImageSize>,
    pub(crate) proposal: &'a Proposal,
}

impl Template {
    /// Reads the workflow and checks every pointer against it.
    pub(crate) fn new(options: &ComfyUiOptions) -> Result<Self, SetupError> {
        let mut workflow = Workflow::parse(&options.workflow)?;
        let bindings = &options.bindings;
        let place = |setting: &str, pointer: &str, kind| workflow.place(setting, pointer, kind);
        let image = place("image", &bindings.image, Kind::Text)?;
        let instruction = place("instruction", &bindings.instruction, Kind::Text)?;
        let seed = place("seed", &bindings.seed, Kind::Whole)?;
        let mask = bindings.mask.as_ref().map(|mask| place("mask", mask, Kind::Text)).transpose()?;
        let sides = sides(&workflow, options)?;
        let knob = |knob: &super::WorkflowKnob| {
            let place = place(&format!("knob_places.{}", knob.knob.spec.name), &knob.pointer, Kind::Number)?;
            Ok((knob.knob.clone(), place))
        };
        let knobs: Vec<(FieldKnob, Place)> = options.knobs.iter().map(knob).collect::<Result<_, SetupError>>()?;
        let fixed = fixed(&workflow, options)?;
        let bound = [Some(&image), Some(&instruction), Some(&seed), mask.as_ref()].into_iter().flatten();
        let bound = bound.chain(sides.iter().flat_map(|(width, height)| [width, height]));
        let turned = knobs.iter().map(|(_, place)| place);
        each_once(&workflow, bound.chain(turned).chain(fixed.iter().map(|(place, _)| place)))?;
        let mask = mask.map(|place| masks(&workflow, place, options)).transpose()?;
        for (place, value) in fixed {
            workflow.set(&place, value);
        }
        outputs(&workflow, &options.outputs)?;
        Ok(Self { workflow, outputs: options.outputs.clone(), image, instruction, seed, mask, sides, knobs })
    }

    /// How a mask is sent, where there is a place for one.
    pub(crate) fn masks(&self) -> Option<MaskRule> {
        self.mask.as_ref().map(|(_, rule)| *rule)
    }

    /// Whether a size can be asked for.
    pub(crate) fn has_sides(&self) -> bool {
        self.sides.is_some()
    }

    /// Whether an edit writes something there.
    pub(crate) fn is_bound(&self, place: &Place) -> bool {
        let sides = self.sides.iter().flat_map(|(width, height)| [width, height]);
        let knobs = self.knobs.iter().map(|(_, place)| place);
        let mut bound = self.picture_places().chain([&self.instruction, &self.seed]).chain(sides).chain(knobs);
        bound.any(|known| known == place)
    }

    /// The least and the greatest number that is ever written there, where that is known.
    pub(crate) fn reach(&self, place: &Place, seed_bits: u8) -> Option<(f64, f64)> {
        if place == &self.seed {
            return Some((0.0, ((1_u64 << seed_bits) - 1) as f64));
        }
        let (knob, _) = self.knobs.iter().find(|(_, known)| known == place)?;
        Some((knob.spec.low, knob.spec.high))
    }

    /// The places that pictures' names are written to.
    pub(crate) fn picture_places(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.image).chain(self.mask.iter().map(|(place, _)| place))
    }

    /// The graph of one edit.
    pub(crate) fn filled(&self, filling: Filling<'_>) -> Value {
        let mut graph = self.workflow.clone();
        graph.set(&self.image, filling.image.into());
        graph.set(&self.instruction, (*filling.proposal.instruction).into());
        graph.set(&self.seed, filling.seed.into());
        if let (Some((place, _)), Some(mask)) = (&self.mask, filling.mask) {
            graph.set(place, mask.into());
        }
        if let (Some((width, height)), Some(size)) = (&self.sides, filling.size) {
            graph.set(width, size.width.into());
            graph.set(height, size.height.into());
        }
        for (knob, place) in &self.knobs {
            for (_, value) in values(std::slice::from_ref(knob), filling.proposal) {
                graph.set(place, Value::Number(value));
            }
        }
        graph.to_json()
    }
}

fn sides(workflow: &Workflow, options: &ComfyUiOptions) -> Result<Option<(Place, Place)>, SetupError> {
    match (&options.bindings.width, &options.bindings.height) {
        (Some(width), Some(height)) => {
            Ok(Some((workflow.place("width", width, Kind::Whole)?, workflow.place("height", height, Kind::Whole)?)))
        }
        (None, None) => Ok(None),
        _ => Err(SetupError::setting("width and height", "both, or neither", &"one of them")),
    }
}

fn fixed(workflow: &Workflow, options: &ComfyUiOptions) -> Result<Vec<(Place, Value)>, SetupError> {
    let one = |(pointer, value): (&String, &Value)| {
        let place = workflow.place("fixed", pointer, Kind::Plain)?;
        let is_alike = workflow.value(&place).is_some_and(|known| {
            (known.is_string() && value.is_string())
                || (known.is_number() && value.is_number())
                || (known.is_boolean() && value.is_boolean())
        });
        if is_alike {
            return Ok((place, value.clone()));
        }
        let known = workflow.value(&place).cloned().unwrap_or_default();
        let expected = format!("a value of the kind that the workflow has there, {known}");
        Err(SetupError::setting(&format!("fixed: {pointer}"), &expected, value))
    };
    options.fixed.iter().map(one).collect()
}

/// What is written twice would be lost the first time.
fn each_once<'a>(workflow: &Workflow, places: impl Iterator<Item = &'a Place>) -> Result<(), SetupError> {
    let mut seen = BTreeSet::new();
    for place in places {
        if !seen.insert(place) {
            let found = format!("two for the `{}` of {}", place.input, workflow.named(&place.node));
            return Err(SetupError::setting("pointers", "each place at most once", &found));
        }
    }
    Ok(())
}

/// How the bound node reads a mask: the loaders of this server turn alpha around, so that transparent means to edit, and
/// take a colour as it is.
fn masks(workflow: &Workflow, place: Place, options: &ComfyUiOptions) -> Result<(Place, MaskRule), SetupError> {
    let channel = Place { node: place.node.clone(), input: "channel".to_owned() };
    let by_node = match (workflow.class(&place.node), workflow.value(&channel).and_then(Value::as_str)) {
        (Some("LoadImageMask"), Some("red" | "green" | "blue")) => Some(MaskRule::White),
        (Some("LoadImageMask" | "LoadImage"), _) => Some(MaskRule::Transparent),
        _ => None,
    };
    if let Some(rule @ (MaskRule::White | MaskRule::Transparent)) = options.masks.or(by_node) {
        return Ok((place, rule));
    }
    let found = format!("a mask bound to {}", workflow.named(&place.node));
    Err(SetupError::setting("masks", "white or transparent, as that node reads masks", &found))
}

fn outputs(workflow: &Workflow, outputs: &[String]) -> Result<(), SetupError> {
    if outputs.is_empty() {
        return Err(SetupError::setting("outputs", "at least one node", &"none"));
    }
    let unknown = outputs.iter().find(|node| workflow.class(node).is_none());
    if let Some(node) = unknown {
        return Err(SetupError::setting("outputs", "nodes of the workflow", &format!("`{node}`")));
    }
    Ok(())
}
