//! Between the words of the program and those of the wire. What a plugin says is checked here, all of it: a lie is a failure
//! of kind `Malformed` for the item or call that it was told in.

pub(crate) mod cards;
pub(crate) mod edits;
pub(crate) mod failures;
pub(crate) mod pictures;
pub(crate) mod scores;

/// A text of a plugin, for people: without what would move a cursor, and not too long.
pub(crate) fn readable(text: &str, most: usize) -> String {
    let shown = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    let mut shown: String = shown.take(most + 1).collect();
    if shown.chars().count() > most {
        shown.pop();
        shown.push('…');
    }
    shown.trim().to_owned()
}
