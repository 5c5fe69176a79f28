//! What operators see: figures for Prometheus, and the names under which a request is found in logs and traces.
//!
//! Labels come from the configuration (recipes, rewards, routes) or from fixed lists, never from what callers send.

mod gauges;
mod http;
mod ids;
mod meter;
mod scores;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::offer::Offer;
use crate::runs::State;
use gauges::Gauges;
use http::Requests;
use scores::Scores;

pub use ids::TraceIds;
pub(crate) use ids::{REQUEST_ID, TRACE_PARENT, current, within, within_sync};
pub(crate) use meter::Meter;

/// What stands for a recipe or reward that is not configured any more.
const OTHER: &str = "other";

/// The media type of what [`Telemetry::render`] writes.
pub(crate) const MEDIA: &str = prometheus_text::CONTENT_TYPE;

/// Is told of every request's span with its W3C `traceparent`.
type Adopter = Box<dyn Fn(&tracing::Span, &str) + Send + Sync>;

/// Figures of one server.
pub struct Telemetry {
    registry: Registry,
    recipes: BTreeSet<String>,
    rewards: BTreeSet<String>,
    pub(crate) requests: Requests,
    refused: Counter,
    runs: Family<RunLabels, Counter>,
    run_seconds: Family<RecipeLabels, Histogram>,
    spent: Spent,
    scores: Arc<Scores>,
    batches: Family<RewardLabels, Histogram>,
    gauges: Gauges,
    adopter: OnceLock<Adopter>,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("recipes", &self.recipes).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    recipe: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RecipeLabels {
    recipe: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RewardLabels {
    reward: String,
}

/// What runs have spent, by recipe.
#[derive(Debug, Default)]
struct Spent {
    edits: Family<RecipeLabels, Counter>,
    reward_calls: Family<RecipeLabels, Counter>,
    nfe: Family<RecipeLabels, Counter>,
    tokens: Family<RecipeLabels, Counter>,
    usd: Family<RecipeLabels, Counter<f64, std::sync::atomic::AtomicU64>>,
}

impl Telemetry {
    /// Figures of a server that serves these recipes, all at 0.
    pub(crate) fn new(offers: &[Arc<Offer>]) -> Self {
        let mut registry = Registry::with_prefix("editscale");
        let named = |reward: &Arc<dyn editscale_core::RewardModel>| reward.card().name.to_string();
        let telemetry = Self {
            recipes: offers.iter().map(|offer| offer.name.clone()).collect(),
            rewards: offers.iter().flat_map(|offer| &offer.rewards).map(named).collect(),
            requests: Requests::new(&mut registry),
            refused: Counter::default(),
            runs: Family::default(),
            run_seconds: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.05, 2.0, 15))),
            spent: Spent::default(),
            scores: Arc::new(Scores::new(offers)),
            batches: Family::new_with_constructor(|| Histogram::new(exponential_buckets(1.0, 2.0, 9))),
            gauges: Gauges::new(&mut registry),
            adopter: OnceLock::new(),
            registry: Registry::default(),
        };
        telemetry.with(registry)
    }

    fn with(mut self, mut registry: Registry) -> Self {
        registry.register("queue_refused", "Runs that were refused because the queue was full", self.refused.clone());
        registry.register("runs", "Runs that have ended, by how", self.runs.clone());
        registry.register("run_seconds", "Time at work of runs that have ended", self.run_seconds.clone());
        registry.register("edits", "Edits that were made or paid for", self.spent.edits.clone());
        registry.register("reward_calls", "Judgements that runs asked for", self.spent.reward_calls.clone());
        registry.register("nfe", "Denoiser evaluations", self.spent.nfe.clone());
        registry.register("tokens", "Language-model tokens", self.spent.tokens.clone());
        registry.register("usd", "Money in US dollars", self.spent.usd.clone());
        registry.register("scoring_batch_size", "Judgements in one call of a reward", self.batches.clone());
        registry.register_collector(Box::new(Arc::clone(&self.scores)));
        self.registry = registry;
        self
    }

    fn recipe(&self, name: &str) -> RecipeLabels {
        let recipe = if self.recipes.contains(name) { name } else { OTHER };
        RecipeLabels { recipe: recipe.to_owned() }
    }

    /// A run was refused because the queue is full.
    pub(crate) fn refused(&self) {
        self.refused.inc();
    }

    /// A run of this recipe has ended so, after it was at work for so long; one that never was has no time.
    pub(crate) fn run_ended(&self, recipe: &str, state: &State, took: Option<Duration>) {
        let RecipeLabels { recipe } = self.recipe(recipe);
        if let Some(took) = took {
            let labels = RecipeLabels { recipe: recipe.clone() };
            self.run_seconds.get_or_create(&labels).observe(took.as_secs_f64());
        }
        self.runs.get_or_create(&RunLabels { recipe, state: state.word() }).inc();
    }

    /// A reward was called with so many judgements at a time.
    pub fn batch(&self, reward: &str, size: usize) {
        let reward = if self.rewards.contains(reward) { reward } else { OTHER };
        self.batches.get_or_create(&RewardLabels { reward: reward.to_owned() }).observe(size as f64);
    }

    /// What is told of every request's span, with its W3C `traceparent`, before anything happens in it: a tracer that speaks to
    /// others makes the span a part of the caller's trace. Only the first one is kept.
    pub fn set_adopter(&self, adopter: impl Fn(&tracing::Span, &str) + Send + Sync + 'static) {
        self.adopter.set(Box::new(adopter)).ok();
    }

    pub(crate) fn adopt(&self, span: &tracing::Span, ids: &TraceIds) {
        if let Some(adopter) = self.adopter.get() {
            adopter(span, &ids.parent());
        }
    }

    /// All figures in Prometheus's text format. `load` is how many runs wait and are carried out.
    pub(crate) fn render(&self, load: (usize, usize)) -> Result<String, fmt::Error> {
        self.gauges.set(load);
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
