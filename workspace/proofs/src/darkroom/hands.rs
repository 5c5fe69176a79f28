//! Differently set editors: the darkroom as it is, a cheap one that works on a small picture, and one that overdoes.

use std::sync::Arc;

use editscale_core::{EditItem, EditRequest, EditorName, Failure, FailureKind, Image, KnobName};
use editscale_picture::{Limits, decode};

use super::photos;
use super::prices::EDIT;

/// The name of the cheap editor.
pub const DRAFT: &str = "draft";
/// The name of the editor that overdoes.
pub const HEAVY: &str = "heavy";

/// How an editor works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// As the darkroom does.
    Plain,
    /// On a picture of half the edge, enlarged afterwards: a quarter of the pixels for a quarter of the price.
    Draft,
    /// With one and a half times the strength, at the same price.
    Heavy,
}

impl Hand {
    /// That of the editor of this name.
    pub fn of(name: &EditorName) -> Self {
        match name.as_str() {
            DRAFT => Self::Draft,
            HEAVY => Self::Heavy,
            _ => Self::Plain,
        }
    }

    /// What one edit costs, in thousandths of a plain one.
    pub fn price(self) -> u64 {
        if self == Self::Draft { EDIT / 4 } else { EDIT }
    }

    /// What the darkroom is asked for.
    pub(super) fn takes(self, item: EditItem) -> Result<EditItem, Failure> {
        match self {
            Self::Plain => Ok(item),
            Self::Draft => small(item),
            Self::Heavy => strong(item),
        }
    }
}

fn small(item: EditItem) -> Result<EditItem, Failure> {
    let size = item.request.output_size.unwrap_or(item.request.source.size());
    let request =
        EditRequest { source: halved(&item.request.source)?, output_size: Some(size), ..(*item.request).clone() };
    Ok(EditItem { start: halved(&item.start)?, request: Arc::new(request), ..item })
}

fn halved(image: &Image) -> Result<Image, Failure> {
    let failed = |why: String| Failure::new(FailureKind::Malformed, why);
    let bytes = image.read().map_err(|error| failed(error.to_string()))?;
    let picture = decode(&bytes, &Limits::default()).map_err(|error| failed(error.to_string()))?;
    let half = picture.pixels.reduced(photos::EDGE / 2).into_owned();
    photos::as_image(&half).map_err(|error| failed(error.to_string()))
}

fn strong(mut item: EditItem) -> Result<EditItem, Failure> {
    let failed = |why: String| Failure::new(FailureKind::Invalid, why);
    let name = KnobName::new("strength").map_err(|error| failed(error.to_string()))?;
    let strength = item.proposal.knobs.get(name.as_str()).unwrap_or(1.0);
    item.proposal.knobs.set(name, 1.5 * strength).map_err(|error| failed(error.to_string()))?;
    Ok(item)
}
