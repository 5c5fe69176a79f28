//! A report as text, as people know it from compilers. It needs no colour.

use std::fmt::Write;
use std::ops::Range;

use unicode_width::UnicodeWidthChar;

use crate::report::lines::Lines;
use crate::report::quote::is_steering;
use crate::{Diagnostic, Place, Report};

/// The most columns of a line that are shown.
const WIDTH: usize = 100;

/// The columns shown before the place, where a line is too wide to be shown whole.
const BEFORE: usize = 40;

impl Report {
    /// All findings with their places, excerpts and hints, as plain text. `bytes` is the file that they are about.
    pub fn render(&self, file_name: &str, bytes: &[u8]) -> String {
        let text = hidden(&String::from_utf8_lossy(bytes), self.secrets());
        render(self.diagnostics(), self.left_out(), file_name, &text)
    }
}

/// The text with stars for secrets, which are ASCII, so that every place stays where it is.
fn hidden(text: &str, secrets: &[Range<usize>]) -> String {
    let is_secret = |place: usize| secrets.iter().any(|secret| secret.contains(&place));
    let star = |(place, character): (usize, char)| {
        if character.is_ascii_graphic() && is_secret(place) { '*' } else { character }
    };
    if secrets.is_empty() { text.to_owned() } else { text.char_indices().map(star).collect() }
}

fn render(diagnostics: &[Diagnostic], left_out: usize, file_name: &str, text: &str) -> String {
    let lines = Lines::new(text);
    let mut out: Vec<String> = diagnostics.iter().map(|found| one(found, file_name, &lines)).collect();
    if left_out > 0 {
        out.push(format!("… and {left_out} more\n"));
    }
    out.join("\n")
}

fn one(found: &Diagnostic, file_name: &str, lines: &Lines<'_>) -> String {
    let Diagnostic { severity, message, place, hint } = found;
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    let Excerpt { shown, blanks, carets } = Excerpt::of(lines.line(place.line), place);
    let mut out = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        writeln!(out, "{text}").ok();
    };
    line(format_args!("{}: {message}", severity.word()));
    line(format_args!("{margin}--> {file_name}:{}:{}", place.line, place.column));
    line(format_args!("{margin} |"));
    line(format_args!("{number} | {shown}"));
    line(format_args!("{margin} | {}{}", " ".repeat(blanks), "^".repeat(carets)));
    if let Some(hint) = hint {
        line(format_args!("{margin} = hint: {hint}"));
    }
    out
}

/// What is shown of a line.
struct Excerpt {
    shown: String,
    /// Columns before the carets.
    blanks: usize,
    /// Columns of carets, at least 1.
    carets: usize,
}

impl Excerpt {
    fn of(line: &str, place: &Place) -> Self {
        let start = line.char_indices().nth(place.column - 1).map_or(line.len(), |(at, _)| at);
        let (before, from) = line.split_at(start);
        let is_whole = line.len() <= 4 * WIDTH && width(line) <= WIDTH;
        let prefix = if is_whole { before } else { last_characters(before, BEFORE) };
        let body = if is_whole { from } else { first_characters(from, WIDTH - BEFORE) };
        let cut_before = if prefix.len() < before.len() { "…" } else { "" };
        let cut_after = if body.len() < from.len() { "…" } else { "" };
        let marked = first_bytes(body, place.span.len()).trim_end();
        let shown: String = [cut_before, prefix, body, cut_after].concat().chars().map(visible).collect();
        Self { shown: shown.trim_end().into(), blanks: width(cut_before) + width(prefix), carets: width(marked).max(1) }
    }
}

/// The columns that a text takes on a terminal.
fn width(text: &str) -> usize {
    text.chars().map(visible).map(|character| character.width().unwrap_or(0)).sum()
}

fn first_characters(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(at, _)| &text[..at])
}

fn last_characters(text: &str, count: usize) -> &str {
    text.char_indices().nth_back(count - 1).map_or(text, |(at, _)| &text[at..])
}

fn first_bytes(text: &str, count: usize) -> &str {
    let mut end = count.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// One column for everything that would move the cursor.
fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        character if is_steering(character) => '\u{fffd}',
        character => character,
    }
}
