//! What a recipe's editors make of an instruction before anything is made: those that can tell without a picture.

use anyhow::Result;
use editscale_config::Recipe;
use editscale_core::EditorName;
use editscale_schema::{Reading, quote};
use serde_json::{Value, json};

use crate::failure::Refused;
use crate::forecast::used_editors;

/// What each editor that can tell makes of an instruction, or why it would refuse it.
pub(super) struct Understood(Vec<(EditorName, Result<Reading, String>)>);

impl Understood {
    /// An error where nothing can come of the instruction: every editor that is asked refuses it, and no critic is there to find other
    /// words.
    pub(super) fn of(recipe: &Recipe, instruction: &str) -> Result<Self, Refused> {
        let readings = readings(recipe, instruction);
        let refusal = readings.iter().find_map(|(_, reading)| reading.as_ref().err());
        let all_refuse =
            readings.len() == used_editors(recipe).len() && readings.iter().all(|(_, reading)| reading.is_err());
        match refusal {
            Some(why) if all_refuse && recipe.critics().is_empty() => {
                Err(Refused { message: why.clone(), hint: hint(recipe, instruction) })
            }
            _ => Ok(Self(readings)),
        }
    }

    /// For people, under the words of a forecast.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.iter().flat_map(|(editor, reading)| lines(&self.by(editor), reading)).collect()
    }

    /// Whose reading it is, where there are several.
    fn by(&self, editor: &EditorName) -> String {
        if self.0.len() > 1 { format!("by {}: ", quote(editor.as_str())) } else { String::new() }
    }

    /// For programs: see `docs/json.md`.
    pub(super) fn json(&self) -> Value {
        let each = |(editor, reading): &(EditorName, Result<Reading, String>)| {
            let read = reading.clone().unwrap_or_default();
            json!({
                "editor": editor.as_str(),
                "understood": read.understood,
                "left_out": read.left_out,
                "notes": read.notes,
                "refusal": reading.as_ref().err(),
            })
        };
        self.0.iter().map(each).collect()
    }
}

fn readings(recipe: &Recipe, instruction: &str) -> Vec<(EditorName, Result<Reading, String>)> {
    let editors = used_editors(recipe).iter();
    editors.filter_map(|editor| Some((editor.name.clone(), editor.model.reading(instruction)?))).collect()
}

/// What else can be done about an instruction that is refused.
fn hint(recipe: &Recipe, instruction: &str) -> String {
    let in_part = readings(&recipe.clone().doing_parts(), instruction);
    let rest =
        if in_part.iter().any(|(_, reading)| reading.is_ok()) { ", or do the rest alone with --partial" } else { "" };
    format!("choose an editing model with --recipe{rest}")
}

fn lines(by: &str, reading: &Result<Reading, String>) -> Vec<String> {
    let listed = |words: &[String]| words.iter().map(|words| format!("`{words}`")).collect::<Vec<_>>().join(", ");
    match reading {
        Ok(Reading { understood, left_out, notes }) => {
            let understood = Some(format!("understood  {by}{}", listed(understood)));
            let left_out = (!left_out.is_empty()).then(|| format!("left out    {by}{}", listed(left_out)));
            let notes = notes.iter().map(|note| format!("note        {by}{note}"));
            understood.into_iter().chain(left_out).chain(notes).collect()
        }
        Err(why) => vec![format!("refused     {by}{why}")],
    }
}
