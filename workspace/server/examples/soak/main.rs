//! Load and kills, long and optional: what a server does under many clients, and what it keeps when it is killed under them.
//!
//! usage: soak load [CLIENTS] [SECONDS]   many clients at a time: no error but 429, memory flat; prints figures
//!        soak kill [KILLS] [CLIENTS]     kill -9 at moments all over the work: nothing accepted is lost or done twice
//!        soak serve RUNS [ADDRESS]       the server of both: an editor and a reward that do no work

mod call;
mod load;
mod none;
mod storm;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use storm::Storm;

/// This program as a server over a folder.
fn server(runs: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| "soak".into()));
    command.arg("serve").arg(runs);
    command
}

fn number(argument: Option<&String>, usual: u64) -> Result<u64> {
    argument.map_or(Ok(usual), |text| text.parse().with_context(|| format!("{text}: expected a number")))
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "figures are what it is run for")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = tempfile::tempdir()?;
    match arguments.first().map(String::as_str) {
        Some("serve") => {
            let runs = arguments.get(1).context("expected the folder of runs")?;
            none::serve(Path::new(runs), arguments.get(2).map_or("127.0.0.1:0", String::as_str)).await
        }
        Some("load") => {
            let (clients, secs) = (number(arguments.get(1), 500)?, number(arguments.get(2), 120)?);
            let figures = load::load(&mut server(folder.path()), clients, secs).await?;
            println!("{figures}");
            figures.check()
        }
        Some("kill") => {
            let (kills, clients) = (number(arguments.get(1), 50)?, number(arguments.get(2), 32)?);
            let storm = Storm { kills, clients, runs_each: kills, start: &server };
            let tally = storm.rage(folder.path()).await?;
            println!("{tally:?}");
            ensure!(tally.lost == 0 && tally.twice == 0, "runs were lost or done twice");
            ensure!(tally.done + tally.failed == tally.accepted, "runs did not end");
            Ok(())
        }
        _ => bail!("usage: soak load [CLIENTS] [SECONDS] | soak kill [KILLS] [CLIENTS] | soak serve RUNS [ADDRESS]"),
    }
}
