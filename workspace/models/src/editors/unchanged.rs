//! Weights that are loaded once more: they have to be those that the editor's revision was made of.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::editors::fingerprint::Fingerprint;
use crate::editors::flux::TransformerSource;
use crate::load::LoadError;

/// What tells weights from others, entered into a fingerprint.
type Enter = dyn Fn(&mut Fingerprint) -> Result<(), LoadError> + Send + Sync;

/// Weights as they were when an editor was made. Loaded from files that were changed since, candidates of two models would bear one
/// revision.
pub(super) struct Unchanged {
    place: PathBuf,
    enter: Box<Enter>,
    was: Arc<str>,
}

impl Unchanged {
    /// Looks at what is there now.
    pub(super) fn new(
        place: &Path,
        enter: impl Fn(&mut Fingerprint) -> Result<(), LoadError> + Send + Sync + 'static,
    ) -> Result<Self, LoadError> {
        let was = look(&enter)?;
        Ok(Self { place: place.to_owned(), enter: Box::new(enter), was })
    }

    /// The same of a transformer.
    pub(super) fn of_transformer(source: &TransformerSource) -> Result<Self, LoadError> {
        let own = source.clone();
        let (TransformerSource::Folder(place) | TransformerSource::File(place)) = source;
        Self::new(place, move |fingerprint| fingerprint.enter_transformer(&own))
    }

    /// Refuses what is another by now, as far as samples tell.
    pub(super) fn check(&self) -> Result<(), LoadError> {
        if look(&self.enter)? == self.was {
            return Ok(());
        }
        let reason = "was changed while an editor used it: expected the weights that the editor was made with";
        Err(LoadError::content(&self.place, reason))
    }
}

fn look(enter: &Enter) -> Result<Arc<str>, LoadError> {
    let mut fingerprint = Fingerprint::default();
    enter(&mut fingerprint)?;
    Ok(fingerprint.revision("weights"))
}

impl fmt::Debug for Unchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unchanged").field("place", &self.place).finish_non_exhaustive()
    }
}
