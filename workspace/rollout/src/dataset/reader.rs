//! What the readers have in common.

use std::fmt;
use std::fs::File;
use std::sync::Arc;

use super::cell::Cells;
use super::columns::Chosen;
use super::files::Files;
use super::subset::{Copier, CopyError};
use super::{DatasetError, Listed};
use crate::Place;

/// The rows of a data set, one after the other.
pub(super) type Rows = Box<dyn Iterator<Item = Result<Listed, DatasetError>> + Send>;

/// A format. All methods may be called by many threads at once.
pub(super) trait Reader: Send + Sync + fmt::Debug {
    /// What the format is called.
    fn format(&self) -> &'static str;
    /// The files in their order.
    fn files(&self) -> &Files;
    /// The columns that are read.
    fn chosen(&self) -> &Chosen;
    /// Lists all rows.
    fn list(self: Arc<Self>) -> Rows;
    /// A place for people.
    fn spot(&self, place: &Place) -> String;
    /// What lies at a place, or what is wrong with it.
    fn cells(&self, place: &Place) -> Result<Cells, String>;
    /// What copies rows of a file into an empty one.
    fn copier(self: Arc<Self>, file: usize, created: File) -> Result<Box<dyn Copier>, CopyError>;
}

/// What is said of a place that is none.
pub(super) fn foreign(place: &Place) -> String {
    format!("`{place}` is not a place in this data set")
}
