//! A digest of what a data set is, equal on every machine that has a copy of it.

use std::io;

use super::columns::Chosen;
use super::files::Files;

/// Bytes that are read of all files together. Modification times would differ between copies, so the contents are looked at:
/// all of them up to this, and blocks at even distances of what is larger.
const BUDGET: u64 = 64 << 20;
/// Blocks of a file that is not read whole.
const BLOCKS: u64 = 16;
/// The smallest of these blocks.
const LEAST_BLOCK: u64 = 4 << 10;

/// What the digest is made of.
pub(super) struct Known<'a> {
    pub(super) format: &'a str,
    pub(super) files: &'a Files,
    pub(super) chosen: &'a Chosen,
}

/// 64 hexadecimal digits.
pub(super) fn fingerprint(known: &Known<'_>) -> Result<String, (usize, io::Error)> {
    let mut digest = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        digest.update(&(part.len() as u64).to_le_bytes());
        digest.update(part);
    };
    add(known.format.as_bytes());
    let chosen = known.chosen;
    let perhaps = |name: &Option<String>| name.clone().unwrap_or_default();
    for name in
        [&chosen.source, &chosen.instruction, &perhaps(&chosen.mask), &perhaps(&chosen.id), &perhaps(&chosen.seed)]
    {
        add(name.as_bytes());
    }
    chosen.keep.iter().for_each(|name| add(name.as_bytes()));
    if !chosen.edited.is_empty() {
        add(b"edited");
        chosen.edited.iter().for_each(|name| add(name.as_bytes()));
    }
    let share = BUDGET / (known.files.count().max(1) as u64);
    for file in 0..known.files.count() {
        add(known.files.name(file).as_bytes());
        contents(known.files, file, share, &mut add).map_err(|error| (file, error))?;
    }
    Ok(digest.finalize().to_hex().to_string())
}

/// The file as it lies there, packed or not.
fn contents(files: &Files, file: usize, share: u64, add: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let length = files.length(file)?;
    add(&length.to_le_bytes());
    let block = (share / BLOCKS).max(LEAST_BLOCK);
    let whole = length <= block * BLOCKS;
    let stride = if whole { block } else { (length - block) / (BLOCKS - 1) };
    for number in 0..BLOCKS {
        let offset = number * stride;
        if offset < length {
            add(&files.read_as_it_lies(file, offset, block as usize)?);
        }
    }
    Ok(())
}
