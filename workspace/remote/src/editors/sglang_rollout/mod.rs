//! `SGLang` Diffusion's `/rollout/generate`: pictures with their way through the latent space, for training on them.
//!
//! The answer is `MessagePack` with tensors as `safetensors` files in it. The picture comes as numbers, so that this dialect
//! is the one that encodes pictures. The source goes as a data URL in `image_path`: in spite of the name, the server reads
//! paths of its own, addresses and data URLs there alike (0.5.23: `runtime/utils/vision.py`, `srt/utils/common.py`).

mod answer;
mod body;
mod item;
mod options;
mod picture;
mod recipe;
mod tensor;
mod way;

use std::future::ready;
use std::sync::Arc;

use editscale_core::{
    AdoptedPolicy, BoxFuture, CancelRule, Candidate, EditBackend, EditBatch, EditItem, EditorCard, Failure,
    PolicySupport, PolicyWeights, Sampler, SeedRule, Watch,
};

pub use options::{GeneratorDevice, RolloutSampler, SgLangRolloutOptions};
pub use recipe::SgLangRolloutRecipe;

use crate::SetupError;
use crate::TokenBounds;
use crate::editors::card::{plain, recovery, repeat_where_free};
use crate::editors::item::{SEED_BITS, begin, each, key};
use crate::editors::knobs::specs;
use crate::editors::masks::unmasked;
use crate::editors::sglang_weights::{self, Weights};
use crate::fleet::call::{Ask, Caller, Fleet};
use crate::fleet::server::Server;
use crate::http::client::Reply;
use crate::trouble::retry::Repeat;

/// The version of what this dialect sends; a part of every card's revision.
const VERSION: u32 = 1;

/// An editor behind `/rollout/generate`.
#[derive(Debug)]
pub struct SgLangRollout {
    pub(crate) options: SgLangRolloutOptions,
    card: EditorCard,
    fleet: Fleet,
    repeat: Repeat,
    weights: Weights,
}

impl SgLangRollout {
    /// Checks the options and reads the secrets. No server is called.
    pub fn new(options: SgLangRolloutOptions) -> Result<Self, SetupError> {
        options.check()?;
        let repeat = options.repeat.unwrap_or_else(|| repeat_where_free(&options.prices));
        let fleet = Fleet::new(&options.connection)?;
        Ok(Self { card: card(&options, repeat), options, fleet, repeat, weights: Weights::default() })
    }

    async fn make(&self, place: usize, item: EditItem, watch: &dyn Watch) -> Result<Candidate, Failure> {
        begin(&item, &self.options.name, watch)?;
        unmasked(&item, &self.options.name)?;
        let form = self.body(&item)?;
        let key = key(&item, &self.card.revision);
        let ask = Ask {
            works_on: true,
            ..Ask::post("rollout/generate", form.payload.clone(), self.repeat, item.proposal.seed)
        };
        let leaving = || watch.submitted(place, &key, None);
        let caller = Caller { watch, leaving: &leaving, hear: &|_| {} };
        let read = |reply: Reply, server: Arc<Server>| ready(self.candidate(&reply, &server, &form));
        let made = self.fleet.answer(&ask, caller, read).await;
        made.map_err(|error| error.into_failure(self.repeat, self.card.cost))
    }
}

impl EditBackend for SgLangRollout {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        each(batch, move |place, item| self.make(place, item, watch))
    }

    fn adopts(&self) -> PolicySupport {
        sglang_weights::SUPPORT
    }

    fn adopt<'a>(&'a self, weights: &'a PolicyWeights) -> BoxFuture<'a, Result<AdoptedPolicy, Failure>> {
        Box::pin(self.weights.adopt(&self.fleet, &self.options.name, weights))
    }
}

fn card(options: &SgLangRolloutOptions, repeat: Repeat) -> EditorCard {
    let is_still = options.sampler == RolloutSampler::Ode;
    let cost = options.prices.bound(TokenBounds::default(), 1, options.nfe);
    EditorCard {
        // The noise of every step comes from the generator of the request, which the seed begins.
        seeds: SeedRule::Reproducible { bits: SEED_BITS },
        sampler: if is_still { Sampler::Deterministic } else { Sampler::Stochastic },
        cancel: CancelRule::WhenDone,
        knobs: specs(&options.knobs),
        recovery: recovery(repeat),
        ..plain(&options.name, &options.connection, options.full_revision(VERSION), cost)
    }
}
