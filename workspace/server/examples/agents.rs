//! The embedded editor and reward for agents, over the standard streams or over HTTP: quick to build, for trying the server itself.
//!
//! usage: agents [--root FOLDER]… [--edits N] [--runs FOLDER] [--http ADDRESS [--keys FILE]]

#[path = "../tests/common/embedded.rs"]
mod embedded;
#[path = "../tests/mcp/offers.rs"]
mod offers;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use editscale_core::Budget;
use editscale_server::{AgentOptions, App, Keys, Service, Settings, serve, serve_stdio};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<()> {
    let mut options = AgentOptions::default();
    let mut runs = std::env::temp_dir().join("editscale-runs");
    let (mut address, mut keys) = (None, Keys::default());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("expected a value after {argument}"));
        match argument.as_str() {
            "--root" => options.roots.push(PathBuf::from(value()?)),
            "--edits" => options.budget = Budget { edits: Some(value()?.parse()?), ..options.budget },
            "--runs" => runs = PathBuf::from(value()?),
            "--http" => address = Some(value()?),
            "--keys" => keys = Keys::parse(&std::fs::read_to_string(value()?)?)?,
            other => bail!("unknown argument `{other}`: expected --root, --edits, --runs, --http or --keys"),
        }
    }
    let mut settings = Settings::new(runs);
    settings.roots.clone_from(&options.roots);
    settings.agent_budget = options.budget;
    let service = Service::open(offers::offers()?, offers::catalogue(), settings, keys.len().max(1))?;
    match address {
        None => Ok(serve_stdio(service, options).await?),
        Some(address) => listen(&address, App { service, keys }).await,
    }
}

async fn listen(address: &str, app: App) -> Result<()> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen at {address}"))?;
    #[expect(clippy::print_stdout, reason = "whoever started it wants to know where it is")]
    {
        println!("http://{}/mcp", listener.local_addr()?);
    }
    serve(Arc::new(app), listener, async { drop(tokio::signal::ctrl_c().await) }).await?;
    Ok(())
}
