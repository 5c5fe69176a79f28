//! The mask of a request, white where editing is allowed.

use std::sync::Arc;

use editscale_core::{EditItem, EditorName, Failure, Image};

use super::item::invalid;
use crate::picture::mask::grey;

/// The request's mask, which has the picture's size; refused where the editor takes none.
pub(crate) fn mask<'a>(item: &'a EditItem, editor: &EditorName, takes: bool) -> Result<Option<&'a Image>, Failure> {
    let Some(mask) = &item.request.mask else { return Ok(None) };
    if !takes {
        return Err(invalid(format!("the editor `{editor}` has no masks, and the request has one")));
    }
    if mask.size() != item.start.size() {
        let (expected, found) = (item.start.size(), mask.size());
        return Err(invalid(format!("expected a mask of the picture's size {expected}, found {found}")));
    }
    Ok(Some(mask))
}

/// The file of a mask.
pub(crate) fn file(mask: &Image) -> Result<Arc<[u8]>, Failure> {
    mask.read().map_err(|error| invalid(error.to_string()))
}

/// Refuses a mask where the editor has none.
pub(crate) fn unmasked(item: &EditItem, editor: &EditorName) -> Result<(), Failure> {
    mask(item, editor, false).map(drop)
}

/// The request's mask as a grey PNG, one channel, for servers that take masks as ours are; refused where the editor takes none.
pub(crate) fn white(item: &EditItem, editor: &EditorName, takes: bool) -> Result<Option<Vec<u8>>, Failure> {
    let Some(mask) = mask(item, editor, takes)? else { return Ok(None) };
    grey(&file(mask)?, mask.size()).map(Some).map_err(invalid)
}
