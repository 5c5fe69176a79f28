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
        let with_it = sum(&self.spent, &sum(&self.held, &one(work, bound)));
        let fits = within(&self.budget, &with_it);
        if fits {
            self.held = sum(&self.held, &one(work, bound));
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

fn within(budget: &Budget, spent: &Ledger) -> bool {
    [
        (budget.edits, spent.edits),
        (budget.reward_calls, spent.reward_calls),
        (budget.nfe, spent.cost.nfe),
        (budget.tokens, spent.cost.tokens),
        (budget.usd.map(|usd| usd.micros), spent.cost.usd.micros),
    ]
    .into_iter()
    .all(|(limit, spent)| limit.is_none_or(|limit| spent <= limit))
}
