//! What has happened to items, as the stream of facts tells it. Every open queue reads all facts, once each, and keeps a few
//! bytes an item.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::queue::{End, Item, Spent, Tallies};

/// More items than any data set has: a fact about a higher one is damaged.
const MOST_ITEMS: u64 = 1 << 32;

/// A message of the stream of facts. Each has a subject of its own, and a subject takes one message for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fact {
    /// So many items have been entered, at least.
    Entered(u64),
    /// All have.
    Complete,
    /// One ended.
    Ended {
        /// What it was.
        item: Item,
        /// How often it had been put back.
        round: u32,
        /// How it ended.
        end: End,
        /// What of that has not been counted before.
        spent: Spent,
    },
    /// One that had ended was put back.
    Reopened {
        /// Which.
        ordinal: u64,
        /// How often it had been put back before.
        round: u32,
        /// The candidates that its end had counted; absent where it was dead.
        candidates: Option<u32>,
    },
    /// One was given back and its delivery does not count.
    Stopped {
        /// Which.
        ordinal: u64,
        /// How often it had been put back.
        round: u32,
        /// How often it had been handed out, as the server counts.
        delivered: i64,
    },
    /// One was given back, to be tried again.
    Again {
        /// Which.
        ordinal: u64,
        /// How often it had been put back.
        round: u32,
        /// How often it had been handed out, as the server counts.
        delivered: i64,
        /// What was spent on it.
        spent: Spent,
    },
}

impl Fact {
    /// The end of its subject.
    pub(super) fn subject(&self) -> String {
        match self {
            Self::Entered(count) => format!("entered.{count}"),
            Self::Complete => "complete".to_owned(),
            Self::Ended { item, round, .. } => format!("ended.{}.{round}", item.ordinal),
            Self::Reopened { ordinal, round, .. } => format!("reopened.{ordinal}.{round}"),
            Self::Stopped { ordinal, round, delivered } => format!("stopped.{ordinal}.{round}.{delivered}"),
            Self::Again { ordinal, round, delivered, .. } => format!("again.{ordinal}.{round}.{delivered}"),
        }
    }
}

/// Where an item stands.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Known {
    /// How often it was put back.
    pub(super) round: u32,
    /// Deliveries that do not count.
    pub(super) stops: u32,
    /// Where the fact of its end lies; 0 while it has not ended.
    pub(super) ended: u64,
}

/// All facts up to one.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The last fact that was read.
    pub(super) sequence: u64,
    items: Vec<Known>,
    vain: HashMap<u64, Spent>,
    pub(super) tallies: Tallies,
}

impl Ledger {
    pub(super) fn known(&self, ordinal: u64) -> Known {
        usize::try_from(ordinal).ok().and_then(|index| self.items.get(index)).copied().unwrap_or_default()
    }

    /// What was spent in vain on an item in this round.
    pub(super) fn vain(&self, ordinal: u64) -> Spent {
        self.vain.get(&ordinal).copied().unwrap_or_default()
    }

    fn item(&mut self, ordinal: u64) -> Result<&mut Known, String> {
        let index = usize::try_from(ordinal.min(MOST_ITEMS)).unwrap_or(usize::MAX);
        if ordinal >= MOST_ITEMS {
            return Err(format!("expected fewer than {MOST_ITEMS} items, found item {ordinal}"));
        }
        if self.items.len() <= index {
            self.items.resize(index + 1, Known::default());
        }
        self.items.get_mut(index).ok_or_else(|| format!("item {ordinal} is not known"))
    }

    /// Takes in the next fact.
    pub(super) fn learn(&mut self, sequence: u64, fact: &Fact) -> Result<(), String> {
        match fact {
            Fact::Entered(count) => self.tallies.entered = self.tallies.entered.max(*count),
            Fact::Complete => self.tallies.is_complete = true,
            Fact::Ended { item, round, end, spent } => {
                let known = self.item(item.ordinal)?;
                if known.round == *round && known.ended == 0 {
                    known.ended = sequence;
                    self.count(item.ordinal, end);
                    self.tallies.spent += *spent;
                }
            }
            Fact::Reopened { ordinal, round, candidates } => {
                let known = self.item(*ordinal)?;
                if known.round == *round {
                    *known = Known { round: round + 1, stops: 0, ended: 0 };
                    let ended = if candidates.is_some() { &mut self.tallies.done } else { &mut self.tallies.dead };
                    *ended = ended.saturating_sub(1);
                    let candidates = u64::from(candidates.unwrap_or(0));
                    self.tallies.candidates = self.tallies.candidates.saturating_sub(candidates);
                }
            }
            Fact::Stopped { ordinal, round, .. } => {
                let known = self.item(*ordinal)?;
                known.stops += u32::from(known.round == *round);
            }
            Fact::Again { ordinal, round, spent, .. } => {
                let known = *self.item(*ordinal)?;
                self.tallies.spent += *spent;
                if known.round == *round && known.ended == 0 {
                    *self.vain.entry(*ordinal).or_default() += *spent;
                }
            }
        }
        self.sequence = sequence;
        Ok(())
    }

    fn count(&mut self, ordinal: u64, end: &End) {
        self.vain.remove(&ordinal);
        self.tallies.count(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;
    use crate::queue::Done;

    #[test]
    fn facts_add_up() {
        let mut ledger = Ledger::default();
        let item = Item { ordinal: 3, row: 3, repeat: 0, place: Place("a:3".to_owned()) };
        let spent = Spent { edits: 2, ..Spent::default() };
        let end = End::Done(Done { pack: "p".to_owned(), candidates: 4, spent });
        let facts = [
            Fact::Entered(4),
            Fact::Again { ordinal: 3, round: 0, delivered: 1, spent },
            Fact::Stopped { ordinal: 3, round: 0, delivered: 2 },
            Fact::Ended { item: item.clone(), round: 0, end: end.clone(), spent },
            Fact::Ended { item: item.clone(), round: 0, end: End::Skipped { reason: String::new() }, spent },
            Fact::Reopened { ordinal: 3, round: 0, candidates: Some(4) },
            Fact::Reopened { ordinal: 3, round: 0, candidates: Some(4) },
            Fact::Ended { item, round: 1, end, spent },
        ];
        let rounds = [0, 0, 0, 0, 0, 1, 1, 1];
        for ((sequence, fact), round) in (1..).zip(&facts).zip(rounds) {
            ledger.learn(sequence, fact).unwrap();
            assert_eq!(ledger.known(3).round, round, "{fact:?}");
        }
        assert_eq!(ledger.known(3), Known { round: 1, stops: 0, ended: 8 });
        let tallies = ledger.tallies;
        assert_eq!((tallies.done, tallies.skipped, tallies.candidates, tallies.spent.edits), (1, 0, 4, 6));
        assert!(ledger.learn(9, &Fact::Stopped { ordinal: u64::MAX, round: 0, delivered: 1 }).is_err());
    }
}
