//! `editscale models convert FILE.pth`

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::args::ModelsConvert;
use crate::commands::models::{place, weights};
use crate::failure::{Misuse, print};

/// Writes the tensors of a `.pth` file as safetensors, and prints where.
pub(super) fn run(arguments: &ModelsConvert) -> Result<ExitCode> {
    let to = arguments.output.clone().unwrap_or_else(|| arguments.file.with_extension("safetensors"));
    if to == arguments.file {
        bail!(Misuse::new(format!("{}: is the file to read: give another one with -o", to.display())));
    }
    if to.exists() {
        bail!(
            Misuse::new(format!("{}: is there already", to.display())).hint("give another file with -o, or remove it")
        );
    }
    let part = place::part(&to);
    if part.exists() {
        let message = format!("{}: is there already, and would be written over", part.display());
        return Err(Misuse::new(message).hint("remove it, or give another file with -o").into());
    }
    weights::convert(&arguments.file, &to)?;
    print(&to.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}
