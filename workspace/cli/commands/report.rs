//! `editscale report DIR`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use editscale_engine::{RunRecord, read_run, write_whole};
use editscale_picture::DecodeCache;

use crate::args::Report;
use crate::failure::{Misuse, print};
use crate::report;

/// Writes `report.html` anew from the run's record.
pub(crate) fn run(arguments: &Report) -> Result<ExitCode> {
    let unreadable = |error| Misuse::new(format!("cannot report {}: {error}", arguments.run.display()));
    let record = read_run(&arguments.run).map_err(unreadable)?;
    let path = write(&record, &arguments.run, &DecodeCache::default())?;
    print(&path.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// Where the report of a run is.
pub(crate) fn place(run_dir: &Path) -> PathBuf {
    run_dir.join("report.html")
}

/// Writes the report of a run into its folder. What is decoded already is not read again.
pub(crate) fn write(record: &RunRecord, run_dir: &Path, decoded: &DecodeCache) -> Result<PathBuf> {
    let path = place(run_dir);
    write_whole(&path, report::render(record, decoded).as_bytes())?;
    Ok(path)
}
