//! What every call of every agent can reach, and one call.

use std::sync::Arc;

use editscale_core::Budget;
use rmcp::model::ProtocolVersion;
use rmcp::service::{RequestContext, RoleServer};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::conversation::{Conversation, Conversations};
use super::progress::Progress;
use super::roots::Roots;
use super::trouble::Trouble;
use crate::desks::Desks;
use crate::offer::Offer;
use crate::runs::Owner;
use crate::service::Service;

/// What every call can reach.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) service: Arc<Service>,
    pub(crate) roots: Roots,
    /// What each conversation may spend.
    pub(crate) budget: Budget,
    pub(crate) conversations: Conversations,
    /// Where files that agents name are read, and their pictures: a slow folder keeps agents waiting alone.
    pub(crate) desks: Desks,
    /// What is under way.
    pub(crate) under_way: TaskTracker,
}

impl Desk {
    pub(crate) fn new(service: Arc<Service>, roots: Roots, budget: Budget) -> Arc<Self> {
        let (conversations, desks, under_way) =
            (Conversations::default(), Desks::of_this_machine(), TaskTracker::new());
        Arc::new(Self { service, roots, budget, conversations, desks, under_way })
    }

    /// The recipe of this name; the usual one where none is named.
    pub(crate) fn offer(&self, name: Option<&str>) -> Result<Arc<Offer>, Trouble> {
        let offers = self.service.offers();
        let found = match name {
            None => offers.first(),
            Some(name) => offers.iter().find(|offer| offer.name == name),
        };
        found.cloned().ok_or_else(|| {
            let name: String = name.unwrap_or("default").chars().take(80).collect();
            Trouble::absent(format!("there is no recipe `{name}`: `list_recipes` tells which there are"))
        })
    }
}

/// One call of a tool.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) desk: Arc<Desk>,
    pub(crate) conversation: Arc<Conversation>,
    /// Whether the client knows links to resources.
    pub(crate) knows_links: bool,
    pub(crate) progress: Option<Progress>,
    /// Ends when the client does not want the answer any more.
    pub(crate) gone: CancellationToken,
}

impl Call {
    pub(crate) fn new(desk: &Arc<Desk>, conversation: Arc<Conversation>, context: &RequestContext<RoleServer>) -> Self {
        // Versions are dates, so that the later one is the greater text.
        let knows_links = context
            .protocol_version()
            .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2025_06_18.as_str());
        let progress = context.meta.get_progress_token().map(|token| Progress::new(token, context.peer.clone()));
        Self { desk: Arc::clone(desk), conversation, knows_links, progress, gone: context.ct.clone() }
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.conversation.owner
    }

    /// Does something that reads files or computes, beside the runtime's threads and within what the machine can do at a time.
    pub(crate) async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let call = self.clone();
        self.desk.desks.work(move || work(&call)).await?
    }
}
