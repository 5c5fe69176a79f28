//! `editscale models …`: getting models, and looking at those that are there.

mod catalogue;
mod convert;
mod fetching;
mod licences;
mod list;
mod pipelines;
mod place;
mod prompts;
mod pull;
mod python;
mod record;
mod side_files;
mod verify;
mod weights;

use std::process::ExitCode;

use anyhow::Result;

use crate::args::{Models, ModelsCommand};

/// Does one of the four.
pub(crate) fn run(arguments: &Models) -> Result<ExitCode> {
    match &arguments.command {
        ModelsCommand::List(list) => list::run(list),
        ModelsCommand::Pull(pull) => pull::run(pull),
        ModelsCommand::Verify(verify) => verify::run(verify),
        ModelsCommand::Convert(convert) => convert::run(convert),
    }
}
