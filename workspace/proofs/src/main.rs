//! The studies behind `docs/search.md`. Each is made again by one command:
//! `cargo run --release -p editscale-proofs -- simulated --out docs/studies/simulated`.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use editscale_proofs::overoptimisation::pool::{self, POOL};
use editscale_proofs::{darkroom, overoptimisation, simulated};

/// Makes a study of docs/search.md again.
#[derive(Debug, Parser)]
struct Command {
    #[command(subcommand)]
    study: Study,
}

#[derive(Debug, Subcommand)]
enum Study {
    /// Policies in a simulated world of which the truth is known.
    Simulated(Options),
    /// Policies on photographs, with the embedded editor and a judge that they never see.
    Darkroom(Options),
    /// A learned judge over-optimised, from the pool in the folder.
    Overoptimisation(Options),
    /// Makes the pool that `overoptimisation` reads: minutes of editing and judging.
    Pool(Options),
}

#[derive(Debug, Args)]
struct Options {
    /// A small form, which shows that it works and whose figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// The folder for what it finds.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    match Command::parse().study {
        Study::Simulated(options) => {
            let size = if options.quick { simulated::Size::QUICK } else { simulated::Size::FULL };
            simulated::study(size)?.write(&options.out)
        }
        Study::Darkroom(options) => darkroom::study(options.quick)?.write(&options.out),
        Study::Overoptimisation(options) => {
            overoptimisation::study(&options.out.join(POOL), options.quick)?.write(&options.out)
        }
        Study::Pool(options) => {
            let (requests, count) = if options.quick { (2, 4) } else { (usize::MAX, 64) };
            fs::create_dir_all(&options.out)?;
            Ok(fs::write(options.out.join(POOL), pool::written(&pool::make(requests, count)?))?)
        }
    }
}
