//! What is known and spent of critiques: asked for as judgements are, and booked as such.

use std::mem;

use editscale_core::{CandidateId, Cost, CriticName, Critique, Failure, FailureKind, Ledger};

use super::Book;
use crate::journal::{Entry, JournalError};
use crate::purse::Work;

/// Which critique. In one round a critic is asked about candidates, or about the request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CritiqueKey {
    /// Nothing: it is about the request itself, of which nothing was made yet.
    pub(crate) candidate: Option<CandidateId>,
    /// The round that asked for it, from 0.
    pub(crate) round: u32,
    pub(crate) critic: CriticName,
}

impl Book {
    /// Enters that the critiques which an earlier life of the program left open are lost, and books them.
    pub(super) fn give_up_critiquing(&mut self) -> Result<(), JournalError> {
        let message = "the program ended while this critique was with the server; it may have been paid";
        let lost: Vec<(CritiqueKey, Failure)> = mem::take(&mut self.critiquing)
            .into_iter()
            .map(|(key, cost)| (key, Failure { cost, ..Failure::new(FailureKind::Ambiguous, message) }))
            .collect();
        if !lost.is_empty() {
            self.log.append_durably(lost.iter().map(|(key, failure)| critiquing_failed(key, failure)).collect())?;
        }
        lost.iter().for_each(|(_, failure)| self.purse.book(&Work::Judgement.spent_in_vain(failure)));
        Ok(())
    }

    pub(super) fn learn_critiquing(&mut self, key: CritiqueKey, most: Cost) -> Ledger {
        // One that is still open under this key was lost when this one left.
        let lost = self.critiquing.insert(key, most);
        lost.map_or_else(Ledger::default, |cost| Work::Judgement.spent(cost, true))
    }

    pub(super) fn learn_critique(
        &mut self,
        key: CritiqueKey,
        written: Result<Critique, Failure>,
        cost: Cost,
    ) -> Ledger {
        let counts = written.as_ref().err().is_none_or(|failure| Work::Judgement.counts(failure));
        self.critiquing.remove(&key);
        self.critiqued.insert(key, written);
        Work::Judgement.spent(cost, counts)
    }

    pub(crate) fn critiqued(&self, key: &CritiqueKey) -> Option<&Result<Critique, Failure>> {
        self.critiqued.get(key)
    }

    /// Enters that a critique which costs at most `most` is about to leave.
    pub(crate) fn enter_critiquing(&mut self, key: CritiqueKey, attempt: u32, most: Cost) -> Result<(), JournalError> {
        self.log.append_durably(vec![Entry::Critiquing { critique: (&key).into(), attempt, most: most.into() }])?;
        self.critiquing.insert(key, most);
        Ok(())
    }

    /// Whether a critique that can be paid has left and is not answered.
    pub(crate) fn is_critiquing(&self, key: &CritiqueKey) -> bool {
        self.critiquing.contains_key(key)
    }

    /// Enters that a critique was asked for in vain and may be asked for again; nothing where nothing was spent.
    pub(crate) fn enter_critiquing_failed(&mut self, key: &CritiqueKey, why: &Failure) -> Result<(), JournalError> {
        let was_open = self.critiquing.remove(key).is_some();
        if was_open || Work::Judgement.counts(why) || why.cost != Cost::default() {
            self.log.append(critiquing_failed(key, why))?;
        }
        Ok(())
    }

    /// Enters what a critic wrote.
    pub(crate) fn enter_critique(
        &mut self,
        key: CritiqueKey,
        written: Result<Critique, Failure>,
        cost: Cost,
    ) -> Result<(), JournalError> {
        let entry = Entry::Critiqued { critique: (&key).into(), written: (&written).into(), cost: cost.into() };
        self.log.append(entry)?;
        self.critiquing.remove(&key);
        self.critiqued.insert(key, written);
        Ok(())
    }
}

fn critiquing_failed(key: &CritiqueKey, failure: &Failure) -> Entry {
    Entry::CritiquingFailed { critique: key.into(), failure: failure.into() }
}
