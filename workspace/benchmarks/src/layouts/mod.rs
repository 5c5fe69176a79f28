//! Readers of benchmarks in the layouts in which they are published, and of one's own judgements of people. Nothing is ever
//! downloaded.
//!
//! | benchmark | layouts |
//! |---|---|
//! | `editreward-bench` | rows of pairs in the folders `2pair`, `3pair` and `4pair` (Parquet), groups put together again; a JSON list of ranked groups |
//! | `genai-bench` | votes on pairs (Parquet); a JSON list of scored pairs |
//! | `aurora-bench` | JSON lists of pairs with a winner or with scores, and of ratings |
//! | `imagenhub` | raters' tables beside a folder of pictures by model; a JSON list of ratings |
//! | `pairs`, `ratings` | any data set of one's own |
//!
//! All but raters' tables are data sets to the readers of crate `rollout`: any layout may be Parquet, a JSON list, JSONL, CSV or
//! TSV. A row that cannot be used is told with its place, and the others are read.

mod error;
mod files;
mod form;
mod groups;
mod part;
mod preset;
mod raters;
mod rows;
mod vote;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use editscale_engine::digest_of;
use editscale_rollout::dataset::{Dataset, DatasetError, Listed};
use editscale_rollout::{Place, Row, RowProblem};

pub use error::LayoutError;
pub use part::{Named, Part};
pub use preset::{Preset, Published};

use self::files::Files;
use self::form::{Form, Shape, check_given, columns, recognise};
use self::groups::{Groups, Told, candidates};
use self::raters::Raters;
use self::rows::{Images, Parts, case};
use crate::{Case, Human};

/// How to read what is there.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Columns that have other names than usual.
    pub named: Named,
    /// The folder that relative paths of pictures begin in; that of the file where nothing is named.
    pub images: Option<PathBuf>,
}

/// What a benchmark gives next.
#[derive(Debug)]
pub enum Found {
    /// A case.
    Case(Case),
    /// A row, or a group of rows, that cannot be used, and why.
    Problem(RowProblem),
}

/// A benchmark that is opened.
#[derive(Debug)]
pub struct Benchmark {
    preset: Preset,
    parts: Vec<Source>,
    /// Files beside them that are in no layout of the benchmark.
    passed_over: Vec<String>,
}

/// Where cases of one part come from.
#[derive(Debug)]
enum Source {
    Rows(Box<Rowed>),
    Raters(Raters),
}

/// A data set whose rows are cases, or pairs of groups.
#[derive(Debug)]
struct Rowed {
    dataset: Dataset,
    form: &'static Form,
    named: Named,
    part: String,
    images: Images,
}

impl Benchmark {
    /// Opens what lies at a path: a file, a pattern of shards, or a folder with one file for each part. Blocking.
    ///
    /// Fails where nothing is there (the message says where the benchmark is published, and its licence), where no file is in a
    /// layout of the benchmark (naming the columns), and where two files hold the same part.
    pub fn open(preset: Preset, path: &Path, reading: &Reading) -> Result<Self, LayoutError> {
        check_given(preset, &reading.named)?;
        if preset == Preset::Imagenhub
            && let Some(raters) = Raters::find(path, reading.images.as_deref())?
        {
            return Ok(Self { preset, parts: vec![Source::Raters(raters)], passed_over: Vec::new() });
        }
        let (mut parts, mut passed_over, mut refused) = (Vec::new(), Vec::new(), None);
        for files in files::find(preset, path)? {
            match Rowed::open(preset, &files, reading) {
                Ok(rowed) => parts.push((files.path, rowed)),
                Err(error @ (LayoutError::OtherBenchmark { .. } | LayoutError::Disk { .. })) => return Err(error),
                Err(error) => {
                    passed_over.push(error.to_string());
                    refused.get_or_insert(error);
                }
            }
        }
        if let Some(error) = refused.filter(|_| parts.is_empty()) {
            return Err(error);
        }
        check_parts(path, &parts)?;
        let parts = parts.into_iter().map(|(_, rowed)| Source::Rows(Box::new(rowed))).collect();
        Ok(Self { preset, parts, passed_over })
    }

    /// Which benchmark it is.
    pub fn preset(&self) -> Preset {
        self.preset
    }

    /// Why files beside those that are read are not read.
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// A line for each part: its format, files and columns.
    pub fn describe(&self) -> Vec<String> {
        let of = |source: &Source| match source {
            Source::Rows(rowed) => {
                let named = rowed.named.iter().filter(|(part, _)| !part.is_read());
                let named: Vec<String> = named.map(|(part, name)| format!("{part} = `{name}`")).collect();
                format!("{}: {}; {}", rowed.part, rowed.dataset.describe(), named.join(", "))
            }
            Source::Raters(raters) => raters.describe(),
        };
        self.parts.iter().map(of).collect()
    }

    /// A digest of all files and of which column is which part: the same for a copy elsewhere.
    pub fn fingerprint(&self) -> String {
        let of = |source: &Source| match source {
            Source::Rows(rowed) => format!("{}\n{}\n{:?}\n", rowed.part, rowed.dataset.fingerprint(), rowed.named),
            Source::Raters(raters) => raters.fingerprint(),
        };
        let all: String = self.parts.iter().map(of).collect();
        digest_of(format!("{}\n{all}", self.preset).as_bytes()).to_string()
    }

    /// All cases, part by part, as the rows lie in the files; a group stands where its last row is. Blocking. After an error there
    /// is nothing more.
    pub fn cases(&self) -> impl Iterator<Item = Result<Found, LayoutError>> + '_ {
        let mut known = HashSet::new();
        let all = self.parts.iter().flat_map(|source| -> Box<dyn Iterator<Item = Result<Found, LayoutError>> + '_> {
            match source {
                Source::Rows(rowed) => Box::new(rowed.cases()),
                Source::Raters(raters) => Box::new(raters.cases().map(Ok)),
            }
        });
        all.map(move |found| found.map(|found| with_own_id(found, &mut known)))
    }
}

/// Ids may be there twice, as where people judged a pair twice: a number tells them apart.
fn with_own_id(found: Found, known: &mut HashSet<(String, String)>) -> Found {
    let Found::Case(mut case) = found else { return found };
    let id = case.id.clone();
    let mut number = 1_u64;
    while !known.insert((case.part.clone(), case.id.clone())) {
        number += 1;
        case.id = format!("{id}#{number}");
    }
    Found::Case(case)
}

fn check_parts(path: &Path, parts: &[(PathBuf, Rowed)]) -> Result<(), LayoutError> {
    for (_, rowed) in parts {
        let same = parts.iter().filter(|(_, other)| other.part == rowed.part);
        let found: Vec<String> = same.map(|(path, _)| path.display().to_string()).collect();
        if found.len() > 1 {
            let (path, part, found) = (path.to_owned(), rowed.part.clone(), found.join(", "));
            return Err(LayoutError::Ambiguous { path, part, found });
        }
    }
    Ok(())
}

impl Rowed {
    fn open(preset: Preset, files: &Files, reading: &Reading) -> Result<Self, LayoutError> {
        let names = Dataset::column_names(&files.path).map_err(of_disk)?;
        let (form, named) = recognise(preset, &files.path, &names, &reading.named)?;
        let dataset = Dataset::open(&files.path, &columns(&named))?;
        let part = files.part().filter(|_| preset == Preset::EditRewardBench);
        let part = part.unwrap_or_else(|| form.part.to_owned());
        let images = Images { beside: files.folder.clone(), named: reading.images.clone() };
        Ok(Self { dataset, form, named, part, images })
    }

    fn cases(&self) -> impl Iterator<Item = Result<Found, LayoutError>> + '_ {
        let mut groups = Groups::new(&self.part);
        let mut rows = self.dataset.list().zip(0_u64..);
        let mut left: Option<std::vec::IntoIter<Told>> = None;
        std::iter::from_fn(move || {
            loop {
                if let Some(left) = &mut left {
                    return left.next().map(|told| Ok(self.group(told)));
                }
                match rows.next() {
                    None => left = Some(groups.finish().into_iter()),
                    Some((Err(error), _)) => return Some(Err(error.into())),
                    Some((Ok(listed), number)) => match self.row(listed, number, &mut groups) {
                        None => {}
                        Some(found) => return Some(Ok(found)),
                    },
                }
            }
        })
    }

    /// What a row comes to; nothing where its group is not whole.
    fn row(&self, listed: Listed, number: u64, groups: &mut Groups) -> Option<Found> {
        if let Some(problem) = listed.problem {
            return Some(Found::Problem(problem));
        }
        let row = match self.dataset.fetch(&listed.place, number) {
            Ok(row) => row,
            Err(problem) => return Some(Found::Problem(problem)),
        };
        let parts = Parts { row: &row, named: &self.named };
        let problem = |reason| Found::Problem(RowProblem { place: self.dataset.spot(&listed.place), reason });
        if self.form.shape == Shape::PairOfGroup {
            return match groups.add(parts, &listed.place, number) {
                Ok(told) => told.map(|told| self.group(told)),
                Err(reason) => Some(problem(reason)),
            };
        }
        Some(case(self.form.shape, parts, &self.part, &self.images).map_or_else(problem, Found::Case))
    }

    /// Fetches the pictures of a whole group.
    fn group(&self, told: Told) -> Found {
        let place = || format!("{}, {}", self.dataset.describe().split(';').next().unwrap_or_default(), self.part);
        let group = match told {
            Ok(group) => group,
            Err(reason) => return Found::Problem(RowProblem { place: place(), reason }),
        };
        let fetched = group.rows.iter().map(|member| self.fetch(&member.place, member.number)).collect();
        let rows: Vec<Row> = match fetched {
            Ok(rows) => rows,
            Err(problem) => return Found::Problem(problem),
        };
        let Some(first) = rows.first() else {
            return Found::Problem(RowProblem {
                place: place(),
                reason: format!("the group `{}` has no rows", group.id),
            });
        };
        let candidates: Option<Vec<_>> = candidates(&group, &rows).into_iter().collect();
        let Some(candidates) = candidates else {
            let reason = format!("the group `{}` lacks a picture", group.id);
            return Found::Problem(RowProblem { place: place(), reason });
        };
        let parts = Parts { row: first, named: &self.named };
        let candidates = candidates.into_iter().map(|mut candidate| {
            candidate.picture = self.images.place(candidate.picture);
            candidate
        });
        Found::Case(Case {
            id: group.id,
            part: self.part_of(group.candidates),
            dataset: parts.text(Part::Dataset),
            group: None,
            instruction: first.instruction.clone(),
            source: self.images.place(first.source.clone()),
            candidates: candidates.collect(),
            human: Human::Ranking(group.ranking),
        })
    }

    /// Groups of an unknown size are told apart by it.
    fn part_of(&self, candidates: usize) -> String {
        if self.part == self.form.part { format!("{candidates}pair") } else { self.part.clone() }
    }

    fn fetch(&self, place: &Place, number: u64) -> Result<Row, RowProblem> {
        self.dataset.fetch(place, number)
    }
}

fn of_disk(error: DatasetError) -> LayoutError {
    match error {
        DatasetError::Disk { path, source } => LayoutError::Disk { path, source },
        other => LayoutError::Dataset(other),
    }
}
