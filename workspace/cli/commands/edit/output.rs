//! Where the best pictures are written for people, and in which format.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use editscale_config::OutputFormat;
use editscale_picture::Format;

use crate::args::Edit;
use crate::failure::Misuse;

/// The format that a recipe names.
pub(super) fn format_of(format: OutputFormat) -> Format {
    match format {
        OutputFormat::Png => Format::Png,
        OutputFormat::Jpeg => Format::Jpeg,
        OutputFormat::Webp => Format::WebP,
    }
}

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
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!(Misuse::new(format!("cannot write output {}: there is no folder {}", path.display(), folder.display())));
    }
    for place in 1..=arguments.keep as usize {
        let path = numbered(path, place);
        if path.is_dir() {
            bail!(Misuse::new(format!("cannot write output {}: it is a folder", path.display())));
        }
        if path.exists() && !arguments.force {
            let misuse = Misuse::new(format!("output {} exists", path.display()));
            bail!(misuse.hint("give --force to overwrite it"));
        }
    }
    let probe = folder.join(format!(".editscale-{}.part", std::process::id()));
    let writable = fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe));
    writable.map_err(|error| Misuse::new(format!("cannot write into folder {}: {error}", folder.display())))?;
    Ok(())
}
