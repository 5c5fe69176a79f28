//! Bytes to checked pixels and back: safe decoding, orientation, colour profiles, metadata, encoding.
//!
//! Bytes come in and bytes go out: no file is opened here, and nothing is known of edits or scores. Every picture that
//! the program takes from anywhere goes through [`probe`] or [`decode`], which look at what a file declares before they
//! allocate anything for it.

mod animation;
mod bytes;
mod cache;
mod colour;
mod decode;
mod encode;
mod error;
mod format;
mod gif;
mod jpeg;
mod limits;
mod look;
mod open;
mod perceptual_hash;
mod pixels;
mod probe;
mod profile;
mod quantiser;
mod resize;
mod thumbnail;

pub use bytes::{Rgb8, decode_rgb8, encode_rgb8};
pub use cache::DecodeCache;
pub use colour::{
    LUMINANCE, delta_e_ok, linear_from_oklab, linear_from_srgb, luminance, oklab_from_linear, srgb_from_linear,
};
pub use decode::decode;
pub use encode::{EncodeError, EncodeOptions, encode};
pub use error::PictureError;
pub use format::Format;
pub use limits::Limits;
pub use look::Looker;
pub use perceptual_hash::{hash_distance, perceptual_hash};
pub use pixels::{Metadata, Picture, Pixels};
pub use probe::{Facts, probe};
pub use profile::Profile;
pub use quantiser::Quantiser;
pub use thumbnail::{Thumbnail, thumbnail, thumbnail_of};
