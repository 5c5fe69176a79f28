//! Pictures of records, fetched from their data set as they are asked for.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use editscale_core::BoxFuture;
use editscale_page::Picture;
use editscale_picture::thumbnail;
use editscale_rollout::dataset::{Dataset, Pictures as Loader};
use editscale_rollout::{Place, RowPicture};

/// Which picture of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The picture before.
    Source,
    /// The edited picture with this number.
    Edited(u32),
}

/// Where pictures come from.
pub trait Pictures: fmt::Debug + Send + Sync {
    /// The file of a picture of the row at this place; why there is none, in words.
    fn picture<'a>(&'a self, place: &'a str, row: u64, which: Which) -> BoxFuture<'a, Result<Bytes, String>>;
}

/// The pictures of a data set.
#[derive(Debug, Clone)]
pub struct OfDataset {
    dataset: Arc<Dataset>,
    loader: Loader,
}

impl OfDataset {
    /// Pictures of this data set, opened with columns that read edited pictures, within the limits of the loader.
    pub fn new(dataset: Arc<Dataset>, loader: Loader) -> Self {
        Self { dataset, loader }
    }

    async fn fetch(&self, place: &str, row: u64, which: Which) -> Result<Bytes, String> {
        let (dataset, place) = (Arc::clone(&self.dataset), Place(place.to_owned()));
        let fetched = tokio::task::spawn_blocking(move || dataset.fetch(&place, row)).await;
        let fetched = fetched.map_err(|error| error.to_string())?.map_err(|problem| problem.to_string())?;
        let picture = chosen(fetched, which).ok_or_else(|| "the row has no such picture".to_owned())?;
        let here = self.loader.bring(picture).await.map_err(|problem| problem.to_string())?;
        let loader = self.loader.clone();
        let read = tokio::task::spawn_blocking(move || loader.read(here)).await.map_err(|error| error.to_string())?;
        read.map(|read| Bytes::copy_from_slice(&read.bytes)).map_err(|problem| problem.to_string())
    }
}

fn chosen(row: editscale_rollout::Row, which: Which) -> Option<RowPicture> {
    match which {
        Which::Source => Some(row.source),
        Which::Edited(candidate) => row.edited.into_iter().nth(usize::try_from(candidate).ok()?),
    }
}

impl Pictures for OfDataset {
    fn picture<'a>(&'a self, place: &'a str, row: u64, which: Which) -> BoxFuture<'a, Result<Bytes, String>> {
        Box::pin(self.fetch(place, row, which))
    }
}

/// A small copy for a page; nothing where there is no picture, or none that can be read.
pub(crate) async fn small(
    pictures: &dyn Pictures,
    (place, row): (&str, u64),
    which: Which,
    edge: u32,
) -> Option<Picture> {
    let bytes = pictures.picture(place, row, which).await.ok()?;
    let copy = tokio::task::spawn_blocking(move || thumbnail(&bytes, edge)).await.ok()??;
    let alt = match which {
        Which::Source => format!("The source of row {row}"),
        Which::Edited(candidate) => format!("Edited picture {} of row {row}", candidate + 1),
    };
    Some(Picture::of_jpeg(&copy.jpeg, (copy.width, copy.height), alt))
}
