//! Drives a data set through an editor and a reward that do nothing but wait: what the driving itself costs.
//!
//! usage: `simulate OUT [--requests N] [--candidates N] [--edit-ms N] [--slots N] [--reward-ms N] [--at-once N]`
//!
//! Several processes may share OUT. Prints one JSON object: candidates a second, the share of the editor's slots that was busy, and
//! the most memory that the process held.

use std::io::Write;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use editscale_core::{
    BoxFuture, Budget, Candidate, EditBackend, EditBatch, EditorCard, EncodedImage, Failure, ImageSize, Judgement,
    MediaType, Objective, RewardBatch, RewardCard, RewardModel, Score, Seed, Watch,
};
use editscale_engine::{Limits, Retry, Stopper};
use editscale_rollout::advantage::AdvantageKind;
use editscale_rollout::dataset::{Dataset, Pictures};
use editscale_rollout::depot::Depot;
use editscale_rollout::drive::{Drive, DriveRules, Folders, Progress, Reporter, Roles, drive};
use editscale_rollout::export::ExportRules;
use editscale_rollout::queue::{QueueRules, SqliteQueue};
use editscale_rollout::{Columns, Measures, Rows, Workshop};
use editscale_search::{BestOfN, Rules, StopRule, Weighted};
use editscale_testkit::{editor_card, reward_card};
use tokio::sync::Semaphore;

/// The numbers of the command line.
struct Numbers {
    out: PathBuf,
    requests: u64,
    candidates: u32,
    edit: Duration,
    slots: u32,
    reward: Duration,
    at_once: usize,
}

fn numbers() -> Result<Numbers> {
    let mut words = std::env::args().skip(1);
    let out = words.next().context("usage: simulate OUT [--requests N] …")?.into();
    let zero = Duration::ZERO;
    let mut numbers = Numbers { out, requests: 1000, candidates: 8, edit: zero, slots: 8, reward: zero, at_once: 0 };
    while let Some(word) = words.next() {
        let number: u64 = words.next().context("a number is missing")?.parse()?;
        match word.as_str() {
            "--requests" => numbers.requests = number,
            "--candidates" => numbers.candidates = number as u32,
            "--edit-ms" => numbers.edit = Duration::from_millis(number),
            "--slots" => numbers.slots = number as u32,
            "--reward-ms" => numbers.reward = Duration::from_millis(number),
            "--at-once" => numbers.at_once = number as usize,
            other => anyhow::bail!("{other} is unknown"),
        }
    }
    if numbers.at_once == 0 {
        numbers.at_once = numbers.slots as usize + 2;
    }
    Ok(numbers)
}

/// When an editor's slots were busy.
#[derive(Default)]
struct Busy {
    nanos: AtomicU64,
    span: Mutex<Option<(Instant, Instant)>>,
}

impl Busy {
    fn add(&self, from: Instant, until: Instant) {
        self.nanos.fetch_add((until - from).as_nanos() as u64, Ordering::Relaxed);
        let mut span = self.span.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (first, last) = span.unwrap_or((from, until));
        *span = Some((first.min(from), last.max(until)));
    }

    fn share(&self, slots: u32) -> f64 {
        let span = self.span.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some((first, last)) = *span else { return 0.0 };
        let all = (last - first).as_secs_f64() * f64::from(slots);
        self.nanos.load(Ordering::Relaxed) as f64 / 1e9 / all
    }
}

/// Hands out a small picture of its own for every seed, after a while.
struct Waiter {
    card: EditorCard,
    slots: Semaphore,
    time: Duration,
    busy: Arc<Busy>,
    picture: Vec<u8>,
}

impl EditBackend for Waiter {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, _: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(async move {
            let _slot = self.slots.acquire().await;
            let from = Instant::now();
            if !self.time.is_zero() {
                tokio::time::sleep(self.time).await;
            }
            let made = batch.items.iter().map(|item| {
                let mut bytes = self.picture.clone();
                // What stands behind the end of a PNG is nobody's business, and makes each file another one.
                bytes.extend_from_slice(&item.proposal.seed.get().to_le_bytes());
                let size = ImageSize { width: 1, height: 1 };
                Ok(Candidate::new(EncodedImage { media: MediaType::Png, size, bytes: bytes.into() }))
            });
            let made = made.collect();
            self.busy.add(from, Instant::now());
            made
        })
    }
}

/// Scores by the digest, after a while.
struct Judge {
    card: RewardCard,
    slots: Semaphore,
    time: Duration,
}

impl RewardModel for Judge {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, _: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(async move {
            let _slot = self.slots.acquire().await;
            if !self.time.is_zero() {
                tokio::time::sleep(self.time).await;
            }
            let judged = batch.items.iter().map(|item| {
                let first = item.candidate.digest().as_bytes().first().copied().unwrap_or_default();
                let score = Score::new(f64::from(first) / 255.0);
                let score =
                    score.map_err(|error| Failure::new(editscale_core::FailureKind::Malformed, error.to_string()))?;
                Ok(Judgement {
                    score,
                    cost: editscale_core::Cost::default(),
                    counters: editscale_core::Counters::default(),
                })
            });
            judged.collect()
        })
    }
}

struct Quiet;

impl Reporter for Quiet {
    fn tell(&self, line: &str) {
        writeln!(std::io::stderr(), "{line}").ok();
    }

    fn progress(&self, _: &Progress) {}
}

/// A data set of so many rows over one picture.
fn data(out: &Path, requests: u64, picture: &[u8]) -> Result<PathBuf> {
    let path = out.join("rows.jsonl");
    if path.is_file() {
        return Ok(path);
    }
    std::fs::create_dir_all(out)?;
    std::fs::write(out.join("source.png"), picture)?;
    let mut file = std::io::BufWriter::new(std::fs::File::create(out.join("rows.part"))?);
    for row in 0..requests {
        writeln!(file, "{{\"id\": \"r{row}\", \"source\": \"source.png\", \"instruction\": \"number {row}\"}}")?;
    }
    file.into_inner()?.sync_all()?;
    std::fs::rename(out.join("rows.part"), &path)?;
    Ok(path)
}

fn picture() -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&[200, 100, 50])?;
    Ok(bytes)
}

/// The most memory that the process held, in mebibytes.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}

#[tokio::main]
async fn main() -> Result<()> {
    let numbers = numbers()?;
    let picture = picture()?;
    let path = data(&numbers.out, numbers.requests, &picture)?;
    let columns = Columns::default();
    let dataset = Arc::new(Dataset::open(&path, &columns)?);
    let busy = Arc::new(Busy::default());
    let workshop = workshop(&numbers, &busy, picture)?;
    let folders = Folders {
        work: numbers.out.join("work"),
        state: numbers.out.join("state"),
        progress: numbers.out.join("progress.json"),
        out: numbers.out.clone(),
    };
    std::fs::create_dir_all(&folders.work)?;
    std::fs::create_dir_all(&folders.state)?;
    let queue_rules = QueueRules::default();
    let queue = SqliteQueue::open(&folders.state.join("queue.sqlite"), queue_rules, &dataset.fingerprint())?;
    let began = Instant::now();
    let summary = drive(
        Drive {
            workshop,
            rows: Rows::Dataset(dataset),
            pictures: Arc::new(Pictures::new(
                editscale_picture::Limits::default(),
                editscale_fetch::Patience::default(),
            )),
            queue: Arc::new(queue),
            depot: Arc::new(Depot::open(&numbers.out.join("depot").display().to_string())?),
            rules: DriveRules {
                repeats: 1,
                seed: Seed::new(0)?,
                measures: Measures {
                    advantage: AdvantageKind::Grpo { floor: 1e-4, clip: None },
                    flat_below: 0.0,
                    trajectories: false,
                },
                resample: 0,
                sharding: None,
                roles: Roles { feed: true, work: true, export: true },
                groups_at_once: numbers.at_once,
                grace: Duration::from_secs(10),
                lease: queue_rules.lease,
                deliveries: queue_rules.deliveries,
                is_shared_depot: false,
                most_usd_micros: None,
            },
            folders,
            export: ExportRules { groups_per_shard: 64, ..ExportRules::default() },
            policy: None,
            reporter: Arc::new(Quiet),
            worker: format!("simulated-{}", std::process::id()),
        },
        Stopper::new().1,
    )
    .await?;
    let secs = began.elapsed().as_secs_f64();
    let candidates = summary.tallies.candidates;
    let per_sec = candidates as f64 / secs;
    let (share, memory) = (busy.share(numbers.slots), most_memory().unwrap_or_default());
    writeln!(
        std::io::stdout(),
        "{{\"candidates\": {candidates}, \"secs\": {secs:.3}, \"per_sec\": {per_sec:.1}, \"slots_busy\": {share:.4}, \"memory_mib\": {memory}}}"
    )?;
    Ok(())
}

fn workshop(numbers: &Numbers, busy: &Arc<Busy>, picture: Vec<u8>) -> Result<Workshop> {
    let slots = NonZeroU32::new(numbers.slots).unwrap_or(NonZeroU32::MIN);
    let editor = Waiter {
        card: EditorCard { slots, ..editor_card("waits") },
        slots: Semaphore::new(slots.get() as usize),
        time: numbers.edit,
        busy: Arc::clone(busy),
        picture,
    };
    let batch = NonZeroU32::new(64).unwrap_or(NonZeroU32::MIN);
    let card = RewardCard { slots: NonZeroU32::MIN, largest_batch: batch, ..reward_card("judges") };
    let judge = Judge { card, slots: Semaphore::new(1), time: numbers.reward };
    let objective: Arc<dyn Objective> = Arc::new(Weighted::new(vec![(judge.card.name.clone(), 1.0)])?);
    let rules = Rules { objective: Arc::clone(&objective), stop: StopRule::default() };
    Ok(Workshop {
        editors: vec![Arc::new(editor)],
        rewards: vec![Arc::new(judge)],
        critics: Vec::new(),
        search: Arc::new(BestOfN::new(numbers.candidates, None, rules)?),
        objective,
        limits: Limits { budget: Budget::default(), retry: Retry::default(), whole_rounds: true },
        recipe: String::new(),
        resolved_recipe: format!("best of {}", numbers.candidates),
        program: "simulate".to_owned(),
    })
}
