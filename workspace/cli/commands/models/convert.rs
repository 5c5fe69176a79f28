//! `editscale models convert FILE.pth`

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::args::ModelsConvert;
use crate::commands::models::weights;
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
    weights::convert(&arguments.file, &to)?;
    print(&to.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}
