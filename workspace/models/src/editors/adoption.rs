//! The adapter that a denoiser computes with: that of the recipe, or one that a trainer hands over.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use editscale_core::{Failure, PolicyKind, PolicySupport, PolicyWeights};

use crate::editors::failure::invalid;
use crate::editors::fingerprint::Fingerprint;
use crate::editors::flux::{AdapterSource, FluxAdapter};
use crate::load::LoadError;

/// What editors with low-rank adapters take up.
pub(super) const ADAPTERS: PolicySupport = PolicySupport { adapters: true, checkpoints: false };

/// The adapter in force. An editor begins with that of its recipe, or with none.
#[derive(Debug, Clone, Default)]
pub(super) struct Adoption {
    own: Option<FluxAdapter>,
    in_force: Option<FluxAdapter>,
}

impl Adoption {
    /// With the adapter that a recipe names, as the denoiser reads it.
    pub(super) fn begin(
        (path, scale): (Option<&PathBuf>, f64),
        read: impl FnOnce(AdapterSource<'_>) -> Result<FluxAdapter, LoadError>,
    ) -> Result<Self, LoadError> {
        let own = path.map(|path| read(AdapterSource { path, scale: scale as f32 })).transpose()?;
        Ok(Self { in_force: own.clone(), own })
    }

    /// What the denoiser is to compute with.
    pub(super) fn in_force(&self) -> Option<&FluxAdapter> {
        self.in_force.as_ref()
    }

    /// Tells editors with other adapters, or other strengths, apart.
    pub(super) fn enter(&self, scale: f64, fingerprint: &mut Fingerprint) {
        if let Some(adapter) = &self.own {
            fingerprint.enter(adapter.digest().as_bytes());
            fingerprint.enter(format!("{scale:?}").as_bytes());
        }
    }

    /// Takes up what a trainer hands over to a model, as its denoiser reads it, and answers the digest of the file.
    pub(super) fn adopt(
        &mut self,
        weights: &PolicyWeights,
        model: &str,
        read: impl FnOnce(AdapterSource<'_>) -> Result<FluxAdapter, LoadError>,
    ) -> Result<Option<Arc<str>>, Failure> {
        match &weights.kind {
            PolicyKind::Base => {
                self.in_force.clone_from(&self.own);
                Ok(None)
            }
            PolicyKind::Adapter(path) => {
                let source = AdapterSource { path: Path::new(&**path), scale: weights.scale };
                let adapter = read(source).map_err(|error| invalid(error.to_string()))?;
                let digest = adapter.digest().to_hex().as_str().into();
                self.in_force = Some(adapter);
                Ok(Some(digest))
            }
            PolicyKind::Checkpoint(_) => {
                Err(invalid(format!("{weights} cannot be taken up: {model} takes up adapters")))
            }
        }
    }
}
