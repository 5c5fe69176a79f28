//! How many candidates a run asked for, how many came to nothing, and how much of that is the budget's doing.

use editscale_core::{Failure, FailureKind, StopReason, Trial};

/// The counts of a run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Candidates that were asked for.
    pub(crate) asked: u32,
    /// Of those, the ones that failed or that no reward could judge.
    pub(crate) failed: u32,
    /// Of those, the ones that failed for nothing but the budget.
    failed_by_budget: u32,
    /// Edits and judgements that the budget did not allow.
    denied: u32,
    /// Edits and judgements that may have been done. That is what a deadline makes of what does not end in time.
    doubtful: u32,
}

impl Tally {
    /// Counts what came of candidates that were asked for.
    pub(crate) fn count_candidates(&mut self, trials: &[Trial]) {
        for trial in trials.iter().filter(|trial| is_lost(trial)) {
            self.failed += 1;
            self.failed_by_budget += u32::from(failures(trial).iter().all(|why| is_denied(why) || is_doubtful(why)));
        }
        self.count_failures(trials);
    }

    /// Counts the failures alone: candidates that are judged again, or written about, were counted before.
    pub(crate) fn count_failures(&mut self, trials: &[Trial]) {
        for why in trials.iter().flat_map(failures) {
            self.denied += u32::from(is_denied(why));
            self.doubtful += u32::from(is_doubtful(why));
        }
    }

    /// Why a run ended. A search that came to the end of its plan does not know that the budget cut the plan short.
    /// `is_late`: whether its time was up at the end.
    pub(crate) fn reason(&self, said: &StopReason, is_late: bool) -> StopReason {
        let is_cut = self.denied > 0 || (is_late && self.doubtful > 0);
        let hides_it = match said {
            StopReason::Finished => true,
            StopReason::Stuck(_) => self.failed == self.failed_by_budget,
            _ => false,
        };
        if is_cut && hides_it { StopReason::Budget } else { said.clone() }
    }
}

fn is_lost(trial: &Trial) -> bool {
    match trial {
        Trial::Failed { .. } => true,
        Trial::Scored { card, .. } => card.iter().all(|(_, said)| said.is_err()),
        Trial::Rescored { .. } | Trial::Critique { .. } | Trial::Rewritten { .. } => false,
    }
}

fn is_denied(why: &Failure) -> bool {
    why.kind == FailureKind::OverBudget
}

fn is_doubtful(why: &Failure) -> bool {
    why.kind == FailureKind::Ambiguous
}

/// All that failed about a candidate, or about the request.
fn failures(trial: &Trial) -> Vec<&Failure> {
    match trial {
        Trial::Failed { why, .. } => vec![why],
        Trial::Scored { card, .. } | Trial::Rescored { card, .. } => {
            card.iter().filter_map(|(_, said)| said.as_ref().err()).collect()
        }
        Trial::Critique { written, .. } | Trial::Rewritten { written, .. } => {
            written.as_ref().err().into_iter().collect()
        }
    }
}
