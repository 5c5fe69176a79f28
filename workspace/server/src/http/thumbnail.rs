//! Small copies of a run's pictures, for pages that show many.

use std::sync::Arc;

use editscale_core::MediaType;
use editscale_picture::{EncodeOptions, Format, Metadata, encode};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::ApiError;
use super::image::{Rendered, Wanted, Which, find, format, picture, rendered};
use crate::refusal::Refusal;
use crate::runs::Live;
use crate::service::Service;

/// Widths that can be asked for.
const WIDTHS: std::ops::RangeInclusive<u32> = 16..=4096;

/// In which format and how wide.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct PictureQuery {
    /// `png`, `jpeg` or `webp`; as the editor made it where it is not said.
    format: Option<String>,
    /// At most this many pixels wide, 16 to 4096: a copy in JPEG, or in PNG where it is transparent, unless `format` says
    /// otherwise. Pictures that are no wider come as they are.
    width: Option<u32>,
}

impl PictureQuery {
    fn width(&self) -> Result<Option<u32>, ApiError> {
        match self.width {
            Some(width) if !WIDTHS.contains(&width) => {
                let (least, most) = (WIDTHS.start(), WIDTHS.end());
                Err(ApiError::invalid("width", format!("`width`: expected {least} to {most} pixels, found {width}")))
            }
            width => Ok(width),
        }
    }
}

/// A run's picture as a query wants it.
pub(crate) async fn queried(
    service: &Arc<Service>,
    live: Arc<Live>,
    which: Which,
    query: &PictureQuery,
) -> Result<Rendered, ApiError> {
    let format = query.format.as_deref().map(format).transpose()?;
    let Some(width) = query.width()? else {
        return Ok(picture(service, live, which, Wanted { format, quality: None }).await?);
    };
    let (shared, small) = (Arc::clone(service), Small { width, format });
    Ok(service.copying().work(move || copy(&shared, &live, which, small)).await??)
}

#[derive(Debug, Clone, Copy)]
struct Small {
    width: u32,
    format: Option<Format>,
}

fn copy(service: &Service, live: &Live, which: Which, small: Small) -> Result<Rendered, Refusal> {
    let (image, as_it_is) = (find(service, live, which)?, Wanted { format: small.format, quality: None });
    if image.size().width <= small.width {
        return rendered(&image, as_it_is, service.pictures());
    }
    let bytes = image.read().map_err(|_| Refusal::absent("picture any more", &image.digest().to_string()))?;
    let picture = service.pictures().get(*image.digest().as_bytes(), &bytes).map_err(Refusal::broken)?;
    let pixels = &picture.pixels;
    let height = f64::from(pixels.height()) * f64::from(small.width) / f64::from(pixels.width());
    let pixels = pixels.resized(small.width, height.round() as u32);
    let usual = if pixels.alpha().is_some() { Format::Png } else { Format::Jpeg };
    let format = small.format.unwrap_or(usual);
    let options = EncodeOptions { format, quality: 84, deep: false, keep_metadata: false };
    let bytes = encode(&pixels, &Metadata::default(), options).map_err(Refusal::broken)?;
    Ok(Rendered { mime: MediaType::from(format).mime(), bytes: bytes.into() })
}
