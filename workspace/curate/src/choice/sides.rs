//! Training and validation, with equal and nearly equal sources on one side.

use editscale_study::StudyError;
use editscale_study::curation::{Side, Split, near_duplicate_groups};

use super::SplitRule;
use super::reading::Pool;

/// The side of each record, kept or not: another choice of the same records does not move a source.
pub(super) fn sides(pool: &Pool, rule: &SplitRule) -> Result<Vec<Side>, StudyError> {
    let split = Split::new(rule.validation, rule.salt)?;
    if rule.validation == 0.0 {
        return Ok(vec![Side::Train; pool.entries.len()]);
    }
    let keys: Vec<u64> = pool.entries.iter().map(|entry| entry.source).collect();
    split.sides_of_linked(&keys, &[&near_sources(pool, rule.radius)?])
}

/// For each record the earliest with nearly the same source; itself where it has none.
fn near_sources(pool: &Pool, radius: u32) -> Result<Vec<u32>, StudyError> {
    let mut labels: Vec<u32> = (0..pool.entries.len() as u32).collect();
    let with_source = (0_u32..).zip(&pool.entries).filter(|(_, entry)| entry.has[0]);
    let (numbers, hashes): (Vec<u32>, Vec<[u64; 1]>) =
        with_source.map(|(number, entry)| (number, [entry.hashes[0]])).unzip();
    for (number, group) in numbers.iter().zip(near_duplicate_groups(&hashes, radius)?) {
        labels[*number as usize] = numbers[group as usize];
    }
    Ok(labels)
}
