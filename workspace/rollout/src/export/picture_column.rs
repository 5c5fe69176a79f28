//! Pictures in a column, as `datasets` writes them.

use std::sync::Arc;

use arrow_array::{BinaryArray, StringArray, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

/// Above this, pictures of one column and row group are no longer written once each. Never reached: row groups end before.
const DICTIONARY_BYTES: usize = 1 << 30;

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

/// How a file with columns of pictures is written: the pictures as they are, all else compressed, and what the schema tells
/// `datasets` beside it.
pub fn picture_properties<'a>(schema: &Schema, pictures: impl Iterator<Item = &'a str>) -> WriterProperties {
    let features = schema.metadata().get("huggingface").cloned();
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("editscale version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(None)
        .set_key_value_metadata(Some(vec![KeyValue::new("huggingface".to_owned(), features)]));
    for name in pictures {
        let bytes = ColumnPath::new(vec![name.to_owned(), "bytes".to_owned()]);
        properties = properties
            .set_column_compression(bytes.clone(), Compression::UNCOMPRESSED)
            .set_column_statistics_enabled(bytes.clone(), EnabledStatistics::None)
            // A source is in all rows of its group, and a candidate in many pairs: each is written once a row group.
            .set_column_dictionary_page_size_limit(bytes, DICTIONARY_BYTES);
    }
    properties.build()
}
