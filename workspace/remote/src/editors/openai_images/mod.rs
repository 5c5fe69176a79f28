//! Editors behind `/v1/images/edits`, the route of `OpenAI`'s images API, which many servers speak in their own way.
//!
//! One request asks for one picture, with an explicit seed where the server has seeds: what `n` pictures of one request are
//! differs from server to server, and only this makes a candidate that can be made again alone.

mod answer;
mod arguments;
mod form;
mod options;
mod profile;
mod recipe;
mod stream;

use std::fmt::Write as _;
use std::sync::Arc;

use editscale_core::{
    AdoptedPolicy, BoxFuture, CancelRule, Candidate, EditBackend, EditBatch, EditItem, EditorCard, Failure,
    PolicySupport, PolicyWeights, SeedRule, Watch,
};

pub use options::OpenAiImagesOptions;
pub use profile::{MaskRule, Profile, SeedPlace};
pub use recipe::OpenAiImagesRecipe;

use crate::SetupError;
use crate::editors::card::{plain, recovery, revised};
use crate::editors::item::{SEED_BITS, begin, each, key, key_header};
use crate::editors::knobs::{defaults, specs};
use crate::editors::sglang_weights::{self, Weights};
use crate::fleet::call::{Ask, Caller, Fleet};
use crate::fleet::server::Server;
use crate::trouble::retry::Repeat;

/// The version of what this dialect sends; a part of every card's revision.
const VERSION: u32 = 1;

/// An editor behind `/v1/images/edits`.
#[derive(Debug)]
pub struct OpenAiImages {
    pub(crate) options: OpenAiImagesOptions,
    card: EditorCard,
    fleet: Fleet,
    seeds: SeedPlace,
    masks: MaskRule,
    repeat: Repeat,
    weights: Weights,
}

impl OpenAiImages {
    /// Checks the options and reads the secrets. No server is called.
    pub fn new(options: OpenAiImagesOptions) -> Result<Self, SetupError> {
        options.check()?;
        let profile = options.profile;
        let seeds = options.seeds.unwrap_or_else(|| profile.seeds());
        let masks = options.masks.unwrap_or_else(|| profile.masks());
        let repeat = options.repeat.unwrap_or_else(|| profile.repeat(options.prices.are_nothing()));
        let card = card(&options, seeds, masks, repeat);
        let fleet = Fleet::new(&options.connection)?;
        Ok(Self { options, card, fleet, seeds, masks, repeat, weights: Weights::default() })
    }

    async fn make(&self, place: usize, item: EditItem, watch: &dyn Watch) -> Result<Candidate, Failure> {
        begin(&item, &self.options.name, watch)?;
        let form = self.form(&item)?;
        let key = key(&item, &self.card.revision);
        let ask = Ask {
            headers: key_header(&key),
            is_gateway: self.options.profile == Profile::LiteLlm,
            streams: self.options.streams(),
            works_on: self.card.cancel == CancelRule::WhenDone,
            ..Ask::post("images/edits", form.payload.clone(), self.repeat, item.proposal.seed)
        };
        let leaving = || watch.submitted(place, &key, None);
        let hear = |event: &str| self.preview(event, place, watch);
        let form = &form;
        let read = |reply, server: Arc<Server>| async move { self.candidate(&reply, &server, form).await };
        let made = self.fleet.answer(&ask, Caller { watch, leaving: &leaving, hear: &hear }, read).await;
        made.map_err(|error| error.into_failure(self.repeat, self.card.cost))
    }
}

impl EditBackend for OpenAiImages {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        each(batch, move |place, item| self.make(place, item, watch))
    }

    fn adopts(&self) -> PolicySupport {
        if self.options.profile == Profile::SgLang { sglang_weights::SUPPORT } else { PolicySupport::default() }
    }

    fn adopt<'a>(&'a self, weights: &'a PolicyWeights) -> BoxFuture<'a, Result<AdoptedPolicy, Failure>> {
        Box::pin(async move {
            match self.adopts().refusal(&self.options.name, weights) {
                Some(refusal) => Err(refusal),
                None => self.weights.adopt(&self.fleet, &self.options.name, weights).await,
            }
        })
    }
}

fn card(options: &OpenAiImagesOptions, seeds: SeedPlace, masks: MaskRule, repeat: Repeat) -> EditorCard {
    let cost = options.prices.bound(options.bounds, 1, options.nfe);
    EditorCard {
        seeds: match seeds {
            SeedPlace::Nowhere => SeedRule::Ignored,
            SeedPlace::Field | SeedPlace::PromptArguments => SeedRule::Reproducible { bits: SEED_BITS },
        },
        cancel: options.profile.cancel(),
        masks: masks != MaskRule::None,
        steers_noise: false,
        steps: None,
        knobs: specs(&options.knobs),
        recovery: recovery(repeat),
        ..plain(&options.name, &options.connection, revision(options), cost)
    }
}

/// Everything that changes a picture and is not in a proposal. Servers are not: replicas give the same.
fn revision(options: &OpenAiImagesOptions) -> String {
    let mut text = format!("openai_images/{VERSION} {} {}", options.profile, options.model);
    for (name, value) in &options.fields {
        // Writing to a text cannot fail.
        _ = write!(text, " {name}={value}");
    }
    // What is left open follows from the profile.
    if let Some(seeds) = options.seeds {
        _ = write!(text, " seeds={seeds:?}");
    }
    if let Some(masks) = options.masks {
        _ = write!(text, " masks={masks:?}");
    }
    if let Some(sizes) = &options.sizes {
        _ = write!(text, " sizes={sizes:?}");
    }
    _ = write!(text, "{}", defaults(options.knobs.iter().map(|knob| &knob.spec)));
    revised(text, options.revision.as_ref())
}
