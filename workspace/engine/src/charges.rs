//! What a run spent on each candidate, in the order in which it asked, for whoever reads it afterwards.
//!
//! Edits and judgements of a round overlap in time, and which of them is in the journal first is chance: at the line at which six edits
//! are made, two of them may be judged or all. What is charged in ask order is the same however the work overlapped.

use std::collections::BTreeMap;

use editscale_core::Ledger;

use crate::journal::Entry;
use crate::purse::sum;
use crate::spending::Spending;
use crate::wire::WireError;

/// The place of a piece of work in ask order: the round that asked for it, and the candidate that it was for.
pub(crate) type Place = (u32, u32);

/// The pieces of a run's ledger by their places.
#[derive(Debug, Default)]
pub(crate) struct Charges {
    spending: Spending,
    /// The round that asked for each candidate.
    rounds: BTreeMap<u32, u32>,
    pieces: BTreeMap<Place, Ledger>,
    total: Ledger,
}

impl Charges {
    /// Charges what one entry of the journal adds.
    pub(crate) fn count(&mut self, entry: &Entry) -> Result<(), WireError> {
        if let Entry::Decided { round, decision, .. } = entry {
            self.rounds.extend(decision.asked_for().into_iter().map(|id| (id, *round)));
        }
        let piece = self.spending.piece(entry)?;
        self.total = sum(&self.total, &piece);
        if let Some(place) = self.place(entry)? {
            let own = self.pieces.entry(place).or_default();
            *own = sum(own, &piece);
        }
        Ok(())
    }

    /// Where an entry is charged; nothing for what costs nothing, and for what nobody asked for.
    fn place(&self, entry: &Entry) -> Result<Option<Place>, WireError> {
        Ok(match entry {
            Entry::Decided { .. } | Entry::Submitted { .. } => None,
            Entry::Retried { id, .. } | Entry::Edited { id, .. } | Entry::Failed { id, .. } => {
                self.rounds.get(id).map(|round| (*round, *id))
            }
            Entry::Judging { judgement, .. }
            | Entry::JudgingFailed { judgement, .. }
            | Entry::Judged { judgement, .. } => {
                let key = judgement.key()?;
                Some((key.round, key.candidate.0))
            }
            Entry::Critiquing { critique, .. }
            | Entry::CritiquingFailed { critique, .. }
            | Entry::Critiqued { critique, .. } => {
                // Where the request is rewritten, nothing else is asked for in the round.
                let key = critique.key()?;
                Some((key.round, key.candidate.map_or(0, |id| id.0)))
            }
        })
    }

    /// All that was spent; active time is left out.
    pub(crate) fn total(&self) -> Ledger {
        self.total
    }

    /// What was spent up to each place and there; active time is left out, of which there is none in this order.
    pub(crate) fn sums(&self) -> BTreeMap<Place, Ledger> {
        let mut spent = Ledger::default();
        let with = |(place, piece): (&Place, &Ledger)| {
            spent = sum(&spent, piece);
            (*place, spent)
        };
        self.pieces.iter().map(with).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Line;

    const ROUNDS: [&str; 2] = [
        r#"{"at":0.0,"event":"decided","round":0,"left":{},"decision":{"explore":{"proposals":[{"id":0,"editor":"fake","start":"source","seed":5,"edge":"fresh"},{"id":1,"editor":"fake","start":"source","until_step":4,"seed":6,"edge":"fresh"}]}}}"#,
        r#"{"at":4.0,"event":"decided","round":1,"left":{},"decision":{"explore":{"proposals":[{"id":2,"editor":"fake","start":{"paused":1},"seed":6,"parent":1,"edge":"resume"}]}}}"#,
    ];

    fn edited(id: u32) -> String {
        format!(
            r#"{{"at":1.0,"event":"edited","id":{id},"image":{{"digest":"00","format":"png","width":1,"height":2}},"cost":{{"nfe":3}},"secs":0.25}}"#
        )
    }

    fn judged(id: u32, round: u32) -> String {
        format!(r#"{{"at":1.0,"event":"judged","id":{id},"round":{round},"reward":"judge","score":{{"mean":0.5}}}}"#)
    }

    /// The edits, judgements and denoiser evaluations at every place.
    fn charged(lines: &[String]) -> Vec<(Place, [u64; 3])> {
        let mut charges = Charges::default();
        for line in lines {
            let line: Line = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            charges.count(&line.entry).unwrap();
        }
        let numbers = |spent: Ledger| [spent.edits, spent.reward_calls, spent.cost.nfe];
        charges.sums().into_iter().map(|(place, spent)| (place, numbers(spent))).collect()
    }

    #[test]
    fn charges_do_not_tell_which_answer_came_first() {
        let first = |between: [String; 4]| {
            let [first, second] = ROUNDS.map(ToOwned::to_owned);
            let after = [second, edited(2), judged(2, 1), judged(0, 1)];
            std::iter::once(first).chain(between).chain(after).collect::<Vec<String>>()
        };
        let expected = vec![((0, 0), [1, 1, 3]), ((0, 1), [2, 2, 6]), ((1, 0), [2, 3, 6]), ((1, 2), [2, 4, 9])];
        for between in [
            [edited(0), judged(0, 0), edited(1), judged(1, 0)],
            [edited(0), edited(1), judged(0, 0), judged(1, 0)],
            [edited(1), edited(0), judged(1, 0), judged(0, 0)],
        ] {
            assert_eq!(charged(&first(between)), expected, "going on from a pause is no other edit");
        }
    }
}
