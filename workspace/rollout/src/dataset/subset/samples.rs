//! Samples of tar archives: all members of a key, with what lies between them.

use std::fs::File;
use std::sync::Arc;

use super::{Copier, CopyError, Output};
use crate::Place;
use crate::dataset::named::Mention;
use crate::dataset::place::{index, numbers};
use crate::dataset::reader::{Reader, foreign};
use crate::dataset::samples::Samples;
use crate::dataset::tar::BLOCK;

/// Bytes that are copied at once.
const CHUNK: u64 = 1 << 20;
/// Two empty blocks end an archive.
const END: [u8; 1024] = [0; 1024];

/// Copies samples of one archive.
pub(in crate::dataset) struct Members {
    samples: Arc<Samples>,
    file: usize,
    output: Output,
    last: Option<String>,
}

impl Members {
    pub(in crate::dataset) fn new(samples: Arc<Samples>, file: usize, created: File) -> Result<Self, CopyError> {
        let output = Output::new(created, samples.files().packing(file)?)?;
        Ok(Self { samples, file, output, last: None })
    }

    fn bytes(&mut self, from: u64, to: u64) -> Result<(), CopyError> {
        let mut at = from;
        while at < to {
            let wanted = (to - at).min(CHUNK);
            let read = self.samples.files().read_at(self.file, at, index(wanted));
            let bytes = read.map_err(|error| CopyError::Read(error.to_string()))?;
            if bytes.len() as u64 != wanted {
                let there = at + bytes.len() as u64;
                return Err(CopyError::Read(format!(
                    "expected a member up to byte {to}, found the end at byte {there}"
                )));
            }
            self.output.write(&bytes)?;
            at += wanted;
        }
        Ok(())
    }
}

impl Copier for Members {
    fn copy(&mut self, place: &Place) -> Result<Vec<Mention>, CopyError> {
        let [_, offset] = numbers(place).ok_or_else(|| CopyError::Row(foreign(place)))?;
        let sample = self.samples.whole(self.file, offset).map_err(CopyError::Row)?;
        if self.last.as_ref() == Some(&sample.key) {
            let key = &sample.key;
            return Err(CopyError::Row(format!(
                "the row kept before it has the key `{key}` too: one after the other, the two would be one sample"
            )));
        }
        self.bytes(offset, sample.end)?;
        // What fills up the last block may be missing at the end of an archive.
        let filling = sample.end.next_multiple_of(BLOCK) - sample.end;
        self.output.write(END.get(..index(filling)).unwrap_or_default())?;
        self.last = Some(sample.key.clone());
        Ok(self.samples.mentions(self.file, sample))
    }

    fn finish(mut self: Box<Self>) -> Result<(), CopyError> {
        self.output.write(&END)?;
        Ok(self.output.finish()?)
    }
}
