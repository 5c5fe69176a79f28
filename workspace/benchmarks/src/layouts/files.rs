//! The files of a benchmark's parts under a path.

use std::fs;
use std::path::{Path, PathBuf};

use super::{LayoutError, Preset};

/// Folders in folders that are looked into.
const DEPTH: u32 = 5;
/// Once so many data files are found, no further folder is looked into.
const MOST_ENTRIES: usize = 200_000;
const ENDINGS: [&str; 6] = ["parquet", "json", "jsonl", "ndjson", "csv", "tsv"];
/// JSON files that data sets have beside their data.
const SIDE_FILES: [&str; 4] = ["dataset_infos.json", "dataset_info.json", "state.json", "dataset_lookup.json"];

/// Files that hold one part: one file, or its shards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files {
    /// What the data set reader is given.
    pub(super) path: PathBuf,
    /// The folder that they lie in.
    pub(super) folder: PathBuf,
    /// The file name without number and ending, such as `test_v1`.
    pub(super) stem: String,
}

impl Files {
    /// The part that the place says, such as `2pair`.
    pub(super) fn part(&self) -> Option<String> {
        let own = self.path.file_name().map(|name| name.to_string_lossy().to_lowercase());
        let folders = self.folder.components().rev().map(|part| part.as_os_str().to_string_lossy().to_lowercase());
        own.into_iter().chain(folders.take(3)).find_map(|name| groups_of(&name))
    }
}

/// `2pair` of a name that holds it.
fn groups_of(name: &str) -> Option<String> {
    let at = name.find("pair")?;
    let digit = name.get(..at)?.trim_end_matches(['-', '_']).chars().next_back()?;
    matches!(digit, '2'..='9').then(|| format!("{digit}pair"))
}

/// What there is under a path; the path itself where it is a file or a pattern.
pub(super) fn find(preset: Preset, path: &Path) -> Result<Vec<Files>, LayoutError> {
    let missing = |reason: &str| LayoutError::Missing { path: path.to_owned(), reason: reason.to_owned(), preset };
    let is_pattern = path.to_string_lossy().contains(['*', '{']);
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Ok(vec![files_at(path)]),
        Err(_) if is_pattern => return Ok(vec![files_at(path)]),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(missing("there is no such file or folder"));
        }
        Err(source) => return Err(LayoutError::Disk { path: path.to_owned(), source }),
    }
    let mut all = Vec::new();
    walk(path, 0, &mut all)?;
    let found = sets(all);
    if found.is_empty() {
        return Err(missing("the folder holds no Parquet, JSON, JSONL, CSV or TSV file"));
    }
    Ok(wanted(preset, found))
}

fn files_at(path: &Path) -> Files {
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    Files { path: path.to_owned(), folder, stem: stem(&name(path)) }
}

/// Of a benchmark of several tasks and splits, those that are meant.
fn wanted(preset: Preset, mut found: Vec<Files>) -> Vec<Files> {
    if matches!(preset, Preset::Pairs | Preset::Ratings) {
        return whole_folders(found);
    }
    if preset != Preset::GenaiBench {
        return found;
    }
    let is_edition = |files: &Files| files.folder.to_string_lossy().contains("image_edition");
    if found.iter().any(is_edition) {
        found.retain(is_edition);
    }
    // The published code reads this split.
    let is_published = |files: &Files| files.stem == "test_v1";
    if found.iter().any(is_published) {
        found.retain(|files| is_published(files) || files.stem != "test");
    }
    found
}

/// Parquet files of one folder are one data set, whatever the writers of its shards are called.
fn whole_folders(found: Vec<Files>) -> Vec<Files> {
    let is_parquet = |files: &Files| files.path.extension().is_some_and(|ending| ending == "parquet");
    let mut folders: Vec<Files> = Vec::new();
    for files in found {
        let known = folders.iter_mut().find(|known| known.folder == files.folder && is_parquet(known));
        match known.filter(|_| is_parquet(&files)) {
            Some(known) => known.path = known.folder.join("*.parquet"),
            None => folders.push(files),
        }
    }
    folders
}

pub(super) fn walk(folder: &Path, depth: u32, all: &mut Vec<PathBuf>) -> Result<(), LayoutError> {
    let failed = |source| LayoutError::Disk { path: folder.to_owned(), source };
    let mut inner = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if name(&path).starts_with(['.', '_']) {
            continue;
        }
        if path.is_dir() {
            inner.push(path);
        } else if has_ending(&path) {
            all.push(path);
        }
    }
    inner.sort();
    for folder in inner.iter().filter(|_| depth < DEPTH) {
        if all.len() < MOST_ENTRIES {
            walk(folder, depth + 1, all)?;
        }
    }
    Ok(())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn unpacked(name: &str) -> &str {
    [".gz", ".zst"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(name)
}

fn has_ending(path: &Path) -> bool {
    let name = name(path).to_lowercase();
    let ending = unpacked(&name).rsplit_once('.').map_or("", |(_, ending)| ending);
    ENDINGS.contains(&ending) && !SIDE_FILES.contains(&name.as_str()) && !name.ends_with(".judge.json")
}

/// The name without its ending and without the number of a shard.
fn stem(name: &str) -> String {
    before_number(name).trim_end_matches(['-', '_', '.']).to_owned()
}

/// The name up to the number of a shard, or up to its ending.
fn before_number(name: &str) -> &str {
    let name = unpacked(name);
    let name = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let name = name.split_once("-of-").map_or(name, |(stem, _)| stem);
    name.trim_end_matches(|character: char| character.is_ascii_digit())
}

/// Shards put together. Only Parquet comes in shards: of other formats, every file is a part of its own.
fn sets(mut all: Vec<PathBuf>) -> Vec<Files> {
    all.sort();
    let mut sets: Vec<Files> = Vec::new();
    for path in all {
        let files = files_at(&path);
        let is_sharded = path.extension().is_some_and(|ending| ending == "parquet");
        let known = sets.iter_mut().find(|set| is_sharded && set.folder == files.folder && set.stem == files.stem);
        match known {
            // A pattern stands for all of them.
            Some(set) => set.path = set.folder.join(format!("{}*.parquet", before_number(&name(&path)))),
            None => sets.push(files),
        }
    }
    sets
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed test panics")]
mod tests {
    use super::*;

    fn found(preset: Preset, names: &[&str]) -> Vec<(String, Option<String>)> {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let all = find(preset, folder.path()).unwrap();
        let told = |files: &Files| {
            let path = files.path.strip_prefix(folder.path()).unwrap().to_string_lossy().into_owned();
            (path, files.part())
        };
        all.iter().map(told).collect()
    }

    #[test]
    fn parts_are_told_by_folders_and_names() {
        let names = [
            "README.md",
            ".cache/huggingface/x.json",
            "2pair/train-00000-of-00001.parquet",
            "4pair/train-00000-of-00002.parquet",
            "4pair/train-00001-of-00002.parquet",
            "json/EditReward_Bench_3pair.json",
        ];
        let expected = [
            ("2pair/train-00000-of-00001.parquet", Some("2pair")),
            ("4pair/train-*.parquet", Some("4pair")),
            ("json/EditReward_Bench_3pair.json", Some("3pair")),
        ];
        let expected = expected.map(|(path, part)| (path.to_owned(), part.map(ToOwned::to_owned)));
        assert_eq!(found(Preset::EditRewardBench, &names), expected);
    }

    #[test]
    fn of_genai_bench_the_published_split_of_the_task_is_read() {
        let names = [
            "image_generation/test-00000-of-00001.parquet",
            "image_edition/test-00000-of-00001.parquet",
            "image_edition/test_v1-00000-of-00001.parquet",
        ];
        let found = found(Preset::GenaiBench, &names);
        assert_eq!(found, [("image_edition/test_v1-00000-of-00001.parquet".to_owned(), None)]);
    }

    #[test]
    fn a_folder_without_data_says_where_it_is_published() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("absent")] {
            let said = find(Preset::GenaiBench, &path).unwrap_err().to_string();
            assert!(said.contains("hf download TIGER-Lab/GenAI-Bench") && said.contains("licence"), "{said}");
        }
    }
}
