//! From byte offsets to lines and columns.

use std::cell::Cell;
use std::ops::Range;

use crate::Place;

/// The bytes of a stretch of text.
pub type Span = Range<usize>;

/// The byte order mark, which is no character of the first line.
const MARK: &str = "\u{feff}";

/// A text with its line starts.
#[derive(Debug)]
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// An offset that was asked for last, and how many characters of its line are before it. Whoever asks for many places goes
    /// through the text: what comes next is counted from here, not from the start of what may be a long line.
    last: Cell<(usize, usize)>,
}

impl<'t> Lines<'t> {
    /// Finds the line starts of a text.
    pub fn new(text: &'t str) -> Self {
        let first = if text.starts_with(MARK) { MARK.len() } else { 0 };
        let bytes = text.as_bytes();
        let breaks = bytes.iter().enumerate().filter(|&(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(first).chain(breaks.map(|(at, _)| at + 1)).collect();
        Self { text, starts, last: Cell::default() }
    }

    /// The place of a stretch of this text. Offsets beyond its end stand for its end.
    pub fn place(&self, span: &Span) -> Place {
        let start = self.boundary(span.start);
        let line = self.number(start);
        let first = self.starts[line - 1].min(start);
        let column = self.characters(first, start) + 1;
        Place { line, column, span: start..self.boundary(span.end).max(start) }
    }

    /// How many characters are between the start of a line and a place in it.
    fn characters(&self, first: usize, place: usize) -> usize {
        let (last, before) = self.last.get();
        let (from, before) = if (first..=place).contains(&last) { (last, before) } else { (first, 0) };
        let count = before + self.text[from..place].chars().count();
        self.last.set((place, count));
        count
    }

    /// The line that a byte is in, counted from 1.
    pub fn number(&self, offset: usize) -> usize {
        self.starts.partition_point(|&first| first <= offset).max(1)
    }

    /// The text of a line, counted from 1, without its end.
    pub fn line(&self, number: usize) -> &'t str {
        let Some(&start) = number.checked_sub(1).and_then(|index| self.starts.get(index)) else { return "" };
        let end = self.starts.get(number).copied().unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }

    fn boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        let check = |text: &str, span: Span, line: usize, column: usize| {
            let place = Lines::new(text).place(&span);
            assert_eq!((place.line, place.column), (line, column), "{text:?} {span:?}");
        };
        check("", 0..0, 1, 1);
        check("ab\ncd", 0..1, 1, 1);
        check("ab\ncd", 2..3, 1, 3);
        check("ab\ncd", 3..4, 2, 1);
        check("ab\ncd", 9..12, 2, 3);
        check("ab\r\ncd", 4..5, 2, 1);
        check("ab\rcd", 3..4, 2, 1);
        check("\u{feff}ab", 3..4, 1, 1);
        check("\u{feff}ab", 0..0, 1, 1);
        check("größe: 1", 9..10, 1, 8);
        check("größe: 1", 4..5, 1, 4);
    }

    #[test]
    fn places_are_the_same_in_whichever_order_they_are_asked_for() {
        let text = "\u{feff}größe: {ä: 1, ö: 2}\r\nb: [ü, 3]\n";
        let alone: Vec<Place> = (0..=text.len()).map(|at| Lines::new(text).place(&(at..at))).collect();
        let lines = Lines::new(text);
        for step in 1..text.len() {
            for at in (0..=text.len()).map(|at| at * step % (text.len() + 1)) {
                assert_eq!(lines.place(&(at..at)), alone[at], "{at} in steps of {step}");
            }
        }
    }

    #[test]
    fn lines_have_no_ends() {
        let lines = Lines::new("\u{feff}a\r\nb\n\nc");
        assert_eq!((1..=5).map(|number| lines.line(number)).collect::<Vec<_>>(), ["a", "b", "", "c", ""]);
    }
}
