//! What the engine itself costs: the time of a candidate with editors and rewards that do no work, and the makespan of
//! a simulated editor against the ideal.
//!
//! `cargo bench -p editscale-engine`. Figures with their machine stand in `docs/benchmarks.md`.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark that cannot go on fails")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use criterion::{Criterion, criterion_group, criterion_main};
use editscale_core::{Blind, EditRequest, RewardName, RunId, Silent};
use editscale_engine::{Job, Limits, Manifest, Ports, RunDirectory, StopSignal, read_run, run};
use editscale_search::{BestOfN, Rules, StopRule, Weighted};
use editscale_testkit::{FakeEditor, FakeReward, editor_card, request, reward_card};

const CANDIDATES: u32 = 2000;

fn job(editor: FakeEditor) -> Job {
    let objective = Arc::new(Weighted::new(vec![(RewardName::new("judge").unwrap(), 1.0)]).unwrap());
    let rules = Rules { objective, stop: StopRule::default() };
    let reward = FakeReward::new(reward_card("judge"));
    Job {
        run: RunId::new("bench").unwrap(),
        request: Arc::new(request(1)),
        search: Arc::new(BestOfN::new(CANDIDATES, None, rules).unwrap()),
        ports: Ports {
            editors: vec![Arc::new(editor)],
            rewards: vec![Arc::new(reward)],
            critics: Vec::new(),
            look: Arc::new(Blind),
            observer: Arc::new(Silent),
        },
        limits: Limits::default(),
    }
}

/// How long the run took, and how long its edits took together, as the editor's clock has it.
fn carry_out(job: &Job) -> (Duration, Duration) {
    let folder = tempfile::tempdir().unwrap();
    let mut directory = RunDirectory::create(&folder.path().join("run")).unwrap();
    let (editors, rewards) = Manifest::revisions(&job.ports.cards());
    let manifest = Manifest {
        run: job.run.clone(),
        program: String::new(),
        created: SystemTime::UNIX_EPOCH,
        request: EditRequest::clone(&job.request),
        source_name: String::new(),
        recipe: String::new(),
        resolved_recipe: String::new(),
        search: String::new(),
        objective: String::new(),
        budget: job.limits.budget,
        editors,
        rewards,
        critics: Vec::new(),
        continues: None,
    };
    directory.begin(&manifest).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(run(job, &mut directory, StopSignal::never())).unwrap();
    let record = read_run(directory.path()).unwrap();
    let edits = record.candidates.iter().filter_map(|each| each.made.as_ref()?.as_ref().ok());
    (outcome.ledger.wall, edits.map(|made| made.took).sum())
}

/// Every candidate's picture has other bytes, so each is hashed and written.
fn per_candidate(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine");
    group.sample_size(10).throughput(criterion::Throughput::Elements(u64::from(CANDIDATES)));
    let job = job(FakeEditor::new(editor_card("idle")));
    group.bench_function("2000 candidates without work", |bencher| bencher.iter(|| carry_out(&job)));
    group.finish();
}

/// Edits of 20 ms ± 50% on 8 slots: the ideal is their sum over the slots.
fn makespan(criterion: &mut Criterion) {
    let mut card = editor_card("simulated");
    card.slots = NonZeroU32::new(8).unwrap();
    let mut editor = FakeEditor::new(card);
    let length = |unit: f64| Duration::from_secs_f64(0.010 + 0.020 * unit);
    editor.delay = Arc::new(move |item| length(item.proposal.seed.mix(1).unit()));
    let job = job(editor);
    // The timer of the simulation rounds up to whole milliseconds, so the ideal is made of the edits as they were.
    let (took, edits) = carry_out(&job);
    let ratio = took.as_secs_f64() / (edits.as_secs_f64() / 8.0);
    criterion.bench_function(
        &format!("makespan of 2000 simulated edits on 8 slots: {ratio:.3} of the ideal"),
        |bencher| {
            bencher.iter(|| ratio);
        },
    );
}

/// What the process holds, as Linux says it.
fn resident_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(f64::NAN) / 1024.0
}

/// One process carries out request after request of 200 candidates, each with a picture of its own bytes.
fn memory(criterion: &mut Criterion) {
    let mut job = job(FakeEditor::new(editor_card("idle")));
    let objective = Arc::new(Weighted::new(vec![(RewardName::new("judge").unwrap(), 1.0)]).unwrap());
    job.search = Arc::new(BestOfN::new(200, None, Rules { objective, stop: StopRule::default() }).unwrap());
    let after = |requests: u32| {
        for _ in 0..requests {
            carry_out(&job);
        }
        resident_megabytes()
    };
    let (early, late) = (after(20), after(380));
    let name = format!("resident after 20 requests {early:.1} MB and after 400 {late:.1} MB");
    criterion.bench_function(&name, |bencher| bencher.iter(|| late));
}

criterion_group!(benches, per_candidate, makespan, memory);
criterion_main!(benches);
