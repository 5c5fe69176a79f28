//! What the tests of data sets share: a folder, files in it, and all rows of a data set.

use std::path::{Path, PathBuf};

use editscale_picture::{Rgb8, encode_rgb8};
use editscale_rollout::dataset::{Dataset, DatasetError, SubsetError};
use editscale_rollout::{Columns, Row, RowPicture, RowProblem};

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
}

/// All rows: what is listed as bad stays bad, the others are fetched.
pub(crate) fn rows(dataset: &Dataset) -> Vec<Result<Row, RowProblem>> {
    let listed: Vec<_> = dataset.list().collect::<Result<_, _>>().unwrap();
    let fetch = |(number, listed): (usize, editscale_rollout::dataset::Listed)| {
        listed.problem.map_or_else(|| dataset.fetch(&listed.place, number as u64), Err)
    };
    listed.into_iter().enumerate().map(fetch).collect()
}

pub(crate) fn open(path: &Path) -> Result<Dataset, DatasetError> {
    Dataset::open(path, &Columns::default())
}

/// Ids and instructions, or the problem in its words.
pub(crate) fn told(path: &Path) -> Vec<String> {
    told_with(path, &Columns::default())
}

pub(crate) fn told_with(path: &Path, columns: &Columns) -> Vec<String> {
    let dataset = Dataset::open(path, columns).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let tell = |row: Result<Row, RowProblem>| match row {
        Ok(row) => format!("{}: {}", row.id, row.instruction),
        Err(problem) => problem.to_string(),
    };
    rows(&dataset).into_iter().map(tell).collect()
}

pub(crate) fn refusal(path: &Path) -> String {
    match open(path) {
        Ok(dataset) => panic!("{} was opened: {}", path.display(), dataset.describe()),
        Err(error) => error.to_string(),
    }
}

/// The bytes that a row holds.
pub(crate) fn held(picture: &RowPicture) -> &[u8] {
    match picture {
        RowPicture::Bytes { bytes, .. } => bytes,
        other => panic!("expected bytes, found {other:?}"),
    }
}

/// Writes all rows that can be written of a data set that may be damaged.
pub(crate) fn keep_what_can_be(dataset: &Dataset, out: &Path) {
    let mut subset = dataset.subset(out).unwrap();
    let places = dataset.list().take(100).map_while(Result::ok).map(|listed| listed.place);
    let is_over =
        places.into_iter().any(|place| subset.keep(&place).is_err_and(|error| !matches!(error, SubsetError::Row(_))));
    assert_eq!(subset.finish().is_err(), is_over, "what failed is not finished");
}

pub(crate) fn png(width: usize, height: usize) -> Vec<u8> {
    let data = (0..width * height * 3).map(|value| (value * 7 % 251) as u8).collect();
    encode_rgb8(&Rgb8 { width, height, data }).unwrap()
}

/// Whether each text holds the words of the same place.
pub(crate) fn assert_each(told: &[String], expected: &[&str]) {
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.contains(expected), "expected `{expected}` in `{told}`");
    }
}
