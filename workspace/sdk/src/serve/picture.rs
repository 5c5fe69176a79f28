//! Pictures as plugins see them: bytes that are read when they are needed, and bytes that were made.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::protocol::{Failed, FilePlace, Picture, PictureBody, Size};

/// An encoded picture that the host gave. Cheap to clone; a file of the spool is read once, when its bytes are asked for.
#[derive(Clone)]
pub struct Image(Arc<Given>);

struct Given {
    picture: Picture,
    read: OnceLock<Result<Vec<u8>, Failed>>,
}

impl Image {
    /// The picture of a message.
    pub fn new(picture: Picture) -> Self {
        Self(Arc::new(Given { picture, read: OnceLock::new() }))
    }

    /// A picture in memory, as tests of a plugin need it.
    pub fn of(made: NewImage) -> Self {
        let NewImage { media, bytes } = made;
        Self::new(Picture { media, width: None, height: None, body: PictureBody::Inline(bytes.into()) })
    }

    /// What it is encoded as, such as `image/png`.
    pub fn media(&self) -> &str {
        &self.0.picture.media
    }

    /// Its upright size, after the file's orientation. The host always says it.
    pub fn size(&self) -> Option<Size> {
        let Picture { width, height, .. } = self.0.picture;
        Some(Size { width: width?, height: height? })
    }

    /// The file of the spool that holds it, where it is not in memory. It must neither be changed nor removed.
    pub fn file(&self) -> Option<&Path> {
        match &self.0.picture.body {
            PictureBody::File(place) => Some(Path::new(&place.path)),
            PictureBody::Inline(_) => None,
        }
    }

    /// The encoded bytes; a file's are checked against the length and digest that the host said.
    pub fn bytes(&self) -> Result<&[u8], Failed> {
        match &self.0.picture.body {
            PictureBody::Inline(bytes) => Ok(bytes),
            PictureBody::File(place) => {
                self.0.read.get_or_init(|| read(place)).as_ref().map(Vec::as_slice).map_err(Clone::clone)
            }
        }
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({} {:?} {:?})", self.media(), self.size(), self.file())
    }
}

/// Reads no more than was announced, whatever the file is.
fn read(place: &FilePlace) -> Result<Vec<u8>, Failed> {
    let wrong = |reason: String| Failed::invalid(format!("the file {} {reason}", place.path));
    let file = File::open(&place.path).map_err(|error| wrong(format!("cannot be opened: {error}")))?;
    let mut bytes = Vec::new();
    file.take(place.length.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| wrong(format!("cannot be read: {error}")))?;
    place.check(&bytes).map_err(wrong)?;
    Ok(bytes)
}

/// An encoded picture that a plugin made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewImage {
    /// What it is encoded as, such as `image/png`: PNG, JPEG, WebP, TIFF, BMP or GIF.
    pub media: String,
    /// The encoded bytes.
    pub bytes: Vec<u8>,
}

impl NewImage {
    /// A picture of this media type.
    pub fn new(media: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { media: media.into(), bytes }
    }

    /// A PNG.
    pub fn png(bytes: Vec<u8>) -> Self {
        Self::new("image/png", bytes)
    }

    /// The usual ending of a file's name for this media type.
    pub(super) fn extension(&self) -> &'static str {
        match self.media.as_str() {
            "image/png" => "png",
            "image/jpeg" => "jpg",
            "image/webp" => "webp",
            "image/tiff" => "tiff",
            "image/bmp" => "bmp",
            "image/gif" => "gif",
            _ => "bin",
        }
    }
}

impl fmt::Debug for NewImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewImage({}, {} bytes)", self.media, self.bytes.len())
    }
}
