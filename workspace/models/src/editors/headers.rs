//! Networks that are looked at by the headers of their files, and not loaded.

use std::sync::Arc;

use crate::load::LoadError;
use crate::weights::Checkpoint;

/// What `build` makes of a checkpoint of which only headers are read: zeros stand in for its tensors and take no memory. The
/// error is the first thing that is wrong with the headers.
pub(super) fn by_headers<T>(
    checkpoint: Checkpoint,
    build: impl FnOnce(&Arc<Checkpoint>) -> Result<T, LoadError>,
) -> Result<T, LoadError> {
    checkpoint.check_weights()?;
    let checkpoint = Arc::new(checkpoint.audited(false));
    let built = build(&checkpoint);
    checkpoint.take_notes().mistakes.into_iter().next().map_or(built, |mistake| Err(mistake.into()))
}
