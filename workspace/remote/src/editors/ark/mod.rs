//! `Seedream` and `SeedEdit` at Volcengine Ark and `BytePlus` `ModelArk`, through `images/generations`: editing is the presence of a
//! picture.
//!
//! One request asks for one picture, without a watermark, and never for a series. Only the models of the third generation
//! have seeds.

mod answer;
mod body;
mod generation;
mod options;
mod recipe;

use std::sync::Arc;

use editscale_core::{BoxFuture, Candidate, EditBackend, EditBatch, EditItem, EditorCard, Failure, SeedRule, Watch};

pub use generation::ArkGeneration;
pub use options::ArkOptions;
pub use recipe::ArkRecipe;

use crate::SetupError;
use crate::editors::card::{plain, recovery};
use crate::editors::item::{begin, each, key};
use crate::editors::knobs::specs;
use crate::editors::masks::unmasked;
use crate::fleet::call::{Ask, Caller, Fleet};
use crate::fleet::server::Server;
use crate::http::client::Reply;

/// The version of what this dialect sends; a part of every card's revision.
const VERSION: u32 = 1;
/// Seeds are below 2^31.
const SEED_BITS: u8 = 31;

/// An editor behind Ark's `images/generations`.
#[derive(Debug)]
pub struct Ark {
    pub(crate) options: ArkOptions,
    generation: ArkGeneration,
    card: EditorCard,
    fleet: Fleet,
}

impl Ark {
    /// Checks the options and reads the secrets. No server is called.
    pub fn new(options: ArkOptions) -> Result<Self, SetupError> {
        let generation = options.check()?;
        let fleet = Fleet::new(&options.connection)?;
        Ok(Self { card: card(&options, generation), options, generation, fleet })
    }

    async fn make(&self, place: usize, item: EditItem, watch: &dyn Watch) -> Result<Candidate, Failure> {
        begin(&item, &self.options.name, watch)?;
        unmasked(&item, &self.options.name)?;
        let form = self.body(&item)?;
        let key = key(&item, &self.card.revision);
        let ask = Ask::post("images/generations", form.payload.clone(), self.options.repeat, item.proposal.seed);
        let leaving = || watch.submitted(place, &key, None);
        let form = &form;
        let read = |reply: Reply, server: Arc<Server>| async move { self.candidate(&reply, &server, form).await };
        let made = self.fleet.answer(&ask, Caller { watch, leaving: &leaving, hear: &|_| {} }, read).await;
        made.map_err(|error| error.into_failure(self.options.repeat, self.card.cost))
    }
}

impl EditBackend for Ark {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        each(batch, move |place, item| self.make(place, item, watch))
    }
}

fn card(options: &ArkOptions, generation: ArkGeneration) -> EditorCard {
    let has_seeds = options.has_seeds.unwrap_or_else(|| generation.has_seeds());
    let cost = options.prices.bound(options.bounds, 1, options.nfe);
    EditorCard {
        seeds: if has_seeds { SeedRule::Reproducible { bits: SEED_BITS } } else { SeedRule::Ignored },
        knobs: specs(&options.knobs),
        recovery: recovery(options.repeat),
        ..plain(&options.name, &options.connection, options.full_revision(VERSION), cost)
    }
}
