//! From a picture as a row names it to one that is known to be whole.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use editscale_core::{EncodedImage, ImageSize};
use editscale_fetch::{Client, FetchError, Patience, TextRules};
use editscale_picture::{Limits, Rgb8, decode_rgb8, probe};
use thiserror::Error;

use crate::RowPicture;

/// Why a picture is not there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PictureProblem {
    /// The row is at fault: it will be no better next time.
    #[error("{0}")]
    Unusable(String),
    /// Its server or its disk does not answer; later, it may.
    #[error("{0}")]
    Away(String),
}

/// The bytes of a picture, not looked at yet.
#[derive(Debug, Clone)]
pub struct PictureBytes {
    /// What people are told that it is called.
    pub shown: Option<String>,
    /// The file.
    pub bytes: Arc<[u8]>,
}

/// Loads pictures of rows. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pictures {
    limits: Limits,
    patience: Patience,
    client: Arc<OnceLock<Result<Client, String>>>,
}

impl Pictures {
    /// Pictures within these limits, from servers that are waited for with this patience.
    pub fn new(limits: Limits, patience: Patience) -> Self {
        Self { limits, patience, client: Arc::default() }
    }

    /// Loads the bytes and decodes them once, so that a damaged picture is found here.
    pub async fn load(&self, picture: &RowPicture) -> Result<EncodedImage, PictureProblem> {
        let (pictures, here) = (self.clone(), self.bring(picture.clone()).await?);
        let loaded =
            tokio::task::spawn_blocking(move || pictures.decode(pictures.read(here)?).map(|(file, _)| file)).await;
        loaded
            .unwrap_or_else(|panic| Err(PictureProblem::Unusable(format!("the picture could not be decoded: {panic}"))))
    }

    /// A picture of this machine: one with an address is fetched, any other is what it was.
    pub async fn bring(&self, picture: RowPicture) -> Result<RowPicture, PictureProblem> {
        let RowPicture::Address(address) = picture else { return Ok(picture) };
        let bytes = self.fetch(&address).await?;
        Ok(RowPicture::Bytes { name: Some(address), bytes })
    }

    /// The bytes of a picture of this machine. Blocking.
    pub fn read(&self, picture: RowPicture) -> Result<PictureBytes, PictureProblem> {
        match picture {
            RowPicture::Bytes { name, bytes } => Ok(PictureBytes { shown: name, bytes: bytes.into() }),
            RowPicture::File(path) => {
                let bytes = read(&path, &self.limits)?.into();
                Ok(PictureBytes { shown: Some(path.display().to_string()), bytes })
            }
            RowPicture::Address(address) => {
                Err(unusable(Some(&address), "expected a picture of this machine, found an address"))
            }
        }
    }

    /// Decodes bytes, once: the checked file, and its pixels. Blocking.
    pub fn decode(&self, read: PictureBytes) -> Result<(EncodedImage, Rgb8), PictureProblem> {
        let PictureBytes { shown, bytes } = read;
        check(bytes, &self.limits).map_err(|reason| unusable(shown.as_deref(), &reason))
    }

    async fn fetch(&self, address: &str) -> Result<Vec<u8>, PictureProblem> {
        let client = self.client.get_or_init(|| Client::new(self.patience).map_err(|error| error.to_string()));
        let client = client.as_ref().map_err(|reason| PictureProblem::Away(reason.clone()))?;
        let rules = TextRules { within: Duration::from_secs(300), ..TextRules::up_to(self.limits.bytes) };
        client.bytes(address, &rules).await.map_err(|error| match error {
            FetchError::NoAnswer { .. } | FetchError::BrokeOff { .. } => PictureProblem::Away(error.to_string()),
            _ => PictureProblem::Unusable(error.to_string()),
        })
    }
}

fn unusable(name: Option<&str>, reason: &str) -> PictureProblem {
    PictureProblem::Unusable(match name {
        Some(name) => format!("cannot use the picture {name}: {reason}"),
        None => format!("cannot use the picture: {reason}"),
    })
}

fn read(path: &Path, limits: &Limits) -> Result<Vec<u8>, PictureProblem> {
    let failed = |error: std::io::Error| {
        let said = format!("cannot read the picture {}: {error}", absolute(path).display());
        // Links that go round in a circle: the standard library has no stable name for it.
        let is_loop = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
        match error.kind() {
            _ if is_loop => PictureProblem::Unusable(said),
            std::io::ErrorKind::NotFound
            | std::io::ErrorKind::NotADirectory
            | std::io::ErrorKind::InvalidInput
            | std::io::ErrorKind::InvalidFilename
            | std::io::ErrorKind::PermissionDenied => PictureProblem::Unusable(said),
            _ => PictureProblem::Away(said),
        }
    };
    // A pipe would be waited for until somebody writes to it.
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(unusable(Some(&absolute(path).display().to_string()), "it is not a file"));
    }
    let mut bytes = Vec::new();
    let most = limits.bytes.saturating_add(1);
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(failed)?;
    Ok(bytes)
}

/// Where a file was looked for, whatever folder the program was started in.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn check(bytes: Arc<[u8]>, limits: &Limits) -> Result<(EncodedImage, Rgb8), String> {
    let facts = probe(&bytes, limits).map_err(|error| error.to_string())?;
    let pixels = decode_rgb8(&bytes, limits).map_err(|error| error.to_string())?;
    let size = ImageSize { width: facts.width, height: facts.height };
    Ok((EncodedImage { media: facts.format.into(), size, bytes }, pixels))
}
