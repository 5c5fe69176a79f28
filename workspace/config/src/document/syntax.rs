//! What is said about text that is not YAML.

use editscale_schema::{Mistake, quote};
use granit_parser::ErrorKind;

use crate::Place;
use crate::document::reader::DEPTH_LIMIT;

const UNCLOSED: &str = "look for a `{`, `[` or quotation mark that is not closed, further up too";

/// What a parser's complaint means to the author of a recipe. `opener` is the innermost bracket that is open.
pub(crate) fn explain(kind: &ErrorKind, opener: Option<&Place>) -> Mistake {
    if let ErrorKind::RecursionLimitExceeded = kind {
        return too_deep();
    }
    let mistake = match words(kind) {
        Some((message, hint)) => Mistake::new(message).hint(hint),
        None => with_character(kind).unwrap_or_else(|| Mistake::new(format!("this is not YAML: {kind}"))),
    };
    match opener {
        Some(Place { line, column, .. }) if mistake.hint.as_deref() == Some(UNCLOSED) => mistake
            .hint(format!("put `,` between keys and items; the bracket in line {line}, column {column} is still open")),
        _ => mistake,
    }
}

/// Where to show a complaint that the parser places at `at`. A tab that begins a line after a plain value is placed at that value,
/// which the parser takes to go on.
pub(crate) fn place(kind: &ErrorKind, text: &str, at: usize) -> usize {
    let (Some(before), Some(after)) = (text.get(..at), text.get(at..)) else { return at };
    let is_here = before.rsplit('\n').next().is_some_and(|line| line.contains('\t'));
    match after.find('\n') {
        Some(line) if is_tab(kind) && !is_here && after[line + 1..].starts_with('\t') => at + line + 1,
        _ => at,
    }
}

fn is_tab(kind: &ErrorKind) -> bool {
    use ErrorKind as K;
    matches!(
        kind,
        K::TabNotAllowed
            | K::TabInBlockIndentation
            | K::TabInIndentation
            | K::TabInPlainScalar
            | K::TabAtBlockScalarStart
    )
}

pub(crate) fn too_deep() -> Mistake {
    Mistake::new(format!("values are nested more than {DEPTH_LIMIT} deep"))
        .hint("no part of a recipe is deeper than a few levels")
}

fn words(kind: &ErrorKind) -> Option<(&'static str, &'static str)> {
    use ErrorKind as K;
    Some(match kind {
        kind if is_tab(kind) => ("a tab cannot indent", "use blanks"),
        K::InvalidIndentation | K::InvalidFlowScalarIndent | K::InvalidQuotedScalarIndent => {
            ("the indentation fits no line above", "indent keys of one map equally, with blanks")
        }
        K::ExpectedBlockMappingKey => (
            "a key was expected here",
            "indent keys of one map equally; write `key: value` with a blank after the colon",
        ),
        K::SimpleKeyExpected => ("a key without a `:` after it", "write `key: value` with a blank after the colon"),
        K::MappingValueNotAllowed | K::MappingKeyNotAllowed => (
            "a `:` cannot stand here",
            "put a blank after each colon, and begin each key in a line of its own, indented like its neighbours",
        ),
        K::ExpectedBlockSequenceEntry | K::BlockSequenceEntryNotAllowed => {
            ("a list item cannot stand here", "indent the `-` of all items of one list equally")
        }
        K::UnexpectedEof
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofFlowSequence
        | K::UnexpectedEofImplicitFlowMapping
        | K::UnexpectedEofBlockMapping
        | K::UnexpectedEofBlockSequence => ("the file ends too early", UNCLOSED),
        K::ExpectedFlowMappingSeparator => ("`,` or `}` was expected here", UNCLOSED),
        K::ExpectedFlowSequenceSeparator => ("`,` or `]` was expected here", UNCLOSED),
        K::MisplacedFlowCollectionEnd => {
            ("a bracket that closes nothing", "delete it, or look for the one that it should close")
        }
        K::UnclosedQuotedScalar => ("a quotation mark is not closed", "close it with the mark that opened it"),
        K::InvalidTrailingDoubleQuotedScalar | K::InvalidTrailingSingleQuotedScalar => {
            ("text follows a closed quotation mark", "put all of it inside the quotation marks")
        }
        K::BomInsideDocument => {
            ("a byte order mark inside the file", "delete it: it is invisible, and only the first bytes may be one")
        }
        K::DirectiveDisallowed => ("directives are not part of recipes", "delete the line that begins with `%`"),
        K::UnknownQuotedScalarEscape => ("an unknown escape after `\\`", "use single quotation marks, or write `\\\\`"),
        _ => return None,
    })
}

fn with_character(kind: &ErrorKind) -> Option<Mistake> {
    Some(match kind {
        ErrorKind::UnexpectedCharacter { character } => {
            Mistake::new(format!("{} cannot stand here", quote(&character.to_string())))
                .hint("put texts with special characters in quotation marks")
        }
        // Both are placed at the bracket that opens.
        ErrorKind::UnclosedFlowCollection { open } => {
            Mistake::new(format!("`{open}` is not closed")).hint("close it where the list or map ends")
        }
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            Mistake::new(format!("`{open}` is closed by `{close}`"))
                .hint("close brackets in the opposite order of opening them")
        }
        _ => return None,
    })
}
