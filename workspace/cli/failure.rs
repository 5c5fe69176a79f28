//! Errors that end the program: what they say, to people and to programs, and with which code it exits.

use std::env;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use editscale_config::Report;
use serde_json::{Value, json};

use crate::words::diagnostics;

/// The exit code for bad usage and bad recipes.
pub(crate) const USAGE: u8 = 2;

/// The exit code for a run that was stopped and can be resumed.
pub(crate) const STOPPED: u8 = 75;

/// The exit code for a program that was told twice to stop, by whichever signals: what shells say of one that Ctrl-C ended.
pub(crate) const INTERRUPTED: i32 = 130;

/// An error that its user made: exits with 2.
#[derive(Debug)]
pub(crate) struct Misuse {
    message: String,
    hint: Option<String>,
    /// What is wrong with the recipe, where it is that.
    found: Report,
}

impl Misuse {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, found: Report::default() }
    }

    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// With what is wrong with a recipe, each at its place.
    #[must_use]
    pub(crate) fn found(self, found: Report) -> Self {
        Self { found, ..self }
    }
}

/// What was asked for and no editor of the recipe does, known before anything was tried.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misuse {}

/// Tells an error with all of its causes, prints it as an object where that is wanted, and says how to exit.
pub(crate) fn explain(error: &anyhow::Error, as_json: bool) -> ExitCode {
    let message = in_one_line(error);
    tell(&format!("error: {message}"));
    let misuse = error.chain().find_map(|cause| cause.downcast_ref::<Misuse>());
    let refused = error.chain().find_map(|cause| cause.downcast_ref::<Refused>());
    let hint = misuse.and_then(|misuse| misuse.hint.as_deref()).or(refused.map(|refused| &*refused.hint));
    if let Some(hint) = hint {
        tell(&format!("hint: {hint}"));
    }
    if as_json {
        let kind = if misuse.is_some() { "usage" } else { "failure" };
        let found = misuse.map(|misuse| diagnostics(&misuse.found)).unwrap_or_default();
        print_error(&json!({"kind": kind, "message": message, "hint": hint, "diagnostics": found}));
    }
    if misuse.is_some() { ExitCode::from(USAGE) } else { ExitCode::FAILURE }
}

fn in_one_line(error: &anyhow::Error) -> String {
    let mut told: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        // Many errors repeat their cause in their own sentence.
        if !told.iter().any(|earlier| earlier.contains(&cause)) {
            told.push(cause);
        }
    }
    told.join(": ")
}

/// Ends the program over a command line that cannot be read, or after the help that was asked for.
pub(crate) fn misread(error: &clap::Error) -> ! {
    if error.use_stderr() && env::args_os().any(|argument| argument == "--json") {
        let text = error.to_string();
        let first = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        let message = first.split_whitespace().collect::<Vec<_>>().join(" ");
        print_error(&json!({"kind": "usage", "message": message, "hint": null, "diagnostics": []}));
    }
    error.exit()
}

/// Prints an error for programs: see `docs/json.md`. It has been told to people, so that nothing is lost where it cannot be.
fn print_error(error: &Value) {
    writeln!(io::stdout(), "{:#}", json!({"version": 1, "error": error})).ok();
}

/// Says a line to whoever sits there. That nobody hears it is no reason to stop working.
pub(crate) fn tell(line: &str) {
    writeln!(io::stderr(), "{line}").ok();
}

/// Prints a line of data. That nobody reads it any more is no failure: what is still to be told, and how the program exits, is about
/// what was done.
pub(crate) fn print(line: &str) -> anyhow::Result<()> {
    is_read(writeln!(io::stdout(), "{line}")).map(drop)
}

/// Whether somebody still reads what is written to stdout, for those that would go on for nobody.
pub(crate) fn is_read(written: io::Result<()>) -> anyhow::Result<bool> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true).context("cannot write to stdout"),
    }
}
