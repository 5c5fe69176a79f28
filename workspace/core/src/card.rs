//! Cards: what an editor or a reward says of itself before anything runs.

use std::num::NonZeroU32;
use std::sync::Arc;

use crate::{Cost, CriticName, EditorName, KnobSpec, Noise, Proposal, RewardName, Until};

/// What an editor can do, and what it costs at most.
#[derive(Debug, Clone, PartialEq)]
pub struct EditorCard {
    /// What the recipe calls it.
    pub name: EditorName,
    /// What exactly would answer: model, weights and code version. A replay under another revision is refused.
    pub revision: Arc<str>,
    /// What its seeds are worth.
    pub seeds: SeedRule,
    /// The most items that one call may hold.
    pub largest_batch: NonZeroU32,
    /// How many calls it can work on at a time.
    pub slots: NonZeroU32,
    /// Whether it can start from a candidate's picture.
    pub edits_candidates: bool,
    /// Whether it can stop half way.
    pub pause: PauseSupport,
    /// Whether its sampler adds noise after the start.
    pub sampler: Sampler,
    /// When a slot is free again after cancelling.
    pub cancel: CancelRule,
    /// Whether it honours a mask.
    pub masks: bool,
    /// Whether the noise that a candidate starts from can be turned, and a paused state be taken back by adding noise.
    pub steers_noise: bool,
    /// How many denoising steps one edit takes, where it takes a fixed number: what [`Until::Step`](crate::Until) counts
    /// against.
    pub steps: Option<u32>,
    /// The settings that a search may turn.
    pub knobs: Vec<KnobSpec>,
    /// The most that one edit can cost.
    pub cost: Cost,
    /// What may be done about an edit that was under way when the program died.
    pub recovery: Recovery,
}

impl EditorCard {
    /// The card of an editor that makes one picture at a time out of any picture, for nothing, and with nothing special about
    /// it: no seeds, no masks, no knobs, no way to stop half way.
    pub fn plain(name: EditorName, revision: impl Into<Arc<str>>) -> Self {
        Self {
            name,
            revision: revision.into(),
            seeds: SeedRule::Ignored,
            largest_batch: NonZeroU32::MIN,
            slots: NonZeroU32::MIN,
            edits_candidates: true,
            pause: PauseSupport::None,
            sampler: Sampler::Deterministic,
            cancel: CancelRule::Promptly,
            masks: false,
            steers_noise: false,
            steps: None,
            knobs: Vec::new(),
            cost: Cost::default(),
            recovery: Recovery::Unknown,
        }
    }

    /// The most that a proposal costs that begins at a picture. Of the evaluations, those of its steps, and one for its
    /// preview where it stops on the way; tokens and money are counted whole, as nobody sells half an edit.
    pub fn cost_of(&self, proposal: &Proposal) -> Cost {
        let Some(steps) = self.counted_steps() else { return self.cost };
        Cost { nfe: self.evaluations(evaluated(proposal.until, steps), steps), ..self.cost }
    }

    /// The most that a proposal costs that goes on from the state in which `paused` was left, as long as that is held. `paid` is
    /// what the edit has cost up to there.
    ///
    /// Of the evaluations, those from there on: the one that showed the preview is that of the next step, unless steps are
    /// taken back first. Of tokens and money, and of evaluations where nobody knows the steps, what is not paid yet.
    pub fn rest_of(&self, proposal: &Proposal, paused: &Proposal, paid: Cost) -> Cost {
        let rest = self.cost.saturating_sub(paid);
        let Some(steps) = self.counted_steps() else { return rest };
        let again = match (&proposal.noise, paused.until) {
            (Noise::Back(back), Until::Step(step)) => u64::from(*back.min(&step)) + 1,
            _ => 0,
        };
        let way = evaluated(proposal.until, steps) + again;
        let more = way.saturating_sub(evaluated(paused.until, steps));
        Cost { nfe: self.evaluations(more, steps), ..rest }
    }

    fn counted_steps(&self) -> Option<u32> {
        self.steps.filter(|steps| *steps > 0)
    }

    /// What the denoiser is asked for so many of all steps, rounded up.
    fn evaluations(&self, made: u64, steps: u32) -> u64 {
        let nfe = (u128::from(self.cost.nfe) * u128::from(made)).div_ceil(u128::from(steps));
        u64::try_from(nfe).unwrap_or(u64::MAX)
    }
}

/// How many steps the denoiser is asked about on the whole way to a stop: where that is not the end, the next one as well,
/// for the preview.
fn evaluated(until: Until, steps: u32) -> u64 {
    u64::from(match until {
        Until::Step(step) => step.saturating_add(1).min(steps),
        Until::Finished => steps,
    })
}

/// What a seed decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeedRule {
    /// The same proposal gives the same picture; seeds of this many bits (at most 53) are told apart.
    Reproducible {
        /// Bits of a seed that count; the rest is dropped, and the effective seed is journaled.
        bits: u8,
    },
    /// Every call gives another picture, whatever the seed.
    Ignored,
}

/// Whether an editor can stop half way and show what it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PauseSupport {
    /// It cannot.
    None,
    /// It can stop at a step, hand out a preview, and go on.
    Resume,
    /// It can also go on from one state several times, with noise of their own.
    Fork,
}

/// Whether a sampler adds noise after the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampler {
    /// Equal states stay equal for ever: resampled particles would be copies.
    Deterministic,
    /// Equal states part.
    Stochastic,
}

/// When a slot is free again after cancelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelRule {
    /// Within moments.
    Promptly,
    /// At the end of the denoising step.
    WithinStep,
    /// Not before the edit is done.
    WhenDone,
}

/// What may be done about an edit that was under way when the program died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// It died too and cost nothing: do it again.
    Repeat,
    /// Sent again under the same key, it is done and paid once.
    Idempotent,
    /// The editor can be asked what became of it.
    Query,
    /// Nobody can know: it counts as spent and failed.
    Unknown,
}

/// What a reward measures in, and what it costs at most.
#[derive(Debug, Clone, PartialEq)]
pub struct RewardCard {
    /// What the recipe calls it.
    pub name: RewardName,
    /// What exactly would answer: model, weights, prompts and code version.
    pub revision: Arc<str>,
    /// The least and greatest score, where there is such a thing.
    pub range: Option<(f64, f64)>,
    /// Whether a score depends on what else is judged with it.
    pub kind: RewardKind,
    /// Whether its scores carry a standard deviation.
    pub gives_sigma: bool,
    /// The pixels that it looks at, at most; finer detail is invisible to it.
    pub pixel_budget: Option<u64>,
    /// The most items that one call may hold.
    pub largest_batch: NonZeroU32,
    /// How many calls it can work on at a time.
    pub slots: NonZeroU32,
    /// The most that one judgement can cost.
    pub cost: Cost,
}

impl RewardCard {
    /// The card of a reward that judges one candidate at a time, by itself, for nothing: scores of any size, without a standard
    /// deviation.
    pub fn plain(name: RewardName, revision: impl Into<Arc<str>>) -> Self {
        Self {
            name,
            revision: revision.into(),
            range: None,
            kind: RewardKind::Pointwise,
            gives_sigma: false,
            pixel_budget: None,
            largest_batch: NonZeroU32::MIN,
            slots: NonZeroU32::MIN,
            cost: Cost::default(),
        }
    }
}

/// Whether a score depends on what else is judged with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RewardKind {
    /// Each candidate is judged alone; scores of different rounds compare.
    Pointwise,
    /// Candidates are judged against each other; scores compare within one call only.
    Listwise,
}

/// What a critic can do, and what it costs at most.
#[derive(Debug, Clone, PartialEq)]
pub struct CriticCard {
    /// What the recipe calls it.
    pub name: CriticName,
    /// What exactly would answer: model, weights, prompts and code version.
    pub revision: Arc<str>,
    /// Whether it can be asked about a request of which nothing is made yet, for better words.
    pub rewrites: bool,
    /// How many calls it can work on at a time.
    pub slots: NonZeroU32,
    /// The most that one critique can cost.
    pub cost: Cost,
}

/// All cards of a run: what a search may count on.
#[derive(Debug, Clone, PartialEq)]
pub struct Cards {
    /// The editors, in recipe order; the first is the one used unless a search routes.
    pub editors: Vec<EditorCard>,
    /// The rewards, in recipe order.
    pub rewards: Vec<RewardCard>,
    /// The critics, in recipe order.
    pub critics: Vec<CriticCard>,
}

impl Cards {
    /// The most that judging one candidate by every reward can cost.
    pub fn judging(&self) -> Cost {
        let mut all = Cost::default();
        self.rewards.iter().for_each(|card| all += card.cost);
        all
    }
}
