//! What is told of a benchmark: lines for people, one object for programs, and the files of `--out`.

use std::path::Path;

use anyhow::Result;
use editscale_benchmarks::measures::Measured;
use editscale_benchmarks::report::{Part, Subject, page, render};
use editscale_benchmarks::{JudgedHead, JudgedReward, Preset, Shared};
use editscale_engine::write_whole;
use editscale_rollout::RowProblem;
use serde_json::{Map, Value, json};

use super::against::{Against, Place};
use crate::failure::print;

/// Rows that could not be used, and pictures that are shared, are listed in files up to here, and counted beyond.
const MOST_LISTED: usize = 1_000;
/// The same for people.
const MOST_SHOWN: usize = 20;

/// All that is known of a measured benchmark.
pub(super) struct Facts<'a> {
    head: &'a JudgedHead,
    measured: &'a Measured,
    pub(super) described: Vec<String>,
    pub(super) passed_over: Vec<String>,
    pub(super) unreadable: Vec<RowProblem>,
    /// Pictures that other data holds too; nothing where none was named.
    pub(super) against: Option<Against>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(head: &'a JudgedHead, measured: &'a Measured) -> Self {
        let (described, passed_over, unreadable) = (Vec::new(), Vec::new(), Vec::new());
        Self { head, measured, described, passed_over, unreadable, against: None }
    }

    /// The measures with what they were made of beside them.
    fn object(&self) -> Result<Value> {
        let mut object = match serde_json::to_value(self.measured)? {
            Value::Object(fields) => fields,
            other => Map::from_iter([("measured".to_owned(), other)]),
        };
        let place = |problem: &RowProblem| json!({"place": problem.place, "reason": problem.reason});
        let rows: Vec<Value> = self.unreadable.iter().take(MOST_LISTED).map(place).collect();
        let data = json!({
            "fingerprint": self.head.fingerprint,
            "described": self.described,
            "passed_over": self.passed_over,
            "unreadable": {"count": self.unreadable.len(), "rows": rows},
        });
        object.insert("data".to_owned(), data);
        object.insert("rewards".to_owned(), serde_json::to_value(&self.head.rewards)?);
        object.insert("objective".to_owned(), json!(self.head.objective));
        if let Some(Against { places, shared }) = &self.against {
            let listed: Vec<&Shared> = shared.iter().take(MOST_LISTED).collect();
            let shared = json!({"count": shared.len(), "pictures": listed, "against": places});
            object.insert("shared".to_owned(), shared);
        }
        Ok(Value::Object(object))
    }

    /// What is told beside the measures, a heading each.
    fn remarks(&self) -> Vec<(&'static str, Vec<String>)> {
        let mut remarks = Vec::new();
        if !self.unreadable.is_empty() {
            let mut lines: Vec<String> = self.unreadable.iter().take(MOST_SHOWN).map(ToString::to_string).collect();
            lines.extend(more(self.unreadable.len()));
            remarks.push(("Rows that could not be used", lines));
        }
        if !self.passed_over.is_empty() {
            remarks.push(("Files that are not read", self.passed_over.clone()));
        }
        if let Some(against) = &self.against {
            remarks.push(("Pictures that other data holds too", shared_lines(against)));
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
        about.extend(self.described.iter().map(|line| ("read".to_owned(), line.clone())));
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

fn shared_lines(Against { places, shared }: &Against) -> Vec<String> {
    let place =
        |Place { path, looked_at, pictures }: &Place| format!("looked at {path}: {looked_at} ({pictures} pictures)");
    let mut lines: Vec<String> = places.iter().map(place).collect();
    if shared.is_empty() {
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
    lines.push(format!("{} of the benchmark's pictures are in the other data too", shared.len()));
    lines.extend(shared.iter().take(MOST_SHOWN).map(line));
    lines.extend(more(shared.len()));
    lines
}
