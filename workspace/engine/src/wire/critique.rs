//! What a critic wrote.

use editscale_core::{Critique, Failure, Instruction};
use serde::{Deserialize, Serialize};

use super::{FailureWire, WireError, bad};

/// `{"critique": {"text": …, "instruction": …, "satisfied": …}}` or `{"failed": …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WrittenWire {
    Critique(CritiqueWire),
    Failed(FailureWire),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CritiqueWire {
    text: String,
    /// Absent: nothing to mend is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instruction: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    satisfied: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl From<&Result<Critique, Failure>> for WrittenWire {
    fn from(written: &Result<Critique, Failure>) -> Self {
        match written {
            Ok(Critique { text, instruction, satisfied }) => Self::Critique(CritiqueWire {
                text: text.to_string(),
                instruction: instruction.as_ref().map(ToString::to_string),
                satisfied: *satisfied,
            }),
            Err(failure) => Self::Failed(failure.into()),
        }
    }
}

impl WrittenWire {
    pub(crate) fn written(&self) -> Result<Result<Critique, Failure>, WireError> {
        match self {
            Self::Critique(CritiqueWire { text, instruction, satisfied }) => {
                let instruction = instruction.as_deref().map(Instruction::new).transpose().map_err(bad)?;
                Ok(Ok(Critique { text: text.as_str().into(), instruction, satisfied: *satisfied }))
            }
            Self::Failed(failure) => failure.failure().map(Err),
        }
    }
}
