//! What all judges share that answer with numbers: batches, calls, costs, and one result an item, in order.
//!
//! A number that is missing, no number or not finite is a failure, never 0.

pub(crate) mod found;
pub(crate) mod json;
pub(crate) mod options;
pub(crate) mod pair;

use std::future::ready;
use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use editscale_core::{
    Cost, Counters, Failure, FailureKind, Judgement, RewardBatch, RewardCard, RewardKind, Score, Watch,
};
use futures_util::future::join_all;
use reqwest::Method;
use reqwest::header::HeaderMap;

use self::found::{Found, Missing};
use self::options::ScoringOptions;
use self::pair::{Pair, Shows};
use crate::SetupError;
use crate::fleet::call::{Ask, Caller, Fleet};
use crate::fleet::server::Server;
use crate::http::client::Reply;
use crate::http::endpoint::Endpoint;
use crate::http::multipart::Payload;
use crate::price::Usage;
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::retry::Repeat;
use crate::trouble::words::short;

/// One server's way to be asked and to answer.
pub(crate) trait Dialect: Sync {
    fn scoring(&self) -> &Scoring;

    /// The body that asks about these.
    fn question(&self, pairs: &[&Pair]) -> Result<Payload, String>;

    /// What the answer to a question about so many says of each.
    fn read(&self, body: &Bytes, count: usize) -> Result<Said, String>;
}

/// What one answer says: one item for each that was asked about.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) items: Vec<Result<Found, Missing>>,
    pub(crate) usage: Option<Usage>,
}

impl Said {
    /// Of a server that counts no tokens.
    pub(crate) fn of(items: Vec<Result<Found, Missing>>) -> Self {
        Self { items, usage: None }
    }
}

/// What a dialect says of itself.
pub(crate) struct Setup {
    pub(crate) path: &'static str,
    /// The dialect, its version, and everything else that changes a score and is not in the pictures.
    pub(crate) revision: String,
    pub(crate) largest_batch: NonZeroU32,
    pub(crate) shows: Shows,
    pub(crate) gives_sigma: bool,
    /// Whether the server works on when its caller hangs up.
    pub(crate) works_on: bool,
}

/// A judge that answers with numbers, but for how it is spoken to.
pub(crate) struct Scoring {
    pub(crate) options: ScoringOptions,
    pub(crate) card: RewardCard,
    fleet: Fleet,
    setup: Setup,
}

impl std::fmt::Debug for Scoring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scoring").field("card", &self.card).finish_non_exhaustive()
    }
}

/// What a call for several came to: one result each, and what the call cost.
type Answered = (Vec<Result<Score, Missing>>, Cost);

impl Scoring {
    pub(crate) fn new(options: ScoringOptions, setup: Setup) -> Result<Self, SetupError> {
        options.check()?;
        let fleet = Fleet::new(&options.connection)?;
        let card = card(&options, &setup);
        Ok(Self { options, card, fleet, setup })
    }

    async fn call(&self, dialect: &impl Dialect, pairs: &[&Pair], watch: &dyn Watch) -> Result<Answered, RemoteError> {
        let Some(first) = pairs.first() else { return Ok((Vec::new(), Cost::default())) };
        let question = dialect.question(pairs).map_err(|words| RemoteError::new(ErrorClass::BadRequest, words))?;
        let ask = Ask {
            method: Method::POST,
            path: self.setup.path.into(),
            body: Some(question),
            headers: HeaderMap::new(),
            repeat: self.options.repeat(),
            seed: first.seed,
            is_gateway: false,
            streams: false,
            works_on: self.setup.works_on,
        };
        let caller = Caller { watch, leaving: &|| (), hear: &|_| () };
        let heard =
            |reply: Reply, server: Arc<Server>| ready(self.hear(dialect, &reply.body, &server.endpoint, pairs.len()));
        self.fleet.answer(&ask, caller, heard).await
    }

    /// What an answer says of so many. One that is no answer may be asked for again; an item of it that is no score is
    /// final.
    fn hear(
        &self,
        dialect: &impl Dialect,
        body: &Bytes,
        endpoint: &Endpoint,
        count: usize,
    ) -> Result<Answered, RemoteError> {
        // Secrets are hidden before anything is cut short.
        let hidden = |words: &str| short(&endpoint.hide(words));
        let malformed = |words: String| {
            let message = format!("{}: {}", endpoint.base(), hidden(&words));
            RemoteError::maybe_done(ErrorClass::Malformed, message)
        };
        let said = dialect.read(body, count).map_err(malformed)?;
        if said.items.len() != count {
            return Err(malformed(format!("expected {count} scores, found {}", said.items.len())));
        }
        let score = |item: Result<Found, Missing>| {
            let score = item.and_then(|found| found.score(&self.options)).map(|score| self.as_promised(score));
            score.map_err(|missing| Missing { words: hidden(&missing.words), ..missing })
        };
        let cost = self.options.prices.of(said.usage, 0, self.card.cost);
        Ok((said.items.into_iter().map(score).collect(), cost))
    }

    /// The score without a standard deviation where the card promises none.
    fn as_promised(&self, score: Score) -> Score {
        if self.card.gives_sigma {
            return score;
        }
        match Score::new(score.mean()) {
            Ok(bare) => bare.with_parts(score.parts().to_vec()),
            Err(_) => score,
        }
    }

    /// The judgements of one call's worth. Where one item spoils the answer of all, each is asked about alone.
    async fn judge(
        &self,
        dialect: &impl Dialect,
        pairs: &[&Pair],
        watch: &dyn Watch,
    ) -> Vec<Result<Judgement, Failure>> {
        let error = match self.call(dialect, pairs, watch).await {
            Ok(answered) => return judgements(answered),
            Err(error) => error,
        };
        let repeat = self.options.repeat();
        let alone = pairs.len() > 1 && is_worth_asking_alone(&error, repeat);
        let failure = error.into_failure(repeat, self.card.cost);
        if !alone {
            return spread(&failure, pairs.len());
        }
        let single = async |pair: &&Pair| {
            let outcome = self.call(dialect, std::slice::from_ref(pair), watch).await;
            outcome.map_or_else(|error| vec![Err(error.into_failure(repeat, self.card.cost))], judgements)
        };
        let mut judged: Vec<_> = join_all(pairs.iter().map(single)).await.into_iter().flatten().collect();
        // What the first call cost is somebody's.
        match judged.first_mut() {
            Some(Ok(judgement)) => judgement.cost += failure.cost,
            Some(Err(first)) => first.cost += failure.cost,
            None => {}
        }
        judged
    }
}

/// Judges a batch, in calls of at most the largest batch.
pub(crate) async fn score(
    dialect: &impl Dialect,
    batch: RewardBatch,
    watch: &dyn Watch,
) -> Vec<Result<Judgement, Failure>> {
    let scoring = dialect.scoring();
    let shows = scoring.setup.shows;
    let pairs: Vec<Result<Pair, Failure>> = batch.items.iter().map(|item| Pair::of(item, shows)).collect();
    let good: Vec<&Pair> = pairs.iter().flatten().collect();
    let calls = good.chunks(scoring.setup.largest_batch.get() as usize);
    let judged = join_all(calls.map(|pairs| scoring.judge(dialect, pairs, watch))).await;
    let mut judged = judged.into_iter().flatten();
    let mut next =
        || judged.next().unwrap_or_else(|| Err(Failure::new(FailureKind::Malformed, "expected a score, found none")));
    pairs.iter().map(|pair| pair.as_ref().map_or_else(|failure| Err(failure.clone()), |_| next())).collect()
}

/// One result each; the call's cost stands with the first.
fn judgements((items, cost): Answered) -> Vec<Result<Judgement, Failure>> {
    let judgement = |(place, item): (usize, Result<Score, Missing>)| {
        let cost = if place == 0 { cost } else { Cost::default() };
        match item {
            Ok(score) => Ok(Judgement { score, cost, counters: Counters::default() }),
            Err(missing) => Err(Failure { cost, ..Failure::new(missing.kind, missing.words) }),
        }
    };
    items.into_iter().enumerate().map(judgement).collect()
}

/// The same failure for each, and its cost once.
fn spread(failure: &Failure, count: usize) -> Vec<Result<Judgement, Failure>> {
    let each = |place| Failure { cost: if place == 0 { failure.cost } else { Cost::default() }, ..failure.clone() };
    (0..count).map(|place| Err(each(place))).collect()
}

/// Whether the reason may lie in one item alone, and asking again harms nobody.
fn is_worth_asking_alone(error: &RemoteError, repeat: Repeat) -> bool {
    let of_an_item = match error.class {
        ErrorClass::Moderated | ErrorClass::Malformed => true,
        ErrorClass::BadRequest | ErrorClass::Retryable => matches!(error.status, Some(400 | 413 | 415 | 422 | 500)),
        _ => false,
    };
    of_an_item && (repeat != Repeat::Never || !error.maybe_done)
}

fn card(options: &ScoringOptions, setup: &Setup) -> RewardCard {
    let said = options.revision.as_ref().map(|said| format!(" @{said}")).unwrap_or_default();
    let revision = format!("{} map={}x+{}{said}", setup.revision, options.map.scale, options.map.offset);
    RewardCard {
        name: options.name.clone(),
        revision: revision.into(),
        range: options.range,
        kind: RewardKind::Pointwise,
        gives_sigma: setup.gives_sigma,
        pixel_budget: options.pixel_budget,
        largest_batch: setup.largest_batch,
        slots: options.connection.slots(),
        cost: options.prices.bound(options.bounds(), 0, 0),
    }
}

/// The port of a judge that is a dialect.
macro_rules! reward_model {
    ($type:ty) => {
        impl editscale_core::RewardModel for $type {
            fn card(&self) -> &editscale_core::RewardCard {
                &self.scoring.card
            }

            fn score<'a>(
                &'a self,
                batch: editscale_core::RewardBatch,
                watch: &'a dyn editscale_core::Watch,
            ) -> editscale_core::BoxFuture<'a, Vec<Result<editscale_core::Judgement, editscale_core::Failure>>> {
                Box::pin($crate::judges::scoring::score(self, batch, watch))
            }
        }
    };
}
pub(crate) use reward_model;
