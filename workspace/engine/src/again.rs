//! A run that came to nothing because something could not be reached, taken up again.
//!
//! A finished run is finished: resuming it only replays it. But where nobody was chosen, and an editor or a reward was
//! `unavailable`, whoever resumes the run means that the server is back. So the journal goes back to before that: to the
//! first of the last rounds that made, said and spent nothing, or to the last round, whose pictures are kept and judged.

use editscale_core::FailureKind;

use crate::journal::{Entry, Line};
use crate::purse::Work;
use crate::wire::{DecisionWire, FailureWire, SaidWire};

/// What of a journal is kept where the run is to be taken up again; nothing where it stays as it is.
pub(crate) fn taken_up(lines: &[Line]) -> Option<Vec<Line>> {
    let (last, before) = lines.split_last()?;
    let Entry::Decided { decision: DecisionWire::Stop(verdict), .. } = &last.entry else { return None };
    if !verdict.is_empty() {
        return None;
    }
    let is_decision = |index: &usize| matches!(before[*index].entry, Entry::Decided { .. });
    let rounds: Vec<usize> = (0..before.len()).filter(is_decision).collect();
    let last_round = *rounds.last()?;
    // A round is looked at with all that follow it.
    let is_barren = |round: &&usize| before[**round..].iter().all(|line| is_barren(&line.entry));
    let from = *rounds.iter().find(is_barren).unwrap_or(&last_round);
    let until = rounds.iter().find(|round| **round > from).copied().unwrap_or(before.len());
    let again = &before[from..until];
    let kept: Vec<Line> =
        before[..from].iter().chain(again.iter().filter(|line| !is_unreached(&line.entry))).cloned().collect();
    (kept.len() < from + again.len()).then_some(kept)
}

/// Whether an entry tells of nothing that was made, said, spent or sent.
fn is_barren(entry: &Entry) -> bool {
    let costs_nothing = |failure: &FailureWire, work: Work| {
        failure.failure().is_ok_and(|failure| work.spent_in_vain(&failure) == editscale_core::Ledger::default())
    };
    match entry {
        Entry::Decided { .. } => true,
        Entry::Retried { failure, .. } | Entry::Failed { failure, .. } => costs_nothing(failure, Work::Edit),
        Entry::Submitted { .. } | Entry::Edited { .. } | Entry::Judging { .. } => false,
        Entry::JudgingFailed { failure, .. } | Entry::Judged { said: SaidWire::Failed(failure), .. } => {
            costs_nothing(failure, Work::Judgement)
        }
        Entry::Judged { said: SaidWire::Score(_), .. } => false,
    }
}

/// Whether an entry ends a candidate or a judgement that could not be reached, at no cost.
fn is_unreached(entry: &Entry) -> bool {
    match entry {
        Entry::Failed { failure, .. } | Entry::Judged { said: SaidWire::Failed(failure), .. } => {
            is_barren(entry) && failure.failure().is_ok_and(|failure| failure.kind == FailureKind::Unavailable)
        }
        _ => false,
    }
}
