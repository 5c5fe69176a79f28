//! What a server says of itself.

use editscale_core::{NobodyWatches, Seed};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::SdCppJobs;
use crate::fleet::call::{Ask, Caller};
use crate::http::endpoint::Endpoint;
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::retry::Repeat;

/// What a server says of itself at `/sdcpp/v1/capabilities`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdCppCapabilities {
    /// The file name of the model.
    pub model: String,
    /// What it makes, such as `img_gen`.
    pub modes: Vec<String>,
    /// What it knows when it makes pictures, such as `ref_images`, `init_image`, `mask_image`, `cancel_queued` or
    /// `cancel_generating`.
    pub features: Vec<String>,
    /// The most jobs that wait or are at work at a time.
    pub queue: Option<u64>,
}

impl SdCppJobs {
    /// Asks one of the servers what it can do. The seed decides the jitter of the waits.
    pub async fn capabilities(&self, seed: Seed) -> Result<SdCppCapabilities, RemoteError> {
        let ask = Ask {
            method: Method::GET,
            path: "capabilities".into(),
            body: None,
            headers: HeaderMap::new(),
            repeat: Repeat::Harmless,
            seed,
            is_gateway: false,
            streams: false,
            works_on: false,
        };
        let caller = Caller { watch: &NobodyWatches, leaving: &|| (), hear: &|_| () };
        let (reply, server) = self.fleet.call(&ask, caller).await?;
        let other = || {
            let message = format!("{}: expected JSON, found something else", server.endpoint.base());
            RemoteError::new(ErrorClass::Malformed, server.endpoint.hide(&message))
        };
        let said = reply.json().ok_or_else(other)?;
        Ok(read(&said, &server.endpoint))
    }
}

fn read(said: &Value, endpoint: &Endpoint) -> SdCppCapabilities {
    let word = |text: &str| endpoint.hide(text).chars().take(200).collect::<String>();
    let features = said["features_by_mode"]["img_gen"].as_object();
    SdCppCapabilities {
        model: word(said["model"]["name"].as_str().unwrap_or_default()),
        modes: said["supported_modes"].as_array().into_iter().flatten().filter_map(Value::as_str).map(word).collect(),
        features: features.into_iter().flatten().filter(|(_, has)| **has == true).map(|(name, _)| word(name)).collect(),
        queue: said["limits"]["max_queue_size"].as_u64(),
    }
}
