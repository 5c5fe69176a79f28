//! Best of N: make N candidates from the source with N seeds, keep the best.
//!
//! `x* = argmax_i u(x_i)` over independent draws. With a stop rule the draws come in rounds, so that the rule is
//! looked at before all of them are spent.

mod recipe;

use editscale_core::{Cards, Decision, EditRequest, Need, Remaining, Search, SearchFactory, Trial};

use crate::policy::{PolicyError, Rules};
use crate::sampling::{Sampler, Sampling};

pub use recipe::BestOfNRecipe;

/// The policy `best_of_n {samples, round}`.
#[derive(Debug, Clone)]
pub struct BestOfN(Sampling);

impl BestOfN {
    /// `samples` candidates, in rounds of `round` where a stop rule is set (4 where it does not say), else all at
    /// once.
    pub fn new(samples: u32, round: Option<u32>, rules: Rules) -> Result<Self, PolicyError> {
        Sampling::new(samples, round, rules).map(Self)
    }
}

impl SearchFactory for BestOfN {
    fn revision(&self) -> String {
        let Sampling { samples, round, rules } = &self.0;
        format!("best_of_n/1 samples={samples} round={round}{}", rules.revision())
    }

    fn needs(&self) -> Vec<Need> {
        // An editor that ignores seeds still gives another picture each time, which is all that is asked of it. Rounds
        // compare only where the utilities do; in a single one everything is judged together.
        let Sampling { samples, round, .. } = self.0;
        vec![if round < samples { Need::Pointwise } else { Need::Together(samples) }]
    }

    fn largest_run(&self) -> u64 {
        u64::from(self.0.samples)
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        Box::new(Running(self.0.start(request, cards)))
    }
}

struct Running(Sampler);

impl Search for Running {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        self.0.decide(trials, left, |sampler, reason| sampler.archive.verdict(reason))
    }
}
