//! Records to the bytes of a Parquet file.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::Value as Json;

use super::{Form, Layout, TableError};
use crate::{PictureFacts, Record, Value};

/// Records of one row group: readers hold one at a time.
const ROW_GROUP: usize = 4096;

/// The file of these records with the columns of this layout, which must have grown by all of them. Equal records give equal
/// bytes.
pub fn encode(layout: &Layout, records: &[Record]) -> Result<Vec<u8>, TableError> {
    let schema = layout.schema();
    let failed = |error: &dyn std::fmt::Display| TableError::Unwritable(error.to_string());
    let properties = WriterProperties::builder()
        .set_created_by(concat!("editscale version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP));
    let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties.build()));
    let mut writer = writer.map_err(|error| failed(&error))?;
    for records in records.chunks(ROW_GROUP) {
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns(layout, records, &schema));
        writer.write(&batch.map_err(|error| failed(&error))?).map_err(|error| failed(&error))?;
    }
    writer.into_inner().map_err(|error| failed(&error))
}

/// The cells, in the order of the schema.
fn columns(layout: &Layout, records: &[Record], schema: &SchemaRef) -> Vec<ArrayRef> {
    let text = |cell: fn(&Record) -> &str| -> ArrayRef {
        Arc::new(records.iter().map(|record| Some(cell(record))).collect::<StringArray>())
    };
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    columns.push(Arc::new(records.iter().map(|record| record.row).collect::<UInt64Array>()));
    columns.push(text(|record| &record.row_id));
    columns.push(text(|record| &record.place));
    columns.push(Arc::new(records.iter().map(|record| record.candidate).collect::<UInt32Array>()));
    columns.push(text(|record| &record.instruction));
    columns.extend(pictures(records, |record| record.source.as_ref()));
    columns.extend(pictures(records, |record| record.edited.as_ref()));
    columns.push(Arc::new(records.iter().map(|record| record.score).collect::<Float64Array>()));
    columns.push(Arc::new(records.iter().map(|record| record.sigma).collect::<Float64Array>()));
    columns.push(Arc::new(records.iter().map(|record| record.failure.as_deref()).collect::<StringArray>()));
    for key in &layout.said {
        let said = || records.iter().map(|record| record.said.get(key));
        let mean = |value: &Value| value.mean;
        columns.push(Arc::new(said().map(|value| value.map(mean)).collect::<Float64Array>()));
        columns.push(Arc::new(said().map(|value| value?.sigma).collect::<Float64Array>()));
    }
    for (key, form) in &layout.extra {
        let cells = records.iter().map(|record| cell(record.extra.get(key)?, *form));
        columns.push(Arc::new(cells.collect::<StringArray>()));
    }
    columns
}

fn pictures(records: &[Record], facts: fn(&Record) -> Option<&PictureFacts>) -> [ArrayRef; 5] {
    let all = || records.iter().map(facts);
    [
        Arc::new(all().map(|facts| Some(facts?.digest.as_str())).collect::<StringArray>()),
        Arc::new(all().map(|facts| Some(format!("{:016x}", facts?.hash))).collect::<StringArray>()),
        Arc::new(all().map(|facts| Some(facts?.width)).collect::<UInt32Array>()),
        Arc::new(all().map(|facts| Some(facts?.height)).collect::<UInt32Array>()),
        Arc::new(all().map(|facts| facts?.name.as_deref()).collect::<StringArray>()),
    ]
}

fn cell(value: &Json, form: Form) -> Option<String> {
    match (value, form) {
        (Json::Null, _) => None,
        (Json::String(text), Form::Text) => Some(text.clone()),
        // A layout that has grown by the record holds nothing but texts where the form is that.
        (other, _) => Some(other.to_string()),
    }
}
