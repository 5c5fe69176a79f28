//! Pictures in a column, as `datasets` writes them.

use std::sync::Arc;

use arrow_array::{BinaryArray, StringArray, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType, Field, Fields};

/// What the metadata of a table says of such a column, as a feature of `datasets`.
pub const PICTURE_FEATURE: &str = "{\"_type\": \"Image\"}";

/// The fields of such a column: the file's bytes, and what it is called.
pub fn picture_fields() -> Fields {
    [("bytes", DataType::Binary), ("path", DataType::Utf8)]
        .map(|(name, kind)| Field::new(name, kind, true))
        .into_iter()
        .collect()
}

/// A column of pictures: bytes and names, or nothing.
pub fn picture_column(pictures: &[Option<(&[u8], &str)>]) -> Result<StructArray, ArrowError> {
    let bytes = pictures.iter().map(|picture| picture.map(|(bytes, _)| bytes)).collect::<BinaryArray>();
    let paths = pictures.iter().map(|picture| picture.map(|(_, path)| path)).collect::<StringArray>();
    let nulls = NullBuffer::from(pictures.iter().map(Option::is_some).collect::<Vec<_>>());
    StructArray::try_new(picture_fields(), vec![Arc::new(bytes), Arc::new(paths)], Some(nulls))
}
