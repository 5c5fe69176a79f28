//! Whether the journal of a run bears out how it is said to have ended: what is lost or changed in a folder would be lost or changed in
//! every mean.

use editscale_core::{CandidateId, Ledger, Outcome, Verdict};
use editscale_engine::{CandidateRecord, RunRecord};

/// Why a finished run cannot be studied; nothing where all that its outcome says is in its journal.
pub(super) fn fault(record: &RunRecord, outcome: &Outcome) -> Option<String> {
    let Some(concluded) = &record.concluded else {
        return Some("its journal does not tell how it ended: it is missing, empty or cut short".to_owned());
    };
    let known = record.candidates.len();
    if known != outcome.asked as usize {
        return Some(format!("{known} of its {} candidates are in its journal", outcome.asked));
    }
    if order(concluded) != order(&outcome.verdict) {
        return Some("its outcome ranks candidates in another order than its journal".to_owned());
    }
    let is_made = |id: CandidateId| record.candidates.iter().any(|one| one.proposal.id == id && is_made(one));
    if let Some(winner) = outcome.winner().filter(|winner| !is_made(*winner)) {
        return Some(format!("its winner, candidate {winner}, was never made"));
    }
    let more = more_than(&outcome.ledger, record)?;
    Some(format!("its outcome counts more {more} than its journal"))
}

fn order(verdict: &Verdict) -> Vec<CandidateId> {
    verdict.ranked.iter().map(|ranked| ranked.id).collect()
}

fn is_made(candidate: &CandidateRecord) -> bool {
    matches!(candidate.made, Some(Ok(_)))
}

/// What a ledger has more of than was spent by the journal. Runs of earlier versions counted every part of an edit that was paused,
/// and may have counted what failed.
fn more_than(ledger: &Ledger, record: &RunRecord) -> Option<&'static str> {
    let spent = &record.spent;
    let is_doubtful = |one: &&CandidateRecord| one.proposal.goes_on() || !is_made(one);
    let doubtful = record.candidates.iter().filter(is_doubtful).count() as u64;
    let amounts = [
        ("edits", ledger.edits, spent.edits.saturating_add(doubtful)),
        ("reward calls", ledger.reward_calls, spent.reward_calls),
        ("denoiser evaluations", ledger.cost.nfe, spent.cost.nfe),
        ("tokens", ledger.cost.tokens, spent.cost.tokens),
        ("money", ledger.cost.usd.micros, spent.cost.usd.micros),
    ];
    amounts.into_iter().find(|(_, told, known)| told > known).map(|(name, ..)| name)
}
