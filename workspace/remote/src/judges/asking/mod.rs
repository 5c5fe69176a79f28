//! Questions about pictures behind `/chat/completions`: what every judge that asks them has in common.

pub(crate) mod asker;
pub(crate) mod objects;
pub(crate) mod prompt;
pub(crate) mod recipe;
pub(crate) mod said;
pub(crate) mod show;

use editscale_core::{Failure, FailureKind};

/// How the server is asked to keep to the form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StructuredOutput {
    /// `response_format` with a JSON schema that holds numbers to their range, as `OpenAI`, vLLM and `SGLang` know it.
    Schema,
    /// The same without the range, for servers that refuse `minimum` and `maximum` in a schema.
    SchemaWithoutRange,
    /// `response_format` with `json_object`.
    Object,
    /// Not at all; the prompt asks for it.
    Prompt,
}

/// The failure to tell of: one that may pass before one that is final, so that the engine tries again.
pub(crate) fn foremost(known: Option<Failure>, new: Failure) -> Failure {
    match known {
        Some(known) if known.kind == FailureKind::Cancelled || known.kind.may_pass() => known,
        _ => new,
    }
}
