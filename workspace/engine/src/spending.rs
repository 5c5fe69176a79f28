//! What each entry of a run's journal adds to what is spent, for whoever reads it afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use editscale_core::{Cost, Failure, Ledger};

use crate::book::{CritiqueKey, JudgementKey};
use crate::journal::Entry;
use crate::purse::Work;
use crate::wire::{CostWire, WireError};

/// What is open while the entries are gone through, by the rules of the run itself.
#[derive(Debug, Default)]
pub(crate) struct Spending {
    /// Candidates that go on from a paused state: parts of edits that are counted already.
    parts: BTreeSet<u32>,
    /// Judgements that left and are not answered, with the most that each costs.
    open: BTreeMap<JudgementKey, Cost>,
    /// Critiques alike.
    critiquing: BTreeMap<CritiqueKey, Cost>,
}

impl Spending {
    /// Counts one entry, and gives what it adds; active time is left out.
    pub(crate) fn piece(&mut self, entry: &Entry) -> Result<Ledger, WireError> {
        Ok(match entry {
            Entry::Decided { decision, .. } => {
                self.parts.extend(decision.going_on());
                Ledger::default()
            }
            Entry::Submitted { .. } => Ledger::default(),
            Entry::Edited { id, cost, load_ms, pictures, .. } => {
                let (loading, pictures) = (Duration::from_millis(*load_ms), (*pictures).into());
                Ledger { loading, pictures, ..self.making(*id).spent((*cost).into(), true) }
            }
            Entry::Failed { id, failure } => self.making(*id).failed(&failure.failure()?),
            Entry::Retried { id, failure, .. } => self.making(*id).spent_in_vain(&failure.failure()?),
            Entry::Judging { judgement, most, .. } => lost(self.open.insert(judgement.key()?, (*most).into())),
            Entry::JudgingFailed { judgement, failure } => {
                self.open.remove(&judgement.key()?);
                Work::Judgement.spent_in_vain(&failure.failure()?)
            }
            Entry::Judged { judgement, said, cost, pictures } => {
                self.open.remove(&judgement.key()?);
                Ledger { pictures: (*pictures).into(), ..answered(said.said()?.err(), *cost) }
            }
            Entry::Critiquing { critique, most, .. } => lost(self.critiquing.insert(critique.key()?, (*most).into())),
            Entry::CritiquingFailed { critique, failure } => {
                self.critiquing.remove(&critique.key()?);
                Work::Judgement.spent_in_vain(&failure.failure()?)
            }
            Entry::Critiqued { critique, written, cost } => {
                self.critiquing.remove(&critique.key()?);
                answered(written.written()?.err(), *cost)
            }
        })
    }

    /// What making a candidate is.
    fn making(&self, id: u32) -> Work {
        if self.parts.contains(&id) { Work::Part } else { Work::Edit }
    }
}

/// What is spent by a call that was still open when it left once more.
fn lost(open: Option<Cost>) -> Ledger {
    open.map_or_else(Ledger::default, |cost| Work::Judgement.spent(cost, true))
}

/// What is spent by a call that a judge or a critic answered.
fn answered(failed: Option<Failure>, cost: CostWire) -> Ledger {
    let counts = failed.is_none_or(|failure| Work::Judgement.counts(&failure));
    Work::Judgement.spent(cost.into(), counts)
}
