//! `editscale bench …`

mod against;
mod agreement;
mod calibrate;
mod compared;
mod data;
mod judges;
mod judging;
mod measure;
mod output;
mod parity;
mod position;
mod preset;
mod sides;
mod table;

use std::process::ExitCode;

use anyhow::Result;
use editscale_benchmarks::Preset;

use crate::args::{Bench, BenchCommand};

/// Holds rewards against people, and measures what is installed here.
pub(crate) fn run(arguments: &Bench) -> Result<ExitCode> {
    match &arguments.command {
        BenchCommand::EditRewardBench(bench) => preset::run(Preset::EditRewardBench, bench),
        BenchCommand::GenaiBench(bench) => preset::run(Preset::GenaiBench, bench),
        BenchCommand::AuroraBench(bench) => preset::run(Preset::AuroraBench, bench),
        BenchCommand::Imagenhub(bench) => preset::run(Preset::Imagenhub, bench),
        BenchCommand::Pairs(bench) => preset::run(Preset::Pairs, bench),
        BenchCommand::Ratings(bench) => preset::run(Preset::Ratings, bench),
        BenchCommand::Measure(measure) => measure::run(measure),
        BenchCommand::Agreement(agreement) => agreement::run(agreement),
        BenchCommand::Position(position) => position::run(position),
        BenchCommand::Calibrate(calibrate) => calibrate::run(calibrate),
        BenchCommand::Parity(parity) => parity::run(parity),
    }
}
