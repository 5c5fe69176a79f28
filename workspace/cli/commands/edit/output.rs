//! Where the best pictures are written for people, and in which format.

use std::path::{Path, PathBuf};

use anyhow::Result;
use editscale_picture::Format;

use crate::args::Edit;
use crate::failure::Misuse;
use crate::writable;

/// The format that a file name asks for.
pub(super) fn format_by_name(path: &Path) -> Result<Format> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let known = [Format::Png, Format::Jpeg, Format::WebP].into_iter().find(|format| format.has_extension(extension));
    known.ok_or_else(|| {
        Misuse::new(format!("cannot tell the format of output {}: expected .png, .jpg or .webp", path.display())).into()
    })
}

/// Where the picture of this place goes, counted from 1: the best to the path itself, others to `NAME-2`, `NAME-3`, ….
pub(super) fn numbered(path: &Path, place: usize) -> PathBuf {
    if place <= 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{place}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Looks at the output before anything is spent: a name with a format, a folder that is there, nothing in the way.
pub(super) fn check(arguments: &Edit) -> Result<()> {
    let Some(path) = &arguments.output else { return Ok(()) };
    format_by_name(path)?;
    writable::check_folder(path)?;
    (1..=arguments.keep as usize).try_for_each(|place| writable::check_place(&numbered(path, place), arguments.force))
}
