//! The budget of a run while it is being spent: reserved at the upper bound, settled at the actual cost.

use std::time::Duration;

use editscale_core::{Budget, Cost, Failure, FailureKind, Ledger, Remaining};

/// What is spent and what is held for work under way. `spent + held` never exceeds the budget.
#[derive(Debug)]
pub(crate) struct Purse {
    budget: Budget,
    spent: Ledger,
    held: Ledger,
}

/// What a piece of work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Edit,
    Judgement,
}

impl Purse {
    pub(crate) fn new(budget: Budget, spent: Ledger) -> Self {
        Self { budget, spent, held: Ledger::default() }
    }

    /// Sets aside what one piece of work costs at most. `false`, and nothing set aside, where that is not there.
    pub(crate) fn reserve(&mut self, work: Work, bound: Cost) -> bool {
        let piece = one(work, bound);
        let with_it = sum(&self.spent, &sum(&self.held, &piece));
        let fits = within(&self.budget, &with_it, &piece);
        if fits {
            self.held = sum(&self.held, &piece);
        }
        fits
    }

    /// Gives back what was set aside and books what it came to. Work that never began is not counted.
    pub(crate) fn settle(&mut self, work: Work, bound: Cost, actual: Cost, began: bool) {
        self.held = difference(&self.held, &one(work, bound));
        let mut booked = one(work, actual);
        if !began {
            booked.edits = 0;
            booked.reward_calls = 0;
        }
        self.spent = sum(&self.spent, &booked);
    }

    /// Books what nothing was set aside for in this life of the program.
    pub(crate) fn book(&mut self, work: Work, actual: Cost) {
        self.spent = sum(&self.spent, &one(work, actual));
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

/// Whether a failed edit counts as an edit: not if the editor never took it up.
pub(crate) fn began(failure: &Failure) -> bool {
    !matches!(
        failure.kind,
        FailureKind::Unavailable
            | FailureKind::Refused
            | FailureKind::Invalid
            | FailureKind::OverBudget
            | FailureKind::Cancelled
    )
}

/// Whether a failed judgement counts as one: it began, or was cancelled when it may have been paid.
pub(crate) fn asked(failure: &Failure) -> bool {
    began(failure) || (failure.kind == FailureKind::Cancelled && failure.cost != Cost::default())
}

/// One piece of work as a ledger entry.
pub(crate) fn one(work: Work, cost: Cost) -> Ledger {
    Ledger {
        edits: u64::from(work == Work::Edit),
        reward_calls: u64::from(work == Work::Judgement),
        cost,
        wall: Duration::ZERO,
    }
}

/// Both together, wall time left out.
pub(crate) fn sum(a: &Ledger, b: &Ledger) -> Ledger {
    let mut cost = a.cost;
    cost += b.cost;
    Ledger { edits: a.edits + b.edits, reward_calls: a.reward_calls + b.reward_calls, cost, wall: Duration::ZERO }
}

fn difference(a: &Ledger, b: &Ledger) -> Ledger {
    let mut cost = a.cost;
    cost.nfe = cost.nfe.saturating_sub(b.cost.nfe);
    cost.tokens = cost.tokens.saturating_sub(b.cost.tokens);
    cost.usd.micros = cost.usd.micros.saturating_sub(b.cost.usd.micros);
    Ledger {
        edits: a.edits.saturating_sub(b.edits),
        reward_calls: a.reward_calls.saturating_sub(b.reward_calls),
        cost,
        wall: Duration::ZERO,
    }
}

/// Whether a piece fits, where `with_it` is all that is spent and held with it. What it takes nothing of may be overspent, as
/// by a server that made more than it was asked for: a free judgement of what was paid for is still made.
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
    fn what_is_overspent_keeps_back_only_what_takes_more_of_it() {
        let usd = |micros| Cost { usd: Usd { micros }, ..Cost::default() };
        let budget = Budget { usd: Some(Usd { micros: 10 }), reward_calls: Some(1), ..Budget::default() };
        let mut purse = Purse::new(budget, Ledger::default());
        assert!(purse.reserve(Work::Edit, usd(10)));
        // The server made three pictures where one was asked for.
        purse.settle(Work::Edit, usd(10), usd(30), true);
        assert!(!purse.reserve(Work::Edit, usd(1)) && !purse.reserve(Work::Judgement, usd(1)));
        assert!(purse.reserve(Work::Judgement, Cost::default()));
        assert!(!purse.reserve(Work::Judgement, Cost::default()), "calls are counted all the same");
    }
}
