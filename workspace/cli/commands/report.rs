//! `editscale report DIR`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use editscale_engine::{RunRecord, read_run, write_whole};

use crate::args::Report;
use crate::failure::print;
use crate::report;

/// Writes `report.html` anew from the run's record.
pub(crate) fn run(arguments: &Report) -> Result<ExitCode> {
    let record = read_run(&arguments.run).with_context(|| format!("cannot report {}", arguments.run.display()))?;
    let path = write(&record, &arguments.run)?;
    print(&path.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the report of a run into its folder.
pub(crate) fn write(record: &RunRecord, run_dir: &Path) -> Result<PathBuf> {
    let path = run_dir.join("report.html");
    write_whole(&path, report::render(record).as_bytes())?;
    Ok(path)
}
