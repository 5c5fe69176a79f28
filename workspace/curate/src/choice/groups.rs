//! Records put into groups: by their source, their instruction or a column.

use std::collections::BTreeMap;

use editscale_study::StudyError;
use editscale_study::curation::{EditCategory, InstructionClusters, Likeness, key_of};
use serde_json::Value;

use super::GroupBy;
use crate::Record;

/// What a group is called whose records have no value in the column.
const NOTHING: &str = "(nothing)";

/// The most letters of an instruction that its group is called by.
const LETTERS: usize = 80;

/// The instructions of all records, as signatures, with the text by which each is called.
#[derive(Debug)]
pub(super) struct Instructions {
    clusters: InstructionClusters,
    /// The first in the order of letters of those that are the same once normalised, and how many records have it.
    texts: Vec<(Box<str>, u64)>,
}

impl Instructions {
    pub(super) fn new(likeness: Likeness) -> Result<Self, StudyError> {
        Ok(Self { clusters: InstructionClusters::new(likeness)?, texts: Vec::new() })
    }

    /// The number of an instruction among the distinct ones.
    pub(super) fn add(&mut self, instruction: &str) -> Result<u32, StudyError> {
        let number = self.clusters.add(instruction)?;
        let text = instruction.char_indices().nth(LETTERS).map_or(instruction, |(end, _)| &instruction[..end]);
        match self.texts.get_mut(number as usize) {
            None => self.texts.push((text.into(), 1)),
            Some((known, records)) => {
                *records += 1;
                if text < &**known {
                    *known = text.into();
                }
            }
        }
        Ok(number)
    }

    /// For each instruction its group, and what each group is called: as most of its records are.
    pub(super) fn groups(self) -> (Vec<u32>, BTreeMap<u32, String>) {
        let groups = self.clusters.groups();
        let mut names: BTreeMap<u32, &(Box<str>, u64)> = BTreeMap::new();
        for (group, text) in groups.iter().zip(&self.texts) {
            let name = names.entry(*group).or_insert(text);
            if (text.1, &name.0) > (name.1, &text.0) {
                *name = text;
            }
        }
        let names = names.into_iter().map(|(group, (text, _))| (group, text.to_string())).collect();
        (groups, names)
    }
}

/// The group of each record by one way of grouping, as a number.
#[derive(Debug)]
pub(super) struct Grouping<'a> {
    by: &'a GroupBy,
    /// The numbers of names, where groups are to be called by them; instructions have theirs elsewhere.
    names: Option<BTreeMap<String, u32>>,
    /// Whether any record has the column.
    is_there: bool,
}

impl<'a> Grouping<'a> {
    /// Groups with names.
    pub(super) fn named(by: &'a GroupBy) -> Self {
        Self { by, names: Some(BTreeMap::new()), is_there: false }
    }

    /// Groups of which only matters that they differ: nothing is kept.
    pub(super) fn nameless(by: &'a GroupBy) -> Self {
        Self { by, names: None, is_there: false }
    }

    pub(super) fn is_by_instruction(&self) -> bool {
        *self.by == GroupBy::Instruction
    }

    /// The column that no record has, if it is one.
    pub(super) fn lacking(&self) -> Option<&str> {
        match self.by {
            GroupBy::Column(column) if !self.is_there => Some(column),
            _ => None,
        }
    }

    /// The number of a record's group; groups with names have small ones. `instruction` is that of its instruction.
    pub(super) fn of(&mut self, record: &Record, instruction: Option<u32>) -> u64 {
        match self.by {
            GroupBy::Instruction => instruction.unwrap_or_default().into(),
            GroupBy::EditCategory => self.number(EditCategory::of(&record.instruction).name()),
            GroupBy::Source => match &record.source {
                Some(source) => self.number(&source.digest),
                None => self.number(&own_name(record)),
            },
            GroupBy::Column(column) => {
                let found = record.extra.get(column);
                self.is_there |= found.is_some();
                match found {
                    None | Some(Value::Null) => self.number(NOTHING),
                    Some(Value::String(text)) => self.number(text),
                    Some(other) => self.number(&other.to_string()),
                }
            }
        }
    }

    fn number(&mut self, name: &str) -> u64 {
        let Some(names) = &mut self.names else { return key_of(name.as_bytes()) };
        if let Some(number) = names.get(name) {
            return (*number).into();
        }
        let next = names.len() as u32;
        names.insert(name.to_owned(), next);
        next.into()
    }

    /// The names of the groups by their numbers.
    pub(super) fn into_names(self) -> BTreeMap<u32, String> {
        self.names.into_iter().flatten().map(|(name, number)| (number, name)).collect()
    }
}

/// What a record's source is called: equal sources have equal keys.
pub(super) fn source_key(record: &Record) -> u64 {
    match &record.source {
        Some(source) => key_of(source.digest.as_bytes()),
        None => key_of(own_name(record).as_bytes()),
    }
}

/// What stands for a source that cannot be read: no digest has a blank.
fn own_name(record: &Record) -> String {
    format!("row {}", record.row)
}
