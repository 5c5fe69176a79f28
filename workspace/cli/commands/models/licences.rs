//! Licences are shown before anything large is fetched, and somebody has to accept them.

use std::io::{self, IsTerminal, Write};

use anyhow::{Result, bail};

use crate::failure::{Misuse, tell};

/// Shows licences, one a line, and has them accepted: by the flag, by an earlier pull, or by the person at the terminal.
pub(super) fn accept(licences: &[String], accepted_before: Option<&[String]>, by_flag: bool) -> Result<()> {
    tell("licences, as the hub's cards name them:");
    licences.iter().for_each(|licence| tell(&format!("  {licence}")));
    if by_flag || accepted_before == Some(licences) {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let misuse = Misuse::new("the licences have not been accepted, and there is no terminal to ask at");
        bail!(misuse.hint("read them, then add --accept-license"));
    }
    let mut said = String::new();
    write!(io::stderr(), "accept them? [y/N] ")?;
    io::stdin().read_line(&mut said)?;
    if !matches!(said.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        bail!("the licences were not accepted: nothing was pulled");
    }
    Ok(())
}
