//! Records that a report shows, with small copies of their pictures.

use std::collections::BTreeSet;

use super::{Example, Remembered};
use crate::Record;
use crate::review::{Pictures, Which, small};

/// The longer edge of a copy, in pixels.
const EDGE: u32 = 224;

/// What the copies of a page may take together, as text.
const BYTES: usize = 3_500_000;

/// Takes the records that are wanted out of a pass over all of them, and fetches their pictures. Records that cannot be read
/// end it; pictures that cannot are left out.
pub async fn gather<E>(
    records: impl IntoIterator<Item = Result<Record, E>>,
    wanted: &BTreeSet<(u64, u32)>,
    pictures: &dyn Pictures,
) -> Result<Remembered, E> {
    let mut remembered = Remembered::new(BYTES);
    for record in records {
        let record = record?;
        if wanted.contains(&(record.row, record.candidate)) {
            let of = (record.place.as_str(), record.row);
            let source = small(pictures, of, Which::Source, EDGE).await;
            let edited = small(pictures, of, Which::Edited(record.candidate), EDGE).await;
            remembered.insert(Example { record, source, edited });
        }
    }
    Ok(remembered)
}
