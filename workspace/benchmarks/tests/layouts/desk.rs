//! What the tests share: a folder, files in it, and all that a benchmark gives.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder, StructBuilder};
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Fields, Schema};
use editscale_benchmarks::layouts::{Benchmark, Found, LayoutError, Reading};
use editscale_benchmarks::{Case, Human, Preset};
use editscale_picture::{Rgb8, encode_rgb8};
use editscale_rollout::RowPicture;
use parquet::arrow::ArrowWriter;
use serde_json::Value;

/// A folder that is gone after the test.
pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn json(&self, name: &str, value: &Value) -> PathBuf {
        self.write(name, serde_json::to_vec_pretty(value).unwrap())
    }

    pub(crate) fn parquet(&self, name: &str, columns: &[(&str, ArrayRef)]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let field = |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
        let mut writer = ArrowWriter::try_new(std::fs::File::create(&path).unwrap(), schema, None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        path
    }
}

/// A small picture that no other number gives.
pub(crate) fn png(number: u8) -> Vec<u8> {
    let data = (0..48_u8).map(|at| at.wrapping_mul(5).wrapping_add(number)).collect();
    encode_rgb8(&Rgb8 { width: 4, height: 4, data }).unwrap()
}

/// A column of pictures as `datasets` writes them.
pub(crate) fn images(pictures: &[Vec<u8>]) -> ArrayRef {
    let fields = vec![Field::new("bytes", DataType::Binary, true), Field::new("path", DataType::Utf8, true)];
    let mut builder = StructBuilder::from_fields(Fields::from(fields), pictures.len());
    for picture in pictures {
        builder.field_builder::<BinaryBuilder>(0).unwrap().append_value(picture);
        builder.field_builder::<StringBuilder>(1).unwrap().append_value("x.png");
        builder.append(true);
    }
    Arc::new(builder.finish())
}

pub(crate) fn texts<T: AsRef<str>>(texts: &[T]) -> ArrayRef {
    Arc::new(texts.iter().map(|text| Some(text.as_ref())).collect::<StringArray>())
}

pub(crate) fn numbers(numbers: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(numbers.to_vec()))
}

pub(crate) fn open(preset: Preset, path: &Path) -> Result<Benchmark, LayoutError> {
    Benchmark::open(preset, path, &Reading::default())
}

/// All cases, and all problems in their words.
pub(crate) fn read(benchmark: &Benchmark) -> (Vec<Case>, Vec<String>) {
    let (mut cases, mut problems) = (Vec::new(), Vec::new());
    for found in benchmark.cases() {
        match found.unwrap() {
            Found::Case(case) => cases.push(case),
            Found::Problem(problem) => problems.push(problem.to_string()),
        }
    }
    (cases, problems)
}

pub(crate) fn refusal(preset: Preset, path: &Path) -> String {
    match open(preset, path) {
        Ok(benchmark) => panic!("it was opened: {:?}", benchmark.describe()),
        Err(error) => error.to_string(),
    }
}

pub(crate) fn ranking(case: &Case) -> &str {
    match &case.human {
        Human::Ranking(text) => text,
        other => panic!("expected a ranking, found {other:?}"),
    }
}

/// The bytes that a case holds.
pub(crate) fn held(picture: &RowPicture) -> &[u8] {
    match picture {
        RowPicture::Bytes { bytes, .. } => bytes,
        other => panic!("expected bytes, found {other:?}"),
    }
}

/// Whether each text holds the words of the same place.
pub(crate) fn assert_each(told: &[String], expected: &[&str]) {
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.contains(expected), "expected `{expected}` in `{told}`");
    }
}
