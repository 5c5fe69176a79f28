//! `ImagenHub` as it is published: a table of each rater beside a folder of pictures by model.
//!
//! A table (`eval/human_ratings/Text-Guided_IE/…_rater1.tsv`) has a row for each picture and a column for each model, with
//! `[SC, PQ]` in it: how well the picture fits, and how good it looks, 0, 0.5 or 1 each. The folder of pictures, as the museum
//! of the project shows it, has `dataset_lookup.json` (the instruction of each picture), `input/UID` and `MODEL/UID`.
//!
//! A picture's rating is the mean over raters of √(SC · PQ), as the project's notebook `AnalyzeHumanEval` has it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use editscale_engine::digest_of;
use editscale_rollout::{RowPicture, RowProblem};
use serde_json::Value;

use super::files::walk;
use super::{Found, LayoutError, Preset};
use crate::{Candidate, Case, Human};

/// Words that tell the tables of text-guided editing from those of other tasks.
const TASK: &str = "Text-Guided_IE";
const LOOKUP: &str = "dataset_lookup.json";
/// The folders, one in the other, in which the lookup is searched.
const DEPTH: u32 = 4;

/// Raters' tables, and where the pictures are.
#[derive(Debug)]
pub(super) struct Raters {
    /// In the order of the files.
    tables: Vec<PathBuf>,
    images: PathBuf,
    instructions: BTreeMap<String, String>,
    /// Ratings by picture and model, in that order.
    rated: BTreeMap<(String, String), Vec<Result<f64, String>>>,
    fingerprint: String,
}

impl Raters {
    /// Looks for raters' tables under a folder; nothing where there are none.
    pub(super) fn find(path: &Path, images: Option<&Path>) -> Result<Option<Self>, LayoutError> {
        if !path.is_dir() {
            return Ok(None);
        }
        let mut files = Vec::new();
        walk(path, 0, &mut files)?;
        let is_table = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            name.contains("rater") && Path::new(&name).extension().is_some_and(|ending| ending == "tsv")
        };
        let mut tables: Vec<PathBuf> = files.into_iter().filter(is_table).collect();
        if tables.iter().any(|path| path.to_string_lossy().contains(TASK)) {
            tables.retain(|path| path.to_string_lossy().contains(TASK));
        }
        if tables.is_empty() {
            return Ok(None);
        }
        tables.sort();
        let missing = || LayoutError::Missing {
            path: path.to_owned(),
            reason: format!("raters' tables are there, and the pictures are not: expected a folder with {LOOKUP}"),
            preset: Preset::Imagenhub,
        };
        let images = match images {
            Some(images) => images.to_owned(),
            None => with_lookup(path, 0).ok_or_else(missing)?,
        };
        Self::read(tables, images).map(Some)
    }

    fn read(tables: Vec<PathBuf>, images: PathBuf) -> Result<Self, LayoutError> {
        let mut known = String::new();
        let mut rated: BTreeMap<(String, String), Vec<Result<f64, String>>> = BTreeMap::new();
        for table in &tables {
            let bytes = bytes_of(table)?;
            known.push_str(&digest_of(&bytes).to_string());
            read_table(table, &bytes, &mut rated)?;
        }
        let lookup = images.join(LOOKUP);
        let bytes = bytes_of(&lookup)?;
        known.push_str(&digest_of(&bytes).to_string());
        let instructions = instructions(&lookup, &bytes)?;
        Ok(Self { tables, images, instructions, rated, fingerprint: known })
    }

    pub(super) fn describe(&self) -> String {
        let (tables, images) = (self.tables.len(), self.images.display());
        format!("pointwise: {tables} tables of raters, pictures in {images}; rating = mean of the root of SC times PQ")
    }

    pub(super) fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    pub(super) fn cases(&self) -> impl Iterator<Item = Found> + '_ {
        self.rated.iter().map(|((picture, model), ratings)| {
            self.case(picture, model, ratings).map_or_else(
                |reason| Found::Problem(RowProblem { place: format!("{picture}, {model}"), reason }),
                Found::Case,
            )
        })
    }

    fn case(&self, picture: &str, model: &str, ratings: &[Result<f64, String>]) -> Result<Case, String> {
        let lacking = || format!("expected its instruction in {LOOKUP}, found none");
        let instruction = self.instructions.get(picture).cloned().ok_or_else(lacking)?;
        let raters = self.tables.len();
        let ratings: Vec<f64> = ratings.iter().cloned().collect::<Result<_, _>>()?;
        if ratings.len() != raters {
            return Err(format!("expected a rating in each of {raters} raters' tables, found {}", ratings.len()));
        }
        let rating = ratings.iter().sum::<f64>() / raters.max(1) as f64;
        let file = |folder: &str| RowPicture::File(self.images.join(folder).join(picture));
        Ok(Case {
            id: format!("{model}/{picture}"),
            part: "pointwise".to_owned(),
            dataset: None,
            group: None,
            instruction,
            source: file("input"),
            candidates: vec![Candidate { picture: file(model), model: Some(model.to_owned()), rating: Some(rating) }],
            human: Human::Rated,
        })
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, LayoutError> {
    fs::read(path).map_err(|source| LayoutError::Disk { path: path.to_owned(), source })
}

fn with_lookup(folder: &Path, depth: u32) -> Option<PathBuf> {
    if folder.join(LOOKUP).is_file() {
        return Some(folder.to_owned());
    }
    let entries = fs::read_dir(folder).ok().filter(|_| depth < DEPTH)?;
    let mut folders: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    folders.iter().filter(|path| path.is_dir()).find_map(|path| with_lookup(path, depth + 1))
}

fn refused(path: &Path, reason: String) -> LayoutError {
    LayoutError::Columns { path: path.to_owned(), reason }
}

fn read_table(
    path: &Path,
    bytes: &[u8],
    rated: &mut BTreeMap<(String, String), Vec<Result<f64, String>>>,
) -> Result<(), LayoutError> {
    let mut table = csv::ReaderBuilder::new().delimiter(b'\t').quoting(false).flexible(true).from_reader(bytes);
    let unreadable = |error: csv::Error| refused(path, format!("it is no table of a rater: {error}"));
    let models: Vec<String> =
        table.headers().map_err(unreadable)?.iter().skip(1).map(|name| name.trim().to_owned()).collect();
    if models.is_empty() {
        return Err(refused(path, "expected a column `uid` and one for each model, found one column".to_owned()));
    }
    for record in table.records() {
        let record = record.map_err(unreadable)?;
        let picture = record.get(0).unwrap_or_default().trim().to_owned();
        for (place, model) in models.iter().enumerate() {
            let cell = record.get(place + 1).unwrap_or_default();
            let rating = rating(cell).map_err(|reason| format!("{}: {reason}", path.display()));
            rated.entry((picture.clone(), model.clone())).or_default().push(rating);
        }
    }
    Ok(())
}

/// `[SC, PQ]` to √(SC · PQ).
fn rating(cell: &str) -> Result<f64, String> {
    let found: Option<[f64; 2]> = serde_json::from_str(cell.trim()).ok();
    match found {
        Some([fits, looks]) if (0.0..=1.0).contains(&fits) && (0.0..=1.0).contains(&looks) => Ok((fits * looks).sqrt()),
        _ => Err(format!("expected [SC, PQ] from 0 to 1, found `{}`", cell.chars().take(40).collect::<String>())),
    }
}

fn instructions(path: &Path, bytes: &[u8]) -> Result<BTreeMap<String, String>, LayoutError> {
    let wrong = |reason: String| refused(path, format!("expected an object of {{picture: {{instruction}}}}, {reason}"));
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| wrong(format!("found what is not JSON: {error}")))?;
    let fields = value.as_object().ok_or_else(|| wrong("found no object".to_owned()))?;
    let of =
        |(picture, facts): (&String, &Value)| Some((picture.clone(), facts.get("instruction")?.as_str()?.to_owned()));
    Ok(fields.iter().filter_map(of).collect())
}
