//! Whether a benchmark and other data share pictures: what was trained on, or chosen for training, proves nothing of a judge or
//! an editor when it is measured on it.

use std::collections::{BTreeMap, HashMap};

use editscale_curate::{PictureFacts, Record};
use editscale_study::StudyError;
use editscale_study::curation::shared_pictures;
use serde::{Deserialize, Serialize};

use crate::JudgedCase;

/// A picture, and what to call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pictured {
    /// The digest of its file: 64 hexadecimal digits.
    pub digest: String,
    /// Its perceptual hash.
    pub hash: u64,
    /// Where it is found, for people.
    pub place: String,
}

/// A picture of a benchmark that other data holds as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shared {
    /// Where the benchmark has it.
    pub benchmark: String,
    /// Where the other data has it: one place of perhaps several.
    pub data: String,
    /// Whether the files are the same, byte for byte.
    pub is_same_file: bool,
    /// In how many bits of 64 the perceptual hashes differ; 0 for the same file.
    pub distance: u32,
}

/// Collects different pictures, each under the first place where it is.
#[derive(Debug, Clone, Default)]
pub struct PictureSet {
    pictures: Vec<Pictured>,
    known: HashMap<String, usize>,
}

impl PictureSet {
    /// Adds a picture that is not there yet.
    pub fn add(&mut self, facts: &PictureFacts, place: impl FnOnce() -> String) {
        let PictureSet { pictures, known } = self;
        known.entry(facts.digest.clone()).or_insert_with(|| {
            pictures.push(Pictured { digest: facts.digest.clone(), hash: facts.hash, place: place() });
            pictures.len() - 1
        });
    }

    /// The pictures of judged cases: sources and edits.
    pub fn of_cases<'a>(cases: impl IntoIterator<Item = &'a JudgedCase>) -> Self {
        let mut all = Self::default();
        for case in cases {
            let name = |what: &str| format!("{} {}, {what}", case.part, case.id);
            if let Some(source) = &case.source {
                all.add(source, || name("source"));
            }
            for (number, candidate) in case.candidates.iter().enumerate() {
                if let Some(picture) = &candidate.picture {
                    all.add(picture, || name(&format!("edit {}", number + 1)));
                }
            }
        }
        all
    }

    /// Adds the pictures of a record of a curated data set: source and edit.
    pub fn add_record(&mut self, record: &Record) {
        let name = |what: &str| format!("row {}, {what}", record.row_id);
        if let Some(source) = &record.source {
            self.add(source, || name("source"));
        }
        if let Some(edited) = &record.edited {
            self.add(edited, || name(&format!("edit {}", record.candidate + 1)));
        }
    }

    /// The different pictures, in the order in which they came.
    pub fn pictures(&self) -> &[Pictured] {
        &self.pictures
    }

    /// The pictures of this set, which is the benchmark, that are in other data too: the same file, or a perceptual hash within
    /// `radius` bits, from 0 to 15. Of pictures of a single colour, whose hashes are all 0, only the same file counts. In the order
    /// of the benchmark.
    pub fn shared_with(&self, data: &Self, radius: u32) -> Result<Vec<Shared>, StudyError> {
        let mut found: BTreeMap<usize, Shared> = BTreeMap::new();
        for (number, picture) in self.pictures.iter().enumerate() {
            let same = data.known.get(&picture.digest).and_then(|other| data.pictures.get(*other));
            if let Some(other) = same {
                found.insert(number, shared(picture, other, 0));
            }
        }
        let telling = |set: &Self| -> Vec<(usize, u64)> {
            let hashes = set.pictures.iter().map(|picture| picture.hash).enumerate();
            hashes.filter(|(_, hash)| *hash != 0).collect()
        };
        let (own, others) = (telling(self), telling(data));
        let hashes = |set: &[(usize, u64)]| -> Vec<u64> { set.iter().map(|(_, hash)| *hash).collect() };
        for near in shared_pictures(&hashes(&own), &hashes(&others), radius)? {
            let (Some((number, _)), Some((other, _))) =
                (own.get(near.first as usize), others.get(near.second as usize))
            else {
                continue;
            };
            let (Some(picture), Some(other)) = (self.pictures.get(*number), data.pictures.get(*other)) else {
                continue;
            };
            found.entry(*number).or_insert_with(|| shared(picture, other, near.distance));
        }
        Ok(found.into_values().collect())
    }
}

fn shared(benchmark: &Pictured, data: &Pictured, distance: u32) -> Shared {
    Shared {
        benchmark: benchmark.place.clone(),
        data: data.place.clone(),
        is_same_file: benchmark.digest == data.digest,
        distance,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test panics")]
mod tests {
    use super::*;

    fn set(pictures: &[(&str, u64)]) -> PictureSet {
        let mut set = PictureSet::default();
        for (digest, hash) in pictures {
            let facts = PictureFacts { digest: (*digest).to_owned(), hash: *hash, width: 1, height: 1, name: None };
            set.add(&facts, || format!("at {digest}"));
        }
        set
    }

    #[test]
    fn the_same_file_and_near_pictures_are_shared() {
        let benchmark = set(&[("a", 0b1111), ("b", u64::MAX), ("c", 0), ("d", 0b1111_0000), ("a", 7)]);
        assert_eq!(benchmark.pictures().len(), 4);
        let data = set(&[("x", 0b0111), ("c", 0), ("y", 0), ("a", 0b1111), ("z", 0b1111_0001)]);
        let found = benchmark.shared_with(&data, 2).unwrap();
        let told: Vec<_> =
            found.iter().map(|each| (each.benchmark.as_str(), each.data.as_str(), each.distance)).collect();
        assert_eq!(told, [("at a", "at a", 0), ("at c", "at c", 0), ("at d", "at z", 1)]);
        assert_eq!(found.iter().map(|each| each.is_same_file).collect::<Vec<_>>(), [true, true, false]);
        assert_eq!(benchmark.shared_with(&set(&[("y", 0)]), 15).unwrap(), []);
        assert_eq!(benchmark.shared_with(&PictureSet::default(), 6).unwrap(), []);
        assert!(benchmark.shared_with(&data, 16).is_err());
    }
}
