//! Editors behind the native jobs of stable-diffusion.cpp: `/sdcpp/v1/img_gen`, asked about at `/sdcpp/v1/jobs/ID`.
//!
//! Unlike its route for images, the server's jobs take masks, wait in a queue of their own, and are found again after a crash
//! of this program. A job that is at work cannot be stopped; one that waits can.

mod body;
mod capabilities;
mod job;
mod options;
mod recipe;

use std::future::ready;
use std::sync::Arc;

use editscale_core::{
    BoxFuture, CancelRule, Candidate, Cost, EditBackend, EditBatch, EditItem, EditorCard, Failure, Recovery, SeedRule,
    Watch,
};
use serde_json::Value;

pub use capabilities::SdCppCapabilities;
pub(crate) use options::place;
pub use options::{PictureUse, SdCppJobsOptions};
pub use recipe::SdCppJobsRecipe;

use crate::SetupError;
use crate::editors::card::{plain, repeat_where_free, revised};
use crate::editors::item::{SEED_BITS, begin, each, key, key_header};
use crate::editors::knobs::{defaults, specs};
use crate::editors::wish::notes;
use crate::fleet::call::{Ask, Fleet};
use crate::fleet::jobs::{Finished, Jobs, Order};
use crate::http::multipart::Payload;
use crate::picture::received::{decoded, received};
use crate::price::TokenBounds;
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::retry::Repeat;
use body::Body;
use job::Job;

/// The version of what this dialect sends; a part of every card's revision.
const VERSION: u32 = 1;

/// An editor behind the jobs of stable-diffusion.cpp.
#[derive(Debug)]
pub struct SdCppJobs {
    options: SdCppJobsOptions,
    card: EditorCard,
    fleet: Fleet,
    repeat: Repeat,
}

impl SdCppJobs {
    /// Checks the options and reads the secrets. No server is called.
    pub fn new(options: SdCppJobsOptions) -> Result<Self, SetupError> {
        options.check()?;
        let repeat = options.repeat.unwrap_or_else(|| repeat_where_free(&options.prices));
        let card = card(&options);
        let fleet = Fleet::new(&options.connection)?;
        Ok(Self { options, card, fleet, repeat })
    }

    async fn make(&self, place: usize, item: EditItem, watch: &dyn Watch) -> Result<Candidate, Failure> {
        begin(&item, &self.options.name, watch)?;
        let body = self.body(&item)?;
        let key = key(&item, &self.card.revision);
        let usual = Ask::post("img_gen", Payload::json(&body.json), self.repeat, item.proposal.seed);
        let ask = Ask { headers: key_header(&key), works_on: true, ..usual };
        let order = Order { ask, place, key, expected: None, earlier: item.earlier, rules: self.options.polls };
        let jobs: Arc<dyn Jobs> = Arc::new(Job);
        let read = |finished: Finished| ready(self.candidate(&finished, &body));
        let made = self.fleet.job(&order, &jobs, watch, read).await;
        made.map_err(|error| error.into_failure(self.repeat, self.card.cost))
    }

    /// Takes the first picture. How many there are is counted: the server leaves out what it could not encode.
    fn candidate(&self, finished: &Finished, body: &Body) -> Result<Candidate, RemoteError> {
        let images = finished.answer["result"]["images"].as_array();
        let pictures: Vec<&str> = images.into_iter().flatten().filter_map(|image| image["b64_json"].as_str()).collect();
        // A picture that did not come may have been made, and paid.
        let cost = self.options.prices.of(None, pictures.len().max(1) as u64, self.card.cost);
        let malformed = |message: String| {
            let endpoint = &finished.server.endpoint;
            let message = endpoint.hide(&format!("{}: {message}", endpoint.base()));
            RemoteError { cost: Some(Box::new(cost)), ..RemoteError::maybe_done(ErrorClass::Malformed, message) }
        };
        let first = pictures.first().ok_or_else(|| malformed("expected one picture, found none".to_owned()))?;
        let bytes = decoded(first, &self.options.limits).map_err(malformed)?;
        let image = received(bytes, &self.options.limits).map_err(malformed)?;
        let notes = notes(pictures.len(), body.wish, image.size);
        Ok(Candidate { cost, effective_seed: body.effective_seed, notes, ..Candidate::new(image) })
    }
}

impl EditBackend for SdCppJobs {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        each(batch, move |place, item| self.make(place, item, watch))
    }
}

fn card(options: &SdCppJobsOptions) -> EditorCard {
    let cost = Cost { tokens: 0, ..options.prices.bound(TokenBounds::default(), 1, options.nfe) };
    EditorCard {
        seeds: SeedRule::Reproducible { bits: SEED_BITS },
        // What is at work cannot be stopped.
        cancel: CancelRule::WhenDone,
        masks: true,
        steers_noise: false,
        steps: None,
        knobs: specs(&options.knobs),
        recovery: Recovery::Query,
        ..plain(&options.name, &options.connection, revision(options), cost)
    }
}

/// Everything that changes a picture and is not in a proposal. Servers are not: replicas give the same.
fn revision(options: &SdCppJobsOptions) -> String {
    let fields = Value::Object(options.fields.clone());
    let (picture, sizes, knobs) = (options.picture.word(), &options.sizes, &options.knobs);
    let knobs = defaults(knobs.iter().map(|knob| &knob.spec));
    let text = format!("sdcpp_jobs/{VERSION} {picture} {} {fields} sizes={sizes:?}{knobs}", options.model);
    revised(text, options.revision.as_ref())
}
