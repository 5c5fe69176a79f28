//! The pipelines that are known here.

use std::path::Path;

use serde_json::{Map, Value};

use crate::editors::fit::Fit;
use crate::editors::verify::Look;
use crate::editors::{flux_kontext, instruct_pix2pix};
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

impl Component {
    /// One without weights.
    pub(super) const fn small(name: &'static str) -> Self {
        Self { name, stem: None }
    }

    /// One whose files of weights are called so.
    pub(super) const fn large(name: &'static str, stem: &'static str) -> Self {
        Self { name, stem: Some(stem) }
    }
}

/// What an editor says of its pipelines. To add one, write its room and name it in [`PipelineClass`].
pub(super) struct ClassFacts {
    /// What diffusers calls the class.
    pub(super) name: &'static str,
    /// The components that are needed, the largest last.
    pub(super) components: &'static [Component],
    /// Looks at all of them, and at whether they belong together.
    pub(super) verify: fn(&mut Look) -> Fit,
}

impl PipelineClass {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::InstructPix2Pix, Self::FluxKontext];

    /// The file of a pipeline's folder that names its class.
    pub const INDEX: &'static str = "model_index.json";

    pub(super) fn facts(self) -> &'static ClassFacts {
        match self {
            Self::InstructPix2Pix => &instruct_pix2pix::FACTS,
            Self::FluxKontext => &flux_kontext::FACTS,
        }
    }

    /// Its name in diffusers.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The components that are needed, the largest last. Pipelines may hold others, which are not used.
    pub fn components(self) -> &'static [Component] {
        self.facts().components
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
