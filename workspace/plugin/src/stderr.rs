//! What a plugin writes to standard error: into the log line by line, and the last of it kept for whoever asks why it died.

use std::collections::VecDeque;
use std::io::Read;
use std::process::ChildStderr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use crate::pipe::is_ready;

/// The most bytes of a line that are kept. What follows up to the end of the line is left out.
const LONGEST_LINE: usize = 4096;

/// How many lines are kept for whoever asks.
const LINES_KEPT: usize = 20;

/// How many lines go into the log within [`WINDOW`]: a plugin that floods it is cut short.
const LINES_LOGGED: u32 = 200;
const WINDOW: Duration = Duration::from_secs(1);

/// The last lines.
#[derive(Debug, Default)]
pub(crate) struct LastWords(Mutex<VecDeque<String>>);

impl LastWords {
    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, line: String) {
        let mut lines = self.lock();
        if lines.len() >= LINES_KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// All that are kept, one a line.
    pub(crate) fn text(&self) -> String {
        self.lock().iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// Listens until the stream ends or nobody wants to hear it any more.
pub(crate) fn listen(mut log: ChildStderr, name: &str, words: &LastWords, is_over: &AtomicBool) {
    let (mut lines, mut piece) = (Lines::default(), [0; 16 << 10]);
    let mut throttle = Throttle::new(name);
    let mut take = |line: String| {
        throttle.log(&line);
        words.keep(line);
    };
    while !is_over.load(Ordering::Relaxed) {
        if !is_ready(&log, PollFlags::IN) {
            continue;
        }
        match log.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => lines.push(piece.get(..length).unwrap_or_default(), &mut take),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    lines.end(&mut take);
}

/// Cuts bytes into lines. A carriage return ends one too: bars of progress are drawn with it.
#[derive(Debug, Default)]
struct Lines {
    held: Vec<u8>,
}

impl Lines {
    fn push(&mut self, bytes: &[u8], take: &mut impl FnMut(String)) {
        for byte in bytes {
            if matches!(byte, b'\n' | b'\r') {
                self.end(take);
            } else if self.held.len() < LONGEST_LINE {
                self.held.push(*byte);
            }
        }
    }

    fn end(&mut self, take: &mut impl FnMut(String)) {
        let line = readable(&std::mem::take(&mut self.held));
        if !line.is_empty() {
            take(line);
        }
    }
}

/// The text without what would move a terminal's cursor or change its colours.
fn readable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // A sequence of colours ends with a letter.
            '\u{1b}' if characters.next_if_eq(&'[').is_some() => {
                while characters.next_if(|character| !character.is_ascii_alphabetic()).is_some() {}
                characters.next();
            }
            '\t' => out.push(' '),
            _ if character.is_control() => {}
            _ => out.push(character),
        }
    }
    out.trim_end().to_owned()
}

/// Logs lines, not too many at a time.
struct Throttle<'n> {
    name: &'n str,
    since: Instant,
    logged: u32,
    left_out: u64,
}

impl<'n> Throttle<'n> {
    fn new(name: &'n str) -> Self {
        Self { name, since: Instant::now(), logged: 0, left_out: 0 }
    }

    fn log(&mut self, line: &str) {
        if self.since.elapsed() >= WINDOW {
            self.tell_left_out();
            (self.since, self.logged) = (Instant::now(), 0);
        }
        if self.logged < LINES_LOGGED {
            self.logged += 1;
            tracing::info!(plugin = self.name, "{line}");
        } else {
            self.left_out += 1;
        }
    }

    fn tell_left_out(&mut self) {
        if self.left_out > 0 {
            tracing::info!(plugin = self.name, "{} lines of its standard error were left out", self.left_out);
            self.left_out = 0;
        }
    }
}

impl Drop for Throttle<'_> {
    fn drop(&mut self) {
        self.tell_left_out();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_readable() {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        let mut take = |line: String| found.push(line);
        lines.push(b"one\ntw", &mut take);
        lines.push(b"o\r\n\n\x1b[31;1mred\x1b[0m\tand\x07 \xff\n", &mut take);
        lines.push(&vec![b'x'; 3 * LONGEST_LINE], &mut take);
        lines.end(&mut take);
        let expected = ["one", "two", "red and \u{fffd}", &"x".repeat(LONGEST_LINE)];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_last_lines_are_kept() {
        let words = LastWords::default();
        (0..50).for_each(|line| words.keep(line.to_string()));
        let text = words.text();
        assert!(text.starts_with("30\n") && text.ends_with("\n49"), "{text}");
    }
}
