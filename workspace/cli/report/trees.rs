//! Which tree each candidate is of, where a search grows several beside each other.

use editscale_engine::{CandidateRecord, RunRecord};

use crate::choice::Choice;

/// The tree of each candidate in ask order, counted from 1; nothing where the search grows none.
///
/// The first round is dealt to the trees in turn, and a child is of its parent's tree. In each turn of a later round the trees that
/// have nobody of their own to go on from come last, in their order, and begin anew.
pub(super) fn of(record: &RunRecord, choice: &Choice<'_>) -> Option<Vec<u32>> {
    let count = choice.settings()?.search.trees()?.max(1) as usize;
    let mut trees: Vec<u32> = Vec::with_capacity(record.candidates.len());
    for round in record.candidates.chunk_by(|a, b| a.round == b.round) {
        for turn in round.chunks(count) {
            let taken: Vec<u32> = turn.iter().filter_map(|each| of_parent(each, &trees)).collect();
            let mut free = (1..=count as u32).filter(|tree| !taken.contains(tree));
            for candidate in turn {
                trees.push(of_parent(candidate, &trees).or_else(|| free.next()).unwrap_or(1));
            }
        }
    }
    Some(trees)
}

fn of_parent(candidate: &CandidateRecord, trees: &[u32]) -> Option<u32> {
    trees.get(candidate.proposal.lineage.parent?.0 as usize).copied()
}

/// Whether a candidate begins its tree anew.
pub(super) fn begins_anew(candidate: &CandidateRecord) -> bool {
    candidate.round > 0 && candidate.proposal.lineage.parent.is_none()
}
