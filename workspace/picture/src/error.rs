//! Why bytes are not a picture that can be worked on.

use thiserror::Error;

use crate::Format;

/// Why bytes are not a picture that can be worked on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PictureError {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// Bytes of something else.
    #[error("the file is not a picture: it looks like {0}; expected PNG, JPEG, WebP, TIFF, BMP or GIF")]
    NotAPicture(&'static str),
    /// A picture format that is not read here.
    #[error("{0} pictures are not supported: convert it to PNG, JPEG, WebP or TIFF first")]
    Unsupported(&'static str),
    /// A moving picture.
    #[error("the {0} file is animated: give one frame of it as a still picture")]
    Animated(Format),
    /// More bytes than the limit.
    #[error("the file has {found} bytes: expected at most {limit}")]
    TooManyBytes {
        /// Its length.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// More pixels than the limit.
    #[error("the picture declares {width}x{height} pixels ({} megapixels): expected at most {edge} an edge and {} megapixels", .width.saturating_mul(*.height) / 1_000_000, .pixels / 1_000_000)]
    TooLarge {
        /// As declared.
        width: u64,
        /// As declared.
        height: u64,
        /// The limit for an edge.
        edge: u32,
        /// The limit for all pixels.
        pixels: u64,
    },
    /// Fewer bytes than the picture needs.
    #[error("the {format} file is truncated: {reason}")]
    Truncated {
        /// The format.
        format: Format,
        /// What the decoder said.
        reason: String,
    },
    /// Bytes that the format does not allow.
    #[error("the {format} file is corrupt: {reason}")]
    Corrupt {
        /// The format.
        format: Format,
        /// What the decoder said.
        reason: String,
    },
}
