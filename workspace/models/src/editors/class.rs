//! The pipelines that are known here, and the components that each consists of.

use std::path::Path;

use serde_json::{Map, Value};

use crate::load::{LoadError, read_json};

/// A class of pipelines, as `model_index.json` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PipelineClass {
    /// `StableDiffusionInstructPix2PixPipeline`.
    InstructPix2Pix,
    /// `FluxKontextPipeline`.
    FluxKontext,
}

/// A component of a pipeline: a folder within its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Component {
    /// What its folder is called.
    pub name: &'static str,
    /// What its files of weights are called, up to their extension; none where it has no weights.
    pub stem: Option<&'static str>,
}

/// What the weights of a component are called, up to their extension.
pub(super) const DIFFUSERS: &str = "diffusion_pytorch_model";
/// The same for components of transformers.
pub(super) const TRANSFORMERS: &str = "model";

const fn small(name: &'static str) -> Component {
    Component { name, stem: None }
}

const fn large(name: &'static str, stem: &'static str) -> Component {
    Component { name, stem: Some(stem) }
}

const INSTRUCT_PIX2PIX: [Component; 5] = [
    small("scheduler"),
    small("tokenizer"),
    large("text_encoder", TRANSFORMERS),
    large("vae", DIFFUSERS),
    large("unet", DIFFUSERS),
];

const FLUX_KONTEXT: [Component; 7] = [
    small("scheduler"),
    small("tokenizer"),
    small("tokenizer_2"),
    large("text_encoder", TRANSFORMERS),
    large("text_encoder_2", TRANSFORMERS),
    large("vae", DIFFUSERS),
    large("transformer", DIFFUSERS),
];

impl PipelineClass {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::InstructPix2Pix, Self::FluxKontext];

    /// The file of a pipeline's folder that names its class.
    pub const INDEX: &'static str = "model_index.json";

    /// Its name in diffusers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InstructPix2Pix => "StableDiffusionInstructPix2PixPipeline",
            Self::FluxKontext => "FluxKontextPipeline",
        }
    }

    /// The components that are needed, the largest last. Pipelines may hold others, which are not used.
    pub const fn components(self) -> &'static [Component] {
        match self {
            Self::InstructPix2Pix => &INSTRUCT_PIX2PIX,
            Self::FluxKontext => &FLUX_KONTEXT,
        }
    }

    /// The class that a `model_index.json` names. A file that cannot be read, or names another class, is an error that says
    /// which are known.
    pub fn read(index: &Path) -> Result<Self, LoadError> {
        let all: Map<String, Value> = read_json(index)?;
        let found = all.get("_class_name").and_then(Value::as_str);
        Self::ALL.into_iter().find(|class| found == Some(class.name())).ok_or_else(|| {
            let found = found.map_or("no pipeline".to_owned(), |found| format!("the pipeline `{found}`"));
            let known = Self::ALL.map(|class| format!("`{}`", class.name())).join(" or ");
            LoadError::content(index, format!("names {found}: expected {known}"))
        })
    }
}
