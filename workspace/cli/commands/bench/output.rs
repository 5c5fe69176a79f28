//! What is told of a benchmark: lines for people, one object for programs, and the files of `--out`.

use std::path::Path;

use anyhow::Result;
use editscale_benchmarks::measures::Measured;
use editscale_benchmarks::report::{Part, Subject, page, render};
use editscale_benchmarks::{JudgedHead, JudgedReward, Preset, Shared};
use editscale_engine::write_whole;
use serde_json::{Map, Value, json};

use super::against::Place;
use super::data::{Data, Row, SharedPictures};
use crate::failure::print;

/// Rows that could not be used, and pictures that are shared, are told to people up to here, and counted beyond.
const MOST_SHOWN: usize = 20;

/// All that is known of a measured benchmark.
pub(super) struct Facts<'a> {
    pub(super) head: &'a JudgedHead,
    pub(super) measured: &'a Measured,
    pub(super) data: Data,
    /// Pictures that other data holds too; nothing where none was named.
    pub(super) shared: Option<SharedPictures>,
}

impl Facts<'_> {
    /// The measures with what they were made of beside them.
    fn object(&self) -> Result<Value> {
        let mut object = match serde_json::to_value(self.measured)? {
            Value::Object(fields) => fields,
            other => Map::from_iter([("measured".to_owned(), other)]),
        };
        object.insert("data".to_owned(), serde_json::to_value(&self.data)?);
        object.insert("rewards".to_owned(), serde_json::to_value(&self.head.rewards)?);
        object.insert("objective".to_owned(), json!(self.head.objective));
        if let Some(shared) = &self.shared {
            object.insert("shared".to_owned(), serde_json::to_value(shared)?);
        }
        Ok(Value::Object(object))
    }

    /// What is told beside the measures, a heading each.
    fn remarks(&self) -> Vec<(&'static str, Vec<String>)> {
        let mut remarks = Vec::new();
        let Data { passed_over, unreadable, .. } = &self.data;
        if unreadable.count > 0 {
            let line = |Row { place, reason }: &Row| format!("{place}: {reason}");
            let mut lines: Vec<String> = unreadable.rows.iter().take(MOST_SHOWN).map(line).collect();
            lines.extend(more(unreadable.count));
            remarks.push(("Rows that could not be used", lines));
        }
        if !passed_over.is_empty() {
            remarks.push(("Files that are not read", passed_over.clone()));
        }
        if let Some(shared) = &self.shared {
            remarks.push(("Pictures that other data holds too", shared_lines(shared)));
        }
        remarks
    }

    /// Who judged, and what.
    fn about(&self) -> Vec<(String, String)> {
        let published = self.measured.preset.published();
        let mut about = vec![
            ("benchmark".to_owned(), published.title.to_owned()),
            ("objective".to_owned(), self.head.objective.clone()),
            ("digest of the data".to_owned(), self.head.fingerprint.clone()),
        ];
        if !is_own(self.measured.preset) {
            about.push(("published at".to_owned(), published.at.to_owned()));
            about.push(("licence".to_owned(), published.licence.to_owned()));
        }
        about.extend(told(&self.head.rewards).into_iter().map(|reward| ("reward".to_owned(), reward)));
        about.extend(self.data.described.iter().map(|line| ("read".to_owned(), line.clone())));
        about
    }

    fn page(&self) -> String {
        let title = self.measured.preset.published().title;
        let rewards: Vec<&str> = self.head.rewards.iter().map(|reward| reward.name.as_str()).collect();
        let lead = format!("{} held against people.", rewards.join(", "));
        let subject = Subject { title: format!("{} and {title}", rewards.join(", ")), lead, facts: self.about() };
        let remarks = self.remarks();
        page(&subject, &parts(self.measured, &remarks))
    }
}

fn parts<'a>(measured: &'a Measured, remarks: &'a [(&'static str, Vec<String>)]) -> Vec<Part<'a>> {
    let remarks = remarks.iter().map(|(title, lines)| Part::Remarks(title, lines));
    std::iter::once(Part::Measured(measured)).chain(remarks).collect()
}

fn is_own(preset: Preset) -> bool {
    matches!(preset, Preset::Pairs | Preset::Ratings)
}

/// Writes `bench.json` and `report.html`.
pub(super) fn write(out: &Path, facts: &Facts<'_>) -> Result<()> {
    let text = serde_json::to_string_pretty(&facts.object()?)? + "\n";
    write_whole(&out.join("report.html"), facts.page().as_bytes())?;
    Ok(write_whole(&out.join("bench.json"), text.as_bytes())?)
}

/// Prints what was measured.
pub(super) fn show(facts: &Facts<'_>, as_json: bool) -> Result<()> {
    if as_json {
        return print(&serde_json::to_string_pretty(&facts.object()?)?);
    }
    told(&facts.head.rewards).iter().try_for_each(|line| print(line))?;
    let remarks = facts.remarks();
    print(render(&parts(facts.measured, &remarks)).trim_end())
}

/// Who judged, a line each.
fn told(rewards: &[JudgedReward]) -> Vec<String> {
    let of = |reward: &JudgedReward| format!("{} (weight {}): {}", reward.name, reward.weight, reward.revision);
    rewards.iter().map(of).collect()
}

fn more(count: usize) -> Option<String> {
    (count > MOST_SHOWN).then(|| format!("and {} more", count - MOST_SHOWN))
}

fn shared_lines(SharedPictures { count, pictures, against }: &SharedPictures) -> Vec<String> {
    let place =
        |Place { path, looked_at, pictures }: &Place| format!("looked at {path}: {looked_at} ({pictures} pictures)");
    let mut lines: Vec<String> = against.iter().map(place).collect();
    if *count == 0 {
        lines.push("none of the benchmark's pictures is in the other data".to_owned());
        return lines;
    }
    let line = |each: &Shared| {
        if each.is_same_file {
            format!("{}: {} (the same file)", each.benchmark, each.data)
        } else {
            format!("{}: {} ({} bits of 64 differ)", each.benchmark, each.data, each.distance)
        }
    };
    lines.push(format!("{count} of the benchmark's pictures are in the other data too"));
    lines.extend(pictures.iter().take(MOST_SHOWN).map(line));
    lines.extend(more(*count));
    lines
}
