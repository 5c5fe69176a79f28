//! Where a worker finds a row: in the data set itself, or in words that travel with the item.

use std::sync::Arc;
use std::time::Duration;

use editscale_core::{Digest, EncodedImage, ImageSize, MediaType};
use serde::{Deserialize, Serialize};

use crate::dataset::{Dataset, PictureProblem, Pictures};
use crate::depot::{Depot, DepotError};
use crate::row::{Place, Row, RowPicture, RowProblem};

/// Where rows come from.
#[derive(Debug, Clone)]
pub enum Rows {
    /// From the data set, which this machine sees.
    Dataset(Arc<Dataset>),
    /// From the data set, for workers that may not see it: pictures are put into the depot, and the rest of the row travels as
    /// the item's place.
    Shipped(Arc<Dataset>),
    /// As somebody else has shipped them.
    Depot,
}

/// What a place begins with that holds a shipped row.
const SHIPPED: &str = "row:";

/// Longer rows would not fit into a message of a server with its usual settings, which is one mebibyte.
const LONGEST: usize = 512 * 1024;

/// The longest wait before a picture's server is asked again.
const LONGEST_WAIT: Duration = Duration::from_secs(32);

/// A row as it travels.
#[derive(Debug, Serialize, Deserialize)]
struct Shipped {
    id: String,
    instruction: String,
    source: Sent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mask: Option<Sent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    extra: serde_json::Map<String, serde_json::Value>,
}

/// A picture in the depot.
#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    digest: String,
    format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// A row could not be fetched: for a reason of its own, or because the depot is away.
#[derive(Debug)]
pub(crate) enum Unfetched {
    /// The row has a problem.
    Row(RowProblem),
    /// The depot has one.
    Depot(DepotError),
}

impl From<RowProblem> for Unfetched {
    fn from(problem: RowProblem) -> Self {
        Self::Row(problem)
    }
}

impl From<DepotError> for Unfetched {
    fn from(error: DepotError) -> Self {
        Self::Depot(error)
    }
}

fn sources_key(digest: Digest) -> String {
    format!("sources/{digest}")
}

/// The row at a place.
pub(crate) async fn fetch(rows: &Rows, depot: &Depot, place: &Place, number: u64) -> Result<Row, Unfetched> {
    if let Some(text) = place.0.strip_prefix(SHIPPED) {
        return unship(depot, text, number).await;
    }
    let (Rows::Dataset(dataset) | Rows::Shipped(dataset)) = rows else {
        let reason = "the row did not travel with its item, and this worker does not see the data set".to_owned();
        return Err(RowProblem { place: place.to_string(), reason }.into());
    };
    let (dataset, place) = (Arc::clone(dataset), place.clone());
    let shown = place.to_string();
    let fetched = tokio::task::spawn_blocking(move || dataset.fetch(&place, number)).await;
    fetched.map_err(|panic| RowProblem { place: shown, reason: panic.to_string() })?.map_err(Into::into)
}

/// Puts a row's pictures into the depot, and the rest into a place.
pub(crate) async fn ship(row: Row, depot: &Depot, pictures: &Pictures) -> Result<Place, Unfetched> {
    let problem = |reason: String| RowProblem { place: row.id.clone(), reason };
    let source = send(&row.source, depot, pictures).await?.map_err(problem)?;
    let mask = match &row.mask {
        None => None,
        Some(mask) => Some(send(mask, depot, pictures).await?.map_err(problem)?),
    };
    let shipped = Shipped {
        id: row.id.clone(),
        instruction: row.instruction.clone(),
        source,
        mask,
        seed: row.seed,
        extra: row.extra.clone(),
    };
    let text = serde_json::to_string(&shipped).map_err(|error| problem(error.to_string()))?;
    if text.len() > LONGEST {
        let found = text.len();
        return Err(problem(format!(
            "instruction and kept columns are {found} bytes long: expected at most {LONGEST}"
        ))
        .into());
    }
    Ok(Place(format!("{SHIPPED}{text}")))
}

async fn send(picture: &RowPicture, depot: &Depot, pictures: &Pictures) -> Result<Result<Sent, String>, DepotError> {
    let image = match load_patiently(picture, pictures).await {
        Ok(image) => image,
        Err(problem) => return Ok(Err(problem.to_string())),
    };
    let digest = editscale_engine::digest_of(&image.bytes);
    depot.put_if_absent(&sources_key(digest), bytes::Bytes::from_owner(image.bytes)).await?;
    Ok(Ok(Sent { digest: digest.to_string(), format: image.media.extension().to_owned(), name: picture.name() }))
}

/// Loads a picture, again a few times where its server is away.
async fn load_patiently(picture: &RowPicture, pictures: &Pictures) -> Result<EncodedImage, PictureProblem> {
    let mut wait = Duration::from_secs(1);
    loop {
        match pictures.load(picture).await {
            Err(PictureProblem::Away(_)) if wait <= LONGEST_WAIT => tokio::time::sleep(wait).await,
            answer => return answer,
        }
        wait *= 2;
    }
}

async fn unship(depot: &Depot, text: &str, number: u64) -> Result<Row, Unfetched> {
    let problem = |reason: String| RowProblem { place: format!("row {number}"), reason };
    let shipped: Shipped = serde_json::from_str(text).map_err(|error| problem(error.to_string()))?;
    let source = receive(depot, shipped.source, number).await?;
    let mask = match shipped.mask {
        None => None,
        Some(mask) => Some(receive(depot, mask, number).await?),
    };
    let Shipped { id, instruction, seed, extra, .. } = shipped;
    // Whoever edits has no use for pictures that others made.
    Ok(Row { id, source, edited: Vec::new(), instruction, mask, seed, extra })
}

async fn receive(depot: &Depot, sent: Sent, number: u64) -> Result<RowPicture, Unfetched> {
    let problem = |reason: String| RowProblem { place: format!("row {number}"), reason };
    let digest: Digest = sent.digest.parse().map_err(|error| problem(format!("its picture: {error}")))?;
    let key = sources_key(digest);
    let bytes = depot.get(&key).await?.ok_or_else(|| problem(format!("its picture {key} is gone from the depot")))?;
    if editscale_engine::digest_of(&bytes) != digest {
        return Err(problem(format!("its picture {key} was changed in the depot")).into());
    }
    Ok(RowPicture::Bytes { name: sent.name, bytes: bytes.to_vec() })
}

/// Checks that a mask has its source's size.
pub(crate) fn check_mask(mask: &EncodedImage, source: ImageSize) -> Result<(), String> {
    if mask.size == source {
        return Ok(());
    }
    Err(format!("the mask is {}: expected the source's {source}", mask.size))
}

/// What a picture is called in rows, where it has no name.
pub(crate) fn source_name(row: &Row, media: MediaType) -> String {
    row.source.name().unwrap_or_else(|| format!("{}.{}", row.id, media.extension()))
}
