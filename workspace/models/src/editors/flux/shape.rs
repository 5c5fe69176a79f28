//! Numbers of a transformer's shape, from a `config.json` or from the names of tensors.

use std::collections::BTreeMap;
use std::path::Path;

use crate::load::{LoadError, Settings};

/// The most blocks of a kind: released models have 60.
const MOST_BLOCKS: usize = 256;

/// How a head is shared out to the three axes in all released models.
pub(in crate::editors) const RELEASED_AXES: [usize; 3] = [16, 56, 56];

/// How many blocks of a kind there are: one more than the greatest number in the names.
pub(in crate::editors) fn most_blocks(
    file: &Path,
    shapes: &BTreeMap<String, Vec<usize>>,
    prefix: &str,
) -> Result<usize, LoadError> {
    let mut most = 0;
    for name in shapes.keys().filter(|name| name.starts_with(prefix)) {
        let number = name[prefix.len()..].split('.').next().and_then(|number| number.parse::<usize>().ok());
        match number {
            Some(number) if number < MOST_BLOCKS => most = most.max(number + 1),
            _ => {
                let reason = format!("tensor `{name}`: expected a block's number below {MOST_BLOCKS}");
                return Err(LoadError::content(file, reason));
            }
        }
    }
    match most {
        0 => {
            Err(LoadError::content(file, format!("holds no tensors `{prefix}…`: expected those of such a transformer")))
        }
        count => Ok(count),
    }
}

/// A size; null means the default, as diffusers writes it.
pub(in crate::editors) fn size(settings: &Settings, key: &str, default: usize) -> Result<usize, LoadError> {
    if settings.is_unset(key) { Ok(default) } else { settings.size(key, default) }
}

/// A number of blocks.
pub(in crate::editors) fn count(settings: &Settings, key: &str, default: usize) -> Result<usize, LoadError> {
    match size(settings, key, default)? {
        count if count <= MOST_BLOCKS => Ok(count),
        _ => Err(settings.refuse(key, format!("at most {MOST_BLOCKS}"))),
    }
}

/// How a head is shared out to picture, row and column.
pub(in crate::editors) fn axes(settings: &Settings, head_width: usize) -> Result<[usize; 3], LoadError> {
    let key = "axes_dims_rope";
    let axes = <[usize; 3]>::try_from(settings.sizes(key, &RELEASED_AXES, 3)?).ok();
    let fits = |axes: &[usize; 3]| axes.iter().sum::<usize>() == head_width && axes.iter().all(|axis| axis % 2 == 0);
    let expected = format!("three even numbers that add up to `attention_head_dim`, {head_width}");
    axes.filter(fits).ok_or_else(|| settings.refuse(key, expected))
}
