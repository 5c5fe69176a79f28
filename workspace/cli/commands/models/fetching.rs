//! Fetching the files of one repository into the folder of a model.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use editscale_fetch::{Hub, RemoteFile, Snapshot, ensure_room};
use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};

use crate::commands::models::record::{Record, is_plain, path};
use crate::failure::tell;

/// The largest small file: vocabularies have a few megabytes.
const MOST_SMALL_BYTES: u64 = 64 << 20;

/// Files on their way.
pub(super) struct Fetching<'a> {
    pub(super) hub: &'a Hub,
    pub(super) from: &'a Snapshot,
    /// The model's folder, which the program may write to.
    pub(super) folder: &'a Path,
    /// What is there already.
    pub(super) record: Record,
}

impl Fetching<'_> {
    /// Fetches small files that are not there yet.
    pub(super) async fn small(&mut self, wanted: &[&RemoteFile]) -> Result<()> {
        for file in wanted {
            self.check_name(file)?;
            if let Some(bytes) = file.bytes.filter(|bytes| *bytes > MOST_SMALL_BYTES) {
                let (found, most) = (DecimalBytes(bytes), DecimalBytes(MOST_SMALL_BYTES));
                bail!("{}: `{}` has {found}: expected at most {most}", self.from.repo, file.path);
            }
            if !self.record.has(self.folder, file) {
                self.hub.fetch(self.from, file, &path(self.folder, file), &|_| ()).await?;
                self.record.add(self.folder, file)?;
            }
        }
        Ok(())
    }

    /// Fetches large files that are not there yet, after a look at the free space: `more` is what will be needed besides, in
    /// bytes.
    pub(super) async fn large(&mut self, wanted: &[&RemoteFile], more: u64) -> Result<()> {
        let missing: Vec<&RemoteFile> =
            wanted.iter().copied().filter(|file| !self.record.has(self.folder, file)).collect();
        let sizes = missing.iter().map(|file| self.hub.to_fetch(file, &path(self.folder, file)));
        ensure_room(self.folder, sizes.fold(more, u64::saturating_add))?;
        for file in missing {
            self.one(file).await?;
            self.record.add(self.folder, file)?;
        }
        Ok(())
    }

    async fn one(&self, file: &RemoteFile) -> Result<()> {
        self.check_name(file)?;
        let size = file.bytes.map(|bytes| format!(" ({})", DecimalBytes(bytes))).unwrap_or_default();
        tell(&format!("fetching {}{size}", file.path));
        let bar = bar(file.bytes);
        let to = path(self.folder, file);
        let fetched = self.hub.fetch(self.from, file, &to, &|bytes| bar.set_position(bytes)).await;
        bar.finish_and_clear();
        Ok(fetched?)
    }

    /// Names become local paths.
    fn check_name(&self, file: &RemoteFile) -> Result<()> {
        if !is_plain(&file.path) {
            bail!("{}: `{}` is no name of a file of a model", self.from.repo, file.path);
        }
        Ok(())
    }
}

fn bar(bytes: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = bytes.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let style = ProgressStyle::with_template(
        "{bar:28} {decimal_bytes} of {decimal_total_bytes} · {decimal_bytes_per_sec} · about {eta} left",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
