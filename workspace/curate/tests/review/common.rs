//! A small judged data set, and its choice.

use std::collections::BTreeMap;
use std::convert::Infallible;

use editscale_curate::choice::{Chosen, Keep, Overrides, PerRow, Rules, choose};
use editscale_curate::review::{Said, Verdict};
use editscale_curate::{PictureFacts, Record, Value};

fn facts(name: &str) -> PictureFacts {
    let digest = format!("{:0>64}", name.bytes().map(|byte| format!("{byte:02x}")).collect::<String>());
    PictureFacts {
        digest,
        hash: u64::from(name.bytes().map(u32::from).sum::<u32>()) << 20,
        width: 64,
        height: 48,
        name: None,
    }
}

pub(crate) fn record(row: u64, candidate: u32, score: Option<f64>) -> Record {
    let value = |mean| Value { mean, sigma: Some(0.1) };
    let said =
        score.map(|score| [("judge".to_owned(), value(score)), ("judge.follows".to_owned(), value(score / 2.0))]);
    let licence = if row.is_multiple_of(2) { "CC0 <1.0>" } else { "unknown" };
    Record {
        row,
        place: row.to_string(),
        row_id: format!("id-{row}"),
        candidate,
        instruction: if row.is_multiple_of(3) { "add a <hat>".to_owned() } else { "make it warmer".to_owned() },
        source: Some(facts(&format!("s{row}"))),
        edited: Some(facts(&format!("e{row}-{candidate}"))),
        score,
        sigma: score.map(|_| 0.1),
        said: said.into_iter().flatten().collect::<BTreeMap<_, _>>(),
        failure: score.is_none().then(|| "the judge is <away>".to_owned()),
        extra: serde_json::json!({"licence": licence}).as_object().unwrap().clone(),
    }
}

/// Rows 0 to 19; those that 4 divides have two edited pictures, and row 7 has no score.
pub(crate) fn records() -> Vec<Record> {
    let score =
        |row: u64, candidate: u32| (row != 7).then(|| (row * 37 % 20) as f64 / 20.0 + f64::from(candidate) * 0.03);
    let candidates = |row: u64| if row.is_multiple_of(4) { 0..2 } else { 0..1 };
    (0..20)
        .flat_map(|row| candidates(row).map(move |candidate| record(row, candidate, score(row, candidate))))
        .collect()
}

pub(crate) fn chosen_of(records: &[Record], overrides: &Overrides) -> Chosen {
    let rules = Rules { keep: Keep::Top(8), per_row: PerRow::All, kappa: 0.5, ..Rules::default() };
    choose(records.iter().cloned().map(Ok::<_, Infallible>), &rules, overrides).unwrap()
}

pub(crate) fn verdict(row: u64, candidate: u32, verdict: Said, than: Option<u32>) -> Verdict {
    Verdict { version: 1, row, candidate, verdict, than, who: "anna".to_owned(), when: 1_764_150_000 }
}
