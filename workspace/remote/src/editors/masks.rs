//! Masks for servers that take them as ours are: white where editing is allowed.

use editscale_core::{EditItem, EditorName, Failure};

use super::item::invalid;
use crate::picture::mask::grey;

/// The request's mask as a grey PNG, one channel, white where editing is allowed; refused where the editor takes none.
pub(crate) fn white(item: &EditItem, editor: &EditorName, takes: bool) -> Result<Option<Vec<u8>>, Failure> {
    let Some(mask) = &item.request.mask else { return Ok(None) };
    if !takes {
        return Err(invalid(format!("the editor `{editor}` has no masks, and the request has one")));
    }
    if mask.size() != item.start.size() {
        let (expected, found) = (item.start.size(), mask.size());
        return Err(invalid(format!("expected a mask of the picture's size {expected}, found {found}")));
    }
    let bytes = mask.read().map_err(|error| invalid(error.to_string()))?;
    grey(&bytes, mask.size()).map(Some).map_err(invalid)
}
