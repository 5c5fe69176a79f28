//! Where a text is cut before it becomes tokens, so that what stands in quotes is read character by character.
//!
//! Facts are those of `_split_string` in the authors' fork of diffusers (`pipeline_step1x_edit.py`), and of
//! `split_string_in_quotation_and_special_tokens` (`pipeline_step1x_edit_v1p2.py`).

/// Quotes up to this character, counted from 0, are left alone: those of the prompt itself.
const UNTOUCHED: usize = 155;

/// A part of a text that becomes tokens by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    /// Whether it is a character that stands in quotes.
    pub(super) is_marked: bool,
}

impl Piece {
    fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_marked: false }
    }

    fn marked(character: char) -> Self {
        Self { text: character.into(), is_marked: true }
    }
}

/// The rule of v1.0 and v1.1. Apostrophes count as quotes, so that one alone opens a quote up to the end. A quote stays with
/// what stands outside; every character inside is wrapped in curly quotes.
pub(super) fn wrapped(text: &str) -> Vec<Piece> {
    let (mut pieces, mut outside, mut is_open) = (Vec::new(), String::new(), false);
    for (at, character) in text.chars().enumerate() {
        match character {
            '"' | '\'' | '“' | '”' if at > UNTOUCHED => {
                outside.push('"');
                if !is_open {
                    pieces.push(Piece::plain(std::mem::take(&mut outside)));
                }
                is_open = !is_open;
            }
            inside if is_open => pieces.push(Piece::plain(format!("“{}”", straight(inside)))),
            other => outside.push(straight(other)),
        }
    }
    pieces.extend((!outside.is_empty()).then(|| Piece::plain(outside)));
    pieces
}

/// Quotes of all kinds as the straight one.
fn straight(character: char) -> char {
    if matches!(character, '\'' | '“' | '”') { '"' } else { character }
}

/// The rule of v1.2: special tokens stand alone, and characters in straight or curly quotes are marked. Of the first
/// `untouched` characters nothing is looked at. A quote that is not closed is none.
pub(super) fn marked(text: &str, untouched: usize, special: &[&str]) -> Vec<Piece> {
    let mut seen = 0;
    let mut pieces = Vec::new();
    for part in parts(text, special) {
        pieces.extend(quoted(part, untouched.saturating_sub(seen)));
        seen += part.chars().count();
    }
    pieces
}

/// A text, cut before and behind every special token. Of two that begin at one place the longer counts.
fn parts<'a>(text: &'a str, special: &[&str]) -> Vec<&'a str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    let found = |rest: &str| {
        let all = special.iter().filter_map(|token| rest.find(token).map(|at| (at, token.len())));
        all.min_by_key(|(at, length)| (*at, std::cmp::Reverse(*length)))
    };
    while let Some((at, length)) = found(rest) {
        parts.extend([&rest[..at], &rest[at..at + length]]);
        rest = &rest[at + length..];
    }
    parts.push(rest);
    parts.retain(|part| !part.is_empty());
    parts
}

/// What stands in quotes, character by character. The quote that opens stays with what stands before it, the one that
/// closes with what stands behind it.
fn quoted(text: &str, untouched: usize) -> Vec<Piece> {
    let (mut pieces, mut outside, mut inside) = (Vec::new(), String::new(), String::new());
    let mut closing = None;
    for (at, character) in text.chars().enumerate() {
        match (closing, character) {
            _ if at < untouched => outside.push(character),
            (None, '"' | '“') => {
                // The reference loses a curly quote with nothing before it.
                if character == '"' || !outside.is_empty() {
                    pieces.push(Piece::plain(format!("{outside}{character}")));
                }
                outside.clear();
                closing = Some(if character == '"' { '"' } else { '”' });
            }
            (None, other) => outside.push(other),
            (Some(end), other) if other == end => {
                pieces.extend(inside.chars().map(Piece::marked));
                inside.clear();
                outside.push(end);
                closing = None;
            }
            (Some(_), other) => inside.push(other),
        }
    }
    let left = if closing.is_some() { inside } else { outside };
    match pieces.last_mut() {
        Some(last) if closing.is_some() && !last.is_marked => last.text.push_str(&left),
        _ if closing.is_none() && left.is_empty() => {}
        _ => pieces.push(Piece::plain(left)),
    }
    pieces
}
