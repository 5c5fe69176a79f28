//! What a run may spend, has spent, and has left.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

use crate::TowerPictures;

/// Money in whole millionths of a US dollar, so that sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Usd {
    /// Millionths of a dollar.
    pub micros: u64,
}

impl Usd {
    /// In dollars, for people.
    pub fn dollars(self) -> f64 {
        self.micros as f64 / 1e6
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${:.4}", self.dollars())
    }
}

/// What one edit or one judgement costs, beyond being counted: on a card the upper bound, on a result the actual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Denoiser evaluations.
    pub nfe: u64,
    /// Language-model tokens, in and out.
    pub tokens: u64,
    /// Money.
    pub usd: Usd,
}

impl Cost {
    /// This less another, nothing below zero.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self {
            nfe: self.nfe.saturating_sub(other.nfe),
            tokens: self.tokens.saturating_sub(other.tokens),
            usd: Usd { micros: self.usd.micros.saturating_sub(other.usd.micros) },
        }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.nfe = self.nfe.saturating_add(other.nfe);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.usd.micros = self.usd.micros.saturating_add(other.usd.micros);
    }
}

/// What a run has spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Edits that were made or paid for, and candidates that failed; work lost to a crash of this program is not. An edit that is
    /// paused and gone on with, however often and in however many ways, is one: what the parts of it take is in `cost`.
    pub edits: u64,
    /// Judgements that were asked for, one a candidate and reward, and critiques.
    pub reward_calls: u64,
    /// Denoiser evaluations, tokens and money of both.
    pub cost: Cost,
    /// Active time: the time between a stop and its resume does not count.
    pub wall: Duration,
    /// What of it editors took to load networks that are not all kept loaded.
    pub loading: Duration,
    /// Pictures that were asked of vision towers which editors and judges share.
    pub pictures: TowerPictures,
}

/// What a run may spend; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Budget {
    /// Edits.
    pub edits: Option<u64>,
    /// Judgements.
    pub reward_calls: Option<u64>,
    /// Denoiser evaluations.
    pub nfe: Option<u64>,
    /// Language-model tokens.
    pub tokens: Option<u64>,
    /// Money.
    pub usd: Option<Usd>,
    /// Active time: a deadline, at which edits under way are cancelled and judgements under way have ten seconds to
    /// end. Nothing is begun after it but judgements, free ones, of pictures that are there.
    pub wall: Option<Duration>,
}

/// What is left of a budget: the same fields, counted down.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Remaining(Budget);

impl Budget {
    /// The lesser of this and another in everything.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
            one.into_iter().chain(other).min()
        }
        Self {
            edits: least(self.edits, other.edits),
            reward_calls: least(self.reward_calls, other.reward_calls),
            nfe: least(self.nfe, other.nfe),
            tokens: least(self.tokens, other.tokens),
            usd: least(self.usd, other.usd),
            wall: least(self.wall, other.wall),
        }
    }

    /// What is left after `spent`. Nothing is ever below zero.
    pub fn after(&self, spent: &Ledger) -> Remaining {
        let less = |limit: Option<u64>, spent: u64| limit.map(|limit| limit.saturating_sub(spent));
        Remaining(Self {
            edits: less(self.edits, spent.edits),
            reward_calls: less(self.reward_calls, spent.reward_calls),
            nfe: less(self.nfe, spent.cost.nfe),
            tokens: less(self.tokens, spent.cost.tokens),
            usd: less(self.usd.map(|usd| usd.micros), spent.cost.usd.micros).map(|micros| Usd { micros }),
            wall: self.wall.map(|limit| limit.saturating_sub(spent.wall)),
        })
    }
}

impl Remaining {
    /// Exactly these amounts.
    pub fn new(amounts: Budget) -> Self {
        Self(amounts)
    }

    /// Nothing of anything: what a search is told when the run must end now.
    pub fn nothing() -> Self {
        Self(Budget {
            edits: Some(0),
            reward_calls: Some(0),
            nfe: Some(0),
            tokens: Some(0),
            usd: Some(Usd::default()),
            wall: Some(Duration::ZERO),
        })
    }

    /// How many pieces of work can still be done that take `each` at most, its time left aside. `u64::MAX` where nothing
    /// limits it.
    pub fn pieces(&self, each: &Ledger) -> u64 {
        let by_edits = self.0.edits.and_then(|edits| edits.checked_div(each.edits)).unwrap_or(u64::MAX);
        let without_edits = Self(Budget { edits: None, ..self.0 });
        without_edits.candidates(each.cost, each.reward_calls, Cost::default()).min(by_edits)
    }

    /// What is left once `count` pieces of work are done that take `each` at most; nothing where that is not there.
    pub fn less(&self, count: u64, each: &Ledger) -> Option<Self> {
        let times = |amount: u64| amount.saturating_mul(count);
        let Cost { nfe, tokens, usd } = each.cost;
        let cost = Cost { nfe: times(nfe), tokens: times(tokens), usd: Usd { micros: times(usd.micros) } };
        let (edits, reward_calls) = (times(each.edits), times(each.reward_calls));
        let all = Ledger { edits, reward_calls, cost, ..Ledger::default() };
        (self.pieces(each) >= count).then(|| self.0.after(&all))
    }

    /// The amounts.
    pub fn amounts(&self) -> &Budget {
        &self.0
    }

    /// How many candidates can still be made and judged, if each edit costs at most `edit` and takes `judgements`
    /// reward calls that together cost at most `judging`. `u64::MAX` where nothing limits it.
    pub fn candidates(&self, edit: Cost, judgements: u64, judging: Cost) -> u64 {
        let mut each = edit;
        each += judging;
        self.judged(judgements, each).min(self.0.edits.unwrap_or(u64::MAX))
    }

    /// How many candidates that are there can still be judged, if each takes `judgements` reward calls that together cost
    /// at most `judging`. `u64::MAX` where nothing limits it.
    pub fn judged(&self, judgements: u64, judging: Cost) -> u64 {
        let left = &self.0;
        if left.wall == Some(Duration::ZERO) {
            return 0;
        }
        [
            (left.reward_calls, judgements),
            (left.nfe, judging.nfe),
            (left.tokens, judging.tokens),
            (left.usd.map(|usd| usd.micros), judging.usd.micros),
        ]
        .into_iter()
        .filter_map(|(left, each)| left?.checked_div(each))
        .min()
        .unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_are_no_edits_are_not_limited_by_edits() {
        let left = Budget { edits: Some(0), nfe: Some(60), ..Budget::default() }.after(&Ledger::default());
        let part = Ledger { reward_calls: 1, cost: Cost { nfe: 7, ..Cost::default() }, ..Ledger::default() };
        assert_eq!((left.pieces(&part), left.pieces(&Ledger { edits: 1, ..part })), (8, 0));
        assert_eq!(left.less(8, &part).map(|left| left.amounts().nfe), Some(Some(4)));
        assert_eq!(left.less(9, &part), None);
        assert_eq!(Remaining::nothing().pieces(&Ledger::default()), 0);
    }

    #[test]
    fn candidates_are_limited_by_the_scarcest() {
        let edit = Cost { nfe: 28, ..Cost::default() };
        let judging = Cost { tokens: 500, ..Cost::default() };
        let check = |budget: Budget, expected: u64| {
            let left = budget.after(&Ledger::default());
            assert_eq!(left.candidates(edit, 2, judging), expected, "{budget:?}");
        };
        check(Budget::default(), u64::MAX);
        check(Budget { edits: Some(8), ..Budget::default() }, 8);
        check(Budget { reward_calls: Some(7), ..Budget::default() }, 3);
        check(Budget { edits: Some(8), nfe: Some(60), ..Budget::default() }, 2);
        check(Budget { tokens: Some(499), ..Budget::default() }, 0);
        check(Budget { wall: Some(Duration::ZERO), ..Budget::default() }, 0);
        check(Budget { usd: Some(Usd { micros: 1 }), ..Budget::default() }, u64::MAX);
        assert_eq!(Remaining::nothing().candidates(Cost::default(), 0, Cost::default()), 0);
    }

    #[test]
    fn pictures_that_are_there_can_be_judged_without_edits_left() {
        let judging = Cost { tokens: 500, ..Cost::default() };
        let check = |budget: Budget, expected: u64| {
            assert_eq!(budget.after(&Ledger::default()).judged(2, judging), expected, "{budget:?}");
        };
        check(Budget { edits: Some(0), ..Budget::default() }, u64::MAX);
        check(Budget { edits: Some(0), reward_calls: Some(7), ..Budget::default() }, 3);
        check(Budget { tokens: Some(999), ..Budget::default() }, 1);
        check(Budget { wall: Some(Duration::ZERO), ..Budget::default() }, 0);
    }
}
