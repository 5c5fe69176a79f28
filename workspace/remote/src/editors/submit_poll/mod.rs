//! Editors behind services that take jobs: an edit is submitted, and asked about until it is done.
//!
//! All of them are paid for, and none knows a key under which a submission is done once: one whose answer got lost is never
//! sent again. A job whose name is known is found again, also after a crash of this program.

mod bfl;
mod body;
mod fal;
mod options;
mod recipe;
mod replicate;
mod service;

use std::future::ready;
use std::sync::Arc;

use editscale_core::{
    BoxFuture, Candidate, Cost, EditBackend, EditBatch, EditItem, EditorCard, Failure, Recovery, SeedRule, Usd, Watch,
};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

pub use options::{InputFields, SizePlace, SubmitPollOptions};
pub use recipe::{InputSettings, SubmitPollRecipe};
pub use service::Service;

use crate::SetupError;
use crate::editors::card::{plain, revised};
use crate::editors::item::{SEED_BITS, begin, each, key};
use crate::editors::knobs::{defaults, specs};
use crate::editors::wish::notes;
use crate::fingerprint::fingerprint;
use crate::fleet::call::{Ask, Fleet};
use crate::fleet::jobs::{Finished, Jobs, Order};
use crate::http::multipart::Payload;
use crate::picture::results::picture;
use crate::price::TokenBounds;
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::retry::Repeat;
use body::Body;

/// The version of what this dialect sends; a part of every card's revision.
const VERSION: u32 = 1;

/// An editor behind a service that takes jobs.
#[derive(Debug)]
pub struct SubmitPoll {
    options: SubmitPollOptions,
    card: EditorCard,
    fleet: Fleet,
}

impl SubmitPoll {
    /// Checks the options and reads the secrets. No server is called.
    pub fn new(options: SubmitPollOptions) -> Result<Self, SetupError> {
        options.check()?;
        let card = card(&options);
        let fleet = Fleet::new(&options.connection)?;
        Ok(Self { options, card, fleet })
    }

    async fn make(&self, place: usize, item: EditItem, watch: &dyn Watch) -> Result<Candidate, Failure> {
        begin(&item, &self.options.name, watch)?;
        let body = self.body(&item)?;
        let key = key(&item, &self.card.revision);
        let path = self.options.service.path(&self.options.model);
        let usual = Ask::post(path, Payload::json(&body.json), Repeat::Never, item.proposal.seed);
        let ask = Ask { headers: self.headers(), works_on: true, ..usual };
        let order = Order { ask, place, key, expected: None, earlier: item.earlier, rules: self.options.polls };
        let bill = Arc::new(bfl::Bill::default());
        let jobs: Arc<dyn Jobs> = match self.options.service {
            Service::Bfl => Arc::new(bfl::Job { bill: Arc::clone(&bill) }),
            Service::Fal => Arc::new(fal::Job),
            Service::Replicate => Arc::new(replicate::Job),
        };
        let finished = self.fleet.job(&order, &jobs, watch, |finished| ready(Ok(finished))).await;
        // Where the service says what the job costs, that is what it costs, also when it came to nothing.
        let known = bill.known();
        match finished {
            Ok(finished) => self.candidate(&finished, &body, known).await,
            Err(error) => Err(error.into_failure(Repeat::Never, self.cost(None, known))),
        }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let limit = self.options.server_limit.and_then(|limit| self.options.service.limit(limit));
        if let Some((name, value)) = limit
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            headers.insert(HeaderName::from_static(name), value);
        }
        headers
    }

    /// What so many pictures cost, or at most cost; and what the service says, where it does.
    fn cost(&self, pictures: Option<u64>, known: Option<Usd>) -> Cost {
        let bound = self.card.cost;
        let cost = pictures.map_or(bound, |pictures| self.options.prices.of(None, pictures, bound));
        known.map_or(cost, |usd| Cost { usd, ..cost })
    }

    /// Takes the first picture. How many there are is counted: each may cost.
    async fn candidate(&self, finished: &Finished, body: &Body, known: Option<Usd>) -> Result<Candidate, Failure> {
        let endpoint = &finished.server.endpoint;
        let addresses = match self.options.service {
            Service::Bfl => bfl::pictures(&finished.answer),
            Service::Fal => fal::pictures(&finished.answer),
            Service::Replicate => replicate::pictures(&finished.answer),
        };
        // A picture that did not come may have been made, and paid.
        let cost = self.cost(Some(addresses.len().max(1) as u64), known);
        let failure = |error: RemoteError| Failure { cost, ..error.into_failure(Repeat::Never, cost) };
        let Some(first) = addresses.first() else {
            let message = endpoint.hide(&format!("{}: expected one picture, found none", endpoint.base()));
            return Err(failure(RemoteError::maybe_done(ErrorClass::Malformed, message)));
        };
        let image = picture(&self.fleet.http, endpoint, first, &self.options.limits).await.map_err(failure)?;
        let notes = notes(addresses.len(), body.wish, image.size);
        Ok(Candidate { cost, effective_seed: body.effective_seed, notes, ..Candidate::new(image) })
    }
}

impl EditBackend for SubmitPoll {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        each(batch, move |place, item| self.make(place, item, watch))
    }
}

fn card(options: &SubmitPollOptions) -> EditorCard {
    let cost = options.prices.bound(TokenBounds::default(), 1, options.nfe);
    EditorCard {
        seeds: match options.inputs.seed {
            Some(_) => SeedRule::Reproducible { bits: SEED_BITS },
            None => SeedRule::Ignored,
        },
        cancel: options.service.cancel(),
        masks: options.inputs.mask.is_some(),
        steers_noise: false,
        steps: None,
        knobs: specs(&options.knobs),
        recovery: Recovery::Query,
        ..plain(&options.name, &options.connection, revision(options), cost)
    }
}

/// Everything that changes a picture and is not in a proposal. Servers are not: replicas give the same.
fn revision(options: &SubmitPollOptions) -> String {
    let fields = Value::Object(options.fields.clone());
    let (inputs, place, sizes) = (&options.inputs, &options.size, &options.sizes);
    let knobs = defaults(options.knobs.iter().map(|knob| &knob.spec));
    let asked = fingerprint(&format!("{inputs:?} {place:?} {sizes:?}"));
    let text = format!("submit_poll/{VERSION} {} {} {fields} inputs={asked}{knobs}", options.service, options.model);
    revised(text, options.revision.as_ref())
}
