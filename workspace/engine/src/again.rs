//! A run that came to nothing because something could not be reached, taken up again.
//!
//! A finished run is finished: resuming it only replays it. But where nobody was chosen, and an editor or a reward was
//! `unavailable`, whoever resumes the run means that the server is back. So the journal goes back to before that: to
//! the first of the last rounds that made, said and spent nothing, or to the last round, whose pictures are kept and
//! judged.

use std::collections::{BTreeMap, BTreeSet};

use editscale_core::{FailureKind, Ledger};

use crate::book::{CritiqueKey, JudgementKey};
use crate::journal::{Entry, Line};
use crate::purse::Work;
use crate::wire::{DecisionWire, FailureWire, SaidWire, WrittenWire};

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
    let unreached: BTreeSet<usize> = unreached(&before[from..until]).into_iter().map(|place| from + place).collect();
    let kept = before[..until].iter().enumerate().filter(|(index, _)| !unreached.contains(index));
    (!unreached.is_empty()).then(|| kept.map(|(_, line)| line.clone()).collect())
}

/// A journal without its end; nothing where it is under way.
pub(crate) fn without_end(lines: &[Line]) -> Option<&[Line]> {
    let (last, before) = lines.split_last()?;
    matches!(last.entry, Entry::Decided { decision: DecisionWire::Stop(_), .. }).then_some(before)
}

/// A journal without its end, where that is a search that stopped for want of budget; nothing where it ended otherwise, or is
/// under way.
pub(crate) fn without_shortage(lines: &[Line]) -> Option<&[Line]> {
    let (last, before) = lines.split_last()?;
    match &last.entry {
        Entry::Decided { decision: DecisionWire::Stop(verdict), .. } if verdict.is_for_want_of_budget() => Some(before),
        _ => None,
    }
}

/// Whether an entry tells of nothing that was made, said or spent. What left tells nothing: its answer does, and in a
/// finished run all is answered.
fn is_barren(entry: &Entry) -> bool {
    let costs_nothing = |failure: &FailureWire, work: Work| {
        failure.failure().is_ok_and(|failure| work.spent_in_vain(&failure) == Ledger::default())
    };
    match entry {
        Entry::Decided { .. } | Entry::Submitted { .. } | Entry::Judging { .. } | Entry::Critiquing { .. } => true,
        Entry::Retried { failure, .. } | Entry::Failed { failure, .. } => costs_nothing(failure, Work::Edit),
        Entry::JudgingFailed { failure, .. }
        | Entry::Judged { said: SaidWire::Failed(failure), .. }
        | Entry::CritiquingFailed { failure, .. }
        | Entry::Critiqued { written: WrittenWire::Failed(failure), .. } => costs_nothing(failure, Work::Judgement),
        Entry::Edited { .. }
        | Entry::Judged { said: SaidWire::Score(_), .. }
        | Entry::Critiqued { written: WrittenWire::Critique(_), .. } => false,
    }
}

/// What an entry speaks of.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Edit(u32),
    Judgement(JudgementKey),
    Critique(CritiqueKey),
}

/// The places of the entries that end an edit or a judgement which could not be reached, at no cost, and of those by
/// which it left: alone, these would tell of something that is lost with a server.
fn unreached(round: &[Line]) -> BTreeSet<usize> {
    let mut unreached = BTreeSet::new();
    let mut left: BTreeMap<Subject, Vec<usize>> = BTreeMap::new();
    for (index, Line { entry, .. }) in round.iter().enumerate() {
        let Some(subject) = subject(entry) else { continue };
        if let Entry::Submitted { .. } | Entry::Judging { .. } | Entry::Critiquing { .. } = entry {
            left.entry(subject).or_default().push(index);
            continue;
        }
        let answered = left.remove(&subject).unwrap_or_default();
        if let Entry::Failed { failure, .. }
        | Entry::Judged { said: SaidWire::Failed(failure), .. }
        | Entry::Critiqued { written: WrittenWire::Failed(failure), .. } = entry
            && is_barren(entry)
            && failure.failure().is_ok_and(|failure| failure.kind == FailureKind::Unavailable)
        {
            unreached.extend(answered);
            unreached.insert(index);
        }
    }
    unreached
}

fn subject(entry: &Entry) -> Option<Subject> {
    match entry {
        Entry::Decided { .. } => None,
        Entry::Submitted { id, .. } | Entry::Retried { id, .. } => Some(Subject::Edit(*id)),
        Entry::Edited { id, .. } | Entry::Failed { id, .. } => Some(Subject::Edit(*id)),
        Entry::Judging { judgement, .. } | Entry::JudgingFailed { judgement, .. } | Entry::Judged { judgement, .. } => {
            judgement.key().ok().map(Subject::Judgement)
        }
        Entry::Critiquing { critique, .. }
        | Entry::CritiquingFailed { critique, .. }
        | Entry::Critiqued { critique, .. } => critique.key().ok().map(Subject::Critique),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPLORE: &str = r#""event":"decided","round":0,"left":{},"decision":{"explore":{"proposals":[]}}"#;
    const LOST: &str = r#""event":"decided","round":9,"left":{},"decision":{"stop":{"reason":"stuck","ranked":[]}}"#;
    const WON: &str = r#""event":"decided","round":9,"left":{},"decision":{"stop":{"reason":"finished","ranked":[{"id":0,"utility":1.0}]}}"#;
    const SUBMITTED: &str = r#""event":"submitted","id":0,"attempt":1,"key":"k""#;
    const RETRIED: &str = r#""event":"retried","id":0,"attempt":1,"failure":{"kind":"unavailable","message":""}"#;
    const AWAY: &str = r#""event":"failed","id":0,"failure":{"kind":"unavailable","message":""}"#;
    const BILLED: &str = r#""event":"failed","id":0,"failure":{"kind":"unavailable","message":"","cost":{"nfe":1}}"#;
    const REFUSED: &str = r#""event":"failed","id":1,"failure":{"kind":"refused","message":""}"#;
    const LATE: &str = r#""event":"failed","id":1,"failure":{"kind":"timed_out","message":""}"#;
    const MADE: &str =
        r#""event":"edited","id":0,"image":{"digest":"","format":"png","width":1,"height":1},"secs":0.0"#;
    const JUDGING: &str = r#""event":"judging","id":0,"round":0,"reward":"judge","attempt":1,"most":{"nfe":1}"#;
    const VAIN: &str = r#""event":"judging_failed","id":0,"round":0,"reward":"judge","failure":{"kind":"unavailable","message":"","cost":{"nfe":1}}"#;
    const UNJUDGED: &str =
        r#""event":"judged","id":0,"round":0,"reward":"judge","failed":{"kind":"unavailable","message":""}"#;

    #[test]
    fn a_journal_goes_back_to_before_what_was_not_reached() {
        // The entries, and the places of those that are kept, where the run is taken up.
        let cases: [(&[&str], Option<&[usize]>); 14] = [
            (&[], None),
            (&[EXPLORE, AWAY], None),
            (&[EXPLORE, AWAY, WON], None),
            (&[EXPLORE, REFUSED, LOST], None),
            (&[EXPLORE, BILLED, LOST], None),
            (&[EXPLORE, LATE, LOST], None),
            (&[EXPLORE, AWAY, LOST], Some(&[0])),
            (&[EXPLORE, RETRIED, AWAY, REFUSED, LOST], Some(&[0, 1, 3])),
            // All rounds were in vain: begun again with the first.
            (&[EXPLORE, AWAY, EXPLORE, AWAY, LOST], Some(&[0])),
            // The first was not: its trials stand.
            (&[EXPLORE, LATE, EXPLORE, AWAY, EXPLORE, AWAY, LOST], Some(&[0, 1, 2])),
            (&[EXPLORE, SUBMITTED, SUBMITTED, RETRIED, SUBMITTED, AWAY, LOST], Some(&[0, 1, 2, 3])),
            // What was made stays, and is judged.
            (&[EXPLORE, SUBMITTED, MADE, UNJUDGED, LOST], Some(&[0, 1, 2])),
            (&[EXPLORE, MADE, JUDGING, VAIN, JUDGING, UNJUDGED, LOST], Some(&[0, 1, 2, 3])),
            (&[EXPLORE, MADE, JUDGING, VAIN, LOST], None),
        ];
        for (entries, expected) in cases {
            let lines: Vec<Line> = entries
                .iter()
                .map(|entry| serde_json::from_str(&format!(r#"{{"at":0.0,{entry}}}"#)).unwrap())
                .collect();
            let expected = expected.map(|places| places.iter().map(|place| lines[*place].clone()).collect());
            assert_eq!(taken_up(&lines), expected, "{entries:#?}");
        }
    }
}
