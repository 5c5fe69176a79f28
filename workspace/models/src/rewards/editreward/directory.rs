//! A model directory: everything that makes up one judge, in files or in the program.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::files;
use crate::layers::qwen25_vl::{Config, canonical};
use crate::load::LoadError;
use crate::weights::{Checkpoint, WeightError};

/// Where the files of a judge are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directory {
    /// In a folder.
    Folder(PathBuf),
    /// In the program: the small judge that it brings.
    #[cfg(feature = "nano")]
    Builtin,
}

impl Directory {
    /// What recipes and the command line call the judge that is part of the program.
    pub const BUILTIN: &'static str = "builtin";

    /// The directory of a name: `builtin`, or a folder.
    pub fn of(name: &Path) -> Result<Self, LoadError> {
        if name == Path::new(Self::BUILTIN) {
            #[cfg(feature = "nano")]
            return Ok(Self::Builtin);
            #[cfg(not(feature = "nano"))]
            return Err(LoadError::content(
                name,
                "this program was built without the feature `nano`, which holds this judge",
            ));
        }
        Ok(Self::Folder(name.to_owned()))
    }

    /// The name of a file, for errors.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(name),
            #[cfg(feature = "nano")]
            Self::Builtin => Path::new(Self::BUILTIN).join(name),
        }
    }

    /// The bytes of a file that must be there.
    pub(super) fn read(&self, name: &str) -> Result<Cow<'static, [u8]>, LoadError> {
        let missing = || LoadError::Read { file: self.path(name), source: io::ErrorKind::NotFound.into() };
        self.read_if_there(name)?.ok_or_else(missing)
    }

    /// The bytes of a file that may be missing.
    pub(super) fn read_if_there(&self, name: &str) -> Result<Option<Cow<'static, [u8]>>, LoadError> {
        match self {
            Self::Folder(folder) => match files::read(&folder.join(name)) {
                Ok(bytes) => Ok(Some(bytes.into())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(LoadError::Read { file: self.path(name), source }),
            },
            #[cfg(feature = "nano")]
            Self::Builtin => Ok(super::nano::file(name).map(Cow::Borrowed)),
        }
    }

    /// A text file that must be there, to the last byte.
    pub(super) fn read_text(&self, name: &str) -> Result<String, LoadError> {
        String::from_utf8(self.read(name)?.into_owned())
            .map_err(|error| self.content(name, format!("is not UTF-8 text: {error}")))
    }

    /// A JSON file that may be missing.
    pub(super) fn read_json(&self, name: &str) -> Result<Option<Value>, LoadError> {
        let parse = |bytes: Cow<'_, [u8]>| {
            serde_json::from_slice(&bytes).map_err(|error| self.content(name, format!("is not JSON: {error}")))
        };
        self.read_if_there(name)?.map(parse).transpose()
    }

    /// The error that a file does not hold what it should.
    pub(super) fn content(&self, name: &str, reason: impl Into<String>) -> LoadError {
        LoadError::content(&self.path(name), reason)
    }

    /// The model's shape.
    pub(super) fn config(&self) -> Result<Config, LoadError> {
        if let Self::Folder(folder) = self
            && !folder.is_dir()
        {
            let dir = folder.display();
            let reason = format!(
                "is not a folder: expected a model directory with `config.json` and the files beside it; `editscale models \
                 pull editreward-qwen2.5-vl-7b --dir {dir}` fetches one"
            );
            return Err(LoadError::content(folder, reason));
        }
        Config::read(&self.read("config.json")?).map_err(|error| self.content("config.json", error.to_string()))
    }

    /// The bytes of all files of weights; none where they cannot be looked at.
    pub fn weight_bytes(&self) -> u64 {
        self.checkpoint().map_or(0, |checkpoint| checkpoint.bytes())
    }

    /// The weights, of which only headers are read here.
    pub(super) fn checkpoint(&self) -> Result<Checkpoint, LoadError> {
        match self {
            Self::Folder(folder) => Checkpoint::open(folder, canonical).map_err(|error| explained(folder, error)),
            #[cfg(feature = "nano")]
            Self::Builtin => Ok(Checkpoint::embedded("builtin/model.safetensors", super::nano::WEIGHTS, canonical)?),
        }
    }
}

/// Says what to do about weights that are there in the form in which training saves them.
fn explained(folder: &Path, error: WeightError) -> LoadError {
    match &error {
        WeightError::Missing { file, .. } if folder.join("model.pth").exists() => {
            let hint = "`editscale models convert` makes one of the `model.pth` that lies here";
            LoadError::content(file, format!("{}; {hint}", error.reason()))
        }
        _ => error.into(),
    }
}
