//! One tar of `WebDataset`: a sample a candidate that has a picture, known by `<rollout id>-<candidate>`.
//!
//! Readers expect the same members of all samples, so candidates without a picture are left to the other formats. Members of a
//! sample: `.source.png`, `.edited.png`, `.mask.png` where there is a mask, `.txt` with the
//! instruction and `.json` with all else. Pictures are called `.png` whatever their format is, which readers find out from the bytes:
//! a set of photographs in several formats would otherwise have samples of different members, and readers take the first's.

use std::io::{self, Write as _};
use std::path::Path;

use super::ExportError;
use super::candidate::{CANDIDATES, Entry};
use super::passing::{PassingFile, Written};
use super::table::json;
use crate::group::Picture;

/// The tar.
pub(super) struct WebDatasetFile {
    file: PassingFile,
    samples: u64,
}

/// Files of a tar begin at multiples of this, and two empty ones end it.
const BLOCK: usize = 512;

impl WebDatasetFile {
    pub(super) fn create(path: &Path) -> Result<Self, ExportError> {
        Ok(Self { file: PassingFile::create(path)?, samples: 0 })
    }

    pub(super) fn write(&mut self, entry: &Entry<'_>) -> Result<(), ExportError> {
        self.sample(entry).map_err(|source| self.file.error(source))?;
        self.samples += 1;
        Ok(())
    }

    fn sample(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let group = &entry.pack.group;
        let key = format!("{}-{}", group.rollout_id, entry.candidate.candidate);
        let pictures = [
            ("source", Some(&group.source)),
            ("edited", entry.candidate.image.as_ref()),
            ("mask", group.mask.as_ref()),
        ];
        for (role, picture) in pictures {
            if let Some(bytes) = found(entry, picture) {
                self.member(&format!("{key}.{role}.png"), bytes)?;
            }
        }
        self.member(&format!("{key}.txt"), group.instruction.as_bytes())?;
        self.member(&format!("{key}.json"), json(CANDIDATES, entry)?.as_bytes())
    }

    fn member(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_path(name)?;
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        self.file.write_all(header.as_bytes())?;
        self.file.write_all(bytes)?;
        let padding = bytes.len().next_multiple_of(BLOCK) - bytes.len();
        self.file.write_all([0; BLOCK].get(..padding).unwrap_or_default())
    }

    pub(super) fn samples(&self) -> u64 {
        self.samples
    }

    /// The whole tar; nothing where it would be empty, which readers take for an error.
    pub(super) fn keep(mut self) -> Result<Option<Written>, ExportError> {
        if self.samples == 0 {
            return Ok(None);
        }
        self.file.write_all(&[0; 2 * BLOCK]).map_err(|source| self.file.error(source))?;
        self.file.keep().map(Some)
    }
}

fn found<'a>(entry: &Entry<'a>, picture: Option<&'a Picture>) -> Option<&'a [u8]> {
    Some(entry.pack.image(picture?)?)
}
