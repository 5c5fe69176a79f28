//! Pictures and words as parts of a message.

use std::sync::Arc;

use editscale_core::{Failure, FailureKind, Image, MediaType};
use serde_json::{Value, json};

use crate::picture::received::data_url;

/// A picture as a data URL, written once for all questions and votes. The file goes as it is.
pub(crate) fn shown(image: &Image) -> Result<Arc<str>, Failure> {
    let invalid = |message: String| Failure::new(FailureKind::Invalid, message);
    if !matches!(image.media(), MediaType::Png | MediaType::Jpeg | MediaType::WebP | MediaType::Gif) {
        return Err(invalid(format!("vision models do not read {} files", image.media().mime())));
    }
    let bytes = image.read().map_err(|error| invalid(error.to_string()))?;
    Ok(data_url(image.media().mime(), &bytes).into())
}

/// A part that is a picture.
pub(crate) fn picture(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url}})
}

/// A part that is a text.
pub(crate) fn words(text: &str) -> Value {
    json!({"type": "text", "text": text})
}
