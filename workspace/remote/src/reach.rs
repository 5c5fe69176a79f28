//! Whether servers are there, and which models they say they have.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::SetupError;
use crate::fleet::Connection;
use crate::fleet::call::Fleet;
use crate::http::client::Message;
use crate::http::way::Way;
use crate::trouble::classify::refused;
use crate::trouble::error::{ErrorClass, RemoteError};

/// The most bytes of an answer about models.
const MOST_BYTES: u64 = 16 << 20;

/// What one server answered when it was asked for something that costs nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Reached {
    /// Its address, without secrets.
    pub base: String,
    /// How long the answer took.
    pub took: Duration,
    /// The status of the answer, where there was one; a server that does not have the route is there all the same.
    pub status: Option<u16>,
    /// The body, where it is JSON and the status one of success.
    pub answer: Option<Value>,
    /// Why it cannot be used: nobody is there, or the secret is not good enough.
    pub error: Option<RemoteError>,
}

impl Reached {
    /// The names of models in an answer of `/models`, as `OpenAI` writes it; nothing where it is no such answer.
    pub fn models(&self) -> Option<Vec<&str>> {
        let list = self.answer.as_ref()?.get("data")?.as_array()?;
        Some(list.iter().filter_map(|model| model["id"].as_str()).collect())
    }
}

/// Asks every server with `GET` for a path below its address, such as `models`, once each and one after the other. Nothing is
/// asked again, and no slot is taken.
pub async fn reach(connection: &Connection, path: &str) -> Result<Vec<Reached>, SetupError> {
    let fleet = Fleet::new(connection)?;
    let mut all = Vec::new();
    for server in fleet.servers() {
        let endpoint = &server.endpoint;
        let message = Message::get(endpoint.at(path), endpoint.headers().clone(), MOST_BYTES);
        let before = Instant::now();
        let outcome = fleet.http.exchange(Way::Named, message).await;
        let took = before.elapsed();
        let (status, answer, error) = match outcome {
            Ok(reply) if (200..300).contains(&reply.status) => {
                (Some(reply.status), reply.json().map(|answer| endpoint.hide_in(answer)), None)
            }
            Ok(reply) => {
                let error = refused(endpoint, &reply);
                let is_bad = !matches!(error.class, ErrorClass::BadRequest);
                (Some(reply.status), None, is_bad.then_some(error))
            }
            Err(broken) => (None, None, Some(RemoteError::broken(&broken).named(endpoint))),
        };
        all.push(Reached { base: endpoint.base().to_string(), took, status, answer, error });
    }
    Ok(all)
}
