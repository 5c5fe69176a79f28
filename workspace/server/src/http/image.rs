//! Pictures of a run, as they lie on disk or in a format that is asked for.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use editscale_core::{Image, MediaType};
use editscale_picture::{DecodeCache, EncodeError, EncodeOptions, Format, Limits, Pixels, encode, probe};

use super::error::ApiError;
use crate::refusal::Refusal;
use crate::runs::Live;
use crate::service::Service;

/// Which picture of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// What was edited.
    Source,
    /// The best so far.
    Best,
    /// One candidate.
    Candidate(u32),
}

impl Which {
    fn words(self) -> String {
        match self {
            Self::Source => "the source".to_owned(),
            Self::Best => "the best".to_owned(),
            Self::Candidate(id) => format!("candidate {id}"),
        }
    }
}

/// A picture on its way to a client.
#[derive(Debug, Clone)]
pub(crate) struct Rendered {
    pub(crate) mime: &'static str,
    pub(crate) bytes: Arc<[u8]>,
}

impl IntoResponse for Rendered {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(Bytes::from_owner(self.bytes)));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.mime));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // Another key may see other runs.
        headers.insert(header::VARY, HeaderValue::from_static("authorization"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600"));
        response
    }
}

/// How a picture is wanted: as it is, or in a format with a quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    pub(crate) format: Option<Format>,
    /// 1 to 100, for JPEG.
    pub(crate) quality: Option<u8>,
}

/// A format by its name.
pub(crate) fn format(name: &str) -> Result<Format, ApiError> {
    match name {
        "png" => Ok(Format::Png),
        "jpeg" | "jpg" => Ok(Format::Jpeg),
        "webp" => Ok(Format::WebP),
        other => {
            let other: String = other.chars().take(40).collect();
            Err(ApiError::invalid("format", format!("`{other}`: expected png, jpeg or webp")))
        }
    }
}

/// The handle of a run's picture. Reads files.
pub(crate) fn find(service: &Service, live: &Live, which: Which) -> Result<Image, Refusal> {
    let absent = || Refusal::absent("picture", &format!("{} of {}", which.words(), live.id()));
    let record = service.record(live).ok_or_else(absent)?;
    let id = match which {
        Which::Source => return Ok(record.manifest.request.source.clone()),
        Which::Candidate(id) => id,
        Which::Best => {
            let winner = record.outcome.as_ref().and_then(editscale_core::Outcome::winner);
            winner.or_else(|| live.events().best()).ok_or_else(absent)?.0
        }
    };
    let made = record.candidates.get(id as usize).and_then(|candidate| candidate.made.as_ref()).ok_or_else(absent)?;
    made.as_ref().map(|made| made.image.clone()).map_err(|_| absent())
}

/// A picture as it is wanted. Reads files, and computes where another format is wanted.
pub(crate) fn rendered(image: &Image, wanted: Wanted, pictures: &DecodeCache) -> Result<Rendered, Refusal> {
    let bytes = image.read().map_err(|_| Refusal::absent("picture any more", &image.digest().to_string()))?;
    let format = wanted.format.filter(|format| MediaType::from(*format) != image.media() || wanted.quality.is_some());
    let Some(format) = format else { return Ok(Rendered { mime: image.media().mime(), bytes }) };
    let picture = pictures.get(*image.digest().as_bytes(), &bytes).map_err(Refusal::broken)?;
    let deep = picture.metadata.is_deep && format == Format::Png;
    let options = EncodeOptions { format, quality: wanted.quality.unwrap_or(95), deep, keep_metadata: false };
    let bytes = encode(&picture.pixels, &picture.metadata, options).map_err(unfit)?;
    Ok(Rendered { mime: MediaType::from(format).mime(), bytes: bytes.into() })
}

/// A picture that a format cannot hold, as one that is too wide for it.
fn unfit(error: EncodeError) -> Refusal {
    Refusal::invalid("format", error)
}

/// The same with what is transparent laid on white. Reads files and computes.
pub(crate) fn rendered_on_white(image: &Image, wanted: Wanted, pictures: &DecodeCache) -> Result<Rendered, Refusal> {
    if !has_transparency(image, pictures)? {
        return rendered(image, wanted, pictures);
    }
    let bytes = image.read().map_err(|_| Refusal::absent("picture any more", &image.digest().to_string()))?;
    let picture = pictures.get(*image.digest().as_bytes(), &bytes).map_err(Refusal::broken)?;
    let (pixels, metadata) = (&picture.pixels, &picture.metadata);
    let alpha = pixels.alpha().unwrap_or_default();
    let on_white = |(rgb, alpha): (&[f32; 3], &f32)| rgb.map(|value| value * alpha + 1.0 - alpha);
    let rgb = pixels.rgb().iter().zip(alpha).map(on_white).collect();
    let flat =
        Pixels::new(pixels.width(), pixels.height(), rgb).ok_or_else(|| Refusal::broken("a picture is empty"))?;
    let format = wanted.format.unwrap_or(Format::Png);
    let deep = metadata.is_deep && format == Format::Png;
    let options = EncodeOptions { format, quality: wanted.quality.unwrap_or(95), deep, keep_metadata: false };
    let bytes = encode(&flat, metadata, options).map_err(unfit)?;
    Ok(Rendered { mime: MediaType::from(format).mime(), bytes: bytes.into() })
}

/// Whether anything of a picture can be seen through. Reads files, and decodes where there is an alpha channel.
pub(crate) fn has_transparency(image: &Image, pictures: &DecodeCache) -> Result<bool, Refusal> {
    let bytes = image.read().map_err(|_| Refusal::absent("picture any more", &image.digest().to_string()))?;
    let limits = Limits { pixels: u64::MAX, ..Limits::default() };
    if probe(&bytes, &limits).is_ok_and(|facts| !facts.has_alpha) {
        return Ok(false);
    }
    let picture = pictures.get(*image.digest().as_bytes(), &bytes).map_err(Refusal::broken)?;
    Ok(picture.pixels.alpha().is_some_and(|alpha| alpha.iter().any(|alpha| *alpha < 1.0)))
}

/// A run's picture as it is wanted.
pub(crate) async fn picture(
    service: &Arc<Service>,
    live: Arc<Live>,
    which: Which,
    wanted: Wanted,
) -> Result<Rendered, Refusal> {
    let shared = Arc::clone(service);
    service.beside(move || rendered(&find(&shared, &live, which)?, wanted, shared.pictures())).await?
}
