//! Whole runs over plugins that are killed and whose frames are damaged, at moments that a seed decides: no run is lost, and
//! no process is left.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use editscale_core::{Blind, EditBackend, EditRequest, Ending, Outcome, RewardModel, RewardName, RunId, Seed, Silent};
use editscale_engine::{Job, Limits, Manifest, Ports, Retry, RunDirectory, StopSignal, run};
use editscale_plugin::{PluginEditor, PluginReward};
use editscale_search::{BestOfN, Rules, StopRule, Weighted};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::Test;
use crate::script::Lots;
use crate::world::{block_on, editor, is_alive, plugin, request, reward};

pub(crate) const TESTS: &[Test] = &[
    ("a_hundred_kills_lose_no_run", a_hundred_kills_lose_no_run),
    ("a_thousand_damaged_frames_lose_no_run", a_thousand_damaged_frames_lose_no_run),
];

const KILLS: u32 = 100;
const CORRUPTIONS: u64 = 1000;

/// How many pairs of plugins share the damage: most of the time is spent on waiting for answers that never come.
const HANDS: u64 = 16;

/// Every run has seeds of its own, so that what is in quarantine is not asked for again.
fn job(editor: &Arc<PluginEditor>, reward: &Arc<PluginReward>, seed: u64) -> Job {
    let objective = Weighted::new(vec![(RewardName::new("judge").unwrap(), 1.0)]).unwrap();
    let rules = Rules { objective: Arc::new(objective), stop: StopRule::default() };
    let (editor, reward): (Arc<dyn EditBackend>, Arc<dyn RewardModel>) =
        (Arc::clone(editor) as _, Arc::clone(reward) as _);
    let ports = Ports {
        editors: vec![editor],
        rewards: vec![reward],
        critics: Vec::new(),
        look: Arc::new(Blind),
        observer: Arc::new(Silent),
    };
    let retry = Retry { attempts: 1, ..Retry::default() };
    Job {
        run: RunId::new("storm").unwrap(),
        request: Arc::new(EditRequest { seed: Seed::new(seed).unwrap(), ..(*request()).clone() }),
        search: Arc::new(BestOfN::new(16, Some(8), rules).unwrap()),
        ports,
        limits: Limits { retry, ..Limits::default() },
    }
}

fn carry_out(job: &Job, path: &Path) -> Outcome {
    let (editors, rewards) = Manifest::revisions(&job.ports.cards());
    let manifest = Manifest {
        run: job.run.clone(),
        program: "test".to_owned(),
        created: SystemTime::UNIX_EPOCH,
        request: (*job.request).clone(),
        source_name: "source.png".to_owned(),
        recipe: String::new(),
        resolved_recipe: String::new(),
        search: job.search.revision(),
        objective: "weighted".to_owned(),
        budget: job.limits.budget,
        editors,
        rewards,
        critics: Vec::new(),
        continues: None,
    };
    let mut directory = RunDirectory::create(path).unwrap();
    directory.begin(&manifest).unwrap();
    block_on(run(job, &mut directory, StopSignal::never())).unwrap()
}

/// Kills one of them again and again.
fn kill_at_random(editor: &PluginEditor, reward: &PluginReward, (kills, is_over): (&AtomicU32, &AtomicBool)) {
    let mut lots = Lots(9);
    while !is_over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_micros(lots.next() % 30_000));
        let process = if lots.below(2) == 0 { editor.process() } else { reward.process() };
        let Some(process) = process.and_then(Pid::from_raw) else { continue };
        if kill_process(process, Signal::KILL).is_ok() {
            kills.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn a_hundred_kills_lose_no_run() {
    let storm = |mut config: serde_json::Value| {
        config["slow_ms"] = 3.into();
        let mut plugin = plugin(config);
        (plugin.limits.restarts, plugin.limits.crashes, plugin.limits.backoff) = (1000, 10, Duration::ZERO);
        plugin
    };
    let editor = Arc::new(editor(storm(json!({"slots": 2, "batch": 4}))));
    let reward = Arc::new(reward(storm(json!({"slots": 2, "batch": 4}))));
    let (kills, is_over, folder) = (AtomicU32::new(0), AtomicBool::new(false), tempfile::tempdir().unwrap());
    let mut runs = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| kill_at_random(&editor, &reward, (&kills, &is_over)));
        while kills.load(Ordering::Relaxed) < KILLS {
            let outcome = carry_out(&job(&editor, &reward, runs), &folder.path().join(runs.to_string()));
            assert_eq!(outcome.ending, Ending::Search, "{outcome:?}");
            runs += 1;
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!((editor.trouble(), reward.trouble()), (None, None));
    assert!(editor.health().deaths + reward.health().deaths >= u64::from(KILLS) / 2);
}

fn a_thousand_damaged_frames_lose_no_run() {
    std::thread::scope(|scope| {
        for seed in 1..=HANDS {
            scope.spawn(move || damage(seed));
        }
    });
}

/// A share of the damage, with a plugin of its own on each side.
fn damage(seed: u64) {
    let folder = tempfile::tempdir().unwrap();
    let (starts, corruptions) = (folder.path().join("starts"), folder.path().join("corruptions"));
    let storm = |salt: u64| {
        let mut plugin = plugin(json!({
            "corrupt": seed + salt, "starts": starts, "corruptions": corruptions, "batch": 4, "slots": 2,
        }));
        (plugin.limits.restarts, plugin.limits.crashes, plugin.limits.backoff) = (10_000, 3, Duration::ZERO);
        (plugin.limits.call, plugin.limits.grace) = (Duration::from_millis(300), Duration::from_millis(50));
        plugin
    };
    let (editor, reward) = (Arc::new(editor(storm(0))), Arc::new(reward(storm(1000))));
    let count = || std::fs::metadata(&corruptions).map_or(0, |metadata| metadata.len());
    let mut runs = 0;
    while count() < CORRUPTIONS.div_ceil(HANDS) {
        let outcome = carry_out(&job(&editor, &reward, runs), &folder.path().join(format!("run-{runs}")));
        assert_eq!(outcome.ending, Ending::Search, "{outcome:?}");
        runs += 1;
        assert!(runs < 2000, "{} corruptions in {runs} runs", count());
    }
    assert_eq!((editor.trouble(), reward.trouble()), (None, None));
    let processes: Vec<i32> = editor.process().into_iter().chain(reward.process()).collect();
    drop((editor, reward));
    assert!(processes.into_iter().all(|process| !is_alive(process)));
}
