//! Gemini's models that make pictures ("Nano Banana"), through `models/MODEL:generateContent`.
//!
//! One request asks for one picture. The seed is sent, and the card says that it is worth nothing, because Google promises
//! "a best effort" for it and nothing for pictures; a recipe that has measured otherwise may say so
//! ([`GeminiOptions::is_reproducible`]).

mod answer;
mod body;
mod options;
mod recipe;
mod sizes;

use std::sync::Arc;

use editscale_core::{
    BoxFuture, Candidate, EditBackend, EditBatch, EditItem, EditorCard, Failure, Seed, SeedRule, Watch,
};

pub use options::GeminiOptions;
pub use recipe::GeminiRecipe;

use crate::SetupError;
use crate::editors::card::{plain, recovery};
use crate::editors::gemini::answer::Answer;
use crate::editors::item::{begin, each, effective, key, sent};
use crate::editors::knobs::specs;
use crate::editors::masks::unmasked;
use crate::fleet::call::{Ask, Caller, Fleet};
use crate::fleet::server::Server;
use crate::http::client::Reply;
use crate::trouble::retry::Repeat;

/// The version of what this dialect sends; a part of every card's revision.
const VERSION: u32 = 1;
/// `generationConfig.seed` is a signed number of 32 bits.
const SEED_BITS: u8 = 31;

/// An editor behind `generateContent`.
#[derive(Debug)]
pub struct Gemini {
    pub(crate) options: GeminiOptions,
    card: EditorCard,
    fleet: Fleet,
}

impl Gemini {
    /// Checks the options and reads the secrets. No server is called.
    pub fn new(options: GeminiOptions) -> Result<Self, SetupError> {
        options.check()?;
        let fleet = Fleet::new(&options.connection)?;
        Ok(Self { card: card(&options), options, fleet })
    }

    /// One edit. Where that is harmless, an answer without a picture is asked for once more under another seed: that is
    /// an ordinary answer of these models. Else it is a failed trial. Either way it counts at what it cost.
    async fn make(&self, place: usize, item: EditItem, watch: &dyn Watch) -> Result<Candidate, Failure> {
        begin(&item, &self.options.name, watch)?;
        unmasked(&item, &self.options.name)?;
        let seed = item.proposal.seed;
        match self.ask(place, &item, seed, watch).await? {
            Answer::Picture(candidate) => Ok(*candidate),
            Answer::None(failure) if self.options.repeat != Repeat::Harmless => Err(failure),
            Answer::None(Failure { cost: mut spent, .. }) => {
                // What the first answer cost is a part of this edit.
                match self.ask(place, &item, seed.mix(0), watch).await {
                    Ok(Answer::Picture(candidate)) => {
                        spent += candidate.cost;
                        Ok(Candidate { cost: spent, ..*candidate })
                    }
                    Ok(Answer::None(failure)) | Err(failure) => {
                        spent += failure.cost;
                        Err(Failure { cost: spent, ..failure })
                    }
                }
            }
        }
    }

    async fn ask(&self, place: usize, item: &EditItem, seed: Seed, watch: &dyn Watch) -> Result<Answer, Failure> {
        let sent = sent(seed, SEED_BITS);
        let (payload, frame) = self.body(item, sent)?;
        let key = key(item, &self.card.revision);
        let path = format!("models/{}:generateContent", self.options.model);
        let ask = Ask::post(path, payload, self.options.repeat, item.proposal.seed);
        let leaving = || watch.submitted(place, &key, None);
        let effective_seed = effective(sent, item);
        let frame = &frame;
        let read = |reply: Reply, server: Arc<Server>| async move {
            self.answer(&reply, &server, frame, effective_seed).await
        };
        let answered = self.fleet.answer(&ask, Caller { watch, leaving: &leaving, hear: &|_| {} }, read).await;
        answered.map_err(|error| error.into_failure(self.options.repeat, self.card.cost))
    }
}

impl EditBackend for Gemini {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        each(batch, move |place, item| self.make(place, item, watch))
    }
}

fn card(options: &GeminiOptions) -> EditorCard {
    let cost = options.prices.bound(options.bounds, 1, options.nfe);
    EditorCard {
        seeds: if options.is_reproducible { SeedRule::Reproducible { bits: SEED_BITS } } else { SeedRule::Ignored },
        knobs: specs(&options.knobs),
        recovery: recovery(options.repeat),
        ..plain(&options.name, &options.connection, options.full_revision(VERSION), cost)
    }
}
