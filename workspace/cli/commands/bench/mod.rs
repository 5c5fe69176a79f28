//! `editscale bench …`

mod compared;
mod parity;
mod sides;
mod table;

use std::process::ExitCode;

use anyhow::Result;

use crate::args::{Bench, BenchCommand};

/// Measures what is installed here.
pub(crate) fn run(arguments: &Bench) -> Result<ExitCode> {
    match &arguments.command {
        BenchCommand::Parity(parity) => parity::run(parity),
    }
}
