//! The prompts of a model directory: Python's `str.format`, as far as they use it, and the end that they have in common.

use crate::load::LoadError;
use crate::rewards::editreward::Directory;

/// The token at which the heads read. Each prompt holds it once.
pub(super) const REWARD_TOKEN: &str = "<|Reward|>";

/// The file of what follows in both prompts.
const TAIL: &str = "prompts/tail.txt";

/// The field that stands for the instruction.
const FIELD: &str = "text_prompt";

/// What follows in both prompts, the reward token in it.
pub(super) fn tail(directory: &Directory) -> Result<String, LoadError> {
    let tail = directory.read_text(TAIL)?;
    match tail.matches(REWARD_TOKEN).count() {
        1 => Ok(tail),
        times => Err(directory.content(TAIL, format!("holds `{REWARD_TOKEN}` {times} times: expected once"))),
    }
}

/// A prompt with the place where the instruction goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prompt(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Instruction,
}

impl Prompt {
    /// Reads the prompt of a part of the score.
    pub(super) fn load(directory: &Directory, part: &str) -> Result<Self, LoadError> {
        let name = format!("prompts/{part}.txt");
        Self::parse(&directory.read_text(&name)?).map_err(|reason| directory.content(&name, reason))
    }

    /// Reads a format string: `{text_prompt}` is the instruction, doubled braces are braces.
    pub(super) fn parse(format: &str) -> Result<Self, String> {
        let (mut pieces, mut text) = (Vec::new(), String::new());
        let mut rest = format;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                text.push_str(brace);
                rest = after;
            } else if brace == "{" && rest.starts_with(FIELD) && rest[FIELD.len()..].starts_with('}') {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(Piece::Instruction);
                rest = &rest[FIELD.len() + 1..];
            } else {
                let line = format[..format.len() - rest.len()].lines().count();
                return Err(format!("has a `{brace}` in line {line} that is neither `{{{FIELD}}}` nor doubled"));
            }
        }
        text.push_str(rest);
        pieces.push(Piece::Text(text));
        if !pieces.contains(&Piece::Instruction) {
            return Err(format!("has no `{{{FIELD}}}`: expected the place where the instruction goes"));
        }
        Ok(Self(pieces))
    }

    /// The prompt for an instruction, which is put in as it is.
    pub(super) fn fill(&self, instruction: &str) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Instruction => instruction.to_owned(),
        };
        self.0.iter().map(piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_filled_as_python_does() {
        let prompt = Prompt::parse("a {{x}} {text_prompt}\n{text_prompt}}}").expect("a prompt");
        assert_eq!(prompt.fill("{1} %s"), "a {x} {1} %s\n{1} %s}");
        for bad in ["no place", "{other}", "{text_prompt", "}", "{}", "{text_prompt!r}"] {
            assert!(Prompt::parse(bad).is_err(), "{bad}");
        }
    }
}
