//! `--against`: whether a benchmark and other data share pictures.

use std::path::Path;

use anyhow::Result;
use editscale_benchmarks::{JudgedCase, KeptRecords, PictureSet, Shared, is_judged, read_judged};
use editscale_config::JudgeRecipe;
use editscale_config::curate::CurateColumns;
use editscale_curate::table::ScoreFiles;
use editscale_rollout::dataset::{Dataset, DatasetError};
use editscale_rollout::{Columns, Edited, RowPicture};
use serde::{Deserialize, Serialize};

use super::data::{MOST_LISTED, SharedPictures};
use super::judging::{loader, runtime};
use crate::args::{AgainstPart, BenchPreset};
use crate::bounded;
use crate::catalogue::catalogue;
use crate::failure::{Misuse, tell};
use crate::recipes::LARGEST;

/// How many pictures of a data set are decoded together.
const TOGETHER: usize = 64;

/// What says that a folder is the choice of a curation.
const CHOICE: &str = "choice.parquet";

/// One of the places that were named.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) path: String,
    /// What of it was looked at, for people.
    pub(super) looked_at: String,
    /// Different pictures there.
    pub(super) pictures: usize,
}

/// What the benchmark shares with the places that were named; nothing where none was.
pub(super) fn against(cases: &[JudgedCase], arguments: &BenchPreset) -> Result<Option<SharedPictures>> {
    if arguments.against.is_empty() {
        return Ok(None);
    }
    let benchmark = PictureSet::of_cases(cases);
    let (mut places, mut shared) = (Vec::new(), Vec::new());
    for path in &arguments.against {
        let (data, looked_at) = pictures(path, &arguments.against_column)?;
        let (path, pictures) = (path.display().to_string(), data.pictures().len());
        tell(&format!("{path}: {looked_at}, {pictures} different pictures"));
        let found = benchmark.shared_with(&data, arguments.near).map_err(|error| Misuse::new(error.to_string()))?;
        shared.extend(found.into_iter().map(|one| Shared { data: format!("{path}, {}", one.data), ..one }));
        places.push(Place { path, looked_at, pictures });
    }
    let count = shared.len();
    shared.truncate(MOST_LISTED);
    Ok(Some(SharedPictures { count, pictures: shared, against: places }))
}

/// The pictures of a folder that `curate` or `bench` wrote, or of a data set, and what of it was looked at.
fn pictures(path: &Path, named: &[(AgainstPart, String)]) -> Result<(PictureSet, String)> {
    if is_judged(path) {
        let (_, cases) = read_judged(path).map_err(|error| Misuse::new(error.to_string()))?;
        return Ok((PictureSet::of_cases(&cases), "all that was judged there".to_owned()));
    }
    let of_choice = || path.parent().filter(|_| path.join(CHOICE).is_file());
    let curation = std::iter::once(path).chain(of_choice()).find(|folder| folder.join("scores").is_dir());
    match curation {
        Some(folder) => of_records(folder),
        None => Ok((of_dataset(path, &columns(path, named))?, "all of the data set".to_owned())),
    }
}

/// What the last choice of a curation kept; all that was scored where nothing was chosen.
fn of_records(path: &Path) -> Result<(PictureSet, String)> {
    let misuse = |error: String| Misuse::new(error);
    let files = ScoreFiles::find(path).map_err(|error| misuse(error.to_string()))?;
    let kept = KeptRecords::find(path).map_err(|error| misuse(error.to_string()))?;
    let (mut set, mut records) = (PictureSet::default(), 0_u64);
    for record in files.records() {
        let record = record?;
        records += 1;
        if kept.as_ref().is_none_or(|kept| kept.holds(&record)) {
            set.add_record(&record);
        }
    }
    let looked_at = match kept {
        Some(kept) => format!("what its last choice kept, {} of {records} edits", kept.count()),
        None => format!("all {records} edits that were scored, since nothing is chosen there"),
    };
    Ok((set, looked_at))
}

/// The columns that were named, and those of the recipe of the choice whose subset this is.
fn columns(path: &Path, named: &[(AgainstPart, String)]) -> Columns {
    let mut columns = of_recipe(path).unwrap_or(Columns { edited: Edited::Usual, ..Columns::default() });
    let of_part = |wanted: AgainstPart| named.iter().filter(move |(part, _)| *part == wanted).map(|(_, name)| name);
    columns.source = of_part(AgainstPart::Source).next_back().cloned().or(columns.source);
    columns.instruction = of_part(AgainstPart::Instruction).next_back().cloned().or(columns.instruction);
    let edited: Vec<String> = of_part(AgainstPart::Edited).cloned().collect();
    if !edited.is_empty() {
        columns.edited = Edited::Named(edited);
    }
    columns
}

/// What the recipe of a choice says of the columns of its subset: of its folder, or of a file in that. A subset is in the form
/// of the data set that it was chosen from.
fn of_recipe(path: &Path) -> Option<Columns> {
    let choice = path.ancestors().skip(1).take(2).find(|folder| folder.join(CHOICE).is_file())?;
    let bytes = bounded::read(&choice.join("recipe.yaml"), LARGEST).ok()?;
    let (recipe, _) = JudgeRecipe::parse(&bytes, &catalogue()).ok()?;
    let CurateColumns { source, instruction, edited, .. } = recipe.curate().columns;
    let edited = if edited.is_empty() { Edited::Usual } else { Edited::Named(edited) };
    Some(Columns { source, instruction, edited, ..Columns::default() })
}

/// Opens a data set that may hold sources alone.
fn open(path: &Path, columns: &Columns) -> Result<Dataset> {
    let alone = || Dataset::open(path, &Columns { edited: Edited::Unwanted, ..columns.clone() });
    let opened = Dataset::open(path, columns).or_else(|error| match columns.edited {
        Edited::Usual => alone().map_err(|_| error),
        _ => Err(error),
    });
    opened.map_err(|error| {
        let told = error.to_string();
        // What a recipe would say is of no use here.
        let told = told.split(". Say in the recipe").next().unwrap_or_default();
        let misuse = Misuse::new(format!("cannot compare with {told}"));
        let is_of_columns = matches!(error, DatasetError::Columns { .. });
        let hint = "say which is which: --against-column source=NAME --against-column instruction=NAME \
                    --against-column edited=NAME";
        if is_of_columns { misuse.hint(hint).into() } else { misuse.into() }
    })
}

/// Every picture of a data set is decoded for its hash. Rows that cannot be read are told and passed over.
fn of_dataset(path: &Path, columns: &Columns) -> Result<PictureSet> {
    let dataset = open(path, columns)?;
    tell(&dataset.describe());
    let (runtime, loader) = (runtime()?, loader());
    let (mut set, mut waiting, mut unreadable) = (PictureSet::default(), Vec::new(), 0_u64);
    let decode = |set: &mut PictureSet, waiting: &mut Vec<(String, RowPicture)>| {
        let (places, pictures): (Vec<String>, Vec<RowPicture>) = std::mem::take(waiting).into_iter().unzip();
        let mut failed = 0;
        for (place, loaded) in places.into_iter().zip(runtime.block_on(loader.load(pictures))) {
            match loaded {
                Ok(loaded) => set.add(&loaded.facts, || place),
                Err(_) => failed += 1,
            }
        }
        failed
    };
    for (listed, number) in dataset.list().zip(0_u64..) {
        let listed = listed.map_err(|error| Misuse::new(error.to_string()))?;
        let Ok(row) = dataset.fetch(&listed.place, number) else {
            unreadable += 1;
            continue;
        };
        waiting.push((format!("row {}, source", row.id), row.source));
        let edits = row.edited.into_iter().zip(1..);
        waiting.extend(edits.map(|(picture, edit)| (format!("row {}, edit {edit}", row.id), picture)));
        if waiting.len() >= TOGETHER {
            unreadable += decode(&mut set, &mut waiting);
        }
    }
    unreadable += decode(&mut set, &mut waiting);
    if unreadable > 0 {
        tell(&format!("{}: {unreadable} rows or pictures could not be read and are not compared", path.display()));
    }
    Ok(set)
}
