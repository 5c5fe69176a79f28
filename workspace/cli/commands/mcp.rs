//! `editscale mcp`: tools for an agent, on stdin and stdout.

use std::process::ExitCode;

use anyhow::Result;
use editscale_server::{AgentOptions, Service, serve_stdio};

use crate::args::Mcp;
use crate::catalogue::catalogue;
use crate::serving::{begin_log, offers, settings};

/// Serves one agent until it hangs up.
pub(crate) fn run(arguments: &Mcp) -> Result<ExitCode> {
    let log = begin_log(arguments.served.log)?;
    let settings = settings(&arguments.served)?;
    let offers = offers(&arguments.served)?;
    let options = AgentOptions { roots: settings.roots.clone(), budget: settings.agent_budget };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let service = Service::open(offers, catalogue(), settings, 1)?;
        log.follow(&service);
        serve_stdio(service, options).await?;
        Ok(ExitCode::SUCCESS)
    })
}
