//! Where models lie.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::failure::Misuse;

/// The variable that names the folder of all models.
const VARIABLE: &str = "EDITSCALE_MODELS";

/// The folder of all models: `$EDITSCALE_MODELS`, else `editscale/models` in the user's cache.
pub(super) fn root() -> Result<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(root) = set(VARIABLE) {
        return Ok(root);
    }
    let cache = set("XDG_CACHE_HOME").or_else(|| env::home_dir().map(|home| home.join(".cache")));
    let cache = cache.ok_or_else(|| {
        Misuse::new("there is no home folder to keep models in")
            .hint(format!("set {VARIABLE} to a folder, or give --dir"))
    })?;
    Ok(cache.join("editscale").join("models"))
}

/// What a file is called while it is not whole.
pub(super) fn part(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}.part"))
}

/// Writes a small file whole or not at all, and on the disk: what was fetched is told of in such a one.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let part = part(path);
        let mut file = fs::File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().with_context(|| format!("{}: cannot be written", path.display()))
}
