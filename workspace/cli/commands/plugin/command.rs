//! `editscale plugin command`: this program as the plugin that runs commands.

use std::process::ExitCode;

/// Serves the plugin on standard input and output, to their end.
pub(crate) fn run() -> ExitCode {
    editscale_plugin::command::main()
}
