//! The result of an edit: which pictures the history names, and what they cost.

use bytes::Bytes;
use editscale_core::{Candidate, EditItem};
use serde_json::Value;

use super::{ComfyUi, Prepared};
use crate::editors::item::effective;
use crate::editors::wish::notes;
use crate::fleet::jobs::Finished;
use crate::fleet::server::Server;
use crate::picture::received::received;
use crate::picture::results;
use crate::trouble::error::{ErrorClass, RemoteError};

impl ComfyUi {
    /// Fetches the first picture of the first node that has one. How many there are is counted.
    pub(super) async fn candidate(
        &self,
        finished: &Finished,
        item: &EditItem,
        prepared: &Prepared,
    ) -> Result<Candidate, RemoteError> {
        let (bound, server) = (self.card.cost, &finished.server);
        let malformed = |message: String| {
            let message = server.endpoint.hide(&format!("{}: {message}", server.endpoint.base()));
            RemoteError::maybe_done(ErrorClass::Malformed, message)
        };
        let pictures = pictures(&finished.answer, &self.template.outputs);
        let cost = self.options.prices.of(None, pictures.len() as u64, bound);
        let failed = |error: RemoteError| RemoteError { cost: Some(Box::new(cost)), ..error };
        let Some(first) = pictures.first() else {
            let nodes: Vec<String> =
                self.template.outputs.iter().map(|node| self.template.workflow.named(node)).collect();
            return Err(malformed(format!("expected a picture of {}, found none", nodes.join(", "))));
        };
        let fetched = self.fetch(first, server).await.map_err(failed)?;
        let image = received(fetched[..].into(), &self.options.limits);
        let image = image.map_err(|words| failed(malformed(words)))?;
        // How many pictures a workflow makes is up to who made it.
        let mut notes = notes(1, prepared.wish, image.size);
        if pictures.len() > 1 {
            notes.push(format!("the workflow made {} pictures; the first was kept", pictures.len()).into());
        }
        let effective_seed = effective(prepared.seed, item);
        Ok(Candidate { cost, effective_seed, notes, ..Candidate::new(image) })
    }

    async fn fetch(&self, picture: &Value, server: &Server) -> Result<Bytes, RemoteError> {
        let mut url = server.endpoint.at("view");
        for name in ["filename", "subfolder", "type"] {
            url.query_pairs_mut().append_pair(name, picture[name].as_str().unwrap_or_default());
        }
        results::fetch(&self.fleet.http, &server.endpoint, url.as_str(), &self.options.limits).await
    }
}

/// The pictures of these nodes. A node that shows something else has none.
fn pictures<'a>(entry: &'a Value, outputs: &[String]) -> Vec<&'a Value> {
    let of_node = |node: &String| entry["outputs"][node.as_str()]["images"].as_array();
    let has_name = |picture: &&Value| picture["filename"].as_str().is_some_and(|name| !name.is_empty());
    outputs.iter().filter_map(of_node).flatten().filter(has_name).collect()
}
