//! How fast a data set is judged when judging itself costs nothing: rows of tiny pictures in a temporary folder, a reward that
//! answers at once, and everything else as `editscale curate` does it.
//!
//! `cargo run --release -p editscale-curate --example bookkeeping [ROWS]`

#![allow(clippy::print_stdout, reason = "what it finds is what it is for")]

use std::io::{BufWriter, Write as _};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use editscale_core::{Objective, RewardCard, RewardModel};
use editscale_curate::drive::{Curation, CurationRules, judge_all};
use editscale_curate::judging::{Judges, Loader};
use editscale_curate::table::ScoreFiles;
use editscale_engine::StopSignal;
use editscale_fetch::Patience;
use editscale_picture::{Limits, Rgb8, encode_rgb8};
use editscale_rollout::dataset::{Dataset, Pictures};
use editscale_rollout::depot::Depot;
use editscale_rollout::drive::{Progress, Reporter};
use editscale_rollout::queue::{QueueRules, SqliteQueue};
use editscale_rollout::{Columns, Edited};
use editscale_search::Weighted;
use editscale_testkit::{FakeReward, reward_card};

/// Edge of a picture.
const EDGE: usize = 16;

/// Memory in use, once a second, with how far it was.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<(u64, f64)>>);

impl Reporter for Heard {
    fn tell(&self, line: &str) {
        println!("{line}");
    }

    fn progress(&self, progress: &Progress) {
        let memory = mebibytes("VmRSS:").unwrap_or_default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((progress.tallies.candidates, memory));
    }
}

/// A figure of `/proc/self/status`, in MiB.
fn mebibytes(name: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?;
    Some(kibibytes.parse::<f64>().ok()? / 1024.0)
}

/// A picture of its own for each number.
fn picture(number: u64) -> Result<String> {
    let value = |at: usize| ((at as u64 / 3).wrapping_mul(7).wrapping_add(number >> (at % 3 * 8)) % 256) as u8;
    let data = (0..EDGE * EDGE * 3).map(value).collect();
    Ok(STANDARD.encode(encode_rgb8(&Rgb8 { width: EDGE, height: EDGE, data })?))
}

fn write_rows(path: &Path, rows: u64) -> Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    for row in 0..rows {
        // Two rows have the same source, one after the other.
        let (source, edited) = (picture(row / 2 * 2)?, picture(row + (1 << 20))?);
        let line = serde_json::json!({
            "id": format!("row-{row}"), "source": source, "edited": edited,
            "instruction": format!("make it {}", row % 1000), "licence": "CC0",
        });
        writeln!(file, "{line}")?;
    }
    Ok(file.flush()?)
}

fn judges() -> Result<Judges> {
    let most = |number| NonZeroU32::new(number).context("not zero");
    let card = RewardCard { largest_batch: most(64)?, slots: most(8)?, ..reward_card("nothing") };
    let weights = vec![(card.name.clone(), 1.0)];
    let objective: Arc<dyn Objective> = Arc::new(Weighted::new(weights.clone())?);
    Ok(Judges::new(vec![Arc::new(FakeReward::new(card)) as Arc<dyn RewardModel>], objective, weights)?)
}

fn plan(folder: &Path, heard: &Arc<Heard>) -> Result<Curation> {
    let (out, state) = (folder.join("out"), folder.join("out/state"));
    std::fs::create_dir_all(&state)?;
    let columns = Columns { edited: Edited::Usual, keep: vec!["licence".to_owned()], ..Columns::default() };
    let rules = CurationRules { blocks_at_once: 8, ..CurationRules::default() };
    let queue_rules = QueueRules { lease: rules.lease, deliveries: rules.deliveries };
    Ok(Curation {
        judges: Some(judges()?),
        rewards: vec!["nothing".to_owned()],
        dataset: Arc::new(Dataset::open(&folder.join("rows.jsonl"), &columns)?),
        loader: Loader::new(Pictures::new(Limits::default(), Patience::default())),
        queue: Arc::new(SqliteQueue::open(&state.join("queue.sqlite"), queue_rules, "bookkeeping")?),
        depot: Arc::new(Depot::open(&out.join("depot").display().to_string())?),
        rules,
        progress: out.join("progress.json"),
        out,
        state,
        name: "bookkeeping".to_owned(),
        reporter: Arc::clone(heard) as _,
    })
}

#[tokio::main]
async fn main() -> Result<()> {
    let rows: u64 = std::env::args().nth(1).map_or(Ok(100_000), |rows| rows.parse())?;
    let folder = tempfile::tempdir()?;
    write_rows(&folder.path().join("rows.jsonl"), rows)?;
    let heard = Arc::new(Heard::default());
    let begun = Instant::now();
    let summary = judge_all(plan(folder.path(), &heard)?, StopSignal::never()).await?;
    let took = begun.elapsed();
    let written = summary.completion.context("all is written")?;
    ensure!(written.rows == rows && written.scored == rows, "{written:?}");
    let cores = std::thread::available_parallelism()?;
    println!(
        "{rows} rows in {:.1} s on {cores} cores: {:.0} rows/s",
        took.as_secs_f64(),
        rows as f64 / took.as_secs_f64()
    );
    let samples = heard.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for quarter in 1..=4 {
        let range = (rows * (quarter - 1) / 4)..=(rows * quarter / 4);
        let within = samples.iter().filter(|(done, _)| range.contains(done)).map(|(_, memory)| *memory);
        println!("quarter {quarter}: at most {:.0} MiB", within.fold(0.0, f64::max));
    }
    println!("peak: {:.0} MiB", mebibytes("VmHWM:").unwrap_or_default());
    let begun = Instant::now();
    let read = ScoreFiles::find(&folder.path().join("out"))?.records().flatten().count();
    let secs = begun.elapsed().max(Duration::from_micros(1)).as_secs_f64();
    println!("{read} records read back in {secs:.2} s");
    Ok(())
}
