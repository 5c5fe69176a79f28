//! `editscale mcp`: tools for an agent, on stdin and stdout.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use editscale_server::{AgentOptions, Service, is_free, serve_stdio};

use crate::args::Mcp;
use crate::catalogue::catalogue;
use crate::serving::{begin_log, offers, settings};
use crate::signals::{StopWords, stop_on_signal};

/// Serves one agent until it hangs up.
pub(crate) fn run(arguments: &Mcp) -> Result<ExitCode> {
    let log = begin_log(arguments.served.log)?;
    let mut settings = settings(&arguments.served, "runs/agent")?;
    let offers = offers(&arguments.served)?;
    // Only now: agents that are started together would choose the same one while their models are loaded.
    settings.runs_dir = own_folder(&settings.runs_dir)?;
    let options = AgentOptions { roots: settings.roots.clone(), budget: settings.agent_budget };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut stop = stop_on_signal(StopWords {
        first: "stopping: runs under way are put aside; once more to end at once".to_owned(),
        last: "ended: the record of every run is kept".to_owned(),
    });
    let done = runtime.block_on(async {
        let service = Service::open(offers, catalogue(), settings, 1)?;
        log.follow(&service);
        tokio::select! {
            served = serve_stdio(Arc::clone(&service), options) => served?,
            () = stop.stopped() => service.runs().close().await,
        }
        Ok(ExitCode::SUCCESS)
    });
    // A thread may still wait for what the agent says next.
    runtime.shutdown_background();
    done
}

/// The first of `DIR`, `DIR-2`, `DIR-3`, … that no other agent works in: several may be at work at the same time.
fn own_folder(folder: &Path) -> Result<PathBuf> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let numbered = (2..1000).map(|number| folder.with_file_name(format!("{name}-{number}")));
    let mut all = std::iter::once(folder.to_owned()).chain(numbered);
    all.find(|folder| is_free(folder)).with_context(|| format!("too many agents work in {}", folder.display()))
}
