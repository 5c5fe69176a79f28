//! A server of the embedded editor and reward alone: quick to build, for trying the server itself.
//!
//! usage: darkroom [ADDRESS] [RUNS] [NAME]; with a name, callers need a key, which is made and told.

#[path = "../tests/common/embedded.rs"]
mod embedded;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use editscale_server::{App, Keys, Service, Settings, serve};
use tokio::net::TcpListener;

use embedded::{catalogue, offer};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let runs = arguments.next().map_or_else(|| std::env::temp_dir().join("editscale-runs"), PathBuf::from);
    let offers = vec![
        offer("quickstart", "search: {best_of_n: {samples: 8}}")?,
        offer("one", "search: {best_of_n: {samples: 1}}")?,
        offer("many", "search: {best_of_n: {samples: 64}}")?,
        // So many that whoever cancels is sooner, also where a browser and its checks take most of the machine.
        offer("endless", "search: {best_of_n: {samples: 512}}")?,
        offer("beam", "search: {beam: {width: 2, children: 3, depth: 2}}")?,
    ];
    let mut settings = Settings::new(runs);
    settings.most_edits = 512;
    settings.aliases = vec![("gpt-image-1".to_owned(), "quickstart".to_owned())];
    let service = Service::open(offers, catalogue(), settings, 1)?;
    let made = arguments.next().map(|name| Keys::make(&name)).transpose().map_err(anyhow::Error::msg)?;
    let keys = made.as_ref().map(|(_, line)| Keys::parse(line)).transpose()?.unwrap_or_default();
    let app = Arc::new(App { service, keys });
    let listener = TcpListener::bind(&address).await.with_context(|| format!("cannot listen at {address}"))?;
    #[expect(clippy::print_stdout, reason = "whoever started it wants to know where it is")]
    {
        println!("http://{}", listener.local_addr()?);
        if let Some((key, _)) = &made {
            println!("{key}");
        }
    }
    serve(app, listener, async { drop(tokio::signal::ctrl_c().await) }).await?;
    Ok(())
}
