//! `editscale keys`: API keys for the server.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use editscale_server::Keys;

use crate::args;
use crate::failure::{Misuse, print, tell};

/// The most bytes of a keys file.
const LARGEST: u64 = 4 << 20;

/// Makes a key, or lists those that there are.
pub(crate) fn run(arguments: &args::Keys) -> Result<ExitCode> {
    match &arguments.command {
        args::KeysCommand::Add { name, file } => add(name, file)?,
        args::KeysCommand::List { file } => {
            read(file)?.names().try_for_each(print)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The keys of a file.
pub(crate) fn read(file: &Path) -> Result<Keys> {
    let shown = file.display();
    let bytes = crate::bounded::read(file, LARGEST)
        .map_err(|error| Misuse::new(format!("cannot read keys file {shown}: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|_| Misuse::new(format!("keys file {shown}: expected UTF-8 text")))?;
    Ok(Keys::parse(&text).map_err(|error| Misuse::new(format!("keys file {shown}: {error}")))?)
}

fn add(name: &str, file: &Path) -> Result<()> {
    if file.exists() && read(file)?.names().any(|known| known == name) {
        return Err(Misuse::new(format!("keys file {} has a key `{name}`", file.display())).into());
    }
    let (key, line) = Keys::make(name).map_err(Misuse::new)?;
    let cannot = || format!("cannot write keys file {}", file.display());
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut opened = options.open(file).with_context(cannot)?;
    let line = if ends_in_a_line(file) { line } else { format!("\n{line}") };
    opened.write_all(line.as_bytes()).and_then(|()| opened.sync_all()).with_context(cannot)?;
    print(&key)?;
    tell(&format!("this is the only time that the key is shown; {} holds its digest", file.display()));
    Ok(())
}

/// Whether what is added to a file begins a line: people who write by hand may leave the last one open.
fn ends_in_a_line(file: &Path) -> bool {
    fs::read(file).is_ok_and(|text| text.last().is_none_or(|last| *last == b'\n'))
}
