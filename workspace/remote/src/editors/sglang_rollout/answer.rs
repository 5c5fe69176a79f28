//! The answer to one edit: the first sample, its picture, and its way.

use std::sync::Arc;

use editscale_core::{Candidate, Trajectory};

use super::SgLangRollout;
use super::body::Form;
use super::item::{Item, Items};
use super::picture::encoded;
use super::way::{Way, way};
use crate::editors::wish::notes;
use crate::fleet::server::Server;
use crate::http::client::Reply;
use crate::trouble::error::{ErrorClass, RemoteError};

impl SgLangRollout {
    pub(super) fn candidate(&self, reply: &Reply, server: &Server, form: &Form) -> Result<Candidate, RemoteError> {
        let bound = self.card.cost;
        let fail = |words: String, cost| {
            let message = server.endpoint.hide(&format!("{}: {words}", server.endpoint.base()));
            RemoteError { cost: Some(Box::new(cost)), ..RemoteError::maybe_done(ErrorClass::Malformed, message) }
        };
        let items = Items::read(&reply.body).map_err(|error| {
            fail(format!("expected a list of samples in MessagePack, found something else: {error}"), bound)
        })?;
        let cost = self.options.prices.of(None, items.count as u64, bound);
        let first = items.first.ok_or_else(|| fail("expected one sample, found none".to_owned(), cost))?;
        let made = self.made(&first, items.count, form).map_err(|words| fail(words, cost))?;
        Ok(Candidate { cost, ..made })
    }

    fn made(&self, item: &Item<'_>, count: usize, form: &Form) -> Result<Candidate, String> {
        if let Some(seed) = item.seed.filter(|seed| *seed != form.seed) {
            return Err(format!("expected a sample of seed {}, found one of {seed}", form.seed));
        }
        let output = item.generated_output.as_ref().ok_or("expected one picture, found none")?;
        let image = encoded(output, &self.options.limits)?;
        let mut notes = notes(count, form.wish, image.size);
        let trajectory = self.way(item, &mut notes)?;
        Ok(Candidate { effective_seed: form.effective_seed, notes, trajectory, ..Candidate::new(image) })
    }

    fn way(&self, item: &Item<'_>, notes: &mut Vec<Arc<str>>) -> Result<Option<Arc<Trajectory>>, String> {
        if !self.options.keeps_trajectory {
            return Ok(None);
        }
        match way(item, &self.options)? {
            Way::Whole(trajectory) => Ok(Some(Arc::new(trajectory))),
            Way::Lacks(missing) => {
                notes.push(format!("there is no trajectory: the server sent no `{missing}`").into());
                Ok(None)
            }
        }
    }
}
