//! What a path means: a file, a folder with one data set in it, or a pattern of shards.

use std::fs;
use std::path::{Path, PathBuf};

use super::columns::listed;
use super::{DatasetError, sniff};

/// Folders in folders that are looked into.
const DEPTH: u32 = 4;
/// The most files of one data set.
const MOST_FILES: usize = 100_000;
/// Words in file names that tell parts of a data set apart.
const SPLITS: [&str; 11] =
    ["train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval", "evaluation", "holdout"];

/// What a file is by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Parquet,
    Tar,
    Lines,
    Table,
    List,
    Arrow,
    Picture,
    Other,
}

impl Name {
    fn of(path: &Path) -> Self {
        let name = file_name(path).to_ascii_lowercase();
        let name = [".gz", ".zst"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name);
        match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "parquet" => Self::Parquet,
            "tar" | "tgz" => Self::Tar,
            "jsonl" | "ndjson" => Self::Lines,
            "csv" | "tsv" => Self::Table,
            "json" => Self::List,
            "arrow" => Self::Arrow,
            "jpg" | "jpeg" | "png" | "webp" | "gif" | "bmp" | "tif" | "tiff" => Self::Picture,
            _ => Self::Other,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Parquet => "Parquet",
            Self::Tar => "tar",
            Self::Lines => "JSONL",
            Self::Table => "CSV",
            Self::List | Self::Arrow | Self::Picture | Self::Other => "other",
        }
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The files of the data set at a path, in their order.
pub(super) fn find(path: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let text = path.to_string_lossy();
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            let found = match in_folder(path, 0, of_files)? {
                None => in_folder(path, 0, of_lists)?,
                found => found,
            };
            found.ok_or_else(|| nothing(path))
        }
        Ok(metadata) if metadata.is_file() => Ok(vec![path.to_owned()]),
        Ok(_) => {
            let reason = "expected a file or a folder, found a pipe, a socket or a device".to_owned();
            Err(DatasetError::Missing { path: path.to_owned(), reason })
        }
        Err(_) if text.contains(['*', '{']) => matching(path, &text),
        Err(source) => Err(DatasetError::Disk { path: path.to_owned(), source }),
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let failed = |source| DatasetError::Disk { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // Of pictures there may be millions; only data files and folders are of interest.
        let is_hidden = file_name(&path).starts_with(['.', '_']);
        if !is_hidden && Name::of(&path) != Name::Picture {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What finds a data set among the files of one folder.
type Choice = fn(&Path, &[PathBuf]) -> Result<Option<Vec<PathBuf>>, DatasetError>;

/// The data set in a folder, or in the only folder within it that has one.
fn in_folder(folder: &Path, depth: u32, of_files: Choice) -> Result<Option<Vec<PathBuf>>, DatasetError> {
    let all = entries(folder)?;
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) = all.into_iter().partition(|path| path.is_dir());
    if let Some(files) = of_files(folder, &files)? {
        return Ok(Some(files));
    }
    let mut found = Vec::new();
    for inner in folders.iter().filter(|_| depth < DEPTH) {
        if let Some(files) = in_folder(inner, depth + 1, of_files)? {
            found.push((file_name(inner), files));
        }
    }
    if found.len() > 1 {
        let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
        return Err(DatasetError::Ambiguous { path: folder.to_owned(), found: listed(&names) });
    }
    Ok(found.pop().map(|(_, files)| files))
}

fn of_files(folder: &Path, files: &[PathBuf]) -> Result<Option<Vec<PathBuf>>, DatasetError> {
    let ambiguous = |found: String| DatasetError::Ambiguous { path: folder.to_owned(), found };
    let names = |files: &[PathBuf]| listed(&files.iter().map(|path| file_name(path)).collect::<Vec<_>>());
    let is_metadata =
        |path: &&PathBuf| ["metadata.csv", "metadata.jsonl", "metadata.parquet"].contains(&file_name(path).as_str());
    let metadata: Vec<PathBuf> = files.iter().filter(is_metadata).cloned().collect();
    match metadata.len() {
        0 => {}
        1 => return Ok(Some(metadata)),
        _ => return Err(ambiguous(names(&metadata))),
    }
    let kinds = [Name::Parquet, Name::Tar, Name::Lines, Name::Table];
    let of_kind = |kind: Name| files.iter().filter(|path| Name::of(path) == kind).cloned().collect::<Vec<_>>();
    let mut present = kinds.map(|kind| (kind, of_kind(kind))).into_iter().filter(|(_, files)| !files.is_empty());
    match (present.next(), present.next()) {
        (None, _) if files.iter().any(|path| Name::of(path) == Name::Arrow) => Err(arrow(folder)),
        (None, _) => Ok(None),
        (Some((first, _)), Some((second, _))) => {
            Err(ambiguous(format!("{} and {} files", first.word(), second.word())))
        }
        (Some((kind, files)), None) => {
            let is_one = files.len() == 1 || (splits(&files) <= 1 && (kind.is_sharded() || are_numbered(&files)));
            if is_one { Ok(Some(files)) } else { Err(ambiguous(names(&files))) }
        }
    }
}

/// JSON lists. There is other JSON beside data sets of every kind, so they are only looked for where nothing else is.
fn of_lists(folder: &Path, files: &[PathBuf]) -> Result<Option<Vec<PathBuf>>, DatasetError> {
    let is_list = |path: &&PathBuf| Name::of(path) == Name::List && path.is_file() && sniff::begins_a_list(path);
    let found: Vec<PathBuf> = files.iter().filter(is_list).cloned().collect();
    if found.len() > 1 && (splits(&found) > 1 || !are_numbered(&found)) {
        let names: Vec<String> = found.iter().map(|path| file_name(path)).collect();
        return Err(DatasetError::Ambiguous { path: folder.to_owned(), found: listed(&names) });
    }
    Ok((!found.is_empty()).then_some(found))
}

impl Name {
    /// Whether several files in one folder are usually one data set.
    fn is_sharded(self) -> bool {
        matches!(self, Self::Parquet | Self::Tar)
    }
}

/// Into how many parts the names divide files, such as training and test.
fn splits(files: &[PathBuf]) -> usize {
    let split = |path: &PathBuf| {
        let name = file_name(path).to_ascii_lowercase();
        let first = name.split(|character: char| !character.is_ascii_alphabetic()).next().unwrap_or_default();
        SPLITS.iter().find(|split| **split == first).copied().unwrap_or_default()
    };
    let mut found: Vec<&str> = files.iter().map(split).collect();
    found.sort_unstable();
    found.dedup();
    found.len()
}

/// Whether names differ in nothing but numbers.
fn are_numbered(files: &[PathBuf]) -> bool {
    let letters = |path: &PathBuf| file_name(path).replace(|character: char| character.is_ascii_digit(), "");
    let has_number = |path: &PathBuf| file_name(path).contains(|character: char| character.is_ascii_digit());
    let first = files.first().map(letters);
    files.iter().all(|path| Some(letters(path)) == first && has_number(path))
}

fn arrow(folder: &Path) -> DatasetError {
    let reason =
        "Arrow files, as `save_to_disk` of datasets writes them, are not read: write Parquet with `to_parquet`";
    DatasetError::Format { path: folder.to_owned(), reason: reason.to_owned() }
}

fn nothing(folder: &Path) -> DatasetError {
    let reason =
        "the folder holds no data set: expected metadata.csv, metadata.jsonl or metadata.parquet beside the pictures, \
                  or JSONL, CSV, Parquet or tar files, or a JSON list"
            .to_owned();
    DatasetError::Missing { path: folder.to_owned(), reason }
}

/// Files by a pattern: `{000..012}` and `{a,b}` anywhere, `*` in the last part.
fn matching(path: &Path, pattern: &str) -> Result<Vec<PathBuf>, DatasetError> {
    let missing = |reason: String| DatasetError::Missing { path: path.to_owned(), reason };
    let mut files = Vec::new();
    for name in expand(pattern).map_err(&missing)? {
        if name.contains('*') {
            files.extend(starred(Path::new(&name))?);
        } else {
            files.push(PathBuf::from(name));
        }
    }
    if files.is_empty() {
        return Err(missing("no file has a name of this pattern".to_owned()));
    }
    match files.iter().find(|file| !file.is_file()) {
        Some(absent) => Err(missing(format!("{} is not there, or is not a file", absent.display()))),
        None => Ok(files),
    }
}

/// What the braces in a pattern stand for, in their order.
fn expand(pattern: &str) -> Result<Vec<String>, String> {
    let mut whole = vec![String::new()];
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (inner, after) = after.split_once('}').ok_or("a brace `{` is never closed")?;
        let choices = choices(inner)?;
        if whole.len().saturating_mul(choices.len()) > MOST_FILES {
            return Err(format!("the pattern stands for more than {MOST_FILES} files"));
        }
        let join = |start: &String| choices.iter().map(|choice| format!("{start}{before}{choice}")).collect::<Vec<_>>();
        whole = whole.iter().flat_map(join).collect();
        rest = after;
    }
    Ok(whole.into_iter().map(|start| start + rest).collect())
}

/// `000..012` counts up with that many digits; `a,b` lists.
fn choices(inner: &str) -> Result<Vec<String>, String> {
    let Some((from, to)) = inner.split_once("..") else {
        return Ok(inner.split(',').map(ToOwned::to_owned).collect());
    };
    let number =
        |text: &str| text.parse::<u32>().map_err(|_| format!("expected {{FIRST..LAST}} of numbers, found {{{inner}}}"));
    let (first, last) = (number(from)?, number(to)?);
    if first > last || last - first >= MOST_FILES as u32 {
        return Err(format!("expected at most {MOST_FILES} numbers that rise, found {{{inner}}}"));
    }
    let digits = if from.starts_with('0') { from.len() } else { 0 };
    Ok((first..=last).map(|number| format!("{number:0digits$}")).collect())
}

/// The files in a folder whose names fit a pattern with stars, in name order.
fn starred(pattern: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let folder = pattern.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = file_name(pattern);
    Ok(entries(folder)?.into_iter().filter(|path| path.is_file() && fits(&file_name(path), &name)).collect())
}

fn fits(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.into_iter().any(|at| name.get(at..).is_some_and(|name| fits(name, rest)))
        }),
    }
}
