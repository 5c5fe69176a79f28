//! Errors that end the program: what they say and with which code it exits.

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;

/// The exit code for bad usage and bad recipes.
const USAGE: u8 = 2;

/// The exit code for a run that was stopped and can be resumed.
pub(crate) const STOPPED: u8 = 75;

/// An error that its user made: exits with 2.
#[derive(Debug)]
pub(crate) struct Misuse {
    message: String,
    hint: Option<String>,
}

impl Misuse {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misuse {}

/// Prints an error with all of its causes, and says how to exit.
pub(crate) fn explain(error: &anyhow::Error) -> ExitCode {
    let is_broken_pipe = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe);
    if is_broken_pipe {
        return ExitCode::SUCCESS;
    }
    let mut told: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        // Many errors repeat their cause in their own sentence.
        if !told.iter().any(|earlier| earlier.contains(&cause)) {
            told.push(cause);
        }
    }
    tell(&format!("error: {}", told.join(": ")));
    let misuse = error.chain().find_map(|cause| cause.downcast_ref::<Misuse>());
    if let Some(hint) = misuse.and_then(|misuse| misuse.hint.as_ref()) {
        tell(&format!("hint: {hint}"));
    }
    if misuse.is_some() { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
}

/// Says a line to whoever sits there. That nobody hears it is no reason to stop working.
pub(crate) fn tell(line: &str) {
    writeln!(io::stderr(), "{line}").ok();
}

/// Prints a line of data.
pub(crate) fn print(line: &str) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{line}").context("cannot write to stdout")
}
