//! `editscale report DIR`

use std::process::ExitCode;

use anyhow::Result;
use editscale_engine::read_run;
use editscale_picture::DecodeCache;

use crate::args::Report;
use crate::failure::{Misuse, print};
use crate::report;

/// Writes `report.html` anew from the run's record.
pub(crate) fn run(arguments: &Report) -> Result<ExitCode> {
    let unreadable = |error| Misuse::new(format!("cannot report {}: {error}", arguments.run.display()));
    let record = read_run(&arguments.run).map_err(unreadable)?;
    let path = report::write(&record, &arguments.run, &DecodeCache::default())?;
    print(&path.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}
