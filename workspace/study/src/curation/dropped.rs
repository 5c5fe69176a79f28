//! Why rows were not chosen, counted.

use std::collections::BTreeMap;
use std::fmt;

/// Why a row was not chosen. The order is that in which rows are looked at, so that each has the first reason that
/// applies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// It has no score, since its edit, its pictures or its judge failed.
    Unscored,
    /// A part of its score does not pass a gate; the part's name.
    Gate(String),
    /// Its score less its doubt is below the threshold, or its doubt is not known.
    Bound,
    /// Another edited picture of its row is better.
    NotBestOfRow,
    /// It is nearly the same as a better row.
    NearDuplicate,
    /// Better rows of its cluster fill what one cluster may have.
    ClusterFull,
    /// Better rows of its stratum fill what that was allotted.
    StratumFull,
    /// Better rows fill what was asked for.
    BelowCut,
    /// A person said no.
    Rejected,
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DropReason::Unscored => f.write_str("without a score"),
            DropReason::Gate(part) => write!(f, "{part} does not pass its gate"),
            DropReason::Bound => f.write_str("below the threshold, doubt taken off"),
            DropReason::NotBestOfRow => f.write_str("another edited picture of its row is better"),
            DropReason::NearDuplicate => f.write_str("nearly the same as a better row"),
            DropReason::ClusterFull => f.write_str("more of its cluster than is wanted"),
            DropReason::StratumFull => f.write_str("more of its stratum than is wanted"),
            DropReason::BelowCut => f.write_str("below the best that were asked for"),
            DropReason::Rejected => f.write_str("rejected by a person"),
        }
    }
}

/// How many rows were dropped for each reason, with the first few of each. Keeps `examples` numbers a reason, whatever
/// the rows are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropTally {
    examples: usize,
    reasons: BTreeMap<DropReason, Dropped>,
}

/// The rows of one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dropped {
    /// How many.
    pub rows: u64,
    /// The first of them.
    pub examples: Vec<u64>,
}

impl DropTally {
    /// Nothing dropped yet; keeps the numbers of up to `examples` rows a reason.
    pub fn new(examples: usize) -> DropTally {
        DropTally { examples, reasons: BTreeMap::new() }
    }

    /// Counts a row.
    pub fn count(&mut self, row: u64, reason: DropReason) {
        let dropped = self.reasons.entry(reason).or_default();
        dropped.rows += 1;
        if dropped.examples.len() < self.examples {
            dropped.examples.push(row);
        }
    }

    /// What was dropped, in the order in which reasons apply.
    pub fn reasons(&self) -> impl Iterator<Item = (&DropReason, &Dropped)> {
        self.reasons.iter()
    }

    /// All rows dropped.
    pub fn rows(&self) -> u64 {
        self.reasons.values().map(|dropped| dropped.rows).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_in_order_with_their_first_rows() {
        let mut tally = DropTally::new(2);
        for row in 0..4 {
            tally.count(row, DropReason::BelowCut);
        }
        tally.count(9, DropReason::Gate("following".to_owned()));
        tally.count(7, DropReason::Unscored);
        let found: Vec<(String, u64, Vec<u64>)> = tally
            .reasons()
            .map(|(reason, dropped)| (reason.to_string(), dropped.rows, dropped.examples.clone()))
            .collect();
        assert_eq!(
            found,
            [
                ("without a score".to_owned(), 1, vec![7]),
                ("following does not pass its gate".to_owned(), 1, vec![9]),
                ("below the best that were asked for".to_owned(), 4, vec![0, 1]),
            ]
        );
        assert_eq!(tally.rows(), 6);
    }
}
