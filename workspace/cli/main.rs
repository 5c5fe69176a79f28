//! The `editscale` program: reads the command line, puts the parts together, prints what came of it.
//!
//! stdout is data, stderr is talk. Exit codes: 0 done, 1 the work failed, 2 bad usage or a bad recipe, 75 stopped and
//! can be resumed.

mod appended;
mod args;
mod bounded;
mod catalogue;
mod choice;
mod commands;
mod failure;
mod followed;
mod forecast;
mod lock;
mod photograph;
mod progress;
mod recipes;
mod report;
mod serving;
mod sharing;
mod shell;
mod signals;
#[cfg(feature = "otlp")]
mod tracing_otlp;
mod whole;
mod words;
mod world;
mod writable;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| failure::misread(&error));
    if !matches!(arguments.command, Command::Serve(_) | Command::Mcp(_)) {
        serving::begin_where_asked();
    }
    let done = match &arguments.command {
        Command::Edit(edit) => commands::edit::run(edit),
        Command::Check(check) => commands::check::run(check),
        Command::Doctor(doctor) => commands::doctor::run(doctor),
        Command::Score(score) => commands::score::run(score),
        Command::Report(report) => commands::report::run(report),
        Command::Models(models) => commands::models::run(models),
        Command::Run(run) => commands::run::run(run),
        Command::Pool(pool) => commands::pool::run(pool),
        Command::Curate(curating) => commands::curate::run(curating),
        Command::Serve(serve) => commands::serve::run(serve),
        Command::Mcp(mcp) => commands::mcp::run(mcp),
        Command::Keys(keys) => commands::keys::run(keys),
        Command::Plugin(plugin) => commands::plugin::run(plugin),
        Command::Bench(bench) => commands::bench::run(bench),
        Command::Study(studying) => commands::study::run(studying),
    };
    done.unwrap_or_else(|error| failure::explain(&error, arguments.command.is_json()))
}
