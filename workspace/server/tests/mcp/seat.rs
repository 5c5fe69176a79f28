//! An agent's seat: a server, a client of it, and a folder with a photograph.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use editscale_core::Budget;
use editscale_picture::{EncodeOptions, Metadata, Pixels, encode};
use editscale_server::{AgentOptions, Offer, Service, Settings, serve_agent};
use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientConfig, Implementation, ProgressNotificationParam, ProtocolVersion,
};
use rmcp::service::{NotificationContext, RunningService};
use rmcp::{ClientHandler, RoleClient, ServiceExt};
use serde_json::Value;

/// A client that remembers what it was told of progress.
#[derive(Clone)]
pub(crate) struct Listener {
    version: ProtocolVersion,
    pub(crate) heard: Arc<Mutex<Vec<ProgressNotificationParam>>>,
}

impl Listener {
    pub(crate) fn new(version: ProtocolVersion) -> Self {
        Self { version, heard: Arc::default() }
    }
}

impl ClientHandler for Listener {
    async fn on_progress(&self, param: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.heard.lock().unwrap().push(param);
    }

    fn get_info(&self) -> ClientConfig {
        let mut config =
            ClientConfig::new(rmcp::model::ClientCapabilities::default(), Implementation::new("test", "1"));
        config.protocol_version = self.version.clone();
        config
    }
}

/// A server over streams, and its client.
pub(crate) struct Seat {
    pub(crate) client: RunningService<RoleClient, Listener>,
    pub(crate) service: Arc<Service>,
    folder: tempfile::TempDir,
}

/// A little landscape: sky over land.
pub(crate) fn photograph() -> Vec<u8> {
    let at = |place: u32| {
        let (x, y) = (place % 64, place / 64);
        let (across, down) = (x as f32 / 63.0, y as f32 / 47.0);
        if y < 24 { [0.2 + 0.2 * across, 0.4, 0.7 - 0.2 * down] } else { [0.25 * across, 0.3 - 0.1 * down, 0.08] }
    };
    let pixels = Pixels::new(64, 48, (0..64 * 48).map(at).collect()).unwrap();
    encode(&pixels, &Metadata::default(), EncodeOptions::PNG).unwrap()
}

/// A service of the embedded recipes over a folder.
pub(crate) fn service(folder: &Path, change: impl FnOnce(&mut Settings)) -> Arc<Service> {
    let mut settings = Settings::new(folder.join("runs"));
    change(&mut settings);
    Service::open(crate::offers::offers().unwrap(), crate::offers::catalogue(), settings, 2).unwrap()
}

impl Seat {
    pub(crate) async fn take(budget: Budget) -> Self {
        Self::of_version(budget, ProtocolVersion::V_2025_11_25).await
    }

    pub(crate) async fn of_version(budget: Budget, version: ProtocolVersion) -> Self {
        Self::with(budget, version, |_| {}).await
    }

    /// A seat at recipes that are changed.
    pub(crate) async fn with(budget: Budget, version: ProtocolVersion, change: impl FnOnce(&mut [Offer])) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("pictures");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("sea.png"), photograph()).unwrap();
        let mut offers = crate::offers::offers().unwrap();
        change(&mut offers);
        let settings = Settings::new(folder.path().join("runs"));
        let service = Service::open(offers, crate::offers::catalogue(), settings, 1).unwrap();
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (read, write) = tokio::io::split(ours);
        let options = AgentOptions { roots: vec![root], budget };
        tokio::spawn(serve_agent(Arc::clone(&service), options, read, write));
        let client = Listener::new(version).serve(theirs).await.unwrap();
        Self { client, service, folder }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("pictures")
    }

    pub(crate) async fn result(&self, tool: &'static str, arguments: Value) -> CallToolResult {
        result(&self.client, tool, arguments).await
    }

    /// The object that a tool answers; it must not be an error.
    pub(crate) async fn call(&self, tool: &'static str, arguments: Value) -> Value {
        good(self.result(tool, arguments).await)
    }

    /// The error that a tool answers.
    pub(crate) async fn refused(&self, tool: &'static str, arguments: Value) -> Value {
        bad(&self.result(tool, arguments).await)
    }
}

pub(crate) async fn result(
    client: &RunningService<RoleClient, Listener>,
    tool: &'static str,
    arguments: Value,
) -> CallToolResult {
    let params = CallToolRequestParams::new(tool).with_arguments(arguments.as_object().unwrap().clone());
    client.call_tool(params).await.unwrap()
}

pub(crate) fn good(result: CallToolResult) -> Value {
    assert_ne!(result.is_error, Some(true), "{:?}", result.content);
    let text = &result.content.first().unwrap().as_text().unwrap().text;
    let object = result.structured_content.unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), object, "the text says the same");
    object
}

pub(crate) fn bad(result: &CallToolResult) -> Value {
    assert_eq!(result.is_error, Some(true), "{:?}", result.content);
    serde_json::from_str(&result.content.first().unwrap().as_text().unwrap().text).unwrap()
}
