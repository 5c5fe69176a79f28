//! Whole runs over scripted editors and rewards: order, budgets, failures, replay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use editscale_core::{
    Budget, CandidateId, Cost, Edge, EditRequest, EditorName, FailureKind, Knobs, Lineage, Noise, Outcome, Proposal,
    RewardName, RunId, SearchFactory, Seed, Silent, Start, Until,
};
use editscale_engine::{Job, Limits, Manifest, Ports, RunDirectory, StopSignal, digest_of, run};
use editscale_search::{
    Beam, BeamSize, BestOfN, DiverseTrees, EdgeMix, Likeness, RewardWeighted, Rules, StopRule, Ties, TreesSize,
    Weighted, Weighting,
};
use editscale_testkit::{FakeEditor, FakeLook, FakeReward, editor_card, request, reward_card};
use proptest::prelude::*;

#[path = "runs/calibrated.rs"]
mod calibrated;
#[path = "runs/concluded.rs"]
mod concluded;
#[path = "runs/consulting.rs"]
mod consulting;
#[path = "runs/deadline.rs"]
mod deadline;
#[path = "runs/failing.rs"]
mod failing;
#[path = "runs/in_vain.rs"]
mod in_vain;
#[path = "runs/judged_again.rs"]
mod judged_again;
#[path = "runs/listwise.rs"]
mod listwise;
#[path = "runs/looked_at.rs"]
mod looked_at;
#[path = "runs/lying.rs"]
mod lying;
#[path = "runs/order.rs"]
mod order;
#[path = "runs/paid.rs"]
mod paid;
#[path = "runs/paused.rs"]
mod paused;
#[path = "runs/refused.rs"]
mod refused;
#[path = "runs/rewriting.rs"]
mod rewriting;
#[path = "runs/stopped.rs"]
mod stopped;
#[path = "runs/stored.rs"]
mod stored;

fn rules() -> Rules {
    let objective = Weighted::new(vec![(RewardName::new("judge").unwrap(), 1.0)]).unwrap();
    Rules { objective: Arc::new(objective), stop: StopRule::default() }
}

fn policy(kind: usize) -> Arc<dyn SearchFactory> {
    let edges = EdgeMix { re_edit: 1.0, edit_of_edit: 1.0, fresh: 1.0 };
    match kind {
        0 => Arc::new(BestOfN::new(13, Some(4), rules()).unwrap()),
        1 => Arc::new(Beam::new(BeamSize { width: 2, children: 3, depth: 3 }, edges, rules()).unwrap()),
        3 => {
            // Hashes of the fake are far from each other, and some within this distance all the same.
            let near = Likeness::new(Some(28), None).unwrap();
            let size = TreesSize { trees: 2, children: 3, depth: 3 };
            let trees = DiverseTrees::new(size, edges, rules()).unwrap().deduplicated(near);
            Arc::new(trees.settling(Some(Ties::new(0.1).unwrap())))
        }
        _ => Arc::new(RewardWeighted::new(9, 3, Weighting::TargetEss(2.5), rules()).unwrap()),
    }
}

/// A job whose editor takes up to two milliseconds, differently for every candidate and `shuffle`.
struct Scene {
    job: Job,
    folder: tempfile::TempDir,
}

#[derive(Debug, Clone)]
struct World {
    kind: usize,
    shuffle: u64,
    slots: u32,
    batch: u32,
    fails: u64,
    budget: Budget,
}

impl Default for World {
    fn default() -> Self {
        Self { kind: 1, shuffle: 0, slots: 4, batch: 1, fails: 0, budget: Budget::default() }
    }
}

fn scene(world: &World) -> Scene {
    let mut card = editor_card("fake");
    card.slots = NonZeroU32::new(world.slots).unwrap();
    card.largest_batch = NonZeroU32::new(world.batch).unwrap();
    card.cost = Cost { nfe: 3, ..Cost::default() };
    let (shuffle, fails) = (world.shuffle, world.fails);
    let mixed = move |id: u32, salt: u64| {
        let bytes = digest_of(format!("{shuffle} {id} {salt}").as_bytes());
        u64::from(bytes.as_bytes()[0])
    };
    let mut editor = FakeEditor::new(card);
    editor.delay = Arc::new(move |item| Duration::from_micros(mixed(item.proposal.id.0, 1) * 8));
    // Whether a candidate fails depends on its seed alone, so that every order of completion sees the same failures.
    editor.fails = Arc::new(move |item, _| {
        let lot = item.proposal.seed.mix(99).get() % 100;
        (lot < fails).then_some(FailureKind::Refused)
    });
    let reward = FakeReward::new(reward_card("judge"));
    let ports = Ports {
        editors: vec![Arc::new(editor)],
        rewards: vec![Arc::new(reward)],
        critics: Vec::new(),
        look: Arc::new(FakeLook::default()),
        observer: Arc::new(Silent),
    };
    let job = Job {
        run: RunId::new("test").unwrap(),
        request: Arc::new(request(5)),
        search: policy(world.kind),
        ports,
        limits: Limits { budget: world.budget, ..Limits::default() },
    };
    Scene { job, folder: tempfile::tempdir().unwrap() }
}

fn manifest(job: &Job) -> Manifest {
    let (editors, rewards) = Manifest::revisions(&job.ports.cards());
    Manifest {
        run: job.run.clone(),
        program: "test".to_owned(),
        created: SystemTime::UNIX_EPOCH,
        request: EditRequest::clone(&job.request),
        source_name: "source.png".to_owned(),
        recipe: String::new(),
        resolved_recipe: String::new(),
        search: job.search.revision(),
        objective: "weighted".to_owned(),
        budget: job.limits.budget,
        editors,
        rewards,
        critics: Manifest::critics(&job.ports.cards()),
        continues: None,
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// The run at `path`, begun where there is none.
fn open_run(job: &Job, path: &Path) -> RunDirectory {
    if path.exists() {
        return RunDirectory::open(path).unwrap().0;
    }
    let directory = RunDirectory::create(path).unwrap();
    directory.begin(&manifest(job)).unwrap();
    directory
}

fn carry_out(job: &Job, path: &Path) -> Outcome {
    block_on(run(job, &mut open_run(job, path), StopSignal::never())).unwrap()
}

/// The run at `from` as it was when its journal had so many lines, and all its pictures.
fn copy_run(from: &Path, to: &Path, lines: usize) {
    std::fs::create_dir_all(to.join("images")).unwrap();
    std::fs::copy(from.join("run.json"), to.join("run.json")).unwrap();
    for image in std::fs::read_dir(from.join("images")).unwrap() {
        let image = image.unwrap();
        std::fs::copy(image.path(), to.join("images").join(image.file_name())).unwrap();
    }
    let text = std::fs::read_to_string(from.join("journal.jsonl")).unwrap();
    let kept: String = text.lines().take(lines).map(|line| format!("{line}\n")).collect();
    std::fs::write(to.join("journal.jsonl"), kept).unwrap();
}

/// What a run decided and learnt, without its times.
fn journal(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
    let timeless = |line: &str| {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        let fields = value.as_object_mut().unwrap();
        fields.remove("at");
        fields.remove("secs");
        value.to_string()
    };
    let mut lines: Vec<String> = text.lines().map(timeless).collect();
    lines.sort();
    lines
}

fn world() -> impl Strategy<Value = World> {
    let limit = |most: u64| prop_oneof![Just(None), (0..most).prop_map(Some)];
    (0usize..4, 1u32..6, 1u32..4, 0u64..60, limit(30), limit(30), limit(90)).prop_map(
        |(kind, slots, batch, fails, edits, reward_calls, nfe)| World {
            kind,
            shuffle: 0,
            slots,
            batch,
            fails,
            budget: Budget { edits, reward_calls, nfe, ..Budget::default() },
        },
    )
}

fn proposal(id: u32, start: Start, until: Until, seed: u64) -> Proposal {
    Proposal {
        id: CandidateId(id),
        editor: EditorName::new("fake").unwrap(),
        start,
        until,
        seed: Seed::new(seed).unwrap(),
        noise: Noise::Own,
        instruction: "make it better".into(),
        knobs: Knobs::default(),
        lineage: Lineage { parent: None, edge: Edge::Fresh },
    }
}
