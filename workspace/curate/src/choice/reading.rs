//! One pass over records, of which numbers are kept.

use std::collections::BTreeMap;

use editscale_engine::digest_of;
use editscale_study::curation::{EditCategory, Gate, WithoutDoubt, lower_bound};

use super::groups::{Grouping, Instructions, source_key};
use super::{ChoiceError, GroupBy, Override, Overrides, Rules, ShareOut, THE_SCORE};
use crate::Record;

/// What the strata together are called that are none of their own.
const OTHERS: &str = "the others";

/// What stands where a record fails no gate.
pub(super) const NO_GATE: u16 = u16::MAX;

/// One record in 88 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) row: u64,
    pub(super) candidate: u32,
    /// A place in [`Pool::strata`].
    pub(super) stratum: u32,
    /// μ and σ; no number where there is none.
    pub(super) score: f64,
    pub(super) sigma: f64,
    /// The source, as a key.
    pub(super) source: u64,
    /// What diversity counts by.
    pub(super) cluster: u64,
    /// The hashes of the source and of the edited picture, where `has` says that there are any, and one of the instruction, which
    /// is far from that of any other instruction.
    pub(super) hashes: [u64; 3],
    /// When it came, from 0: its place in [`Pool::parts`].
    pub(super) came: u32,
    /// The first gate that it fails.
    pub(super) gate: u16,
    pub(super) has: [bool; 2],
    pub(super) word: Option<Override>,
}

/// All records, in the order of rows and of their edited pictures.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) entries: Vec<Entry>,
    /// The names of the strata.
    pub(super) strata: Vec<String>,
    /// What each reward and part says of each record less its doubt, in the order in which records came; no number where it
    /// says nothing.
    pub(super) parts: BTreeMap<String, Vec<f64>>,
}

impl Pool {
    /// Whether any record has a σ.
    pub(super) fn has_sigma(&self) -> bool {
        self.entries.iter().any(|entry| !entry.sigma.is_nan())
    }
}

/// A hash that is the same where nothing but case and spaces differ. Others differ in about half of its bits: two instructions
/// are within the largest radius of each other with a probability of 10⁻⁵.
fn instruction_hash(instruction: &str) -> u64 {
    let words: Vec<String> = instruction.split_whitespace().map(str::to_lowercase).collect();
    let digest = *digest_of(words.join(" ").as_bytes()).as_bytes();
    digest.iter().take(8).fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
}

/// What has been read so far.
struct Reading<'a> {
    rules: &'a Rules,
    overrides: &'a Overrides,
    pool: Pool,
    instructions: Option<Instructions>,
    strata: Grouping<'a>,
    clusters: Option<Grouping<'a>>,
    /// Which gates are on parts that some record has.
    gates_met: Vec<bool>,
    /// The columns that the first record carries.
    columns: Vec<String>,
}

/// Reads all records. Keeps 88 bytes of each, and 8 for each reward and part.
pub(super) fn read<E: std::error::Error + 'static>(
    records: impl IntoIterator<Item = Result<Record, E>>,
    rules: &Rules,
    overrides: &Overrides,
) -> Result<Pool, ChoiceError<E>> {
    let clusters = rules.diversity.as_ref().map(|diversity| Grouping::nameless(&diversity.by));
    let strata = Grouping::named(&rules.strata.by);
    let by_instruction = strata.is_by_instruction() || clusters.as_ref().is_some_and(Grouping::is_by_instruction);
    let mut reading = Reading {
        rules,
        overrides,
        pool: Pool::default(),
        instructions: by_instruction.then(|| Instructions::new(rules.likeness)).transpose()?,
        strata,
        clusters,
        gates_met: vec![false; rules.gates.len()],
        columns: Vec::new(),
    };
    for record in records {
        reading.add(&record.map_err(ChoiceError::Record)?)?;
    }
    reading.end()
}

impl<'a> Reading<'a> {
    fn add<E: std::error::Error + 'static>(&mut self, record: &Record) -> Result<(), ChoiceError<E>> {
        let came = u32::try_from(self.pool.entries.len())
            .map_err(|_| ChoiceError::Rule(format!("more than {} records", u32::MAX)))?;
        if came == 0 {
            self.columns = record.extra.keys().cloned().collect();
        }
        let instruction = match &mut self.instructions {
            Some(instructions) => Some(instructions.add(&record.instruction)?),
            None => None,
        };
        let hash = |picture: &Option<crate::PictureFacts>| picture.as_ref().map_or(0, |picture| picture.hash);
        let finite = |number: Option<f64>| number.filter(|number| number.is_finite()).unwrap_or(f64::NAN);
        let gate = self.first_gate(record);
        self.pool.entries.push(Entry {
            row: record.row,
            candidate: record.candidate,
            stratum: self.strata.of(record, instruction) as u32,
            score: finite(record.score),
            sigma: finite(record.sigma.filter(|sigma| *sigma >= 0.0)),
            source: source_key(record),
            cluster: self.clusters.as_mut().map_or(0, |clusters| clusters.of(record, instruction)),
            hashes: [hash(&record.source), hash(&record.edited), instruction_hash(&record.instruction)],
            came,
            gate,
            has: [record.source.is_some(), record.edited.is_some()],
            word: self.overrides.get(&(record.row, record.candidate)).copied(),
        });
        self.keep_parts(record, came as usize);
        Ok(())
    }

    /// The first gate that a record fails.
    fn first_gate(&mut self, record: &Record) -> u16 {
        let mut first = NO_GATE;
        for (number, (gate, met)) in (0..).zip(self.rules.gates.iter().zip(&mut self.gates_met)) {
            let value = part_of(record, gate);
            *met |= value.is_some();
            if first == NO_GATE && gate.failure(value).is_some() {
                first = number;
            }
        }
        first
    }

    fn keep_parts(&mut self, record: &Record, came: usize) {
        for (name, value) in &record.said {
            let bound = lower_bound(value.mean, value.sigma, self.rules.kappa, WithoutDoubt::Certain);
            let bounds = match self.pool.parts.get_mut(name) {
                Some(bounds) => bounds,
                None => self.pool.parts.entry(name.clone()).or_default(),
            };
            bounds.resize(came, f64::NAN);
            bounds.push(bound.unwrap_or(f64::NAN));
        }
    }

    fn end<E: std::error::Error + 'static>(mut self) -> Result<Pool, ChoiceError<E>> {
        let records = self.pool.entries.len();
        self.pool.parts.values_mut().for_each(|bounds| bounds.resize(records, f64::NAN));
        self.check_names()?;
        let mut names = BTreeMap::new();
        if let Some(instructions) = self.instructions {
            let (groups, called) = instructions.groups();
            let group = |number: u64| groups.get(number as usize).copied().unwrap_or_default();
            let by_cluster = self.clusters.is_some_and(|clusters| clusters.is_by_instruction());
            for entry in &mut self.pool.entries {
                if by_cluster {
                    entry.cluster = group(entry.cluster).into();
                }
                if self.strata.is_by_instruction() {
                    entry.stratum = group(entry.stratum.into());
                }
            }
            names = called;
        }
        if !self.strata.is_by_instruction() {
            names = self.strata.into_names();
        }
        self.pool.entries.sort_unstable_by_key(|entry| (entry.row, entry.candidate));
        name_strata(&mut self.pool, &names, self.rules)?;
        check_numbers(&self.pool, self.rules, self.overrides)?;
        Ok(self.pool)
    }

    /// Refuses gates and columns that no record knows.
    fn check_names<E: std::error::Error + 'static>(&self) -> Result<(), ChoiceError<E>> {
        let scored = self.pool.entries.iter().any(|entry| !entry.score.is_nan());
        let unmet = self.rules.gates.iter().zip(&self.gates_met).find(|(_, met)| scored && !**met);
        if let Some((gate, _)) = unmet {
            return Err(ChoiceError::Part { part: gate.part.clone(), known: one_of(self.pool.parts.keys()) });
        }
        let lacking = self.strata.lacking().or_else(|| self.clusters.as_ref().and_then(Grouping::lacking));
        match lacking.filter(|_| !self.pool.entries.is_empty()) {
            Some(column) => Err(ChoiceError::Column { column: column.to_owned(), known: one_of(self.columns.iter()) }),
            None => Ok(()),
        }
    }
}

fn part_of(record: &Record, gate: &Gate) -> Option<f64> {
    if gate.part == THE_SCORE { record.score } else { record.said.get(&gate.part).map(|value| value.mean) }
}

fn one_of<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.take(20).map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "nothing, since there is none".into() } else { format!("one of {}", names.join(", ")) }
}

/// Makes strata of the largest groups and of those with a share, in the order of their names.
fn name_strata<E: std::error::Error + 'static>(
    pool: &mut Pool,
    names: &BTreeMap<u32, String>,
    rules: &Rules,
) -> Result<(), ChoiceError<E>> {
    let name = |group: u32| names.get(&group).map_or("", String::as_str);
    let mut sizes: BTreeMap<u32, u64> = BTreeMap::new();
    pool.entries.iter().for_each(|entry| *sizes.entry(entry.stratum).or_default() += 1);
    let mut groups: Vec<u32> = sizes.keys().copied().collect();
    groups.sort_by_key(|group| (std::cmp::Reverse(sizes.get(group)), name(*group)));
    let shares: &[(String, f64)] = if let ShareOut::Named(shares) = &rules.strata.share_out { shares } else { &[] };
    check_shares(shares, &rules.strata.by, names)?;
    let has_share = |group: u32| shares.iter().any(|(share, _)| share == name(group));
    let mut own: Vec<u32> = groups.iter().copied().take(rules.strata.largest.max(1)).collect();
    own.extend(groups.iter().skip(own.len()).filter(|group| has_share(**group)));
    own.sort_by_key(|group| (name(*group), *group));
    let numbers: BTreeMap<u32, u32> = own.iter().copied().zip(0..).collect();
    pool.strata = own.iter().map(|group| name(*group).to_owned()).collect();
    if own.len() < groups.len() {
        pool.strata.push(OTHERS.to_owned());
    }
    let others = own.len() as u32;
    for entry in &mut pool.entries {
        entry.stratum = numbers.get(&entry.stratum).copied().unwrap_or(others);
    }
    Ok(())
}

/// Refuses shares for strata that there are not, which are written wrong; a usual kind of edit may be lacking.
fn check_shares<E: std::error::Error + 'static>(
    shares: &[(String, f64)],
    by: &GroupBy,
    names: &BTreeMap<u32, String>,
) -> Result<(), ChoiceError<E>> {
    let is_usual = |name: &str| *by == GroupBy::EditCategory && EditCategory::ALL.iter().any(|one| one.name() == name);
    let is_known = |name: &String| names.values().any(|known| known == name) || is_usual(name);
    match shares.iter().find(|(name, _)| !is_known(name)) {
        Some((stratum, _)) if !names.is_empty() => {
            Err(ChoiceError::Stratum { stratum: stratum.clone(), known: one_of(names.values()) })
        }
        _ => Ok(()),
    }
}

fn check_numbers<E: std::error::Error + 'static>(
    pool: &Pool,
    rules: &Rules,
    overrides: &Overrides,
) -> Result<(), ChoiceError<E>> {
    let name = |entry: &Entry| (entry.row, entry.candidate);
    if let Some(twice) = pool.entries.windows(2).find(|pair| name(&pair[0]) == name(&pair[1])) {
        return Err(ChoiceError::Twice { row: twice[0].row, candidate: twice[0].candidate });
    }
    let is_there = |named: &(u64, u32)| pool.entries.binary_search_by_key(named, name).is_ok();
    if let Some(&(row, candidate)) = overrides.keys().find(|named| !is_there(named)) {
        return Err(ChoiceError::Override { row, candidate });
    }
    let scored = pool.entries.iter().any(|entry| !entry.score.is_nan());
    let needs_sigma = rules.kappa != 0.0 && rules.without_sigma == WithoutDoubt::Unknown;
    if needs_sigma && scored && !pool.has_sigma() {
        return Err(ChoiceError::NoSigma { kappa: rules.kappa });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Entry;

    #[test]
    fn a_record_is_as_small_as_it_is_said_to_be() {
        assert_eq!(size_of::<Entry>(), 88);
        assert_eq!(size_of::<crate::choice::Fated>(), 80);
    }
}
