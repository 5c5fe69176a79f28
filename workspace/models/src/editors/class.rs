//! The pipelines that are known here.

use std::fmt;
use std::path::Path;

use serde_json::{Map, Value};

use crate::editors::CLASSES;
use crate::editors::fit::Fit;
use crate::editors::verify::Look;
use crate::load::{LoadError, read_json};

/// A class of pipelines, as `model_index.json` names it. What there is of them is listed in `editors/mod.rs`.
#[derive(Clone, Copy)]
pub struct PipelineClass(&'static ClassFacts);

impl PartialEq for PipelineClass {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for PipelineClass {}

impl fmt::Debug for PipelineClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
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

/// What an editor says of its pipelines. To add one, write its room and list it in `editors/mod.rs`.
pub(super) struct ClassFacts {
    /// What diffusers calls the class.
    pub(super) name: &'static str,
    /// The components that are needed, the largest last.
    pub(super) components: &'static [Component],
    /// Looks at all of them, and at whether they belong together.
    pub(super) verify: fn(&mut Look) -> Fit,
}

impl PipelineClass {
    /// The file of a pipeline's folder that names its class.
    pub const INDEX: &'static str = "model_index.json";

    pub(super) const fn of(facts: &'static ClassFacts) -> Self {
        Self(facts)
    }

    /// Looks at all components of a folder, and at whether they belong together.
    pub(super) fn verify(self, look: &mut Look) -> Fit {
        (self.0.verify)(look)
    }

    /// Its name in diffusers.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The components that are needed, the largest last. Pipelines may hold others, which are not used.
    pub fn components(self) -> &'static [Component] {
        self.0.components
    }

    /// The class that a `model_index.json` names. A file that cannot be read, or names another class, is an error that says
    /// which are known.
    pub fn read(index: &Path) -> Result<Self, LoadError> {
        let all: Map<String, Value> = read_json(index)?;
        let found = all.get("_class_name").and_then(Value::as_str);
        CLASSES.iter().copied().find(|class| found == Some(class.name())).ok_or_else(|| {
            let found = found.map_or("no pipeline".to_owned(), |found| format!("the pipeline `{found}`"));
            let known: Vec<String> = CLASSES.iter().map(|class| format!("`{}`", class.name())).collect();
            let known = known.join(" or ");
            LoadError::content(index, format!("names {found}: expected {known}"))
        })
    }
}
