//! Whether the editors and rewards of a recipe are alive: threads of models by themselves, servers by a question that costs
//! nothing.

use std::sync::Arc;
use std::time::Duration;

use editscale_core::BoxFuture;
use editscale_remote::{connection, reach};
use editscale_schema::FreeQuestion;
use editscale_schema::remote::RemoteSettings;
use editscale_server::{Pulse, Vital};
use futures_util::future::join_all;

/// How long an answer to a free question may take.
const LONGEST: Duration = Duration::from_secs(3);

/// One editor or reward.
pub(super) struct Organ {
    name: String,
    trouble: Arc<dyn Fn() -> Option<String> + Send + Sync>,
    /// Its servers, and what is free to ask them.
    servers: Option<(RemoteSettings, String)>,
}

impl Organ {
    pub(super) fn new(
        name: String,
        trouble: Arc<dyn Fn() -> Option<String> + Send + Sync>,
        remote: Option<&RemoteSettings>,
        (path, _): FreeQuestion<'_>,
    ) -> Self {
        Self { name, trouble, servers: remote.map(|remote| (remote.clone(), path.into_owned())) }
    }

    async fn feel(&self) -> Vital {
        let trouble = match (&self.servers, (self.trouble)()) {
            (_, Some(trouble)) => Some(trouble),
            (None, None) => None,
            (Some((settings, path)), None) => unreachable(settings, path).await,
        };
        Vital { name: self.name.clone(), trouble }
    }
}

/// Why none of the servers can be used. One that works is enough.
async fn unreachable(settings: &RemoteSettings, path: &str) -> Option<String> {
    let mut servers = connection(settings);
    servers.timeouts.answer = servers.timeouts.answer.min(LONGEST);
    match reach(&servers, path).await {
        Err(error) => Some(error.to_string()),
        Ok(all) if all.iter().any(|reached| reached.error.is_none()) => None,
        Ok(all) => all.into_iter().find_map(|reached| reached.error).map(|error| error.to_string()),
    }
}

/// All editors and rewards of one recipe.
pub(super) struct Body(pub(super) Vec<Organ>);

impl Pulse for Body {
    fn feel(&self) -> BoxFuture<'_, Vec<Vital>> {
        Box::pin(join_all(self.0.iter().map(Organ::feel)))
    }
}
