//! One shard on its way: groups in ordinal order, and items that came to nothing.

use std::borrow::Borrow;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::Serialize;

use super::candidate::{CANDIDATES, Entry, PAIRS, Pick, SFT, best_worst};
use super::exporter::{FORMAT, ShardFile, ShardSummary};
use super::parquet::ParquetFile;
use super::passing::{PassingFile, Written, file_error};
use super::table::Column;
use super::trajectories::TrajectoryFile;
use super::views::Usable;
use super::webdataset::WebDatasetFile;
use super::{ExportError, ExportRules};
use crate::pack::Pack;
use crate::queue::{End, Item, Spent};

/// Where the files of a shard lie.
#[derive(Debug)]
pub(super) struct ShardPlace {
    pub(super) out: PathBuf,
    /// The files' name without their extension.
    pub(super) stem: String,
    pub(super) shard: u64,
}

impl ShardPlace {
    /// The file whose being there says that the shard is there.
    pub(super) fn summary(&self) -> PathBuf {
        self.out.join(format!("shards/{}.json", self.stem))
    }

    /// Removes what a predecessor wrote that was killed before its end, and that this one perhaps does not write.
    fn clear(&self) -> Result<(), ExportError> {
        for (folder, extension) in [("webdataset", "tar"), ("trajectories", "safetensors"), ("skipped", "jsonl")] {
            let path = self.out.join(self.name(folder, extension));
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(file_error(&path, error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// A file's name in the export.
    fn name(&self, folder: &str, extension: &str) -> String {
        format!("{folder}/{}.{extension}", self.stem)
    }
}

/// A shard that is being written. What is written of one that is dropped is removed.
pub struct ShardWriter {
    place: ShardPlace,
    files: Files,
    trajectories: Option<String>,
    summary: ShardSummary,
}

impl std::fmt::Debug for ShardWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShardWriter")
            .field("place", &self.place)
            .field("summary", &self.summary)
            .finish_non_exhaustive()
    }
}

/// Its files; those that are not asked for are not there.
struct Files {
    candidates: Option<ParquetFile>,
    webdataset: Option<WebDatasetFile>,
    trajectories: Option<TrajectoryFile>,
    pairs: Option<ParquetFile>,
    best_worst: Option<ParquetFile>,
    sft: Option<ParquetFile>,
    /// Begun with the first line.
    skipped: Option<PassingFile>,
}

impl Files {
    fn begin(place: &ShardPlace, rules: &ExportRules) -> Result<Self, ExportError> {
        let parquet = |is_wanted: bool, folder: &str, columns: &dyn Fn() -> Vec<Column>| {
            let path = place.out.join(place.name(folder, "parquet"));
            is_wanted.then(|| ParquetFile::create(&path, columns(), rules.rows_per_row_group)).transpose()
        };
        let (tar, tensors) = (place.name("webdataset", "tar"), place.name("trajectories", "safetensors"));
        let tar = rules.webdataset.then(|| WebDatasetFile::create(&place.out.join(tar)));
        let tensors = rules.trajectories.then(|| TrajectoryFile::create(&place.out.join(tensors)));
        Ok(Self {
            candidates: parquet(rules.parquet, "parquet", &|| CANDIDATES.to_vec())?,
            webdataset: tar.transpose()?,
            trajectories: tensors.transpose()?,
            pairs: parquet(rules.pairs.is_some(), "views/pairs", &|| PAIRS.to_vec())?,
            best_worst: parquet(rules.best_worst.is_some(), "views/best_worst", &best_worst)?,
            sft: parquet(rules.sft.is_some(), "views/sft", &|| SFT.to_vec())?,
            skipped: None,
        })
    }
}

/// A line of `skipped/`.
#[derive(Serialize)]
struct SkippedLine<'a> {
    ordinal: u64,
    row: u64,
    repeat: u32,
    place: &'a str,
    outcome: &'a str,
    reason: &'a str,
    deliveries: u32,
    edits: u64,
    reward_calls: u64,
    nfe: u64,
    tokens: u64,
    usd: f64,
    timing_wall_secs: f64,
}

impl ShardWriter {
    pub(super) fn begin(place: ShardPlace, rules: ExportRules) -> Result<Self, ExportError> {
        let files = Files::begin(&place, &rules)?;
        place.clear()?;
        let trajectories = rules.trajectories.then(|| place.name("trajectories", "safetensors"));
        let first = place.shard.saturating_mul(rules.groups_per_shard);
        let summary = ShardSummary::empty(place.shard, first, rules);
        Ok(Self { place, files, trajectories, summary })
    }

    /// The ordinal of the item that is to come; nothing where the shard is full.
    pub fn next_ordinal(&self) -> Option<u64> {
        let ShardSummary { first, items, rules, .. } = &self.summary;
        (*items < rules.groups_per_shard).then(|| first.saturating_add(*items))
    }

    /// Adds the group that the next item became.
    pub fn group(&mut self, pack: impl Borrow<Pack>) -> Result<(), ExportError> {
        let pack = pack.borrow();
        self.next_ordinal().ok_or(ExportError::Full { shard: self.place.shard })?;
        check(pack)?;
        let trajectories = self.trajectories.as_deref();
        let candidates = pack.group.candidates.iter();
        let rows = candidates.map(|candidate| Entry { pack, candidate, trajectories, pick: Pick::Any });
        self.files.candidates(&rows.collect::<Vec<_>>())?;
        if let Some(usable) = Usable::of(pack, trajectories) {
            self.files.views(&usable, &self.summary.rules)?;
        }
        self.summary.count(pack);
        Ok(())
    }

    /// Adds the next item, which came to nothing; or whose group is lost, where its end says that it was done.
    pub fn missing(&mut self, item: &Item, end: &End) -> Result<(), ExportError> {
        let expected = self.next_ordinal().ok_or(ExportError::Full { shard: self.place.shard })?;
        if item.ordinal != expected {
            return Err(ExportError::OutOfTurn { expected, found: item.ordinal });
        }
        let spent = end.spent();
        self.skipped_line(&SkippedLine::new(item, end, &spent))?;
        match end {
            End::Skipped { .. } => self.summary.skipped += 1,
            _ => self.summary.dead += 1,
        }
        self.summary.spent += spent;
        self.summary.items += 1;
        Ok(())
    }

    fn skipped_line(&mut self, line: &SkippedLine<'_>) -> Result<(), ExportError> {
        let path = self.place.out.join(self.place.name("skipped", "jsonl"));
        let file = match &mut self.files.skipped {
            Some(file) => file,
            none => none.insert(PassingFile::create(&path)?),
        };
        let text = serde_json::to_string(line).map_err(|error| file.error(error.into()))?;
        writeln!(file, "{text}").map_err(|source| file.error(source))
    }

    /// Writes all to its end, the summary last.
    pub fn finish(self) -> Result<ShardSummary, ExportError> {
        let Self { place, files, mut summary, .. } = self;
        summary.files = files.keep(&place, summary.skipped + summary.dead)?;
        let path = place.summary();
        let mut file = PassingFile::create(&path)?;
        let text = serde_json::to_string_pretty(&summary).map_err(|error| file.error(error.into()))?;
        writeln!(file, "{text}").map_err(|source| file.error(source))?;
        file.keep()?;
        Ok(summary)
    }
}

impl Files {
    fn candidates(&mut self, rows: &[Entry<'_>]) -> Result<(), ExportError> {
        if let Some(file) = &mut self.candidates {
            file.write(rows)?;
        }
        if let Some(file) = &mut self.webdataset {
            rows.iter().filter(|row| row.candidate.image.is_some()).try_for_each(|row| file.write(row))?;
        }
        if let Some(file) = &mut self.trajectories {
            rows.iter().try_for_each(|row| file.write(row))?;
        }
        Ok(())
    }

    fn views(&mut self, usable: &Usable<'_>, rules: &ExportRules) -> Result<(), ExportError> {
        if let (Some(file), Some(rules)) = (&mut self.pairs, &rules.pairs) {
            file.write(&usable.pairs(rules))?;
        }
        if let (Some(file), Some(rules)) = (&mut self.best_worst, rules.best_worst) {
            file.write(&usable.best_worst(rules))?;
        }
        if let (Some(file), Some(rules)) = (&mut self.sft, rules.sft) {
            file.write(&usable.sft(rules))?;
        }
        Ok(())
    }

    fn keep(self, place: &ShardPlace, skipped: u64) -> Result<Vec<ShardFile>, ExportError> {
        let mut kept = Vec::new();
        let mut add = |folder: &str, extension: &str, rows: u64, written: Option<Written>| {
            let path = place.name(folder, extension);
            kept.extend(written.map(|Written { bytes, blake3 }| ShardFile { path, rows, bytes, blake3 }));
        };
        let parquet = [
            ("parquet", self.candidates),
            ("views/pairs", self.pairs),
            ("views/best_worst", self.best_worst),
            ("views/sft", self.sft),
        ];
        for (folder, file) in parquet {
            if let Some(file) = file {
                add(folder, "parquet", file.rows(), Some(file.keep()?));
            }
        }
        if let Some(file) = self.webdataset {
            add("webdataset", "tar", file.samples(), file.keep()?);
        }
        if let Some(file) = self.trajectories {
            add("trajectories", "safetensors", file.candidates(), file.keep()?);
        }
        if let Some(file) = self.skipped {
            add("skipped", "jsonl", skipped, Some(file.keep()?));
        }
        Ok(kept)
    }
}

impl<'a> SkippedLine<'a> {
    fn new(item: &'a Item, end: &'a End, spent: &Spent) -> Self {
        let (outcome, reason, deliveries) = match end {
            End::Skipped { reason } => ("skipped", reason, 0),
            End::Dead { reason, deliveries, .. } => ("dead", reason, *deliveries),
            End::Done(done) => ("lost", &done.pack, 0),
        };
        Self {
            ordinal: item.ordinal,
            row: item.row,
            repeat: item.repeat,
            place: if item.place.0.starts_with("row:") { "a row that travelled" } else { &item.place.0 },
            outcome,
            reason,
            deliveries,
            edits: spent.edits,
            reward_calls: spent.reward_calls,
            nfe: spent.nfe,
            tokens: spent.tokens,
            usd: spent.usd_micros as f64 / 1e6,
            timing_wall_secs: spent.wall_secs,
        }
    }
}

impl ShardSummary {
    fn empty(shard: u64, first: u64, rules: ExportRules) -> Self {
        Self {
            format: FORMAT.to_owned(),
            shard,
            first,
            items: 0,
            groups: 0,
            flat: 0,
            skipped: 0,
            dead: 0,
            candidates: 0,
            scored: 0,
            failed: 0,
            spent: Spent::default(),
            files: Vec::new(),
            rules,
        }
    }

    fn count(&mut self, pack: &Pack) {
        let candidates = || pack.group.candidates.iter();
        self.items += 1;
        self.groups += 1;
        self.flat += u64::from(pack.group.is_flat);
        self.candidates += candidates().count() as u64;
        self.scored += candidates().filter(|each| each.image.is_some() && each.reward.is_some()).count() as u64;
        self.failed += candidates().filter(|each| each.image.is_none()).count() as u64;
        self.spent += pack.group.spent;
    }
}

/// Whether a group has what the layout has no place for.
fn check(pack: &Pack) -> Result<(), ExportError> {
    let group = &pack.group;
    let failed = |reason: String| Err(ExportError::Group { rollout_id: group.rollout_id.clone(), reason });
    // It becomes the name of files and of tensors.
    if group.rollout_id.is_empty() || !group.rollout_id.chars().all(|letter| letter.is_ascii_alphanumeric()) {
        return failed("its id: expected letters and digits alone".to_owned());
    }
    let seeds = group.candidates.iter().flat_map(|each| [Some(each.seed), each.effective_seed]).flatten();
    let largest = i64::MAX.unsigned_abs();
    if let Some(seed) = seeds.chain([group.root_seed]).find(|seed| *seed > largest) {
        return failed(format!("its seed {seed}: expected at most {largest}"));
    }
    Ok(())
}
