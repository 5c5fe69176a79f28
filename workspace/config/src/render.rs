//! A report as text, as people know it from compilers. It needs no colour.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use crate::lines::Lines;
use crate::quote::is_steering;
use crate::{Diagnostic, Place, Report};

/// The most columns of a line that are shown.
const WIDTH: usize = 100;

/// The columns shown before the place, where a line is too wide to be shown whole.
const BEFORE: usize = 40;

impl Report {
    /// All findings with their places, excerpts and hints, as plain text. `bytes` is the file that they are about.
    pub fn render(&self, file_name: &str, bytes: &[u8]) -> String {
        render(self.diagnostics(), self.left_out(), file_name, bytes)
    }
}

fn render(diagnostics: &[Diagnostic], left_out: usize, file_name: &str, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines = Lines::new(&text);
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
        let characters: Vec<char> = line.chars().map(visible).collect();
        let start = (place.column - 1).min(characters.len());
        let marked = marked_characters(line, start, place);
        let width =
            |characters: &[char]| characters.iter().map(|character| character.width().unwrap_or(0)).sum();
        let total: usize = width(&characters);
        let first = if total <= WIDTH { 0 } else { start.saturating_sub(BEFORE) };
        let last = (first + WIDTH).min(characters.len());
        let (cut_before, cut_after) =
            (if first > 0 { "…" } else { "" }, if last < characters.len() { "…" } else { "" });
        let body: String = characters[first..last].iter().collect();
        let blanks = usize::from(first > 0) + width(&characters[first..start.min(last)]);
        let carets = width(&characters[start.min(last)..(start + marked).min(last)]);
        Self {
            shown: format!("{cut_before}{body}{cut_after}").trim_end().into(),
            blanks,
            carets: carets.max(1),
        }
    }
}

/// How many characters of the line the place covers, without blanks at their end.
fn marked_characters(line: &str, start: usize, place: &Place) -> usize {
    let rest: String = line.chars().skip(start).collect();
    let mut end = place.span.len().min(rest.len());
    while !rest.is_char_boundary(end) {
        end -= 1;
    }
    rest[..end].trim_end().chars().count()
}

/// One column for everything that would move the cursor.
fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        character if is_steering(character) => '\u{fffd}',
        character => character,
    }
}
