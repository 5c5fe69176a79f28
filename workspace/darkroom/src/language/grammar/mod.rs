//! From the words of a text to a plan.
//!
//! A clause is read from left to right (`reader.rs`, with `qualities.rs` and `amounts.rs`). It holds at most one place and any
//! number of changes; an amount belongs to the change after it, or, at the end, to the change before it. What the words come to
//! once a clause is heard stands in one file a kind: `places.rs`, `kept.rs`, `quantities.rs`, `frame.rs`, `colours.rs`.
//!
//! Here clauses are joined: one that names only a place shares the change of the clause before, one that names only a change and a
//! pronoun shares its place. What cannot be joined so is not understood: a wrong edit is worse than none.

mod amounts;
mod clause;
mod colours;
mod frame;
mod kept;
mod places;
mod qualities;
mod quantities;
mod reader;

use std::ops::Range;

use super::lexicon::Sense;
use super::words::{Meaning, Token};
use crate::plan::{Amount, Change, Edit, Fragment, Plan, Region};
use clause::{Clause, Way};
use kept::Kept;
use reader::Reader;

/// The edits of one plan at most: each costs a pass over the picture, and a mask. Nobody asks for as many in earnest.
const MOST_EDITS: usize = 32;

/// Reads the tokens of a text.
pub(super) fn read(text: &str, tokens: &[Token]) -> Plan {
    let mut plan = Plan::default();
    let mut before = Before::default();
    for clause in clauses(tokens) {
        if plan.edits.len() >= MOST_EDITS {
            miss(text, clause[0].place.start..tokens[tokens.len() - 1].place.end, &mut plan);
            break;
        }
        read_clause(text, clause, &mut before, &mut plan);
    }
    for surplus in plan.edits.split_off(plan.edits.len().min(MOST_EDITS)) {
        if plan.not_understood.last().is_none_or(|last| last.words != surplus.words) {
            miss(text, surplus.words, &mut plan);
        }
    }
    if let Some(kept) = before.kept {
        kept.spare(&mut plan);
    }
    plan
}

/// What earlier clauses leave for later ones.
#[derive(Default)]
struct Before {
    region: Region,
    changes: Vec<Change>,
    way: Way,
    /// Whether the last clause was not understood, so that what leans on it is not either.
    lost: bool,
    /// Whether the last clause was about what is to stay as it is.
    kept_last: bool,
    /// The first place that is to stay as it is.
    kept: Option<Kept>,
}

/// Tokens cut at breaks and joining words. A joining word inside one thought ("black and white") is a phrase of its own and is not
/// seen here.
fn clauses(tokens: &[Token]) -> Vec<&[Token]> {
    let is_cut = |token: &Token| matches!(token.sense, Meaning::Break | Meaning::Known(Sense::And, _));
    let thoughts = |clause| <[Token]>::chunk_by(clause, |last, next| !begins_a_thought(last, next));
    tokens.split(is_cut).filter(|clause| !clause.is_empty()).flat_map(thoughts).collect()
}

/// "warmer without darkening the sky", "brighten everything but leave the sky": what is not to happen is a thought of its own.
fn begins_a_thought(last: &Token, next: &Token) -> bool {
    match next.sense {
        Meaning::Known(Sense::Forbid | Sense::Without, _) => true,
        Meaning::Known(Sense::Keep, _) => matches!(last.sense, Meaning::Known(Sense::Except, _)),
        _ => false,
    }
}

fn read_clause(text: &str, tokens: &[Token], before: &mut Before, plan: &mut Plan) {
    let clause = Reader::new(text, tokens, !before.region.is_everywhere(), before.way).read();
    before.way = clause.way;
    let place = tokens[0].place.start..tokens[tokens.len() - 1].place.end;
    if clause.keeps {
        if !is_kept(clause, before) {
            miss(text, place, plan);
        }
        return;
    }
    if !clause.unknown.is_empty() {
        before.lost = true;
        return miss(text, place, plan);
    }
    if clause.found.is_empty() {
        match shared_changes(&clause, before) {
            Some(changes) => {
                for change in changes {
                    ask(plan, Edit { change, region: clause.region.clone(), words: place.clone() });
                }
            }
            None if clause.says_something || before.lost && clause.names_region => miss(text, place, plan),
            None => {}
        }
        return;
    }
    if clause.is_bare_colour && before.claims_colours() {
        // "make the sky purple and pink" is more than one colour can say; "the sky less blue, more orange" says it of the sky.
        return miss(text, place, plan);
    }
    let region = before.region_of(&clause);
    if clause.guesses && !clause.found.iter().all(|found| found.change.moves_the_frame()) {
        plan.guessed.push(Fragment { text: text[place.clone()].to_owned(), words: place.clone() });
    }
    for found in &clause.found {
        let region = if found.change.moves_the_frame() { Region::default() } else { region.clone() };
        ask(plan, Edit { change: found.change, region, words: place.clone() });
    }
    before.region = region;
    before.changes = clause.found.into_iter().map(|found| found.change).collect();
    (before.lost, before.kept_last) = (false, false);
}

impl Before {
    /// Whether a colour that is said alone goes with the clause before.
    fn claims_colours(&self) -> bool {
        self.lost || !self.region.is_everywhere() && !self.changes.is_empty()
    }

    /// Where a clause's changes are to happen: "it" is the place before, "the rest" all but that.
    fn region_of(&self, clause: &Clause) -> Region {
        match (clause.names_region, &self.region) {
            (false, region) if clause.means_the_rest && !region.is_everywhere() => region.complement(),
            (false, region) if clause.has_pronoun => region.clone(),
            _ => clause.region.clone(),
        }
    }
}

/// Adds an edit, unless it was asked for already.
fn ask(plan: &mut Plan, edit: Edit) {
    let is_repeated = |known: &Edit| known.change == edit.change && known.region == edit.region;
    if !plan.edits.iter().any(is_repeated) {
        plan.edits.push(edit);
    }
}

/// Takes a clause about what is to stay. Of two places that are to stay, a region can only say one: the other is not.
fn is_kept(clause: Clause, before: &mut Before) -> bool {
    before.kept_last = true;
    if !clause.names_region {
        return true;
    }
    let from = clause.found.into_iter().map(|found| found.change).collect();
    let kept = before.kept.get_or_insert_with(|| Kept { region: clause.region.clone(), from });
    kept.region == clause.region
}

/// What a clause without a change of its own shares with the clause before: its changes, in another place.
fn shared_changes(clause: &Clause, before: &Before) -> Option<Vec<Change>> {
    let is_after_an_exception = before.kept_last || before.region.inverted;
    let shares = clause.names_region && !clause.acts && !before.changes.is_empty() && !before.lost;
    let with_its_amount = |change: &Change| clause.amount.map_or(*change, |amount| with_amount(*change, amount));
    (shares && !is_after_an_exception).then(|| before.changes.iter().map(with_its_amount).collect())
}

/// The same change, by another amount.
fn with_amount(change: Change, amount: Amount) -> Change {
    match change {
        Change::Adjust { quantity, direction, .. } => Change::Adjust { quantity, direction, amount },
        Change::Recolour { to, .. } => Change::Recolour { to, amount },
        other => other,
    }
}

fn miss(text: &str, place: Range<usize>, plan: &mut Plan) {
    plan.not_understood.push(Fragment { text: text[place.clone()].to_owned(), words: place });
}
