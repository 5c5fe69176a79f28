//! The header of a GGUF file, step by step.

use std::io::{Read, Seek};

use candle_core::quantized::GgmlDType;

use crate::weights::GgufTensor;

/// The first four bytes of the format.
const MAGIC: [u8; 4] = *b"GGUF";

/// Where tensors begin unless the file says otherwise: at multiples of this many bytes.
const ALIGNMENT: u64 = 32;

/// The longest name and the longest key that is read.
const MOST_NAME_BYTES: u64 = 1 << 16;

/// How many tensors and how many metadata a file may have: released models have a few thousand.
const MOST_ENTRIES: u64 = 1 << 16;

/// How deep arrays of metadata may lie within each other.
const MOST_DEPTH: usize = 4;

/// How many elements of arrays of metadata are stepped over one by one: those of strings and of arrays.
const MOST_ELEMENTS: u64 = 1 << 22;

/// What was read, or what is wrong with the file.
type Found<T> = Result<T, String>;

/// A header being read: every step is checked against the file's length.
pub(super) struct Header<R> {
    reader: R,
    at: u64,
    length: u64,
    /// Elements of arrays stepped over one by one so far.
    elements: u64,
}

impl<R: Read + Seek> Header<R> {
    /// The header of a file of so many bytes, of which nothing has been read.
    pub(super) fn new(reader: R, length: u64) -> Self {
        Self { reader, at: 0, length, elements: 0 }
    }

    fn truncated(&self) -> String {
        format!("is truncated or broken: its header goes on beyond its {} bytes", self.length)
    }

    fn claim(&mut self, bytes: u64) -> Found<()> {
        match self.at.checked_add(bytes) {
            Some(end) if end <= self.length => {
                self.at = end;
                Ok(())
            }
            _ => Err(self.truncated()),
        }
    }

    fn take<const N: usize>(&mut self) -> Found<[u8; N]> {
        self.claim(N as u64)?;
        let mut buffer = [0; N];
        self.reader.read_exact(&mut buffer).map_err(|error| error.to_string())?;
        Ok(buffer)
    }

    fn skip(&mut self, bytes: u64) -> Found<()> {
        self.claim(bytes)?;
        let by = i64::try_from(bytes).map_err(|error| error.to_string())?;
        self.reader.seek_relative(by).map_err(|error| error.to_string())
    }

    fn u32(&mut self) -> Found<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Found<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn name(&mut self) -> Found<String> {
        let length = self.u64()?;
        if length > MOST_NAME_BYTES {
            return Err(format!("declares a name of {length} bytes: expected at most {MOST_NAME_BYTES}"));
        }
        self.claim(length)?;
        let mut bytes = vec![0; length as usize];
        self.reader.read_exact(&mut bytes).map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|_| "holds a name that is not UTF-8".to_owned())
    }

    fn count(&mut self, what: &str) -> Found<u64> {
        match self.u64()? {
            count if count > MOST_ENTRIES => Err(format!("declares {count} {what}: expected at most {MOST_ENTRIES}")),
            count => Ok(count),
        }
    }

    /// The name and the facts of every tensor, in the file's order.
    pub(super) fn tensors(&mut self) -> Found<Vec<(String, GgufTensor)>> {
        if self.length < 24 || self.take()? != MAGIC {
            return Err("is not a GGUF file: it does not begin with `GGUF` and a header".to_owned());
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!("has version {version} of the format: expected 2 or 3"));
        }
        let (tensors, metadata) = (self.count("tensors")?, self.count("metadata")?);
        let mut alignment = ALIGNMENT;
        for _ in 0..metadata {
            alignment = self.metadata()?.unwrap_or(alignment);
        }
        let entries = (0..tensors).map(|_| self.entry()).collect::<Found<Vec<_>>>()?;
        // The alignment is a power of two far below the length of any file.
        let start = self.at.next_multiple_of(alignment);
        entries.into_iter().map(|(name, tensor)| self.placed(name, tensor, start, alignment)).collect()
    }

    /// Steps over one datum; answers the alignment if it is that.
    fn metadata(&mut self) -> Found<Option<u64>> {
        let key = self.name()?;
        let kind = self.u32()?;
        if key != "general.alignment" {
            self.skip_value(kind, 0)?;
            return Ok(None);
        }
        let alignment = match kind {
            4 => u64::from(self.u32()?),
            10 => self.u64()?,
            _ => return Err(format!("`general.alignment` has type {kind}: expected a number")),
        };
        if !alignment.is_power_of_two() || alignment > 1 << 20 {
            return Err(format!("`general.alignment` is {alignment}: expected a power of two up to 2^20"));
        }
        Ok(Some(alignment))
    }

    fn skip_value(&mut self, kind: u32, depth: usize) -> Found<()> {
        match kind {
            8 => {
                let length = self.u64()?;
                self.skip(length)
            }
            9 => self.skip_array(depth),
            _ => self.skip(bytes_of(kind)?),
        }
    }

    fn skip_array(&mut self, depth: usize) -> Found<()> {
        if depth >= MOST_DEPTH {
            return Err(format!("has arrays of metadata more than {MOST_DEPTH} deep"));
        }
        let (kind, count) = (self.u32()?, self.u64()?);
        if !matches!(kind, 8 | 9) {
            let bytes = bytes_of(kind)?.checked_mul(count).ok_or_else(|| self.truncated())?;
            return self.skip(bytes);
        }
        self.elements = self.elements.saturating_add(count);
        if self.elements > MOST_ELEMENTS {
            return Err(format!("declares arrays of {} metadata: expected at most {MOST_ELEMENTS}", self.elements));
        }
        (0..count).try_for_each(|_| self.skip_value(kind, depth + 1))
    }

    /// One tensor's entry, its start relative to where tensors begin.
    fn entry(&mut self) -> Found<(String, GgufTensor)> {
        let name = self.name()?;
        let dimensions = self.u32()?;
        if dimensions > 4 {
            return Err(format!("tensor `{name}` has {dimensions} dimensions: expected at most 4"));
        }
        // The format puts the dimension that lies together first.
        let mut shape = (0..dimensions).map(|_| Ok(self.u64()? as usize)).collect::<Found<Vec<_>>>()?;
        shape.reverse();
        let number = self.u32()?;
        let unknown = || format!("tensor `{name}` is stored as type {number} of ggml, which is not supported");
        let stored = stored_type(number).ok_or_else(unknown)?;
        let start = self.u64()?;
        let too_large = || format!("tensor `{name}` has shape {shape:?}, which is larger than any memory");
        let elements = shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size)).ok_or_else(too_large)?;
        let block = stored.block_size();
        if elements == 0 || shape.last().is_none_or(|last| last % block != 0) {
            let reason = format!("has shape {shape:?}: expected some rows of a multiple of {block} numbers each");
            return Err(format!("tensor `{name}` of type {stored:?} {reason}"));
        }
        let bytes = (elements / block).checked_mul(stored.type_size()).ok_or_else(too_large)?;
        Ok((name, GgufTensor { shape, stored, start, bytes }))
    }

    fn placed(&self, name: String, tensor: GgufTensor, from: u64, alignment: u64) -> Found<(String, GgufTensor)> {
        if !tensor.start.is_multiple_of(alignment) {
            return Err(format!("tensor `{name}` begins at {}: expected a multiple of {alignment}", tensor.start));
        }
        let start = from.checked_add(tensor.start);
        let end = start.and_then(|start| start.checked_add(tensor.bytes as u64));
        match (start, end) {
            (Some(start), Some(end)) if end <= self.length => Ok((name, GgufTensor { start, ..tensor })),
            _ => {
                let GgufTensor { start, bytes, .. } = tensor;
                let reason = format!("takes {bytes} bytes from {start} on, more than the file's {}", self.length);
                Err(format!("is truncated: tensor `{name}` {reason}"))
            }
        }
    }
}

/// The size of a plain datum.
fn bytes_of(kind: u32) -> Found<u64> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        _ => Err(format!("has metadata of type {kind}, which the format does not know")),
    }
}

/// The types that are read, by their numbers in the format.
fn stored_type(number: u32) -> Option<GgmlDType> {
    Some(match number {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        30 => GgmlDType::BF16,
        _ => return None,
    })
}
