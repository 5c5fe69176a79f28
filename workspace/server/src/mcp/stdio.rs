//! MCP over a pair of streams: the standard ones of a program that an agent started, or any other.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use editscale_core::Budget;
use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::io::stdio_pipes;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};

use super::agent::Agent;
use super::desk::Desk;
use super::roots::Roots;
use crate::keys::LOCAL;
use crate::runs::Owner;
use crate::service::Service;

/// What an agent may do.
#[derive(Debug, Clone, Default)]
pub struct AgentOptions {
    /// The folders whose files it may name.
    pub roots: Vec<PathBuf>,
    /// What each conversation may spend over all of its calls; what is not limited is limited by the recipes alone.
    pub budget: Budget,
}

/// Why an agent is not served.
#[derive(Debug, Error)]
pub enum AgentError {
    /// A folder whose files it should name is not there.
    #[error("cannot let the agent use a folder: {0}")]
    Root(#[from] io::Error),
    /// It did not begin as the protocol says.
    #[error("the agent did not begin as the protocol says: {0}")]
    Beginning(#[from] Box<ServerInitializeError>),
    /// The server itself failed.
    #[error("the connection broke down: {0}")]
    Broken(#[from] tokio::task::JoinError),
}

/// Serves an agent over the standard streams until it hangs up. Nothing else may write to the standard output; logs go elsewhere.
///
/// What is under way when it hangs up is cancelled.
pub async fn serve_stdio(service: Arc<Service>, options: AgentOptions) -> Result<(), AgentError> {
    let (read, write) = stdio_pipes();
    serve_agent(service, options, read, write).await
}

/// Serves an agent over any pair of streams until it hangs up.
pub async fn serve_agent<Read, Write>(
    service: Arc<Service>,
    options: AgentOptions,
    read: Read,
    write: Write,
) -> Result<(), AgentError>
where
    Read: AsyncRead + Send + Unpin + 'static,
    Write: AsyncWrite + Send + Unpin + 'static,
{
    let desk = Desk::new(Arc::clone(&service), Roots::new(&options.roots)?, options.budget);
    let agent = Agent::new(Arc::clone(&desk), Some(Owner(LOCAL.to_owned())));
    // A picture in base64, and what stands around it.
    let longest = service.settings().body_bytes.saturating_mul(2);
    let transport = AsyncRwTransport::new(read, write).with_max_line_length(longest);
    let running = agent.serve(transport).await.map_err(Box::new)?;
    running.waiting().await?;
    service.runs().close().await;
    desk.under_way.close();
    desk.under_way.wait().await;
    Ok(())
}
