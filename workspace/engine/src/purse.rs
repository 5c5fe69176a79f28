//! The budget of a run while it is being spent: reserved at the upper bound, settled at the actual cost.

use std::time::Duration;

use editscale_core::{Budget, Cost, Failure, FailureKind, Ledger, Proposal, Remaining};

/// What is spent and what is held for work under way. Nothing is set aside that would take both together over the
/// budget: only a server that makes more than it was asked for can.
#[derive(Debug)]
pub(crate) struct Purse {
    budget: Budget,
    spent: Ledger,
    held: Ledger,
}

/// What a piece of work is. A critique is a judgement too: one call of a judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// A candidate that begins at a picture.
    Edit,
    /// A candidate that goes on from a paused state. It is part of an edit that is counted already, so that only its cost is.
    Part,
    Judgement,
}

impl Work {
    /// What making a candidate is.
    pub(crate) fn of(proposal: &Proposal) -> Self {
        if proposal.goes_on() { Self::Part } else { Self::Edit }
    }

    /// Whether a failed attempt at a piece counts as one: not if it was never taken up. A judgement also does that was
    /// cancelled when it may have been paid.
    pub(crate) fn counts(self, failure: &Failure) -> bool {
        match failure.kind {
            FailureKind::Unavailable | FailureKind::Refused | FailureKind::Invalid | FailureKind::OverBudget => false,
            FailureKind::Cancelled => self == Self::Judgement && failure.cost != Cost::default(),
            FailureKind::TimedOut | FailureKind::Malformed | FailureKind::Crashed | FailureKind::Ambiguous => true,
        }
    }

    /// What a piece comes to that has this cost; `counts` says whether it is a piece at all, or only its cost is spent.
    pub(crate) fn spent(self, cost: Cost, counts: bool) -> Ledger {
        let count = |work| u64::from(counts && self == work);
        let (edits, reward_calls) = (count(Self::Edit), count(Self::Judgement));
        Ledger { edits, reward_calls, cost, ..Ledger::default() }
    }

    /// What a failed attempt at a piece comes to.
    pub(crate) fn spent_in_vain(self, failure: &Failure) -> Ledger {
        self.spent(failure.cost, self.counts(failure))
    }

    /// What giving a candidate up comes to beside its last attempt. It is an edit even where no attempt was one, as of an editor
    /// that is never reached or refuses everything: a budget of edits ends such a run.
    pub(crate) fn given_up(self, failure: &Failure) -> Ledger {
        let kinds = [FailureKind::Unavailable, FailureKind::Refused, FailureKind::Invalid];
        self.spent(Cost::default(), self == Self::Edit && kinds.contains(&failure.kind))
    }

    /// What a candidate comes to that is given up after its last attempt.
    pub(crate) fn failed(self, failure: &Failure) -> Ledger {
        sum(&self.spent_in_vain(failure), &self.given_up(failure))
    }
}

impl Purse {
    pub(crate) fn new(budget: Budget, spent: Ledger) -> Self {
        Self { budget, spent, held: Ledger::default() }
    }

    /// Sets aside what one piece of work costs at most. `false`, and nothing set aside, where that is not there.
    pub(crate) fn reserve(&mut self, work: Work, bound: Cost) -> bool {
        let piece = work.spent(bound, true);
        let with_it = sum(&self.spent, &sum(&self.held, &piece));
        let fits = within(&self.budget, &with_it, &piece);
        if fits {
            self.held = sum(&self.held, &piece);
        }
        fits
    }

    /// Gives back what was set aside for one piece of work.
    pub(crate) fn give_back(&mut self, work: Work, bound: Cost) {
        self.held = difference(&self.held, &work.spent(bound, true));
    }

    /// Gives back what was set aside for one piece of work, and books what it came to.
    pub(crate) fn settle(&mut self, work: Work, bound: Cost, spent: &Ledger) {
        self.give_back(work, bound);
        self.book(spent);
    }

    /// Books what was spent.
    pub(crate) fn book(&mut self, spent: &Ledger) {
        self.spent = sum(&self.spent, spent);
    }

    pub(crate) fn spent(&self, wall: Duration) -> Ledger {
        Ledger { wall, ..self.spent }
    }

    pub(crate) fn left(&self, wall: Duration) -> Remaining {
        self.budget.after(&self.spent(wall))
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.budget.wall
    }
}

/// Both together, wall time left out.
pub(crate) fn sum(a: &Ledger, b: &Ledger) -> Ledger {
    let mut cost = a.cost;
    cost += b.cost;
    Ledger {
        edits: a.edits + b.edits,
        reward_calls: a.reward_calls + b.reward_calls,
        cost,
        wall: Duration::ZERO,
        loading: a.loading.saturating_add(b.loading),
        pictures: a.pictures + b.pictures,
    }
}

fn difference(a: &Ledger, b: &Ledger) -> Ledger {
    Ledger {
        edits: a.edits.saturating_sub(b.edits),
        reward_calls: a.reward_calls.saturating_sub(b.reward_calls),
        cost: a.cost.saturating_sub(b.cost),
        wall: Duration::ZERO,
        loading: a.loading.saturating_sub(b.loading),
        pictures: a.pictures.saturating_sub(b.pictures),
    }
}

/// Whether a piece fits, where `with_it` is all that is spent and held with it. What it takes nothing of may be
/// overspent, as by a server that made more than it was asked for: a free judgement of what was paid for is still made.
fn within(budget: &Budget, with_it: &Ledger, piece: &Ledger) -> bool {
    [
        (budget.edits, with_it.edits, piece.edits),
        (budget.reward_calls, with_it.reward_calls, piece.reward_calls),
        (budget.nfe, with_it.cost.nfe, piece.cost.nfe),
        (budget.tokens, with_it.cost.tokens, piece.cost.tokens),
        (budget.usd.map(|usd| usd.micros), with_it.cost.usd.micros, piece.cost.usd.micros),
    ]
    .into_iter()
    .all(|(limit, all, more)| more == 0 || limit.is_none_or(|limit| all <= limit))
}

#[cfg(test)]
mod tests {
    use editscale_core::Usd;

    use super::*;

    #[test]
    fn going_on_with_an_edit_is_no_other_edit() {
        let nfe = |nfe| Cost { nfe, ..Cost::default() };
        let mut purse = Purse::new(Budget { edits: Some(1), nfe: Some(30), ..Budget::default() }, Ledger::default());
        assert!(purse.reserve(Work::Edit, nfe(10)));
        purse.settle(Work::Edit, nfe(10), &Work::Edit.spent(nfe(8), true));
        assert!(!purse.reserve(Work::Edit, nfe(10)) && purse.reserve(Work::Part, nfe(20)));
        purse.settle(Work::Part, nfe(20), &Work::Part.spent(nfe(12), true));
        let spent = purse.spent(Duration::ZERO);
        assert_eq!((spent.edits, spent.cost.nfe), (1, 20));
        assert!(!purse.reserve(Work::Part, nfe(11)), "what it takes is counted all the same");
    }

    #[test]
    fn a_candidate_that_is_given_up_is_one_edit_whatever_it_failed_of() {
        let edits = |work: Work, kind| work.failed(&Failure::new(kind, "")).edits;
        for kind in FailureKind::ALL {
            let is_begun = !matches!(kind, FailureKind::Cancelled | FailureKind::OverBudget);
            assert_eq!((edits(Work::Edit, kind), edits(Work::Part, kind)), (u64::from(is_begun), 0), "{kind:?}");
        }
    }

    #[test]
    fn what_is_overspent_keeps_back_only_what_takes_more_of_it() {
        let usd = |micros| Cost { usd: Usd { micros }, ..Cost::default() };
        let budget = Budget { usd: Some(Usd { micros: 10 }), reward_calls: Some(1), ..Budget::default() };
        let mut purse = Purse::new(budget, Ledger::default());
        assert!(purse.reserve(Work::Edit, usd(10)));
        // The server made three pictures where one was asked for.
        purse.settle(Work::Edit, usd(10), &Work::Edit.spent(usd(30), true));
        assert!(!purse.reserve(Work::Edit, usd(1)) && !purse.reserve(Work::Judgement, usd(1)));
        assert!(purse.reserve(Work::Judgement, Cost::default()));
        assert!(!purse.reserve(Work::Judgement, Cost::default()), "calls are counted all the same");
    }
}
