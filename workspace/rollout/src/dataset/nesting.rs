//! How deep the columns of a Parquet file lie within each other, told from its footer alone.
//!
//! The library goes down by calls, and a footer of a few kilobytes can declare more levels than a stack has room for, which ends
//! the program at once. So the footer is looked at here before the library reads it.
//!
//! Formats: [`parquet.thrift`](https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift) and
//! [Thrift's compact protocol](https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).

use std::fs::File;
use std::os::unix::fs::FileExt;

/// The most levels. A list takes two or three of them, and two megabytes of stack some hundreds.
const MOST_LEVELS: usize = 64;
/// What every file ends with, behind the length of its footer.
const MAGIC: &[u8] = b"PAR1";
/// The footer's field that lists the columns, parents before their children.
const COLUMNS: i16 = 2;
/// A column's field that says how many children it has.
const CHILDREN: i16 = 5;

/// Refuses files whose columns are nested too deep. What has no footer is left to the library, which says so in its own words.
pub(super) fn check(file: &File) -> Result<(), String> {
    let Some(footer) = footer(file).map_err(|error| error.to_string())? else { return Ok(()) };
    match (Bytes { rest: &footer }).deepest() {
        None => Err("its footer is damaged".to_owned()),
        Some(levels) if levels > MOST_LEVELS => {
            Err(format!("expected columns of at most {MOST_LEVELS} levels, found {levels}"))
        }
        Some(_) => Ok(()),
    }
}

fn footer(file: &File) -> std::io::Result<Option<Vec<u8>>> {
    let Some(end) = file.metadata()?.len().checked_sub(8) else { return Ok(None) };
    let mut last = [0; 8];
    file.read_exact_at(&mut last, end)?;
    let [length @ .., _, _, _, _] = last;
    let length = u32::from_le_bytes(length);
    let Some(start) = end.checked_sub(length.into()).filter(|_| last.ends_with(MAGIC)) else { return Ok(None) };
    let mut footer = vec![0; length as usize];
    file.read_exact_at(&mut footer, start)?;
    Ok(Some(footer))
}

/// What is left of a footer. Nothing comes of what is no such footer.
struct Bytes<'a> {
    rest: &'a [u8],
}

impl Bytes<'_> {
    /// The levels of the deepest column.
    fn deepest(mut self) -> Option<usize> {
        let (mut last, mut deepest) = (0, 0);
        loop {
            let (id, kind) = self.field(last)?;
            match (id, kind) {
                (_, kinds::STOP) => return Some(deepest),
                (COLUMNS, kinds::LIST) => deepest = deepest.max(self.columns()?),
                _ => self.pass(kind, MOST_LEVELS)?,
            }
            last = id;
        }
    }

    /// The same of one list of columns.
    fn columns(&mut self) -> Option<usize> {
        let (kind, count) = self.list()?;
        // Children that are still to come, level by level.
        let (mut open, mut deepest) = (Vec::new(), 0);
        for _ in 0..count {
            while open.pop_if(|left| *left == 0).is_some() {}
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            let children = if kind == kinds::STRUCT { self.children()? } else { return None };
            if children > 0 {
                open.push(children);
                deepest = deepest.max(open.len());
            }
        }
        Some(deepest)
    }

    /// How many children a column has.
    fn children(&mut self) -> Option<i64> {
        let (mut last, mut children) = (0, 0);
        loop {
            let (id, kind) = self.field(last)?;
            match (id, kind) {
                (_, kinds::STOP) => return Some(children),
                (CHILDREN, kinds::I32) => children = self.signed()?,
                _ => self.pass(kind, MOST_LEVELS)?,
            }
            last = id;
        }
    }

    /// The next field of a structure and its kind, which at the end is [`kinds::STOP`].
    fn field(&mut self, last: i16) -> Option<(i16, u8)> {
        let head = self.byte()?;
        let (step, kind) = (head >> 4, head & 0xf);
        let id = match (step, kind) {
            (_, kinds::STOP) => last,
            (0, _) => self.signed()?.try_into().ok()?,
            _ => last.checked_add(step.into())?,
        };
        Some((id, kind))
    }

    /// The kind and the number of a list's elements.
    fn list(&mut self) -> Option<(u8, u64)> {
        let head = self.byte()?;
        let count = head >> 4;
        Some((head & 0xf, if count == 0xf { self.whole()? } else { count.into() }))
    }

    /// Goes past a value, of at most so many levels.
    fn pass(&mut self, kind: u8, levels: usize) -> Option<()> {
        let levels = levels.checked_sub(1)?;
        match kind {
            // In a structure a truth is its kind.
            kinds::TRUE | kinds::FALSE => Some(()),
            kinds::I8 => self.skip(1),
            kinds::I16 | kinds::I32 | kinds::I64 => self.whole().map(drop),
            kinds::DOUBLE => self.skip(8),
            kinds::UUID => self.skip(16),
            kinds::BINARY => {
                let length = self.whole()?;
                self.skip(length)
            }
            kinds::LIST | kinds::SET => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.pass_element(kind, levels))
            }
            kinds::MAP => self.pass_map(levels),
            kinds::STRUCT => {
                let mut last = 0;
                loop {
                    let (id, kind) = self.field(last)?;
                    if kind == kinds::STOP {
                        return Some(());
                    }
                    self.pass(kind, levels)?;
                    last = id;
                }
            }
            _ => None,
        }
    }

    fn pass_map(&mut self, levels: usize) -> Option<()> {
        let count = self.whole()?;
        if count == 0 {
            return Some(());
        }
        let both = self.byte()?;
        (0..count).try_for_each(|_| {
            self.pass_element(both >> 4, levels)?;
            self.pass_element(both & 0xf, levels)
        })
    }

    /// Outside structures a truth takes a byte.
    fn pass_element(&mut self, kind: u8, levels: usize) -> Option<()> {
        match kind {
            kinds::TRUE | kinds::FALSE => self.skip(1),
            _ => self.pass(kind, levels),
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    /// A whole number: seven bits a byte, the least first.
    fn whole(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A whole number with its sign in the lowest bit.
    fn signed(&mut self) -> Option<i64> {
        let number = self.whole()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }
}

/// Kinds of values.
mod kinds {
    pub(super) const STOP: u8 = 0;
    pub(super) const TRUE: u8 = 1;
    pub(super) const FALSE: u8 = 2;
    pub(super) const I8: u8 = 3;
    pub(super) const I16: u8 = 4;
    pub(super) const I32: u8 = 5;
    pub(super) const I64: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const BINARY: u8 = 8;
    pub(super) const LIST: u8 = 9;
    pub(super) const SET: u8 = 10;
    pub(super) const MAP: u8 = 11;
    pub(super) const STRUCT: u8 = 12;
    pub(super) const UUID: u8 = 13;
}
