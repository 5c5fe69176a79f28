//! Instructions that say nearly the same, by the shingles that they share.

use std::collections::BTreeMap;

use super::super::split::key_of;
use super::super::union_find::UnionFind;
use super::normalise::normalised;
use crate::StudyError;
use crate::counted::mix;
use crate::curation::hamming_index::count;

/// Smallest hashes kept of each instruction: similarities are known to about 0.06.
const HASHES: usize = 64;
/// Smallest hashes in a band. With 16 bands, instructions of similarity 0.5 meet in one with a probability of 0.64,
/// those of 0.7 with 0.99, and those of 0.3 with 0.12.
const BAND: usize = 4;

/// What an instruction is cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// So many words in a row.
    Words(usize),
    /// So many characters in a row, spaces included: also for languages without spaces, and for misspelt words.
    Characters(usize),
}

/// When instructions are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// What is compared.
    pub grain: Grain,
    /// The least estimated Jaccard similarity of their shingles, above 0 and at most 1.
    pub similarity: f64,
}

impl Default for Likeness {
    fn default() -> Likeness {
        Likeness { grain: Grain::Characters(4), similarity: 0.6 }
    }
}

/// Groups instructions that are alike: for each the earliest instruction of its group. Keeps 4 bytes a row, and what
/// [`InstructionClusters`] keeps. Fails as that does.
pub fn instruction_clusters<'a>(
    instructions: impl IntoIterator<Item = &'a str>,
    likeness: &Likeness,
) -> Result<Vec<u32>, StudyError> {
    let mut clusters = InstructionClusters::new(*likeness)?;
    let mut numbers = Vec::new();
    for instruction in instructions {
        numbers.push(clusters.add(instruction)?);
        count(numbers.len())?;
    }
    Ok(earliest_rows(&numbers, &clusters.groups()))
}

/// A stream of instructions, grouped by which are alike (`MinHash` of Broder 1997, found by bands).
///
/// Instructions that are the same once normalised are always together. Others are compared where one of 16 bands of
/// their smallest hashes is equal, with the first of the band and the one before, so that time grows with the rows and
/// not with their square; groups are what chains connect, and the same in whatever order instructions come. Keeps about
/// 320 bytes a distinct instruction.
#[derive(Debug, Clone)]
pub struct InstructionClusters {
    likeness: Likeness,
    distinct: BTreeMap<u64, u32>,
    signatures: Vec<[u32; HASHES]>,
}

impl InstructionClusters {
    /// Without instructions. Fails on a similarity outside its range.
    pub fn new(likeness: Likeness) -> Result<InstructionClusters, StudyError> {
        if !(likeness.similarity > 0.0 && likeness.similarity <= 1.0) {
            return Err(StudyError::Fraction(likeness.similarity));
        }
        Ok(InstructionClusters { likeness, distinct: BTreeMap::new(), signatures: Vec::new() })
    }

    /// Looks at one more instruction: its number among the distinct ones, from 0 in the order in which they came. Fails
    /// on more than 2³² − 1 of them.
    pub fn add(&mut self, instruction: &str) -> Result<u32, StudyError> {
        let text = normalised(instruction);
        let next = count(self.distinct.len())?;
        let number = *self.distinct.entry(key_of(text.as_bytes())).or_insert(next);
        if number == next {
            self.signatures.push(signature(&text, self.likeness.grain));
        }
        Ok(number)
    }

    /// For each number the smallest number of its group.
    pub fn groups(&self) -> Vec<u32> {
        // In order of their keys, whichever came first.
        let order: Vec<u32> = self.distinct.values().copied().collect();
        join_alike(&self.signatures, order, self.likeness.similarity)
    }
}

/// The smallest hash of any shingle, for each of the hash functions.
fn signature(text: &str, grain: Grain) -> [u32; HASHES] {
    let functions: [u64; HASHES] = std::array::from_fn(|function| mix(function as u64 + 1));
    let mut smallest = [u32::MAX; HASHES];
    for_each_shingle(text, grain, |shingle| {
        let key = key_of(shingle.as_bytes());
        for (function, smallest) in functions.iter().zip(&mut smallest) {
            *smallest = (*smallest).min(mix(key ^ function) as u32);
        }
    });
    smallest
}

fn for_each_shingle(text: &str, grain: Grain, visit: impl FnMut(&str)) {
    // Where shingles begin, and where the text ends. Words are taken with the space after them, all but the last.
    let (starts, length): (Vec<usize>, usize) = match grain {
        Grain::Characters(length) => (text.char_indices().map(|(at, _)| at).collect(), length),
        Grain::Words(length) => {
            let after_space = text.match_indices(' ').map(|(at, _)| at + 1);
            (std::iter::once(0).chain(after_space).collect(), length)
        }
    };
    let edges: Vec<usize> = starts.into_iter().chain([text.len()]).collect();
    let length = length.clamp(1, (edges.len() - 1).max(1));
    let ends = edges.iter().skip(length);
    edges.iter().zip(ends).filter_map(|(from, to)| text.get(*from..*to)).map(str::trim_end).for_each(visit);
}

/// The groups of signatures that are alike, of equal ones looked at in this order.
fn join_alike(signatures: &[[u32; HASHES]], mut order: Vec<u32>, similarity: f64) -> Vec<u32> {
    let mut groups = UnionFind::new(signatures.len() as u32);
    let mut place = vec![0; order.len()];
    (0_u32..).zip(&order).for_each(|(at, number)| place[*number as usize] = at);
    let needed = (similarity * HASHES as f64).ceil() as usize;
    let is_alike = |a: u32, b: u32| {
        let (a, b) = (&signatures[a as usize], &signatures[b as usize]);
        a.iter().zip(b).filter(|(a, b)| a == b).count() >= needed
    };
    for band in (0..HASHES).step_by(BAND) {
        let key = |number: &u32| &signatures[*number as usize][band..band + BAND];
        order.sort_unstable_by(|a, b| key(a).cmp(key(b)).then(place[*a as usize].cmp(&place[*b as usize])));
        for equal in order.chunk_by(|a, b| key(a) == key(b)) {
            let neighbours = equal.iter().zip(equal.iter().skip(1));
            for (before, number) in neighbours {
                [equal[0], *before].into_iter().filter(|other| is_alike(*other, *number)).for_each(|other| {
                    groups.join(other, *number);
                });
            }
        }
    }
    groups.labels()
}

/// Numbers count distinct instructions in the order in which they first came, so the earliest of a group is its
/// earliest row.
fn earliest_rows(numbers: &[u32], groups: &[u32]) -> Vec<u32> {
    let mut first = vec![u32::MAX; groups.len()];
    for (row, number) in (0_u32..).zip(numbers) {
        let first = &mut first[groups[*number as usize] as usize];
        *first = (*first).min(row);
    }
    numbers.iter().map(|number| first[groups[*number as usize] as usize]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shingles(text: &str, grain: Grain) -> Vec<String> {
        let mut found = Vec::new();
        for_each_shingle(text, grain, |shingle| found.push(shingle.to_owned()));
        found
    }

    #[test]
    fn shingles_overlap() {
        assert_eq!(shingles("make it red", Grain::Words(2)), ["make it", "it red"]);
        assert_eq!(shingles("make it", Grain::Words(5)), ["make it"]);
        assert_eq!(shingles("añb", Grain::Characters(2)), ["añ", "ñb"]);
        assert_eq!(shingles("a", Grain::Characters(4)), ["a"]);
        assert_eq!(shingles("a b", Grain::Words(0)), ["a", "b"]);
        assert!(shingles("", Grain::Characters(4)).is_empty());
        assert_eq!(shingles("", Grain::Words(2)), [""]);
    }

    #[test]
    fn signatures_estimate_similarity() {
        // 30 of 50 shingles are shared: 0.6, give or take 0.06.
        let words = |from: usize, to: usize| (from..to).map(|word| format!("w{word}x")).collect::<Vec<_>>().join(" ");
        let [a, b] = [words(0, 40), words(10, 50)].map(|text| signature(&text, Grain::Words(1)));
        let equal = a.iter().zip(&b).filter(|(a, b)| a == b).count() as f64 / HASHES as f64;
        assert!((equal - 0.6).abs() < 0.2, "{equal}");
    }

    #[test]
    fn like_instructions_come_together() {
        let instructions = [
            "Make the car bright red in this picture",
            "Add a small brown dog beside the bench",
            "make the car BRIGHT red in this picture!",
            "Make the cars bright red in the picture",
            "Add a small brown dog beside the benches",
            "Turn the day into a night with stars",
        ];
        let found = instruction_clusters(instructions, &Likeness::default()).unwrap();
        assert_eq!(found, [0, 1, 0, 0, 1, 5]);
        let strict = Likeness { similarity: 1.0, ..Likeness::default() };
        assert_eq!(instruction_clusters(instructions, &strict).unwrap(), [0, 1, 0, 3, 4, 5]);
        let wrong = Likeness { similarity: 0.0, ..Likeness::default() };
        assert_eq!(instruction_clusters(instructions, &wrong), Err(StudyError::Fraction(0.0)));
    }

    proptest! {
        #[test]
        fn groups_do_not_depend_on_the_order(texts in prop::collection::vec("[ab ]{0,12}", 1..20), turn in 0_usize..20) {
            let turn = turn % texts.len();
            let of = |texts: &[String]| {
                instruction_clusters(texts.iter().map(String::as_str), &Likeness::default()).unwrap()
            };
            let (found, mut turned) = (of(&texts), of(&[&texts[turn..], &texts[..turn]].concat()));
            turned.rotate_right(turn);
            for (a, b) in (0..texts.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
                prop_assert_eq!(found[a] == found[b], turned[a] == turned[b]);
            }
        }

        #[test]
        fn labels_are_earliest_rows(texts in prop::collection::vec("[ab ]{0,12}", 0..20)) {
            let found = instruction_clusters(texts.iter().map(String::as_str), &Likeness::default()).unwrap();
            prop_assert_eq!(found.len(), texts.len());
            for (row, label) in found.iter().enumerate() {
                prop_assert!(*label as usize <= row && found[*label as usize] == *label);
                let same = texts.iter().position(|text| normalised(text) == normalised(&texts[row])).unwrap();
                prop_assert_eq!(found[same], *label);
            }
        }
    }
}
