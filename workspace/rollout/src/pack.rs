//! A group as one file that checks itself: what is written down of it, its pictures and its trajectories.
//!
//! The file, all numbers little-endian: eight bytes that name the format, its version, how many pictures and trajectories there
//! are and how long the group's JSON is; a table with the digest and the length of each picture; a table with the candidate and
//! the length of each trajectory; the group, the trajectories, the pictures; and a BLAKE3 checksum of all that comes before the
//! pictures. Pictures are checked by their own digests, so that no byte is hashed twice and none is left out.

use std::collections::BTreeMap;

use bytes::Bytes;
use thiserror::Error;

use crate::group::{Group, Picture};

/// What every pack begins with.
const MAGIC: [u8; 8] = *b"edscpack";

/// The version that is written and read.
const VERSION: u32 = 1;

/// The format's name, its version, the two counts and the length of the group.
const HEADER: usize = MAGIC.len() + 4 + 4 + 4 + 8;

/// Bytes of a digest, and of the checksum at the end.
const HASH: usize = blake3::OUT_LEN;

/// A group with all that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    /// What is written down of it.
    pub group: Group,
    /// Encoded pictures by their digest, in the words of [`Picture::digest`]: each once, however often it is named.
    pub images: BTreeMap<String, Bytes>,
    /// By candidate: the SafeTensors file as the engine writes it.
    pub trajectories: BTreeMap<u32, Bytes>,
}

/// Why a group cannot be packed, or why a file is no pack that can be used.
#[derive(Debug, Error)]
pub enum PackError {
    /// Something else, or nothing.
    #[error("it is not a pack: expected `edscpack` at its beginning, found `{found}`")]
    NotAPack {
        /// The first bytes, escaped.
        found: String,
    },
    /// Of another version.
    #[error("it is a pack of version {found}: expected version {VERSION}")]
    OtherVersion {
        /// What it says.
        found: u32,
    },
    /// Torn or cut.
    #[error("it is {found} bytes long: expected {expected}")]
    Length {
        /// What its tables add up to, or what is needed at least.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// Damaged in its tables, its group or a trajectory.
    #[error("it is damaged: its checksum does not match")]
    Checksum,
    /// Damaged in a picture, or the picture is known by a wrong digest.
    #[error("the picture {digest} is damaged: the digest of its bytes is {found}")]
    DamagedPicture {
        /// What it is called.
        digest: String,
        /// What it is.
        found: String,
    },
    /// The group names a picture that is not there.
    #[error("{of} names the picture {digest}, which is not in the pack")]
    MissingPicture {
        /// Who names it.
        of: String,
        /// Which.
        digest: String,
    },
    /// A candidate says that it has a trajectory and has none, or the other way round.
    #[error("candidate {candidate}: expected {}, found {}", if *expected { "a trajectory" } else { "no trajectory" }, if *expected { "none" } else { "one" })]
    Trajectory {
        /// Whose.
        candidate: u32,
        /// Whether the group says that there is one.
        expected: bool,
    },
    /// The group's JSON is not that of a group.
    #[error("its group cannot be read: {0}")]
    Group(serde_json::Error),
    /// The group would not come back as it is put: a number in it is not finite.
    #[error("the group of {rollout_id} cannot be written: a number in it is not finite")]
    NotFinite {
        /// Which.
        rollout_id: String,
    },
}

impl Pack {
    /// The pack as a file. Equal packs give equal bytes.
    pub fn encode(&self) -> Result<Vec<u8>, PackError> {
        self.check_names()?;
        let group = written(&self.group)?;
        let payload = |parts: &mut dyn Iterator<Item = &Bytes>| parts.map(Bytes::len).sum::<usize>();
        let tables = self.images.len() * (HASH + 8) + self.trajectories.len() * 12;
        let length = payload(&mut self.images.values()) + payload(&mut self.trajectories.values()) + group.len();
        let mut file = Vec::with_capacity(HEADER + tables + length + HASH);
        self.put_tables(&mut file, group.len())?;
        file.extend(group);
        self.trajectories.values().for_each(|bytes| file.extend_from_slice(bytes));
        let checksum = blake3::hash(&file);
        self.images.values().for_each(|bytes| file.extend_from_slice(bytes));
        file.extend_from_slice(checksum.as_bytes());
        Ok(file)
    }

    fn put_tables(&self, file: &mut Vec<u8>, group: usize) -> Result<(), PackError> {
        file.extend(MAGIC);
        file.extend(VERSION.to_le_bytes());
        file.extend((self.images.len() as u32).to_le_bytes());
        file.extend((self.trajectories.len() as u32).to_le_bytes());
        file.extend((group as u64).to_le_bytes());
        for (digest, bytes) in &self.images {
            file.extend_from_slice(checked(digest, bytes)?.as_bytes());
            file.extend((bytes.len() as u64).to_le_bytes());
        }
        for (candidate, bytes) in &self.trajectories {
            file.extend(candidate.to_le_bytes());
            file.extend((bytes.len() as u64).to_le_bytes());
        }
        Ok(())
    }

    /// Reads a file. Pictures and trajectories are parts of `bytes`; nothing of them is copied.
    pub fn decode(bytes: Bytes) -> Result<Self, PackError> {
        let tables = Tables::read(&bytes)?;
        let mut parts = Parts { at: tables.end, file: bytes };
        let group = parts.take(tables.group)?;
        let mut trajectories = BTreeMap::new();
        for (candidate, length) in tables.trajectories {
            trajectories.insert(candidate, parts.take(length)?);
        }
        let checked_to = parts.at;
        let mut images = BTreeMap::new();
        for (digest, length) in tables.images {
            images.insert(digest.to_hex().to_string(), parts.take(length)?);
        }
        let checksum = parts.take(HASH as u64)?;
        if blake3::hash(parts.file.get(..checked_to).unwrap_or_default()).as_bytes()[..] != checksum[..] {
            return Err(PackError::Checksum);
        }
        images.iter().try_for_each(|(digest, bytes)| checked(digest, bytes).map(drop))?;
        let group = serde_json::from_slice(&group).map_err(PackError::Group)?;
        let pack = Self { group, images, trajectories };
        pack.check_names()?;
        Ok(pack)
    }

    /// The bytes of a picture that the group names.
    pub fn image(&self, picture: &Picture) -> Option<&Bytes> {
        self.images.get(&picture.digest)
    }

    /// Whether all is there that the group names.
    fn check_names(&self) -> Result<(), PackError> {
        self.check_picture(Some(&self.group.source), || "the source".to_owned())?;
        self.check_picture(self.group.mask.as_ref(), || "the mask".to_owned())?;
        for each in &self.group.candidates {
            self.check_picture(each.image.as_ref(), || format!("candidate {}", each.candidate))?;
            if each.has_trajectory != self.trajectories.contains_key(&each.candidate) {
                return Err(PackError::Trajectory { candidate: each.candidate, expected: each.has_trajectory });
            }
        }
        let known = self.group.candidates.iter().map(|each| each.candidate).collect::<std::collections::BTreeSet<_>>();
        match self.trajectories.keys().find(|candidate| !known.contains(candidate)) {
            Some(&candidate) => Err(PackError::Trajectory { candidate, expected: false }),
            None => Ok(()),
        }
    }

    fn check_picture(&self, picture: Option<&Picture>, of: impl Fn() -> String) -> Result<(), PackError> {
        match picture {
            Some(named) if !self.images.contains_key(&named.digest) => {
                Err(PackError::MissingPicture { of: of(), digest: named.digest.clone() })
            }
            _ => Ok(()),
        }
    }
}

/// A group's JSON. JSON has no word for numbers that are not finite: they would be lost, or the pack could never be read.
fn written(group: &Group) -> Result<Vec<u8>, PackError> {
    let json = serde_json::to_vec(group).map_err(PackError::Group)?;
    match serde_json::from_slice::<Group>(&json) {
        Ok(back) if back == *group => Ok(json),
        _ => Err(PackError::NotFinite { rollout_id: group.rollout_id.clone() }),
    }
}

/// The digest of bytes, if it is the one that they are known by.
fn checked(digest: &str, bytes: &[u8]) -> Result<blake3::Hash, PackError> {
    let found = blake3::hash(bytes);
    if found.to_hex().as_str() == digest {
        return Ok(found);
    }
    Err(PackError::DamagedPicture { digest: digest.to_owned(), found: found.to_hex().to_string() })
}

/// What stands before the contents.
struct Tables {
    images: Vec<(blake3::Hash, u64)>,
    trajectories: Vec<(u32, u64)>,
    group: u64,
    /// Where the contents begin.
    end: usize,
}

impl Tables {
    fn read(file: &Bytes) -> Result<Self, PackError> {
        if !file.starts_with(&MAGIC) {
            let found = file.get(..file.len().min(MAGIC.len())).unwrap_or_default().escape_ascii().to_string();
            return Err(PackError::NotAPack { found });
        }
        let mut parts = Parts { file: file.clone(), at: MAGIC.len() };
        let found = parts.number_u32()?;
        if found != VERSION {
            return Err(PackError::OtherVersion { found });
        }
        let (images, trajectories, group) = (parts.number_u32()?, parts.number_u32()?, parts.number_u64()?);
        let images = (0..images).map(|_| Ok((parts.hash()?, parts.number_u64()?))).collect::<Result<Vec<_>, _>>()?;
        let trajectories = (0..trajectories).map(|_| Ok((parts.number_u32()?, parts.number_u64()?)));
        let tables = Self { images, trajectories: trajectories.collect::<Result<_, _>>()?, group, end: parts.at };
        tables.check_length(file.len() as u64)?;
        Ok(tables)
    }

    fn check_length(&self, found: u64) -> Result<(), PackError> {
        let lengths = self.images.iter().map(|(_, length)| *length);
        let lengths = lengths.chain(self.trajectories.iter().map(|(_, length)| *length));
        let fixed = (self.end + HASH) as u64;
        let expected = lengths.fold(fixed.saturating_add(self.group), u64::saturating_add);
        if expected == found { Ok(()) } else { Err(PackError::Length { expected, found }) }
    }
}

/// A file read from its beginning on.
struct Parts {
    file: Bytes,
    at: usize,
}

impl Parts {
    fn take(&mut self, length: u64) -> Result<Bytes, PackError> {
        let end = (self.at as u64).saturating_add(length);
        if end > self.file.len() as u64 {
            return Err(PackError::Length { expected: end, found: self.file.len() as u64 });
        }
        let part = self.file.slice(self.at..end as usize);
        self.at = end as usize;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PackError> {
        let part = self.take(N as u64)?;
        Ok(part.first_chunk().copied().unwrap_or([0; N]))
    }

    fn number_u32(&mut self) -> Result<u32, PackError> {
        self.array().map(u32::from_le_bytes)
    }

    fn number_u64(&mut self) -> Result<u64, PackError> {
        self.array().map(u64::from_le_bytes)
    }

    fn hash(&mut self) -> Result<blake3::Hash, PackError> {
        self.array().map(blake3::Hash::from_bytes)
    }
}
