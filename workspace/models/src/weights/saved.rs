//! What a `.pth` file asks of the library that reads it, added up beforehand.
//!
//! The library goes down into nested values by calls, and copies a value each time the pickle remembers or recalls it: a file of a
//! few kilobytes could take all stack or all memory, which ends the program. So its pickles are gone through here first, with
//! nothing made but sums. What is no pickle, or not one of plain tensors, is left to the library, which says so in its own words.
//!
//! Source of the opcodes: `Lib/pickletools.py` of `CPython`.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};

use zip::ZipArchive;

/// What the pickle in an archive is called, behind the name of a folder.
const PICKLE: &str = "data.pkl";
/// The most bytes of a pickle: a thousand tensors take some two hundred thousand.
const MOST_BYTES: u64 = 64 << 20;
/// The most levels of values within each other; a saved state has fewer than ten.
const MOST_LEVELS: usize = 64;
/// The most values, with all copies of them.
const MOST_VALUES: u64 = 1 << 24;

/// Refuses what would take too much.
pub(super) fn check(file: File) -> Result<(), String> {
    let Ok(mut archive) = ZipArchive::new(BufReader::new(file)) else { return Ok(()) };
    for at in 0..archive.len() {
        let Ok(entry) = archive.by_index(at) else { continue };
        if !entry.name().is_ok_and(|name| name.ends_with(PICKLE)) {
            continue;
        }
        let mut pickle = Vec::new();
        let read = entry.take(MOST_BYTES + 1).read_to_end(&mut pickle);
        if pickle.len() as u64 > MOST_BYTES {
            return Err(format!("expected a pickle of at most {MOST_BYTES} bytes, found more"));
        }
        if read.is_ok() {
            Sums::default().add_up(&pickle)?;
        }
    }
    Ok(())
}

/// How deep a value is nested, and how many it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sum {
    levels: usize,
    values: u64,
    is_mark: bool,
}

impl Sum {
    const ONE: Self = Self { levels: 1, values: 1, is_mark: false };
    const MARK: Self = Self { is_mark: true, ..Self::ONE };

    /// A value with others in it.
    fn with(self, inner: &[Self]) -> Self {
        let levels = inner.iter().map(|inner| inner.levels + 1).fold(self.levels, usize::max);
        let values = inner.iter().map(|inner| inner.values).fold(self.values, u64::saturating_add);
        Self { levels, values, is_mark: false }
    }
}

/// The stack and the memory of the machine that a pickle is a program for, in sums.
#[derive(Debug, Default)]
struct Sums {
    stack: Vec<Sum>,
    memory: HashMap<u32, Sum>,
    values: u64,
}

impl Sums {
    fn add_up(mut self, mut pickle: &[u8]) -> Result<(), String> {
        while let Some(made) = self.step(&mut pickle) {
            self.values = self.values.saturating_add(made.values);
            if made.levels > MOST_LEVELS {
                return Err(format!("expected values of at most {MOST_LEVELS} levels, found more"));
            }
            if self.values > MOST_VALUES {
                return Err(format!("expected at most {MOST_VALUES} values, found more"));
            }
        }
        Ok(())
    }

    /// One opcode, and what came of it. Nothing at the end, or where the library gives up.
    fn step(&mut self, rest: &mut &[u8]) -> Option<Sum> {
        let opcode = *take(rest, 1)?.first()?;
        match opcode {
            0x80 => take(rest, 1).map(|_| Sum::ONE),
            b'N' | b'}' | b'd' | b']' | b')' | 0x88 | 0x89 => Some(self.push(Sum::ONE)),
            b'K' | b'M' | b'J' | b'G' | 0x8a | b'X' | b'c' => self.leaf(opcode, rest),
            b'q' | b'r' => {
                let key = number(rest, if opcode == b'q' { 1 } else { 4 })?;
                let last = *self.stack.last()?;
                self.memory.insert(key, last);
                Some(last)
            }
            b'h' | b'j' => {
                let key = number(rest, if opcode == b'h' { 1 } else { 4 })?;
                let recalled = *self.memory.get(&key)?;
                Some(self.push(recalled))
            }
            b'(' => Some(self.push(Sum::MARK)),
            b'Q' | 0x85 => self.join(1),
            b'R' | b'b' | 0x81 | 0x86 => self.join(2),
            0x87 => self.join(3),
            b't' => {
                let inner = self.since_mark()?;
                Some(self.push(Sum::ONE.with(&inner)))
            }
            b'a' => self.grow(1),
            b's' => self.grow(2),
            b'e' | b'u' => {
                let inner = self.since_mark()?;
                self.enter(&inner)
            }
            _ => None,
        }
    }

    /// Numbers, texts and names, which count by their length.
    fn leaf(&mut self, opcode: u8, rest: &mut &[u8]) -> Option<Sum> {
        let bytes = match opcode {
            b'K' => 1,
            b'M' => 2,
            b'J' => 4,
            b'G' => 8,
            0x8a => number(rest, 1)? as usize,
            b'X' => number(rest, 4)? as usize,
            _ => {
                let mut ends = rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
                ends.nth(1)?
            }
        };
        take(rest, bytes)?;
        Some(self.push(Sum { values: 1 + bytes as u64 / 64, ..Sum::ONE }))
    }

    fn push(&mut self, sum: Sum) -> Sum {
        self.stack.push(sum);
        sum
    }

    fn last(&mut self, count: usize) -> Option<Vec<Sum>> {
        Some(self.stack.split_off(self.stack.len().checked_sub(count)?))
    }

    /// What stands behind the last mark.
    fn since_mark(&mut self) -> Option<Vec<Sum>> {
        let mark = self.stack.iter().rposition(|sum| sum.is_mark)?;
        let inner = self.stack.split_off(mark + 1);
        self.stack.pop();
        Some(inner)
    }

    /// Makes one value of the last ones.
    fn join(&mut self, count: usize) -> Option<Sum> {
        let inner = self.last(count)?;
        Some(self.push(Sum::ONE.with(&inner)))
    }

    /// Puts the last values into the one before them.
    fn grow(&mut self, count: usize) -> Option<Sum> {
        let inner = self.last(count)?;
        self.enter(&inner)
    }

    fn enter(&mut self, inner: &[Sum]) -> Option<Sum> {
        let last = self.stack.last_mut()?;
        *last = last.with(inner);
        // Its own values were counted when they were made.
        Some(Sum { values: 0, ..*last })
    }
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

/// A number of so many bytes, the least first.
fn number(rest: &mut &[u8], bytes: usize) -> Option<u32> {
    Some(take(rest, bytes)?.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(pickle: &[u8]) -> String {
        Sums::default().add_up(pickle).err().unwrap_or_default()
    }

    #[test]
    fn nesting_and_copies_are_bounded() {
        let nested = |levels: usize| [&b"\x80\x02)"[..], &b"\x85".repeat(levels), b"."].concat();
        assert_eq!(refusal(&nested(MOST_LEVELS - 1)), "");
        assert!(refusal(&nested(MOST_LEVELS)).contains("levels"));
        let lists = [&b"]".repeat(100)[..], &b"a".repeat(99), b"."].concat();
        assert!(refusal(&lists).contains("levels"));
        let doubled = |times: u8| {
            let twice = |at: u8| [b'h', at, b'h', at, 0x86, b'q', at + 1];
            [&b"K\x01q\0"[..], &(0..times).flat_map(twice).collect::<Vec<u8>>(), b"."].concat()
        };
        assert_eq!(refusal(&doubled(10)), "");
        assert!(refusal(&doubled(30)).contains("values"));
    }

    #[test]
    fn what_the_library_refuses_is_left_to_it() {
        for pickle in [&b""[..], b"\x85", b"u", b"X\xff\xff\xff\xffa", b"h\x01", b"0", b"cone\n", b"."] {
            assert_eq!(refusal(pickle), "");
        }
    }
}
