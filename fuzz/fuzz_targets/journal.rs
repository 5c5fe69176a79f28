//! Journals: a run whose journal holds any bytes is read, and resumed as far as the journal and the run agree.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::UNIX_EPOCH;

use editscale_core::{Blind, Cost, RewardName, RunId, Silent};
use editscale_engine::{Job, Limits, Manifest, Ports, RunDirectory, StopSignal, read_run, run};
use editscale_search::{BestOfN, Rules, StopRule, Weighted};
use editscale_testkit::{FakeEditor, FakeReward, editor_card, request, reward_card};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder").keep();
    let directory = RunDirectory::create(&folder).expect("an empty folder");
    directory.begin(&manifest(&JOB)).expect("a file is written");
    folder
});

static JOB: LazyLock<Job> = LazyLock::new(|| {
    let objective = Weighted::new(vec![(RewardName::new("judge").expect("a name"), 1.0)]).expect("weights");
    let rules = Rules { objective: Arc::new(objective), stop: StopRule::default() };
    let mut card = editor_card("fake");
    card.cost = Cost { nfe: 3, ..Cost::default() };
    Job {
        run: RunId::new("run-1").expect("a name"),
        request: Arc::new(request(7)),
        search: Arc::new(BestOfN::new(3, Some(2), rules).expect("a policy")),
        ports: Ports {
            editors: vec![Arc::new(FakeEditor::new(card))],
            rewards: vec![Arc::new(FakeReward::new(reward_card("judge")))],
            critics: Vec::new(),
            look: Arc::new(Blind),
            observer: Arc::new(Silent),
        },
        limits: Limits::default(),
    }
});

fn manifest(job: &Job) -> Manifest {
    let (editors, rewards) = Manifest::revisions(&job.ports.cards());
    Manifest {
        run: job.run.clone(),
        program: String::new(),
        created: UNIX_EPOCH,
        request: (*job.request).clone(),
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
    }
}

fuzz_target!(|bytes: &[u8]| {
    let journal: &Path = &FOLDER.join("journal.jsonl");
    fs::write(journal, bytes).expect("a file is written");
    let _: Result<_, _> = read_run(&FOLDER);
    let (mut directory, _) = RunDirectory::open(&FOLDER).expect("it is a run");
    if RUNTIME.block_on(run(&JOB, &mut directory, StopSignal::never())).is_ok() {
        drop(directory);
        let record = read_run(&FOLDER).expect("a run that was resumed can be read");
        assert!(record.outcome.is_some(), "a run that ended has no outcome");
    }
});
