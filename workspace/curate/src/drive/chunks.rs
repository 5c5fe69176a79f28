//! Rows of a block fetched a few at a time, so that a bounded number of bytes of pictures is in memory.

use std::sync::Arc;

use editscale_rollout::dataset::Dataset;
use editscale_rollout::{Place, Row, RowPicture};

use super::blocks::NumberedRow;

/// Bytes of pictures after which a chunk is full. A single row may have more.
pub(super) const CHUNK: u64 = 32 << 20;

/// What a picture of a server is taken for, whose size is not known before it is here.
const UNKNOWN: u64 = 4 << 20;

/// A permit stands for so many bytes of pictures.
const PERMIT: u64 = 1 << 20;

/// Permits for all bytes at once; at least those of one chunk.
pub(super) fn permits(bytes: u64) -> usize {
    usize::try_from(bytes.max(CHUNK) / PERMIT).unwrap_or(usize::MAX).min(tokio::sync::Semaphore::MAX_PERMITS)
}

/// Permits of one chunk.
pub(super) const PERMITS_OF_CHUNK: u32 = (CHUNK / PERMIT) as u32;

/// A row fetched from its place.
pub(super) struct Fetched {
    pub(super) number: u64,
    pub(super) place: String,
    /// The row, or why it cannot be used.
    pub(super) row: Result<Row, String>,
}

/// Fetches rows from the front of these until a chunk is full, and hands back the rest. Blocking.
pub(super) fn fetch(dataset: &Arc<Dataset>, rows: Vec<NumberedRow>) -> (Vec<Fetched>, Vec<NumberedRow>) {
    let (mut fetched, mut bytes) = (Vec::with_capacity(rows.len()), 0_u64);
    let mut rows = rows.into_iter();
    while bytes < CHUNK
        && let Some((number, found)) = rows.next()
    {
        let place = Place(found.place);
        let row = match found.problem {
            Some(problem) => Err(problem),
            None => dataset.fetch(&place, number).map_err(|problem| problem.to_string()),
        };
        let size = row.as_ref().map_or(0, |row| row.edited.iter().chain([&row.source]).map(weight).sum());
        bytes = bytes.saturating_add(size);
        fetched.push(Fetched { number, place: place.0, row });
    }
    (fetched, rows.collect())
}

fn weight(picture: &RowPicture) -> u64 {
    match picture {
        RowPicture::Bytes { bytes, .. } => bytes.len() as u64,
        // One that is not there takes no room.
        RowPicture::File(path) => std::fs::metadata(path).map_or(0, |facts| facts.len()),
        RowPicture::Address(_) => UNKNOWN,
    }
}
