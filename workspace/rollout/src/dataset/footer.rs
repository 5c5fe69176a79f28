//! What a Parquet file says of itself.

use std::fs::File;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::ParquetMetaData;

use super::columnar::guarded;
use super::nesting;

/// The most rows a byte: where columns are the same all along, some hundred bytes say a million rows.
const MOST_ROWS_A_BYTE: u64 = 1 << 16;

/// Reads what a Parquet file says of itself. A damaged file is refused, also where the library would panic or run out of stack, and
/// one that declares more rows than it can hold: they would be gone through without end. Blocking.
pub(super) fn read_footer(file: &File, options: ArrowReaderOptions) -> Result<ArrowReaderMetadata, String> {
    nesting::check(file)?;
    let footer = guarded(|| ArrowReaderMetadata::load(file, options).map_err(|error| error.to_string()))?;
    let bytes = file.metadata().map_err(|error| error.to_string())?.len();
    check_rows(footer.metadata(), bytes)?;
    Ok(footer)
}

fn check_rows(metadata: &ParquetMetaData, bytes: u64) -> Result<(), String> {
    let rows = metadata.row_groups().iter().map(|group| u64::try_from(group.num_rows()).unwrap_or_default());
    let rows = rows.fold(0, u64::saturating_add);
    if rows <= bytes.saturating_mul(MOST_ROWS_A_BYTE) {
        return Ok(());
    }
    Err(format!("the file declares {rows} rows, more than its {bytes} bytes can hold"))
}
