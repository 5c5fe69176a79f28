//! What the darkroom makes of an instruction before it sees a picture.

use editscale_schema::Reading;

use super::{check_plan, guesses};
use crate::language::read;

/// What would be done and what left out, or why the whole would be refused.
pub(super) fn reading(instruction: &str, partial: bool) -> Result<Reading, String> {
    let plan = check_plan(read(instruction), partial)?;
    let words = |edit: &crate::plan::Edit| instruction.get(edit.words.clone()).unwrap_or_default().to_owned();
    let mut understood: Vec<String> = plan.edits.iter().map(words).collect();
    // Several edits are read from one word, as in "vintage".
    understood.dedup();
    let left_out = plan.not_understood.iter().map(|fragment| fragment.text.clone()).collect();
    Ok(Reading { understood, left_out, notes: guesses(&plan).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_understood_or_left_out_or_refused() {
        let found = reading("warmer, add a hat and a little more contrast", true);
        let expected = Reading {
            understood: vec!["warmer".to_owned(), "a little more contrast".to_owned()],
            left_out: vec!["add a hat".to_owned()],
            notes: Vec::new(),
        };
        assert_eq!(found, Ok(expected));
        let refused = reading("make it warmer and add a hat", false).unwrap_err();
        assert!(refused.starts_with("cannot do `add a hat`"), "{refused}");
    }

    #[test]
    fn words_of_several_edits_stand_once_and_guesses_are_told() {
        assert_eq!(reading("give it a vintage look", false).map(|found| found.understood.len()), Ok(1));
        let found = reading("make the hair red", false).unwrap();
        assert!(found.notes[0].contains("took what stands out"), "{found:?}");
    }
}
