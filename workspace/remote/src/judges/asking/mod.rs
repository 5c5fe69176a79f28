//! Questions about pictures behind `/chat/completions`: what every judge that asks them has in common.

pub(crate) mod asker;
pub(crate) mod objects;
pub(crate) mod options;
pub(crate) mod prompt;
pub(crate) mod recipe;
pub(crate) mod said;
pub(crate) mod show;

use editscale_core::{Failure, FailureKind};

pub use options::AskingOptions;

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

/// The failure to tell of: that the work is not wanted any more before all others, and one that may pass before one that is
/// final, so that the engine tries again.
pub(crate) fn foremost(known: Option<Failure>, new: Failure) -> Failure {
    let rank = |failure: &Failure| match failure.kind {
        FailureKind::Cancelled => 2,
        kind => u8::from(kind.may_pass()),
    };
    known.filter(|known| rank(known) >= rank(&new)).unwrap_or(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_the_work_is_told_before_what_may_pass_and_that_before_what_is_final() {
        use FailureKind::{Cancelled, Invalid, Malformed, Unavailable};
        for (kinds, expected) in [
            (vec![Malformed, Invalid], Malformed),
            (vec![Malformed, Unavailable, Invalid], Unavailable),
            (vec![Unavailable, Cancelled, Malformed], Cancelled),
            (vec![Cancelled, Unavailable], Cancelled),
        ] {
            let all = kinds.iter().map(|kind| Failure::new(*kind, "no"));
            let found = all.fold(None, |known, new| Some(foremost(known, new)));
            assert_eq!(found.map(|failure| failure.kind), Some(expected), "{kinds:?}");
        }
    }
}
