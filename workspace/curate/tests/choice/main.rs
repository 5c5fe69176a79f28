//! What is kept of judged records.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod by_hand;
mod pairs;
mod properties;
mod refused;

use std::collections::BTreeMap;
use std::convert::Infallible;

use editscale_curate::choice::{Chosen, Fate, Overrides, Rules, choose};
use editscale_curate::{PictureFacts, Record, Value};
use editscale_study::curation::Side;

/// A picture of which only its number matters; its hash is near to no other picture's.
fn picture(number: u64) -> PictureFacts {
    let hash = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    PictureFacts { digest: format!("{number:064x}"), hash, width: 64, height: 48, name: None }
}

/// The first edited picture of a row, with this score.
fn record(row: u64, score: f64) -> Record {
    Record {
        row,
        place: row.to_string(),
        row_id: format!("row-{row}"),
        candidate: 0,
        instruction: format!("add {row} things"),
        source: Some(picture(row)),
        edited: Some(picture(1_000_000 + row)),
        score: Some(score),
        sigma: None,
        said: BTreeMap::from([("judge".to_owned(), Value { mean: score, sigma: None })]),
        failure: None,
        extra: serde_json::Map::new(),
    }
}

fn scored(scores: &[f64]) -> Vec<Record> {
    (0..).zip(scores).map(|(row, score)| record(row, *score)).collect()
}

fn chosen(records: &[Record], rules: &Rules, overrides: &Overrides) -> Chosen {
    choose(records.iter().cloned().map(Ok::<_, Infallible>), rules, overrides).unwrap()
}

/// What became of each record, in few words.
fn fates(chosen: &Chosen) -> Vec<String> {
    let words = |fate: &Fate| match fate {
        Fate::Kept(Side::Train) => "kept".to_owned(),
        Fate::Kept(Side::Validation) => "held out".to_owned(),
        Fate::Dropped(reason) => reason.to_string(),
    };
    chosen.fated.iter().map(|fated| words(&fated.fate)).collect()
}

/// The rows and edited pictures that are kept.
fn kept(chosen: &Chosen) -> Vec<(u64, u32)> {
    let is_kept = |fate: &Fate| matches!(fate, Fate::Kept(_));
    chosen.fated.iter().filter(|fated| is_kept(&fated.fate)).map(|fated| (fated.row, fated.candidate)).collect()
}
