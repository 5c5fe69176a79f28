//! `editscale plugin …`

mod check;
mod command;
mod new;

use std::process::ExitCode;

use anyhow::Result;

use crate::args::{Plugin, PluginCommand};

/// Checks a plugin, begins one, or is one.
pub(crate) fn run(arguments: &Plugin) -> Result<ExitCode> {
    match &arguments.command {
        PluginCommand::Check(check) => check::run(check),
        PluginCommand::New(new) => new::run(new),
        PluginCommand::Command => Ok(command::run()),
    }
}
