//! Whether a server is there, lets us in, and has the model.

use std::time::Duration;

use editscale_remote::{connection, reach};
use editscale_schema::remote::RemoteSettings;
use serde_json::{Value, json};

use super::found::Found;

/// How long an answer to a free question may take.
const LONGEST: Duration = Duration::from_secs(30);

/// Leaves one of several servers, by its place in the recipe. Its address.
pub(super) fn alone_on(remote: &mut RemoteSettings, place: usize) -> Option<String> {
    remote.servers = remote.servers.get(place).cloned().into_iter().collect();
    Some(remote.servers.first()?.url.clone())
}

/// Asks a server for something that costs nothing. Whether there is any point in asking it for more.
pub(super) async fn reached(found: &mut Found, settings: &RemoteSettings, path: &str, model: Option<&str>) -> bool {
    // What costs nothing takes no time either: an answer that is waited for as long as a picture is none.
    let mut servers = connection(settings);
    servers.timeouts.answer = servers.timeouts.answer.min(LONGEST);
    let reached = match reach(&servers, path).await {
        Ok(reached) => reached,
        Err(error) => {
            found.fails(error.to_string());
            return false;
        }
    };
    let Some(reached) = reached.first() else { return false };
    if let Some(error) = &reached.error {
        found.fails(error.to_string());
        return false;
    }
    let (status, took) = (reached.status.unwrap_or_default(), reached.took);
    let shown = format!("yes: `{path}` answered with status {status} after {} ms", took.as_millis());
    found.fact("reachable", shown, json!({"status": status, "secs": took.as_secs_f64()}));
    if let (Some(model), Some(models)) = (model, reached.models()) {
        let has = models.contains(&model);
        found.fact("model", if has { "listed" } else { "not listed" }, Value::Bool(has));
        if !has {
            let known: Vec<String> = models.iter().take(8).map(|known| format!("`{known}`")).collect();
            found.differs(format!("the model `{model}` is not among those of the server: {}", known.join(", ")));
        }
    }
    true
}
