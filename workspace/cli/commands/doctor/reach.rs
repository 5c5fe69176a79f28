//! Whether a server is there, lets us in, and has the model.

use editscale_config::RemoteSettings;
use editscale_remote::reach;
use serde_json::{Value, json};

use super::found::Found;
use crate::remote::connection;

/// Asks a server for something that costs nothing. Whether there is any point in asking it for more.
pub(super) async fn reached(found: &mut Found, remote: &RemoteSettings, path: &str, model: Option<&str>) -> bool {
    let reached = match reach(&connection(remote), path).await {
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
