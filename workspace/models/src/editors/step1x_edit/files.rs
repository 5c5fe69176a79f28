//! Where the parts of a Step1X-Edit lie: in a folder of the authors' fork of diffusers, or in files as the authors publish them.

use std::path::{Path, PathBuf};

use crate::editors::class::DIFFUSERS;
use crate::editors::fingerprint::Fingerprint;
use crate::editors::flux::TransformerSource;
use crate::editors::folder::PipelineFolder;
use crate::editors::memory::weight_bytes;
use crate::editors::step1x_edit::{CLASSES, denoiser};
use crate::encoders::vision_language::EncoderPlaces;
use crate::layers::autoencoder_kl::AutoencoderKl;
use crate::load::LoadError;
use crate::weights::Storage;

const PULL: &str = "editscale models pull step1x-edit";

/// What a recipe names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files {
    /// The pipeline's folder. Without one the other three are needed.
    pub dir: Option<PathBuf>,
    /// A file with the denoiser in place of that of the folder.
    pub transformer: Option<PathBuf>,
    /// An autoencoder in place of that of the folder: a folder, or a file with original names.
    pub vae: Option<PathBuf>,
    /// An encoder in place of that of the folder.
    pub encoder: Option<PathBuf>,
}

/// Where everything lies.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) transformer: TransformerSource,
    pub(super) vae: PathBuf,
    pub(super) encoder: EncoderPlaces,
    /// The scheduler's file, where there is a folder.
    pub(super) scheduler: Option<PathBuf>,
}

impl Places {
    pub(super) fn of(files: &Files) -> Result<Self, LoadError> {
        let folder = files.dir.as_deref().map(open).transpose()?;
        let unnamed = |name: &str| {
            let reason = "is not named: expected `dir`, or all of `transformer`, `vae` and `encoder`";
            Err(LoadError::content(Path::new(name), reason))
        };
        let component = |name: &str| folder.as_ref().map_or_else(|| unnamed(name), |folder| folder.component(name));
        Ok(Self {
            transformer: match &files.transformer {
                Some(file) => TransformerSource::File(file.clone()),
                None => TransformerSource::Folder(component("transformer")?),
            },
            vae: files.vae.clone().map_or_else(|| component("vae"), Ok)?,
            encoder: match files.encoder.as_ref().or(files.dir.as_ref()) {
                Some(folder) => EncoderPlaces::of(folder)?,
                None => EncoderPlaces::of(&component("encoder")?)?,
            },
            scheduler: folder.map(|folder| folder.scheduler()),
        })
    }

    /// What errors about the whole point at.
    pub(super) fn root(&self) -> PathBuf {
        self.transformer.described()
    }

    /// The bytes of the encoder, kept so.
    pub(super) fn text_bytes(&self, kept: Storage) -> Result<u64, LoadError> {
        self.encoder.kept_bytes(kept)
    }

    /// The bytes of the autoencoder and the denoiser, kept so.
    pub(super) fn picture_bytes(&self, kept: Storage) -> Result<u64, LoadError> {
        let vae = if self.vae.is_file() {
            AutoencoderKl::open_file(&self.vae)?.kept_bytes(kept)
        } else {
            weight_bytes(&self.vae, DIFFUSERS, kept)?
        };
        Ok(vae + denoiser::open(&self.transformer)?.0.kept_bytes(kept))
    }

    /// Tells these files from others.
    pub(super) fn enter(&self, fingerprint: &mut Fingerprint) -> Result<(), LoadError> {
        fingerprint.enter_transformer(&self.transformer)?;
        fingerprint.enter_weights(&self.vae)?;
        fingerprint.enter(&self.encoder.sample()?);
        Ok(())
    }
}

/// Opens a folder of any class that is known here.
fn open(folder: &Path) -> Result<PipelineFolder, LoadError> {
    let [first, second] = CLASSES;
    PipelineFolder::open(folder, first, PULL)
        .or_else(|error| PipelineFolder::open(folder, second, PULL).map_err(|_| error))
}
