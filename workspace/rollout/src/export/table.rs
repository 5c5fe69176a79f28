//! Tables of what is known of candidates: their columns, as Arrow, as features of `datasets`, and as JSON.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef};
use serde::Serialize;

use super::candidate::Entry;
use super::picture_column::{PICTURE_FEATURE, picture_column, picture_fields};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Flag,
    Int,
    Float,
    Picture,
    Ints,
    Texts,
    Scores,
}

/// A column, and where its cells come from.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) cell: for<'a> fn(&Entry<'a>) -> Cell<'a>,
}

/// One value of a row.
pub(super) enum Cell<'a> {
    Null,
    Text(Cow<'a, str>),
    /// A column of text that holds JSON.
    Json(String),
    Flag(bool),
    Int(i64),
    Float(f64),
    Picture(PictureCell<'a>),
    Ints(&'a [u32]),
    Texts(&'a [String]),
    Scores(Vec<ScoreCell<'a>>),
}

/// A picture as `datasets` writes it.
pub(super) struct PictureCell<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) path: String,
}

/// What one reward said.
#[derive(Default, Serialize)]
pub(super) struct ScoreCell<'a> {
    pub(super) reward: &'a str,
    pub(super) revision: Option<&'a str>,
    pub(super) mean: Option<f64>,
    pub(super) sigma: Option<f64>,
    pub(super) failure_kind: Option<&'a str>,
    pub(super) failure: Option<&'a str>,
    pub(super) parts: &'a [crate::group::PartRow],
}

/// The schema of a table, with the features that `datasets` reads from it.
pub(super) fn schema(columns: &[Column]) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(|column| Field::new(column.name, column.kind.arrow(), true)).collect();
    Arc::new(Schema::new_with_metadata(fields, HashMap::from([("huggingface".to_owned(), features(columns))])))
}

/// The features in the order of the columns, which no map of the JSON library promises to keep.
fn features(columns: &[Column]) -> String {
    let features = columns.iter().map(|column| format!("\"{}\": {}", column.name, column.kind.feature()));
    format!("{{\"info\": {{\"features\": {{{}}}}}}}", features.collect::<Vec<_>>().join(", "))
}

/// The rows of a table.
pub(super) fn batch(schema: &SchemaRef, columns: &[Column], rows: &[Entry<'_>]) -> Result<RecordBatch, ArrowError> {
    let arrays = columns.iter().map(|column| column.kind.array(rows.iter().map(|row| (column.cell)(row)).collect()));
    RecordBatch::try_new(Arc::clone(schema), arrays.collect::<Result<_, _>>()?)
}

/// A row as a JSON object without its pictures.
pub(super) fn json(columns: &[Column], row: &Entry<'_>) -> Result<String, serde_json::Error> {
    let mut parts = Vec::with_capacity(columns.len());
    for column in columns.iter().filter(|column| column.kind != Kind::Picture) {
        parts.push(format!("\"{}\": {}", column.name, (column.cell)(row).json()?));
    }
    Ok(format!("{{{}}}\n", parts.join(", ")))
}

impl Cell<'_> {
    fn json(&self) -> Result<String, serde_json::Error> {
        match self {
            Self::Null | Self::Picture(_) => Ok("null".to_owned()),
            Self::Text(text) => serde_json::to_string(text),
            Self::Json(text) => Ok(text.clone()),
            Self::Flag(flag) => serde_json::to_string(flag),
            Self::Int(number) => serde_json::to_string(number),
            Self::Float(number) => serde_json::to_string(number),
            Self::Ints(numbers) => serde_json::to_string(numbers),
            Self::Texts(texts) => serde_json::to_string(texts),
            Self::Scores(scores) => serde_json::to_string(scores),
        }
    }
}

fn named(fields: &[(&str, DataType)]) -> Fields {
    fields.iter().map(|(name, kind)| Field::new(*name, kind.clone(), true)).collect()
}

fn item(kind: DataType) -> Arc<Field> {
    Arc::new(Field::new_list_field(kind, true))
}

fn part_fields() -> Fields {
    named(&[("name", DataType::Utf8), ("mean", DataType::Float64), ("sigma", DataType::Float64)])
}

fn score_fields() -> Fields {
    named(&[
        ("reward", DataType::Utf8),
        ("revision", DataType::Utf8),
        ("mean", DataType::Float64),
        ("sigma", DataType::Float64),
        ("failure_kind", DataType::Utf8),
        ("failure", DataType::Utf8),
        ("parts", DataType::List(item(DataType::Struct(part_fields())))),
    ])
}

impl Kind {
    fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Flag => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Picture => DataType::Struct(picture_fields()),
            Self::Ints => DataType::List(item(DataType::Int32)),
            Self::Texts => DataType::List(item(DataType::Utf8)),
            Self::Scores => DataType::List(item(DataType::Struct(score_fields()))),
        }
    }

    /// The feature of `datasets`. Lists are written the way that its releases before and after 4.0 both read.
    fn feature(self) -> String {
        let value = |dtype: &str| format!("{{\"dtype\": \"{dtype}\", \"_type\": \"Value\"}}");
        let (text, float) = (value("string"), value("float64"));
        match self {
            Self::Text => text,
            Self::Flag => value("bool"),
            Self::Int => value("int64"),
            Self::Float => float,
            Self::Picture => PICTURE_FEATURE.to_owned(),
            Self::Ints => format!("[{}]", value("int32")),
            Self::Texts => format!("[{text}]"),
            Self::Scores => {
                let parts = format!("[{{\"name\": {text}, \"mean\": {float}, \"sigma\": {float}}}]");
                let said =
                    format!("\"mean\": {float}, \"sigma\": {float}, \"failure_kind\": {text}, \"failure\": {text}");
                format!("[{{\"reward\": {text}, \"revision\": {text}, {said}, \"parts\": {parts}}}]")
            }
        }
    }

    fn array(self, cells: Vec<Cell<'_>>) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Text => Arc::new(cells.into_iter().map(text).collect::<StringArray>()),
            Self::Flag => Arc::new(cells.iter().map(flag).collect::<BooleanArray>()),
            Self::Int => Arc::new(cells.iter().map(int).collect::<Int64Array>()),
            Self::Float => Arc::new(cells.iter().map(float).collect::<Float64Array>()),
            Self::Picture => Arc::new(pictures(&cells)?),
            Self::Ints => Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(cells.iter().map(ints))),
            Self::Texts => Arc::new(texts(&cells)?),
            Self::Scores => Arc::new(scores(&cells)?),
        })
    }
}

fn text(cell: Cell<'_>) -> Option<Cow<'_, str>> {
    match cell {
        Cell::Text(text) => Some(text),
        Cell::Json(text) => Some(Cow::Owned(text)),
        _ => None,
    }
}

fn flag(cell: &Cell<'_>) -> Option<bool> {
    if let Cell::Flag(flag) = cell { Some(*flag) } else { None }
}

fn int(cell: &Cell<'_>) -> Option<i64> {
    if let Cell::Int(number) = cell { Some(*number) } else { None }
}

fn float(cell: &Cell<'_>) -> Option<f64> {
    if let Cell::Float(number) = cell { Some(*number) } else { None }
}

fn ints(cell: &Cell<'_>) -> Option<Vec<Option<i32>>> {
    if let Cell::Ints(numbers) = cell {
        // Candidates are counted, so far below the end of their type.
        Some(numbers.iter().map(|number| i32::try_from(*number).ok()).collect())
    } else {
        None
    }
}

fn texts(cells: &[Cell<'_>]) -> Result<ListArray, ArrowError> {
    let lists = cells.iter().map(|cell| if let Cell::Texts(texts) = cell { *texts } else { &[] });
    let lists: Vec<&[String]> = lists.collect();
    let values = lists.iter().flat_map(|list| list.iter().map(Some)).collect::<StringArray>();
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.len()));
    ListArray::try_new(item(DataType::Utf8), offsets, Arc::new(values), None)
}

fn pictures(cells: &[Cell<'_>]) -> Result<StructArray, ArrowError> {
    let given = cells.iter().map(|cell| match cell {
        Cell::Picture(picture) => Some((picture.bytes, picture.path.as_str())),
        _ => None,
    });
    picture_column(&given.collect::<Vec<_>>())
}

fn scores(cells: &[Cell<'_>]) -> Result<ListArray, ArrowError> {
    let lists = cells.iter().map(|cell| if let Cell::Scores(scores) = cell { scores.as_slice() } else { &[] });
    let lists: Vec<&[ScoreCell<'_>]> = lists.collect();
    let all = || lists.iter().flat_map(|list| list.iter());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(all().map(|score| Some(score.reward)).collect::<StringArray>()),
        Arc::new(all().map(|score| score.revision).collect::<StringArray>()),
        Arc::new(all().map(|score| score.mean).collect::<Float64Array>()),
        Arc::new(all().map(|score| score.sigma).collect::<Float64Array>()),
        Arc::new(all().map(|score| score.failure_kind).collect::<StringArray>()),
        Arc::new(all().map(|score| score.failure).collect::<StringArray>()),
        Arc::new(parts(&all().map(|score| score.parts).collect::<Vec<_>>())?),
    ];
    let values = StructArray::try_new(score_fields(), columns, None)?;
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.len()));
    ListArray::try_new(item(DataType::Struct(score_fields())), offsets, Arc::new(values), None)
}

fn parts(lists: &[&[crate::group::PartRow]]) -> Result<ListArray, ArrowError> {
    let all = || lists.iter().flat_map(|list| list.iter());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(all().map(|part| Some(&part.name)).collect::<StringArray>()),
        Arc::new(all().map(|part| Some(part.mean)).collect::<Float64Array>()),
        Arc::new(all().map(|part| part.sigma).collect::<Float64Array>()),
    ];
    let values = StructArray::try_new(part_fields(), columns, None)?;
    let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.len()));
    ListArray::try_new(item(DataType::Struct(part_fields())), offsets, Arc::new(values), None)
}
