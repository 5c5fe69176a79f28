//! The columns of a candidate, and those of the views that are made of candidates.

use std::borrow::Cow;

use super::table::Cell::{Flag, Float, Int, Ints, Json, Null, Scores, Text, Texts};
use super::table::{Cell, Column, Kind, PictureCell, ScoreCell};
use crate::group::{CandidateRow, FailureNote, Group, Picture, Said};
use crate::pack::Pack;

/// A row of a table: a candidate of a group, and why the table has it.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) pack: &'a Pack,
    pub(super) candidate: &'a CandidateRow,
    /// The shard's file of trajectories, as rows name it; nothing where none is written.
    pub(super) trajectories: Option<&'a str>,
    pub(super) pick: Pick<'a>,
}

/// Why a table has a row.
#[derive(Clone, Copy)]
pub(super) enum Pick<'a> {
    /// It has all candidates.
    Any,
    /// The candidate is better than this one.
    Above { rejected: &'a CandidateRow, margin: f64 },
    /// It is one of those at this end, at this place from it.
    End { side: &'static str, place: u32 },
    /// It has this weight among so many.
    Weight { weight: f64, effective_sample_size: f64 },
}

impl<'a> Entry<'a> {
    fn group(&self) -> &'a Group {
        &self.pack.group
    }

    pub(super) fn rejected(&self) -> Option<&'a CandidateRow> {
        if let Pick::Above { rejected, .. } = self.pick { Some(rejected) } else { None }
    }

    fn picture(&self, picture: Option<&'a Picture>) -> Cell<'a> {
        let found = picture.and_then(|picture| Some((picture, self.pack.image(picture)?)));
        found.map_or(Null, |(picture, bytes)| {
            let path = picture.name.clone().unwrap_or_else(|| format!("{}.{}", picture.digest, picture.format));
            Cell::Picture(PictureCell { bytes, path })
        })
    }

    fn status(&self) -> &'static str {
        match (&self.candidate.image, self.candidate.reward) {
            (None, _) => "failed",
            (Some(_), None) => "unscored",
            (Some(_), Some(_)) => "scored",
        }
    }
}

fn scores<'a>(row: &Entry<'a>) -> Cell<'a> {
    let rewards = &row.group().rewards;
    let said = row.candidate.scores.iter().map(|(name, said)| {
        let of = ScoreCell { reward: name, revision: rewards.get(name).map(String::as_str), ..ScoreCell::default() };
        match said {
            Said::Score { mean, sigma, parts } => ScoreCell { mean: Some(*mean), sigma: *sigma, parts, ..of },
            Said::Failed(note) => ScoreCell { failure_kind: Some(&note.kind), failure: Some(&note.message), ..of },
        }
    });
    Scores(said.collect())
}

fn trajectory<'a>(row: &Entry<'a>) -> Cell<'a> {
    let file = row.trajectories.filter(|_| row.candidate.has_trajectory);
    let path = |file| format!("{file}#{}/{}", row.group().rollout_id, row.candidate.candidate);
    file.map_or(Null, |file| Text(Cow::Owned(path(file))))
}

fn text(text: &str) -> Cell<'_> {
    Text(Cow::Borrowed(text))
}

fn some_text(text: Option<&String>) -> Cell<'_> {
    text.map_or(Null, |text| Text(Cow::Borrowed(text)))
}

/// Empty where nothing is known.
fn known_text(text: &str) -> Cell<'_> {
    if text.is_empty() { Null } else { Text(Cow::Borrowed(text)) }
}

/// Whatever is larger has been refused before, or is a sum that nothing reaches.
fn int<'a>(number: impl Into<u64>) -> Cell<'a> {
    Int(i64::try_from(number.into()).unwrap_or(i64::MAX))
}

fn some_int<'a>(number: Option<impl Into<u64>>) -> Cell<'a> {
    number.map_or(Null, int)
}

fn some_float<'a>(number: Option<f64>) -> Cell<'a> {
    number.map_or(Null, Float)
}

fn dollars<'a>(micros: u64) -> Cell<'a> {
    Float(micros as f64 / 1e6)
}

fn failure<'a>(candidate: &'a CandidateRow, part: fn(&'a FailureNote) -> &'a String) -> Cell<'a> {
    some_text(candidate.failure.as_ref().map(part))
}

/// What is known as a map, as JSON.
fn json<'a>(value: &impl serde::Serialize) -> Cell<'a> {
    serde_json::to_string(value).map_or(Null, Json)
}

fn digest(picture: Option<&Picture>) -> Cell<'_> {
    some_text(picture.map(|picture| &picture.digest))
}

const fn column(name: &'static str, kind: Kind, cell: for<'a> fn(&Entry<'a>) -> Cell<'a>) -> Column {
    Column { name, kind, cell }
}

/// One row a candidate, with all that is known of it.
pub(super) const CANDIDATES: &[Column] = &[
    column("rollout_id", Kind::Text, |row| text(&row.group().rollout_id)),
    column("group_id", Kind::Text, |row| text(&row.group().group_id)),
    column("candidate", Kind::Int, |row| int(row.candidate.candidate)),
    column("row", Kind::Int, |row| int(row.group().row)),
    column("row_id", Kind::Text, |row| text(&row.group().row_id)),
    column("repeat", Kind::Int, |row| int(row.group().repeat)),
    column("resampled", Kind::Int, |row| int(row.group().resampled)),
    column("is_flat", Kind::Flag, |row| Flag(row.group().is_flat)),
    column("instruction", Kind::Text, |row| text(&row.group().instruction)),
    column("effective_instruction", Kind::Text, |row| text(&row.candidate.effective_instruction)),
    column("source", Kind::Picture, |row| row.picture(Some(&row.group().source))),
    column("source_digest", Kind::Text, |row| text(&row.group().source.digest)),
    column("image", Kind::Picture, |row| row.picture(row.candidate.image.as_ref())),
    column("image_digest", Kind::Text, |row| digest(row.candidate.image.as_ref())),
    column("mask", Kind::Picture, |row| row.picture(row.group().mask.as_ref())),
    column("mask_digest", Kind::Text, |row| digest(row.group().mask.as_ref())),
    column("status", Kind::Text, |row| text(row.status())),
    column("failure_kind", Kind::Text, |row| failure(row.candidate, |note| &note.kind)),
    column("failure", Kind::Text, |row| failure(row.candidate, |note| &note.message)),
    column("round", Kind::Int, |row| int(row.candidate.round)),
    column("parents", Kind::Ints, |row| Ints(&row.candidate.parents)),
    column("edge", Kind::Text, |row| text(&row.candidate.edge)),
    column("start", Kind::Text, |row| text(&row.candidate.start)),
    column("until_step", Kind::Int, |row| some_int(row.candidate.until_step)),
    column("seed", Kind::Int, |row| int(row.candidate.seed)),
    column("effective_seed", Kind::Int, |row| some_int(row.candidate.effective_seed)),
    column("root_seed", Kind::Int, |row| int(row.group().root_seed)),
    column("editor", Kind::Text, |row| text(&row.candidate.editor)),
    column("editor_revision", Kind::Text, |row| some_text(row.group().editors.get(&row.candidate.editor))),
    column("knobs", Kind::Text, |row| json(&row.candidate.knobs)),
    column("notes", Kind::Texts, |row| Texts(&row.candidate.notes)),
    column("reward", Kind::Float, |row| some_float(row.candidate.reward)),
    column("advantage", Kind::Float, |row| some_float(row.candidate.advantage)),
    column("rank", Kind::Int, |row| some_int(row.candidate.rank)),
    column("selected", Kind::Flag, |row| Flag(row.candidate.is_selected)),
    column("selection_probability", Kind::Float, |row| some_float(row.candidate.selection_probability)),
    column("draw_temperature", Kind::Float, |row| some_float(row.group().draw.map(|draw| draw.temperature))),
    column("draw_effective_sample_size", Kind::Float, |row| {
        some_float(row.group().draw.map(|draw| draw.effective_sample_size))
    }),
    column("draw_kl", Kind::Float, |row| some_float(row.group().draw.map(|draw| draw.kl))),
    column("behaviour_policy", Kind::Text, |row| text(&row.group().behaviour_policy)),
    column("objective", Kind::Text, |row| text(&row.group().objective)),
    column("recipe", Kind::Text, |row| text(&row.group().recipe)),
    column("stop_reason", Kind::Text, |row| text(&row.group().stop_reason)),
    column("scores", Kind::Scores, scores),
    column("policy_version", Kind::Text, |row| known_text(&row.group().policy.version)),
    column("policy_checksum", Kind::Text, |row| known_text(&row.group().policy.checksum)),
    column("nfe", Kind::Int, |row| int(row.candidate.cost.nfe)),
    column("tokens", Kind::Int, |row| int(row.candidate.cost.tokens)),
    column("usd", Kind::Float, |row| dollars(row.candidate.cost.usd_micros)),
    column("group_edits", Kind::Int, |row| int(row.group().spent.edits)),
    column("group_reward_calls", Kind::Int, |row| int(row.group().spent.reward_calls)),
    column("group_nfe", Kind::Int, |row| int(row.group().spent.nfe)),
    column("group_tokens", Kind::Int, |row| int(row.group().spent.tokens)),
    column("group_usd", Kind::Float, |row| dollars(row.group().spent.usd_micros)),
    column("trajectory", Kind::Text, trajectory),
    column("extra", Kind::Text, |row| json(&row.group().extra)),
    column("timing_took_secs", Kind::Float, |row| Float(row.candidate.took_secs)),
    column("timing_group_secs", Kind::Float, |row| Float(row.group().made.wall_secs)),
    column("timing_finished_unix_secs", Kind::Float, |row| Float(row.group().made.finished_unix_secs)),
    column("timing_delivery", Kind::Int, |row| int(row.group().made.delivery)),
    column("worker", Kind::Text, |row| text(&row.group().made.worker)),
];

/// One row a pair: two candidates of a group, of which the first has the higher reward.
pub(super) const PAIRS: &[Column] = &[
    column("rollout_id", Kind::Text, |row| text(&row.group().rollout_id)),
    column("group_id", Kind::Text, |row| text(&row.group().group_id)),
    column("row", Kind::Int, |row| int(row.group().row)),
    column("row_id", Kind::Text, |row| text(&row.group().row_id)),
    column("instruction", Kind::Text, |row| text(&row.group().instruction)),
    column("source", Kind::Picture, |row| row.picture(Some(&row.group().source))),
    column("chosen", Kind::Picture, |row| row.picture(row.candidate.image.as_ref())),
    column("rejected", Kind::Picture, |row| row.picture(row.rejected().and_then(|rejected| rejected.image.as_ref()))),
    column("chosen_candidate", Kind::Int, |row| int(row.candidate.candidate)),
    column("rejected_candidate", Kind::Int, |row| some_int(row.rejected().map(|rejected| rejected.candidate))),
    column("chosen_reward", Kind::Float, |row| some_float(row.candidate.reward)),
    column("rejected_reward", Kind::Float, |row| some_float(row.rejected().and_then(|rejected| rejected.reward))),
    column("margin", Kind::Float, |row| if let Pick::Above { margin, .. } = row.pick { Float(margin) } else { Null }),
    column("policy_version", Kind::Text, |row| known_text(&row.group().policy.version)),
];

/// What `views/best_worst/` has before the columns of a candidate.
const END: [Column; 2] = [
    column("side", Kind::Text, |row| if let Pick::End { side, .. } = row.pick { text(side) } else { Null }),
    column("place", Kind::Int, |row| if let Pick::End { place, .. } = row.pick { int(place) } else { Null }),
];

/// The candidates at both ends of a group.
pub(super) fn best_worst() -> Vec<Column> {
    END.iter().chain(CANDIDATES).copied().collect()
}

/// One row a candidate with a weight.
pub(super) const SFT: &[Column] = &[
    column("rollout_id", Kind::Text, |row| text(&row.group().rollout_id)),
    column("group_id", Kind::Text, |row| text(&row.group().group_id)),
    column("row", Kind::Int, |row| int(row.group().row)),
    column("row_id", Kind::Text, |row| text(&row.group().row_id)),
    column("candidate", Kind::Int, |row| int(row.candidate.candidate)),
    column("instruction", Kind::Text, |row| text(&row.group().instruction)),
    column("source", Kind::Picture, |row| row.picture(Some(&row.group().source))),
    column("image", Kind::Picture, |row| row.picture(row.candidate.image.as_ref())),
    column("reward", Kind::Float, |row| some_float(row.candidate.reward)),
    column("weight", Kind::Float, |row| if let Pick::Weight { weight, .. } = row.pick { Float(weight) } else { Null }),
    column("effective_sample_size", Kind::Float, |row| {
        if let Pick::Weight { effective_sample_size, .. } = row.pick { Float(effective_sample_size) } else { Null }
    }),
    column("policy_version", Kind::Text, |row| known_text(&row.group().policy.version)),
];
