//! Pictures and words as parts of a message.

use std::sync::Arc;

use editscale_core::{Failure, Image};
use serde_json::{Value, json};

use crate::judges::scoring::pair::{File, usual};

/// A picture as a data URL, written once for all questions and votes. The file goes as it is.
pub(crate) fn shown(image: &Image) -> Result<Arc<str>, Failure> {
    Ok(File::of(image, usual)?.url().into())
}

/// A part that is a picture.
pub(crate) fn picture(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url}})
}

/// A part that is a text.
pub(crate) fn words(text: &str) -> Value {
    json!({"type": "text", "text": text})
}
