//! Looking at where something will be written, before anything is spent on it.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use crate::failure::Misuse;

/// Refuses a file whose folder is not there or takes no files.
pub(crate) fn check_folder(file: &Path) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        bail!(Misuse::new(format!("cannot write output {}: there is no folder {}", file.display(), folder.display())));
    }
    let probe = folder.join(format!(".editscale-{}.part", std::process::id()));
    let writable = fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe));
    writable.map_err(|error| Misuse::new(format!("cannot write into folder {}: {error}", folder.display())))?;
    Ok(())
}

/// Refuses a file in whose place there is something that may not be overwritten.
pub(crate) fn check_place(file: &Path, force: bool) -> Result<()> {
    if file.is_dir() {
        bail!(Misuse::new(format!("cannot write output {}: it is a folder", file.display())));
    }
    if file.exists() && !force {
        let misuse = Misuse::new(format!("output {} exists", file.display()));
        bail!(misuse.hint("give --force to overwrite it"));
    }
    Ok(())
}
