//! The folder of a pipeline as diffusers writes it: `model_index.json` and a folder a component.

use std::path::{Path, PathBuf};

use crate::editors::class::PipelineClass;
use crate::load::LoadError;

/// The folder of a pipeline of a known class.
#[derive(Debug, Clone)]
pub(super) struct PipelineFolder {
    path: PathBuf,
}

impl PipelineFolder {
    /// Opens a folder whose index names this class. `pull` is how such a folder can be had.
    pub(super) fn open(path: &Path, class: PipelineClass, pull: &str) -> Result<Self, LoadError> {
        let index = path.join(PipelineClass::INDEX);
        if !index.is_file() {
            let dir = path.display();
            let reason = format!("is missing: expected the folder of a pipeline; `{pull} --dir {dir}` fetches one");
            return Err(LoadError::content(&index, reason));
        }
        match PipelineClass::read(&index)? {
            found if found == class => Ok(Self::of(path)),
            found => {
                let reason = format!("names the pipeline `{}`: expected `{}`", found.name(), class.name());
                Err(LoadError::content(&index, reason))
            }
        }
    }

    /// A folder whose index has been looked at.
    pub(super) fn of(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The pipeline's folder.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of a component, which has to be there.
    pub(super) fn component(&self, name: &str) -> Result<PathBuf, LoadError> {
        let folder = self.path.join(name);
        if folder.is_dir() {
            return Ok(folder);
        }
        Err(LoadError::content(&folder, "is missing: expected the folder of a component of the pipeline"))
    }

    /// The file that describes the sampler.
    pub(super) fn scheduler(&self) -> PathBuf {
        self.path.join("scheduler").join("scheduler_config.json")
    }
}
