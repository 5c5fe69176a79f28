//! A small made-up choice over real photographs, reported and reviewed: `cargo run --release -p editscale-curate --example
//! reviewing FOLDER` writes `FOLDER/report.html`, prints the address of the review, and serves it until its input ends.
//!
//! Pages are looked at with it, and browsers are tested.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use editscale_core::BoxFuture;
use editscale_curate::choice::{Chosen, Keep, Overrides, PerRow, Rules, choose};
use editscale_curate::report::{Facts, Judge, Tallies, gather, report, wanted};
use editscale_curate::review::{
    Agreement, Desk, Fates, Item, Known, Log, Pictures, Selection, Settings, Which, select, serve,
};
use editscale_curate::{PictureFacts, Record, Value};
use editscale_picture::{EncodeOptions, Format, Limits, Metadata, decode, encode};
use tokio::net::TcpListener;

const PHOTOGRAPHS: [&[u8]; 4] = [
    include_bytes!("../../../examples/photos/astronaut.jpg"),
    include_bytes!("../../../examples/photos/coffee.jpg"),
    include_bytes!("../../../examples/photos/flower.jpg"),
    include_bytes!("../../../examples/photos/pagoda.jpg"),
];

const INSTRUCTIONS: [&str; 5] = [
    "make it warmer, with a little more contrast",
    "remove the background",
    "add a red balloon in the upper left corner",
    "turn it into a pencil drawing, and keep the light where it is",
    "replace the sky with a sunset",
];

/// Rows of the data set.
const ROWS: u64 = 160;

/// A photograph, and the same one warmer by as much as the row and the picture say.
#[derive(Debug)]
struct Photographs;

impl Pictures for Photographs {
    fn picture<'a>(&'a self, _: &'a str, row: u64, which: Which) -> BoxFuture<'a, Result<Bytes, String>> {
        Box::pin(async move { painted(row, which).ok_or_else(|| "it cannot be painted".to_owned()) })
    }
}

fn painted(row: u64, which: Which) -> Option<Bytes> {
    let photograph = PHOTOGRAPHS.get(usize::try_from(row % 4).ok()?)?;
    let Which::Edited(candidate) = which else { return Some(Bytes::from_static(photograph)) };
    let mut pixels = decode(photograph, &Limits::default()).ok()?.pixels;
    let warmer = 1.0 + 0.15 * ((row * 7 + u64::from(candidate) * 3) % 5) as f32;
    for [red, _, blue] in pixels.rgb_mut() {
        (*red, *blue) = ((*red * warmer).min(1.0), *blue / warmer);
    }
    let options = EncodeOptions { format: Format::Jpeg, quality: 85, ..EncodeOptions::PNG };
    Some(encode(&pixels, &Metadata::default(), options).ok()?.into())
}

/// A number between 0 and 1 that looks drawn.
fn drawn(number: u64) -> f64 {
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / f64::from(1_u32 << 24)
}

fn record(row: u64, candidate: u32) -> Record {
    let facts = |name: String| PictureFacts {
        digest: format!("{name:0>64}"),
        hash: row.wrapping_mul(0x2545_f491_4f6c_dd1d),
        width: 512,
        height: 512,
        name: None,
    };
    let score = 0.25 + 0.35 * (drawn(row) + drawn(row * 3 + u64::from(candidate) + 1));
    let score = (row % 23 != 5).then_some(score);
    let value = |mean: f64| Value { mean, sigma: Some(0.02 + 0.06 * drawn(row + 77)) };
    let said = score.map(|score| {
        let follows = value((score + 0.2 * drawn(row + 9) - 0.1).clamp(0.0, 1.0));
        let quality = value((score + 0.3 * drawn(row + 5) - 0.15).clamp(0.0, 1.0));
        [
            ("nano".to_owned(), value(score)),
            ("nano.instruction_following".to_owned(), follows),
            ("nano.quality".to_owned(), quality),
        ]
    });
    let licence = ["CC0-1.0", "CC-BY-4.0", "unknown"].get(usize::try_from(row % 3).unwrap_or(0)).copied();
    Record {
        row,
        place: row.to_string(),
        row_id: format!("photo-{row:04}"),
        candidate,
        instruction: INSTRUCTIONS
            .get(usize::try_from(row / 2 % 5).unwrap_or(0))
            .copied()
            .unwrap_or_default()
            .to_owned(),
        source: Some(facts(format!("50{:x}", row % 40))),
        edited: Some(facts(format!("ed{row:x}{candidate}"))),
        score,
        sigma: score.map(|_| 0.02 + 0.06 * drawn(row + 77)),
        said: said.into_iter().flatten().collect::<BTreeMap<_, _>>(),
        failure: score.is_none().then(|| "nano: the picture after has another shape than 8 x 8 at least".to_owned()),
        extra: serde_json::Map::from_iter([("licence".to_owned(), licence.into()), ("url".to_owned(), row.into())]),
    }
}

fn records() -> impl Iterator<Item = Record> {
    (0..ROWS).flat_map(|row| (0..if row % 4 == 0 { 2 } else { 1 }).map(move |candidate| record(row, candidate)))
}

fn read() -> impl Iterator<Item = Result<Record, Infallible>> {
    records().map(Ok)
}

#[tokio::main]
async fn main() -> Result<()> {
    let folder = PathBuf::from(std::env::args().nth(1).context("usage: reviewing FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    let rules = Rules { keep: Keep::Share(0.45), per_row: PerRow::All, kappa: 0.5, ..Rules::default() };
    let log = Log::open(&folder.join("review.jsonl"))?;
    let by_rules = choose(read(), &rules, &Overrides::new())?;
    let chosen = choose(read(), &rules, &log.reviews().overrides())?;
    let examples = gather(read(), &wanted(&chosen), &Photographs).await?;
    std::fs::write(folder.join("report.html"), report(&about(&log, &by_rules), &chosen, &examples))?;
    let desk = Arc::new(desk(&by_rules, log)?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", desk.address(&listener)?);
    let ended = async {
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).ok()).await.ok();
    };
    Ok(serve(desk, listener, ended).await?)
}

fn desk(chosen: &Chosen, log: Log) -> Result<Desk> {
    let looked = select(chosen, &Selection { most: 120, near_cut: false, seed: 1 }, std::iter::empty());
    let fates: Fates<'_> = chosen.fated.iter().map(|fated| ((fated.row, fated.candidate), fated)).collect();
    let items = records().filter(|record| looked.contains(&(record.row, record.candidate)));
    let items = items.filter_map(|record| Item::of(record, &fates, chosen)).collect();
    let settings = Settings { title: "photographs.jsonl".to_owned(), who: "anna".to_owned() };
    Ok(Desk::new(settings, items, Arc::new(Photographs), log)?)
}

fn about(log: &Log, by_rules: &Chosen) -> Facts {
    let mut known = Known::new(log.reviews());
    records().for_each(|record| known.see(&record));
    let mut tallies = Tallies::default();
    for (record, fated) in records().zip(&by_rules.fated) {
        tallies.count(&record, matches!(fated.fate, editscale_curate::choice::Fate::Kept(_)));
    }
    let agreement = Agreement::of(log.reviews(), &known, by_rules);
    let said = |name: &str, how: &str| (name.to_owned(), how.to_owned());
    Facts {
        dataset: "photographs.jsonl".to_owned(),
        more: vec![
            said("Recipe", "configs/curation.yaml"),
            said("Program", "editscale 0.1.0"),
            said("Score files", "3"),
        ],
        judges: vec![Judge {
            name: "nano".into(),
            revision: "editreward nano, weights 3f1c8a0b".into(),
            weight: "1".into(),
        }],
        rules: vec![said("keep", "the best 45 %"), said("compared by", "μ − 0.5 σ"), said("per row", "all")],
        kappa: 0.5,
        tallies: tallies.finish(),
        agreement: (agreement.verdicts() > 0).then_some(agreement),
        commands: vec![
            "editscale curate OUT --recipe configs/curation.yaml".into(),
            "editscale curate review OUT --near-cut".into(),
        ],
    }
}
