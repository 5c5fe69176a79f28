//! The embedded editor and reward for agents over the standard streams: quick to build, for trying the server itself.
//!
//! usage: agents [--root FOLDER]… [--edits N] [--runs FOLDER]

#[path = "../tests/mcp/offers.rs"]
mod offers;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use editscale_core::Budget;
use editscale_server::{AgentOptions, Service, Settings, serve_stdio};

#[tokio::main]
async fn main() -> Result<()> {
    let mut options = AgentOptions::default();
    let mut runs = std::env::temp_dir().join("editscale-runs");
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("expected a value after {argument}"));
        match argument.as_str() {
            "--root" => options.roots.push(PathBuf::from(value()?)),
            "--edits" => options.budget = Budget { edits: Some(value()?.parse()?), ..options.budget },
            "--runs" => runs = PathBuf::from(value()?),
            other => bail!("unknown argument `{other}`: expected --root, --edits or --runs"),
        }
    }
    let service = Service::open(offers::offers()?, offers::catalogue(), Settings::new(runs), 1)?;
    Ok(serve_stdio(service, options).await?)
}
