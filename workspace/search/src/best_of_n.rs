//! Best of N: make N candidates from the source with N seeds, keep the best.
//!
//! `x* = argmax_i u(x_i)` over independent draws. With a stop rule the draws come in rounds, so that the rule is
//! looked at before all of them are spent.

use editscale_core::{Cards, Decision, EditRequest, Need, Remaining, Search, SearchFactory, StopReason, Trial};

use crate::archive::Archive;
use crate::policy::{MOST_CANDIDATES, PolicyError, Rules, check_count};
use crate::proposals::Ground;

/// The size of a round where a stop rule is set and the recipe does not say.
const DEFAULT_ROUND: u32 = 4;

/// The policy `best_of_n {samples, round}`.
#[derive(Debug, Clone)]
pub struct BestOfN {
    samples: u32,
    round: u32,
    rules: Rules,
}

impl BestOfN {
    /// `samples` candidates, in rounds of `round` where a stop rule is set (4 where it does not say), else all at
    /// once.
    pub fn new(samples: u32, round: Option<u32>, rules: Rules) -> Result<Self, PolicyError> {
        check_count("samples", samples, MOST_CANDIDATES)?;
        check_count("round", round.unwrap_or(1), MOST_CANDIDATES)?;
        let round = round.unwrap_or(if rules.stop.is_set() { DEFAULT_ROUND } else { samples });
        Ok(Self { samples, round, rules })
    }
}

impl SearchFactory for BestOfN {
    fn revision(&self) -> String {
        format!("best_of_n/1 samples={} round={}{}", self.samples, self.round, self.rules.stop.revision())
    }

    fn needs(&self) -> Vec<Need> {
        // An editor that ignores seeds still gives another picture each time, which is all that is asked of it. Rounds
        // compare only where the utilities do.
        vec![Need::Pointwise]
    }

    fn largest_run(&self) -> u64 {
        u64::from(self.samples)
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        let archive = Archive::new(self.rules.objective.clone());
        Box::new(Running { policy: self.clone(), ground: Ground::new(request, cards), archive })
    }
}

struct Running {
    policy: BestOfN,
    ground: Ground,
    archive: Archive,
}

impl Search for Running {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        self.archive.learn(trials);
        let (best, without_gain) = self.archive.standing();
        if let Some(reason) = self.policy.rules.stop.met(best, without_gain) {
            return Decision::Stop(self.archive.verdict(reason));
        }
        let asked = self.archive.asked();
        let wanted = (self.policy.samples - asked).min(self.policy.round);
        let count = self.ground.affordable(u64::from(wanted), left);
        if count == 0 {
            let reason = if wanted == 0 { StopReason::Finished } else { StopReason::Budget };
            return Decision::Stop(self.archive.verdict(reason));
        }
        let proposals = self.ground.all_fresh(asked, count);
        self.archive.ask(&proposals);
        Decision::Explore { proposals, keep: Vec::new() }
    }
}
