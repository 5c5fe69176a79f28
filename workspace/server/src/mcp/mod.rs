//! The door for agents: tools and resources over the Model Context Protocol.

use std::path::PathBuf;
use std::sync::Arc;

use editscale_core::Budget;

use crate::service::Service;

/// What an agent's session may do.
#[derive(Debug, Clone, Default)]
pub struct AgentOptions {
    /// The folders whose files it may name.
    pub roots: Vec<PathBuf>,
    /// What all of its calls together may spend.
    pub budget: Budget,
}

/// Serves one agent on stdin and stdout.
pub async fn serve_stdio(_: Arc<Service>, _: AgentOptions) -> Result<(), std::io::Error> {
    Ok(())
}
