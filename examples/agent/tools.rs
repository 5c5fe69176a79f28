//! The server of tools: a child process that is spoken to over its standard streams.

use anyhow::{Context, Result, bail};
use rmcp::model::CallToolRequestParams;
use rmcp::service::RunningService;
use rmcp::transport::TokioChildProcess;
use rmcp::{RoleClient, ServiceExt};
use serde_json::Value;
use tokio::process::Command;

/// What a tool answered.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// It did what it was asked to.
    Good(Value),
    /// It did not, for a reason that it told.
    Bad(Value),
}

impl Answer {
    /// The answer of a tool that must do what it is asked to.
    pub(crate) fn good(self) -> Result<Value> {
        match self {
            Self::Good(told) => Ok(told),
            Self::Bad(told) => bail!("the tool refused: {told}"),
        }
    }

    /// Whether nothing is left to spend.
    pub(crate) fn is_exhausted(&self) -> bool {
        matches!(self, Self::Bad(told) if told["error"] == "budget_exhausted")
    }
}

/// The tools of a server.
pub(crate) struct Tools(RunningService<RoleClient, ()>);

impl Tools {
    /// Starts the server.
    pub(crate) async fn start(program: &str, arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments);
        let child = TokioChildProcess::new(command).with_context(|| format!("cannot start {program}"))?;
        let running = ().serve(child).await.with_context(|| format!("{program} does not answer as a server of tools"))?;
        Ok(Self(running))
    }

    /// Calls a tool. Its answers are objects, also those that say why something was not done.
    pub(crate) async fn call(&self, tool: &'static str, arguments: Value) -> Result<Answer> {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let params = CallToolRequestParams::new(tool).with_arguments(arguments);
        let result = self.0.call_tool(params).await.with_context(|| format!("the tool {tool} gave no answer"))?;
        let text = result.content.first().and_then(|block| block.as_text()).map(|text| text.text.as_str());
        let told = match result.structured_content {
            Some(object) => object,
            None => serde_json::from_str(text.context("an answer without a text")?)?,
        };
        Ok(if result.is_error == Some(true) { Answer::Bad(told) } else { Answer::Good(told) })
    }

    /// Ends the server.
    pub(crate) async fn stop(self) -> Result<()> {
        self.0.cancel().await?;
        Ok(())
    }
}
