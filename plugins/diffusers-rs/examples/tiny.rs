//! Writes a tiny pipeline with random weights into a new folder: something to try the plugin with where no model is at hand.
//!
//! `cargo run --release --example tiny -- FOLDER`.

use std::path::Path;
use std::process::ExitCode;

#[path = "../tests/pipelines/mod.rs"]
mod pipelines;

use pipelines::{FLAT, copy, pipeline, scheduler};

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).filter(|folder| !Path::new(folder).exists()) else {
        return ExitCode::from(2);
    };
    let made = pipeline("pix2pix_f16", FLAT, &scheduler("EulerAncestralDiscreteScheduler"));
    copy(made.path(), Path::new(&folder));
    ExitCode::SUCCESS
}
