//! What somebody asks for: one source picture and one instruction.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::{Image, ImageSize, Seed};

/// One edit that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditRequest {
    /// The picture to edit. Every candidate is scored against it, however it was made.
    pub source: Image,
    /// What to do to it.
    pub instruction: Instruction,
    /// Where editing is allowed: white = edit here. Same upright size as the source.
    pub mask: Option<Image>,
    /// The size that the result should have; the editor's own choice where absent.
    pub output_size: Option<ImageSize>,
    /// The root of all seeds of the run.
    pub seed: Seed,
}

/// An instruction: text that says something, of at most [`Instruction::MAX_BYTES`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Instruction(Arc<str>);

/// Why a text is not an instruction.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InstructionError {
    /// Nothing but white space.
    #[error("the instruction is empty: say what to change, for example \"make it warmer\"")]
    Empty,
    /// Longer than any editing model reads.
    #[error("the instruction is too long: expected at most {} bytes, found {found}", Instruction::MAX_BYTES)]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// Control characters cannot be meant.
    #[error("the instruction holds the control character U+{found:04X} at byte {at}")]
    Control {
        /// Its code point.
        found: u32,
        /// Where it stands.
        at: usize,
    },
}

impl Instruction {
    /// 32 KiB: several times what the longest text encoders in use can read.
    pub const MAX_BYTES: usize = 32 * 1024;

    /// Checks a text and makes it an instruction. It is kept to the last blank: models read blanks too.
    pub fn new(text: &str) -> Result<Self, InstructionError> {
        let control =
            |(_, character): &(usize, char)| character.is_control() && !matches!(character, '\n' | '\r' | '\t');
        if text.trim().is_empty() {
            return Err(InstructionError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InstructionError::TooLong { found: text.len() });
        }
        match text.char_indices().find(control) {
            Some((at, character)) => Err(InstructionError::Control { found: character as u32, at }),
            None => Ok(Self(text.into())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, shared.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_checked() {
        let long = "x".repeat(Instruction::MAX_BYTES + 1);
        assert_eq!(Instruction::new("  warmer \n").unwrap().as_str(), "  warmer \n");
        assert_eq!(Instruction::new(" \t\n"), Err(InstructionError::Empty));
        assert_eq!(Instruction::new(&long), Err(InstructionError::TooLong { found: long.len() }));
        assert_eq!(Instruction::new("a\u{7}b"), Err(InstructionError::Control { found: 7, at: 1 }));
        assert!(Instruction::new("- brighter\r\n- warmer").is_ok());
    }
}
