//! Pools of candidates, each judged by all judges, kept as a small file.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use editscale_config::Recipe;
use editscale_core::{
    CandidateId, Edge, Knobs, Lineage, Noise, Part, PartName, PerceptualHash, Proposal, RewardName, Score, ScoreCard,
    Start, Until,
};
use rayon::prelude::*;

use crate::darkroom::equipment::{Equipment, catalogue};
use crate::darkroom::requests::REQUESTS;
use crate::darkroom::studio::Studio;
use crate::world::Workshop;

/// The file's name.
pub const POOL: &str = "pool.csv";
/// The learned judge's name.
pub const NANO: &str = "nano";
/// The measuring judge's name.
pub const PHOTOMETRIC: &str = "photometric";

/// The editor and both judges.
const RECIPE: &str = "version: 1
editor: {darkroom: {}}
rewards:
  - {name: nano, model: {editreward: {dir: builtin, device: cpu}}}
  - {model: {photometric: {}}}
search: {best_of_n: {samples: 1}}
";

/// The root seed of the first request; no other study has these.
const FIRST_SEED: u64 = 400_000;

/// What the judges said of one candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Its request's place in [`REQUESTS`].
    pub request: usize,
    /// The learned judge's mean, about −2 to 2.
    pub nano: f64,
    /// The learned judge's standard deviation.
    pub sigma: f64,
    /// The mean of its head for following the instruction.
    pub following: f64,
    /// The mean of its head for visual quality.
    pub quality: f64,
    /// What `photometric` says, 0 to 1.
    pub photometric: f64,
    /// What the held-out judge says, 0 to 1.
    pub held_out: f64,
    /// How the picture looks.
    pub hash: PerceptualHash,
}

const HEAD: &str = "request,nano,sigma,following,quality,photometric,held_out,hash";

/// Makes the pools of the first `requests` requests, of `count` candidates each. Takes minutes.
pub fn make(requests: usize, count: u32) -> anyhow::Result<Vec<Row>> {
    let bytes = RECIPE.as_bytes();
    let parsed = Recipe::parse(bytes, &catalogue());
    let (recipe, _) = parsed.map_err(|report| anyhow::anyhow!(report.render("recipe", bytes)))?;
    let numbers: Vec<usize> = (0..requests.min(REQUESTS.len())).collect();
    // Each thread loads the judge once for its share.
    let shares: Vec<Vec<Row>> = numbers
        .par_chunks(8)
        .map(|numbers| {
            let mut equipment = Equipment::of(&recipe)?;
            let pools = numbers.iter().map(|number| pool(&mut equipment, *number, count));
            Ok(pools.collect::<anyhow::Result<Vec<_>>>()?.concat())
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(shares.concat())
}

fn pool(equipment: &mut Equipment, request: usize, count: u32) -> anyhow::Result<Vec<Row>> {
    let mut studio = Studio::new(equipment, &REQUESTS[request], FIRST_SEED + request as u64)?;
    (0..count).map(|id| one(&mut studio, request, id)).collect()
}

fn one(studio: &mut Studio<'_>, request: usize, id: u32) -> anyhow::Result<Row> {
    let proposal = Proposal {
        id: CandidateId(id),
        editor: studio.cards().editors[0].name.clone(),
        start: Start::Source,
        until: Until::Finished,
        seed: studio.request().seed.mix(u64::from(id)),
        noise: Noise::Own,
        instruction: studio.request().instruction.shared(),
        knobs: Knobs::default(),
        lineage: Lineage { parent: None, edge: Edge::Fresh },
    };
    let piece = studio.make(&proposal).map_err(|failure| anyhow::anyhow!("{}: {failure}", REQUESTS[request].words))?;
    let said = |name: &str| -> anyhow::Result<Score> {
        let score = piece.card.score(&RewardName::new(name)?);
        score.cloned().with_context(|| format!("{name} said nothing of {}", REQUESTS[request].words))
    };
    let (nano, photometric) = (said(NANO)?, said(PHOTOMETRIC)?);
    let part = |name: &str| nano.part(name).with_context(|| format!("no part {name}"));
    Ok(Row {
        request,
        nano: nano.mean(),
        sigma: nano.sigma().unwrap_or(0.0),
        following: part("instruction_following")?,
        quality: part("visual_quality")?,
        photometric: photometric.mean(),
        held_out: studio.gold(proposal.id).context("no gold")?,
        hash: piece.hash.unwrap_or(PerceptualHash(0)),
    })
}

/// The rows as a file.
pub fn written(rows: &[Row]) -> String {
    let mut text = format!("{HEAD}\n");
    for row in rows {
        let Row { request, nano, sigma, following, quality, photometric, held_out, hash } = row;
        let _infallible = writeln!(
            text,
            "{request},{nano:.4},{sigma:.4},{following:.4},{quality:.4},{photometric:.4},{held_out:.4},{:016x}",
            hash.0
        );
    }
    text
}

/// Reads what [`written`] wrote.
pub fn read(path: &Path) -> anyhow::Result<Vec<Row>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    anyhow::ensure!(text.lines().next() == Some(HEAD), "{}: expected the columns {HEAD}", path.display());
    text.lines().skip(1).map(|line| row(line).with_context(|| line.to_owned())).collect()
}

fn row(line: &str) -> anyhow::Result<Row> {
    let cells: Vec<&str> = line.split(',').collect();
    anyhow::ensure!(cells.len() == 8, "expected 8 cells");
    let number = |place: usize| cells[place].parse::<f64>();
    Ok(Row {
        request: cells[0].parse()?,
        nano: number(1)?,
        sigma: number(2)?,
        following: number(3)?,
        quality: number(4)?,
        photometric: number(5)?,
        held_out: number(6)?,
        hash: PerceptualHash(u64::from_str_radix(cells[7], 16)?),
    })
}

/// The score card of a row: both judges, with what the learned one says of itself.
pub fn card(row: &Row) -> anyhow::Result<ScoreCard> {
    let mut card = ScoreCard::default();
    let part = |name: &str, mean: f64| anyhow::Ok(Part::new(PartName::new(name)?, mean, None)?);
    let parts = vec![part("instruction_following", row.following)?, part("visual_quality", row.quality)?];
    let nano = Score::with_sigma(row.nano, Some(row.sigma))?.with_parts(parts);
    // Equal bits are equal signs of a point, so that likeness of points is that of hashes.
    let look: Arc<[f32]> = (0..64).map(|bit| if (row.hash.0 >> bit) & 1 == 1 { 1.0 } else { -1.0 }).collect();
    card.enter(RewardName::new(NANO)?, Ok(nano.with_features(look)));
    card.enter(RewardName::new(PHOTOMETRIC)?, Ok(Score::new(row.photometric)?));
    Ok(card)
}
