//! Fresh candidates drawn in rounds: what best-of-N and reward-weighted sampling have in common.

use editscale_core::{Cards, Decision, EditRequest, Proposal, Remaining, StopReason, Trial, Verdict};

use crate::archive::Archive;
use crate::policy::{MOST_CANDIDATES, PolicyError, Rules, check_count};
use crate::proposals::Ground;

/// The size of a round where a stop rule is set and the recipe does not say.
const DEFAULT_ROUND: u32 = 4;

/// How many fresh candidates, in rounds of how many, until when.
#[derive(Debug, Clone)]
pub(crate) struct Sampling {
    pub(crate) samples: u32,
    pub(crate) round: u32,
    pub(crate) rules: Rules,
}

impl Sampling {
    /// In rounds where a stop rule is set, so that it is looked at before all samples are spent; else all at once.
    pub(crate) fn new(samples: u32, round: Option<u32>, rules: Rules) -> Result<Self, PolicyError> {
        check_count("samples", samples, MOST_CANDIDATES)?;
        check_count("round", round.unwrap_or(1), MOST_CANDIDATES)?;
        let round = round.unwrap_or(if rules.stop.is_set() { DEFAULT_ROUND } else { samples });
        Ok(Self { samples, round, rules })
    }

    pub(crate) fn start(&self, request: &EditRequest, cards: &Cards) -> Sampler {
        let archive = Archive::new(self.rules.objective.clone());
        Sampler { sampling: self.clone(), ground: Ground::new(request, cards), archive }
    }
}

/// A sampling under way.
pub(crate) struct Sampler {
    sampling: Sampling,
    pub(crate) ground: Ground,
    pub(crate) archive: Archive,
}

impl Sampler {
    /// The next round, or the verdict that `conclude` comes to once there is none.
    pub(crate) fn decide(
        &mut self,
        trials: &[Trial],
        left: &Remaining,
        conclude: impl FnOnce(&Self, StopReason) -> Verdict,
    ) -> Decision {
        self.archive.learn(trials);
        match self.next(left) {
            Ok(proposals) => {
                self.archive.ask(&proposals);
                Decision::Explore { proposals, keep: Vec::new() }
            }
            Err(reason) => Decision::Stop(conclude(self, reason)),
        }
    }

    fn next(&self, left: &Remaining) -> Result<Vec<Proposal>, StopReason> {
        self.archive.go_on(&self.sampling.rules.stop)?;
        let asked = self.archive.asked();
        let wanted = (self.sampling.samples - asked).min(self.sampling.round);
        if wanted == 0 {
            return Err(StopReason::Finished);
        }
        match self.ground.affordable(u64::from(wanted), left) {
            0 => Err(self.ground.shortage()),
            count => Ok(self.ground.all_fresh(asked, count)),
        }
    }
}
