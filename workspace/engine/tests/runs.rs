//! Whole runs over scripted editors and rewards: order, budgets, failures, replay.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use editscale_core::{
    BoxFuture, Budget, Candidate, CandidateId, Cost, Counters, Decision, Edge, EditBackend, EditBatch, EditRequest,
    EditorCard, EditorName, Ending, Event, Failure, FailureKind, Judgement, Knobs, Lineage, Observer, Outcome,
    PauseSupport, Proposal, Recovery, Remaining, RewardBatch, RewardCard, RewardItem, RewardKind, RewardModel,
    RewardName, RunId, Score, Search, SearchFactory, Seed, Silent, Start, StopReason, Trial, Until, Usd, Verdict,
    Watch,
};
use editscale_engine::{
    Job, Limits, Manifest, Ports, Retry, RunDirectory, StopSignal, Stopper, digest_of, read_run, run,
};
use editscale_search::{Beam, BeamSize, BestOfN, EdgeMix, RewardWeighted, Rules, StopRule, Weighted, Weighting};
use editscale_testkit::{FakeEditor, FakeReward, editor_card, request, reward_card};
use proptest::prelude::*;

#[path = "runs/in_vain.rs"]
mod in_vain;
#[path = "runs/judged_again.rs"]
mod judged_again;
#[path = "runs/listwise.rs"]
mod listwise;
#[path = "runs/lying.rs"]
mod lying;
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
    let ports = Ports { editors: vec![Arc::new(editor)], rewards: vec![Arc::new(reward)], observer: Arc::new(Silent) };
    let job = Job {
        run: RunId::new("test").unwrap(),
        request: Arc::new(request(5)),
        search: policy(world.kind),
        ports,
        limits: Limits { budget: world.budget, retry: Retry::default() },
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

/// Fails the test when a search is given trials out of ask order, twice, or incomplete (I4).
#[derive(Debug)]
struct Strict(Arc<dyn SearchFactory>);

struct StrictSearch {
    inner: Box<dyn Search>,
    expected: Vec<CandidateId>,
}

impl SearchFactory for Strict {
    fn revision(&self) -> String {
        self.0.revision()
    }

    fn needs(&self) -> Vec<editscale_core::Need> {
        self.0.needs()
    }

    fn largest_run(&self) -> u64 {
        self.0.largest_run()
    }

    fn start(&self, request: &EditRequest, cards: &editscale_core::Cards) -> Box<dyn Search> {
        Box::new(StrictSearch { inner: self.0.start(request, cards), expected: Vec::new() })
    }
}

impl Search for StrictSearch {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        let ids: Vec<CandidateId> = trials.iter().map(Trial::id).collect();
        assert_eq!(ids, self.expected, "trials come in ask order, one a proposal");
        let decision = self.inner.decide(trials, left);
        self.expected = match &decision {
            Decision::Explore { proposals, .. } => proposals.iter().map(|proposal| proposal.id).collect(),
            _ => Vec::new(),
        };
        decision
    }
}

fn world() -> impl Strategy<Value = World> {
    let limit = |most: u64| prop_oneof![Just(None), (0..most).prop_map(Some)];
    (0usize..3, 1u32..6, 1u32..4, 0u64..60, limit(30), limit(30), limit(90)).prop_map(
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// I3, I4, I7: whatever the order of completion, the slots and the batches, a search sees the same trials in ask order, decides the
    /// same, and spends no more than the budget.
    #[test]
    fn runs_do_not_depend_on_the_order_of_completion(world in world(), shuffles in prop::array::uniform2(any::<u64>())) {
        let mut seen: Option<(Vec<String>, Outcome)> = None;
        for (index, shuffle) in shuffles.into_iter().enumerate() {
            let slots = if index == 0 { world.slots } else { 1 + (shuffle % 7) as u32 };
            let mut scene = scene(&World { shuffle, slots, ..world.clone() });
            scene.job.search = Arc::new(Strict(scene.job.search));
            let path = scene.folder.path().join("run");
            let mut outcome = carry_out(&scene.job, &path);
            let limits = world.budget;
            prop_assert!(limits.edits.is_none_or(|most| outcome.ledger.edits <= most));
            prop_assert!(limits.reward_calls.is_none_or(|most| outcome.ledger.reward_calls <= most));
            prop_assert!(limits.nfe.is_none_or(|most| outcome.ledger.cost.nfe <= most));
            outcome.ledger.wall = Duration::ZERO;
            let journal = journal(&path);
            if let Some((lines, known)) = &seen {
                prop_assert_eq!(lines, &journal);
                prop_assert_eq!(known, &outcome);
            }
            seen = Some((journal, outcome));
        }
    }

    /// I11: a journal cut anywhere leads to the same outcome, and what it holds is not done again.
    #[test]
    fn a_run_resumed_from_any_cut_ends_the_same(world in world(), cut in 0.0f64..1.0) {
        let scene = scene(&world);
        let whole = scene.folder.path().join("whole");
        let mut expected = carry_out(&scene.job, &whole);
        let cut_run = scene.folder.path().join("cut");
        copy_run(&whole, &cut_run, 0);
        let text = std::fs::read(whole.join("journal.jsonl")).unwrap();
        let kept = &text[..(text.len() as f64 * cut) as usize];
        std::fs::write(cut_run.join("journal.jsonl"), kept).unwrap();
        let mut outcome = carry_out(&scene.job, &cut_run);
        prop_assert_eq!(journal(&cut_run), journal(&whole));
        expected.ledger.wall = Duration::ZERO;
        outcome.ledger.wall = Duration::ZERO;
        prop_assert_eq!(outcome, expected);
    }
}

#[test]
fn a_finished_run_resumed_again_does_nothing() {
    let scene = scene(&World::default());
    let path = scene.folder.path().join("run");
    let first = carry_out(&scene.job, &path);
    let before = std::fs::read(path.join("journal.jsonl")).unwrap();
    assert_eq!(carry_out(&scene.job, &path), first);
    assert_eq!(std::fs::read(path.join("journal.jsonl")).unwrap(), before);
}

#[test]
fn another_policy_over_an_old_journal_is_a_named_error() {
    let mut scene = scene(&World::default());
    let path = scene.folder.path().join("run");
    carry_out(&scene.job, &path);
    let (directory, recorded) = RunDirectory::open(&path).unwrap();
    scene.job.search = policy(0);
    let error = directory.check_same(&recorded, &manifest(&scene.job)).unwrap_err().to_string();
    assert!(error.contains("the policy differs"), "{error}");
    drop(directory);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut directory, _) = RunDirectory::open(&path).unwrap();
    let error = runtime.block_on(run(&scene.job, &mut directory, StopSignal::never())).unwrap_err().to_string();
    assert!(error.contains("decides otherwise"), "{error}");
}

#[test]
fn failures_that_may_pass_are_tried_again() {
    let mut scene = scene(&World { kind: 0, ..World::default() });
    let mut editor = FakeEditor::new(editor_card("fake"));
    editor.fails = Arc::new(|_, call| (call % 3 == 0).then_some(FailureKind::Unavailable));
    scene.job.ports.editors = vec![Arc::new(editor)];
    scene.job.limits.retry = Retry { attempts: 4, base: Duration::from_micros(50), most: Duration::from_millis(1) };
    let outcome = carry_out(&scene.job, &scene.folder.path().join("run"));
    assert_eq!((outcome.failed, outcome.verdict.ranked.len()), (0, 13));
}

#[test]
fn a_candidate_is_never_compared_alone() {
    for (kind, attempts) in [(RewardKind::Pointwise, 3), (RewardKind::Listwise, 1)] {
        let mut scene = scene(&World { kind: 0, ..World::default() });
        let mut reward = FakeReward::new(RewardCard { kind, ..reward_card("judge") });
        let asked = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&asked);
        reward.judges = Arc::new(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Err(FailureKind::Unavailable)
        });
        scene.job.ports.rewards = vec![Arc::new(reward)];
        scene.job.limits.retry = Retry { attempts: 3, base: Duration::from_micros(50), most: Duration::from_millis(1) };
        carry_out(&scene.job, &scene.folder.path().join("run"));
        assert_eq!(asked.load(Ordering::Relaxed), 13 * attempts, "{kind:?}");
    }
}

#[test]
fn a_dead_judge_costs_its_scores_and_nothing_else() {
    let mut scene = scene(&World { kind: 0, ..World::default() });
    let mut dead = FakeReward::new(reward_card("dead"));
    dead.judges = Arc::new(|_| Err(FailureKind::Crashed));
    scene.job.ports.rewards.push(Arc::new(dead));
    let path = scene.folder.path().join("run");
    let outcome = carry_out(&scene.job, &path);
    assert_eq!(outcome.verdict.ranked.len(), 13);
    let record = read_run(&path).unwrap();
    let dead = RewardName::new("dead").unwrap();
    assert!(record.candidates.iter().all(|each| each.card.iter().any(|(name, said)| *name == dead && said.is_err())));
}

#[test]
fn time_that_is_up_ends_the_run_with_the_best_so_far() {
    let budget = Budget { wall: Some(Duration::from_millis(60)), ..Budget::default() };
    let mut scene = scene(&World { kind: 0, slots: 1, budget, ..World::default() });
    let mut card = editor_card("fake");
    card.slots = NonZeroU32::MIN;
    let mut editor = FakeEditor::new(card);
    editor.delay = Arc::new(|_| Duration::from_millis(25));
    scene.job.ports.editors = vec![Arc::new(editor)];
    let path = scene.folder.path().join("run");
    let outcome = carry_out(&scene.job, &path);
    assert!(!outcome.verdict.ranked.is_empty() && outcome.verdict.ranked.len() < 13, "{outcome:?}");
    assert_eq!(outcome.verdict.reason.word(), "budget");
    assert_eq!(carry_out(&scene.job, &path), outcome, "replays to the same end");
}

/// Stops the run when a number of trials is known.
#[derive(Debug)]
struct StopAfter(Mutex<u32>, Stopper);

impl Observer for StopAfter {
    fn observe(&self, event: &Event<'_>) {
        if matches!(event, Event::Tried { .. }) {
            let mut left = self.0.lock().unwrap();
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.1.stop();
            }
        }
    }
}

#[test]
fn a_stopped_run_keeps_its_best_and_goes_on_when_resumed() {
    let mut scene = scene(&World { slots: 1, ..World::default() });
    let whole = carry_out(&scene.job, &scene.folder.path().join("whole"));
    let path = scene.folder.path().join("stopped");
    let (stopper, signal) = Stopper::new();
    scene.job.ports.observer = Arc::new(StopAfter(Mutex::new(8), stopper));
    let mut directory = RunDirectory::create(&path).unwrap();
    directory.begin(&manifest(&scene.job)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(run(&scene.job, &mut directory, signal)).unwrap();
    assert_eq!(outcome.ending, Ending::Cancelled);
    assert!(outcome.winner().is_some());
    drop(directory);
    scene.job.ports.observer = Arc::new(Silent);
    assert_eq!(carry_out(&scene.job, &path).verdict, whole.verdict);
}

#[test]
fn a_run_is_for_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let _held = RunDirectory::create(folder.path()).unwrap();
    let error = RunDirectory::create(folder.path()).unwrap_err().to_string();
    assert!(error.contains("not empty"), "{error}");
}

/// I5: what a proposal says makes its candidate again.
#[test]
fn candidates_are_made_again_from_the_journal() {
    let scene = scene(&World::default());
    let path = scene.folder.path().join("run");
    carry_out(&scene.job, &path);
    let record = read_run(&path).unwrap();
    let images: BTreeMap<CandidateId, _> = record
        .candidates
        .iter()
        .map(|each| (each.proposal.id, each.made.as_ref().unwrap().as_ref().unwrap().image.clone()))
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for each in &record.candidates {
        let start = match each.proposal.start {
            editscale_core::Start::Candidate(id) => images[&id].clone(),
            _ => scene.job.request.source.clone(),
        };
        let item = editscale_core::EditItem {
            run: scene.job.run.clone(),
            request: Arc::clone(&scene.job.request),
            proposal: each.proposal.clone(),
            start,
            path: Vec::new(),
            earlier: None,
        };
        let batch = editscale_core::EditBatch { items: vec![item] };
        let made = runtime.block_on(scene.job.ports.editors[0].edit(batch, &editscale_core::NobodyWatches));
        let digest = digest_of(&made[0].as_ref().unwrap().image.bytes);
        assert_eq!(digest, images[&each.proposal.id].digest());
    }
}

/// Three candidates stop half way; the best goes on to the end, as a fork, and to another stop, from which one more goes on.
/// One proposal goes on from a candidate of its own round, and one from a candidate that was never paused.
#[derive(Debug)]
struct Halting;

struct HaltingSearch {
    round: u32,
    best: Option<CandidateId>,
}

impl SearchFactory for Halting {
    fn revision(&self) -> String {
        "halting/1".to_owned()
    }

    fn needs(&self) -> Vec<editscale_core::Need> {
        Vec::new()
    }

    fn largest_run(&self) -> u64 {
        9
    }

    fn start(&self, _: &EditRequest, _: &editscale_core::Cards) -> Box<dyn Search> {
        Box::new(HaltingSearch { round: 0, best: None })
    }
}

fn proposal(id: u32, start: Start, until: Until, seed: u64) -> Proposal {
    Proposal {
        id: CandidateId(id),
        editor: EditorName::new("fake").unwrap(),
        start,
        until,
        seed: Seed::new(seed).unwrap(),
        instruction: "make it better".into(),
        knobs: Knobs::default(),
        lineage: Lineage { parent: None, edge: Edge::Fresh },
    }
}

impl Search for HaltingSearch {
    fn decide(&mut self, trials: &[Trial], _: &Remaining) -> Decision {
        let judge = RewardName::new("judge").unwrap();
        let score = |trial: &Trial| match trial {
            Trial::Scored { card, .. } => card.score(&judge).map(Score::mean),
            _ => None,
        };
        let make = proposal;
        self.round += 1;
        let (keep, proposals) = match self.round {
            1 => {
                let first = (0..3).map(|id| make(id, Start::Source, Until::Step(2), u64::from(id)));
                (Vec::new(), first.collect())
            }
            2 => {
                let best = trials.iter().max_by(|a, b| score(a).total_cmp(&score(b))).unwrap().id();
                self.best = Some(best);
                let paused = Start::Paused(best);
                let on = |id, until, seed| make(id, paused, until, seed);
                let (resumed, fork, later) =
                    (on(3, Until::Finished, 7), on(4, Until::Finished, 8), on(5, Until::Step(4), 9));
                let early = make(6, Start::Paused(CandidateId(5)), Until::Finished, 1);
                (vec![best], vec![resumed, fork, later, early])
            }
            3 => {
                let is_early = |why: &Failure| why.message.contains("was not asked for in an earlier round");
                assert!(matches!(&trials[3], Trial::Failed { why, .. } if is_early(why)));
                let last = make(7, Start::Paused(CandidateId(5)), Until::Finished, 10);
                (Vec::new(), vec![last, make(8, Start::Paused(CandidateId(4)), Until::Finished, 11)])
            }
            _ => {
                assert!(matches!(&trials[1], Trial::Failed { why, .. } if why.message.contains("was not paused")));
                let verdict = Verdict { ranked: Vec::new(), reason: StopReason::Finished, draw: None };
                return Decision::Stop(verdict);
            }
        };
        Decision::Explore { proposals, keep }
    }
}

trait TotalOrder {
    fn total_cmp(&self, other: &Self) -> std::cmp::Ordering;
}

impl TotalOrder for Option<f64> {
    fn total_cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.unwrap_or(f64::MIN).total_cmp(&other.unwrap_or(f64::MIN))
    }
}

/// A run over paused candidates, whose editor tells how it was asked.
fn halting() -> (Scene, FakeEditor) {
    let mut scene = scene(&World::default());
    let mut card = editor_card("fake");
    card.pause = PauseSupport::Fork;
    let editor = FakeEditor::new(card);
    scene.job.ports.editors = vec![Arc::new(editor.clone())];
    scene.job.search = Arc::new(Halting);
    (scene, editor)
}

#[test]
fn paused_candidates_are_gone_on_from_by_their_path_and_released_when_nobody_can_want_them() {
    let (scene, editor) = halting();
    let path = scene.folder.path().join("run");
    carry_out(&scene.job, &path);
    let released: Vec<u32> = editor.released.lock().unwrap().iter().map(|id| id.0).collect();
    assert_eq!(released.len(), 4, "{released:?}");
    let best = (0..3).find(|id| !released[..2].contains(id)).expect("one was kept");
    assert!(released[..2].iter().all(|id| *id < 3), "the losers go first: {released:?}");
    assert!(released[2..].contains(&best) && released[2..].contains(&5), "{released:?}");
    // The fake's bytes tell the seeds on the way: the last candidate went by the best, then by the fifth.
    let record = read_run(&path).unwrap();
    let bytes = record.candidates[7].made.as_ref().unwrap().as_ref().unwrap().image.read().unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.contains(&format!("{best}Step(2) 9Step(4)")), "{text}");
}

#[test]
fn a_resumed_run_tells_an_editor_that_forgot_how_to_come_to_its_paused_states() {
    let (scene, _) = halting();
    let whole = scene.folder.path().join("whole");
    let expected = carry_out(&scene.job, &whole);
    let lines = std::fs::read_to_string(whole.join("journal.jsonl")).unwrap();
    let count = lines.lines().count();
    for cut in 1..count {
        let (again, _) = halting();
        let path = again.folder.path().join("cut");
        copy_run(&whole, &path, cut);
        let outcome = carry_out(&again.job, &path);
        assert_eq!((outcome.verdict, outcome.asked), (expected.verdict.clone(), expected.asked), "cut at {cut}");
        assert_eq!(journal(&path), journal(&whole), "cut at {cut}");
    }
}

/// Works until it is told to stop, and says what it has spent until then.
#[derive(Debug)]
struct Cancellable(EditorCard);

impl EditBackend for Cancellable {
    fn card(&self) -> &EditorCard {
        &self.0
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(async move {
            while !watch.cancelled() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let spent = Cost { nfe: 7, ..Cost::default() };
            let failure = Failure { cost: spent, ..Failure::new(FailureKind::Cancelled, "cancelled") };
            batch.items.iter().map(|_| Err(failure.clone())).collect()
        })
    }
}

/// One that works until it is told to stop, alone on its slot.
fn cancellable(world: &World) -> Scene {
    let mut scene = scene(world);
    let mut card = editor_card("fake");
    (card.slots, card.cost) = (NonZeroU32::MIN, Cost { nfe: 9, ..Cost::default() });
    scene.job.ports.editors = vec![Arc::new(Cancellable(card))];
    scene
}

/// I7, I11: evaluations of work that was cancelled are spent, after a replay as well.
#[test]
fn what_cancelled_work_has_cost_stays_in_the_journal() {
    let budget = Budget { wall: Some(Duration::from_millis(30)), ..Budget::default() };
    let late = cancellable(&World { kind: 0, budget, ..World::default() });
    let path = late.folder.path().join("late");
    let outcome = carry_out(&late.job, &path);
    assert_eq!(outcome.ledger.cost.nfe, 7);
    assert_eq!(carry_out(&late.job, &path).ledger.cost.nfe, 7, "replayed");

    let mut stopped = cancellable(&World { kind: 0, ..World::default() });
    let path = stopped.folder.path().join("stopped");
    let (stopper, signal) = Stopper::new();
    let mut directory = RunDirectory::create(&path).unwrap();
    directory.begin(&manifest(&stopped.job)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(async {
        let soon = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            stopper.stop();
        };
        futures_util::future::join(run(&stopped.job, &mut directory, signal), soon).await.0.unwrap()
    });
    assert_eq!((outcome.ending, outcome.ledger.cost.nfe), (Ending::Cancelled, 7));
    drop(directory);
    let mut card = editor_card("fake");
    (card.slots, card.cost) = (NonZeroU32::MIN, Cost { nfe: 9, ..Cost::default() });
    stopped.job.ports.editors = vec![Arc::new(FakeEditor::new(card))];
    let whole = carry_out(&stopped.job, &path);
    assert_eq!(whole.ledger.cost.nfe, 7 + 9 * u64::from(whole.asked), "what was cancelled was spent");
}

/// Is with a server, and paid for, when it is told to stop; made the second time. Remembers what it was told of earlier.
#[derive(Debug)]
struct WithServer {
    inner: FakeEditor,
    waits: AtomicBool,
    earlier: Mutex<Vec<Option<String>>>,
}

impl EditBackend for WithServer {
    fn card(&self) -> &EditorCard {
        &self.inner.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(async move {
            let keys = batch.items.iter().map(|item| item.earlier.as_ref().map(|earlier| earlier.key.to_string()));
            self.earlier.lock().unwrap().extend(keys);
            if !self.waits.load(Ordering::Relaxed) {
                return self.inner.edit(batch, watch).await;
            }
            for (place, item) in batch.items.iter().enumerate() {
                watch.submitted(place, &format!("key-{}", item.proposal.id), None);
            }
            while !watch.cancelled() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let failure = Failure { cost: self.inner.card.cost, ..Failure::new(FailureKind::Cancelled, "cancelled") };
            batch.items.iter().map(|_| Err(failure.clone())).collect()
        })
    }
}

/// I9: a stop pays for nothing twice.
#[test]
fn what_was_with_a_server_at_a_stop_is_not_blindly_sent_again() {
    for (recovery, lost) in
        [(Recovery::Repeat, 0), (Recovery::Idempotent, 0), (Recovery::Query, 0), (Recovery::Unknown, 1)]
    {
        let mut card = editor_card("fake");
        card.slots = NonZeroU32::MIN;
        card.cost = Cost { usd: Usd { micros: 5 }, ..Cost::default() };
        card.recovery = recovery;
        let editor = Arc::new(WithServer {
            inner: FakeEditor::new(card),
            waits: AtomicBool::new(true),
            earlier: Mutex::default(),
        });
        let mut scene = scene(&World { kind: 0, ..World::default() });
        scene.job.ports.editors = vec![Arc::clone(&editor) as Arc<dyn EditBackend>];
        let path = scene.folder.path().join("run");
        let (stopper, signal) = Stopper::new();
        let mut directory = RunDirectory::create(&path).unwrap();
        directory.begin(&manifest(&scene.job)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let soon = async {
                while editor.earlier.lock().unwrap().is_empty() {
                    tokio::task::yield_now().await;
                }
                stopper.stop();
            };
            futures_util::future::join(run(&scene.job, &mut directory, signal), soon).await.0.unwrap()
        });
        drop(directory);
        editor.waits.store(false, Ordering::Relaxed);
        let begun = editor.earlier.lock().unwrap().len();
        let outcome = carry_out(&scene.job, &path);
        assert_eq!(outcome.failed, lost, "{recovery:?}");
        let earlier = editor.earlier.lock().unwrap().clone();
        let known = earlier[begun..].iter().flatten().count();
        assert_eq!(known, usize::from(matches!(recovery, Recovery::Idempotent | Recovery::Query)), "{recovery:?}");
        // What cannot be asked about is paid for once; what was begun anew twice; what is found again once.
        let paid = u64::from(outcome.asked) + u64::from(recovery == Recovery::Repeat);
        assert_eq!(outcome.ledger.cost.usd.micros, 5 * paid, "{recovery:?}");
        assert_eq!(carry_out(&scene.job, &path).ledger.cost, outcome.ledger.cost, "{recovery:?}, replayed");
    }
}

/// I7: a judgement that failed for good sets nothing aside.
#[test]
fn judgements_that_failed_for_good_hold_nothing_of_the_budget() {
    let budget = Budget { tokens: Some(13 * 10), ..Budget::default() };
    let mut scene = scene(&World { kind: 0, budget, ..World::default() });
    let mut card = reward_card("judge");
    card.cost = Cost { tokens: 10, ..Cost::default() };
    let mut reward = FakeReward::new(card);
    let asked = AtomicU64::new(0);
    reward.judges =
        Arc::new(
            move |_| {
                if asked.fetch_add(1, Ordering::Relaxed) < 8 { Err(FailureKind::Malformed) } else { Ok(0.5) }
            },
        );
    scene.job.ports.rewards = vec![Arc::new(reward)];
    let outcome = carry_out(&scene.job, &scene.folder.path().join("run"));
    assert_eq!((outcome.asked, outcome.failed, outcome.ledger.cost.tokens), (13, 8, 5 * 10), "{outcome:?}");
}

#[test]
fn a_state_that_is_gone_on_from_after_its_release_is_released_again() {
    let (mut scene, editor) = halting();
    scene.job.search = Arc::new(Late);
    carry_out(&scene.job, &scene.folder.path().join("run"));
    let released: Vec<u32> = editor.released.lock().unwrap().iter().map(|id| id.0).collect();
    assert_eq!(released, [0, 0]);
}

/// Pauses one, lets go of it, and goes on from it later all the same.
#[derive(Debug)]
struct Late;

struct LateSearch(u32);

impl SearchFactory for Late {
    fn revision(&self) -> String {
        "late/1".to_owned()
    }

    fn needs(&self) -> Vec<editscale_core::Need> {
        Vec::new()
    }

    fn largest_run(&self) -> u64 {
        3
    }

    fn start(&self, _: &EditRequest, _: &editscale_core::Cards) -> Box<dyn Search> {
        Box::new(LateSearch(0))
    }
}

impl Search for LateSearch {
    fn decide(&mut self, trials: &[Trial], _: &Remaining) -> Decision {
        assert!(trials.iter().all(|trial| !matches!(trial, Trial::Failed { .. })), "{trials:?}");
        self.0 += 1;
        let (start, until) = match self.0 {
            1 => (Start::Source, Until::Step(2)),
            2 => (Start::Source, Until::Finished),
            3 => (Start::Paused(CandidateId(0)), Until::Finished),
            _ => {
                let verdict = Verdict { ranked: Vec::new(), reason: StopReason::Finished, draw: None };
                return Decision::Stop(verdict);
            }
        };
        Decision::Explore { proposals: vec![proposal(self.0 - 1, start, until, 1)], keep: Vec::new() }
    }
}

/// I7, I11: what a life of the program left with a server that nobody can ask is spent at once, before anything else is set
/// aside, and as much in a replay.
#[test]
fn what_was_under_way_when_the_program_died_is_spent() {
    let budget = Budget { nfe: Some(5 * 3), ..Budget::default() };
    let mut scene = scene(&World { kind: 0, budget, ..World::default() });
    let mut card = scene.job.ports.editors[0].card().clone();
    card.recovery = editscale_core::Recovery::Unknown;
    scene.job.ports.editors = vec![Arc::new(FakeEditor::new(card))];
    let path = scene.folder.path().join("run");
    carry_out(&scene.job, &path);
    let text = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
    let submitted =
        |id| format!("{{\"at\":0.001,\"event\":\"submitted\",\"id\":{id},\"attempt\":1,\"key\":\"k{id}\"}}\n");
    let journal = [text.lines().next().unwrap(), "\n", &submitted(1), &submitted(2)].concat();
    std::fs::write(path.join("journal.jsonl"), journal).unwrap();
    let outcome = carry_out(&scene.job, &path);
    assert_eq!(outcome.ledger.cost.nfe, 5 * 3, "two that were lost and three that were made");
    assert_eq!(outcome.ledger.edits, 5);
    let mut replayed = carry_out(&scene.job, &path);
    replayed.ledger.wall = outcome.ledger.wall;
    assert_eq!(replayed, outcome);
}

/// A judge that bills each judgement as it leaves, and takes its time.
#[derive(Debug)]
struct Billing {
    card: RewardCard,
    asked: AtomicU64,
    takes: Duration,
    /// Whether it ends when it is told to; else it answers nothing any more from then on.
    heeds: bool,
    /// Every how many judgements one is billed and times out.
    times_out: u64,
}

/// What one judgement is billed, below the most that it can cost.
const BILLED: u64 = 7;
const MOST: u64 = 10;

impl Billing {
    fn new() -> Self {
        let mut card = reward_card("judge");
        card.cost = Cost { usd: Usd { micros: MOST }, ..Cost::default() };
        let asked = AtomicU64::new(0);
        Self { card, asked, takes: Duration::from_millis(2), heeds: true, times_out: u64::MAX }
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Waits until this many judgements were asked for.
    async fn until_asked(&self, count: u64) {
        while self.asked() < count {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }

    fn answer(&self, item: &RewardItem, number: u64) -> Result<Judgement, Failure> {
        if number % self.times_out == self.times_out - 1 {
            return Err(Failure { cost: self.card.cost, ..Failure::new(FailureKind::TimedOut, "too slow") });
        }
        let score = Score::new(f64::from(item.candidate.digest().as_bytes()[0]) / 255.0).unwrap();
        let cost = Cost { usd: Usd { micros: BILLED }, ..Cost::default() };
        Ok(Judgement { score, cost, counters: Counters::default() })
    }
}

impl RewardModel for Billing {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(async move {
            let first = self.asked.fetch_add(batch.items.len() as u64, Ordering::Relaxed);
            let begun = Instant::now();
            while begun.elapsed() < self.takes {
                tokio::time::sleep(Duration::from_micros(500)).await;
                if watch.cancelled() && self.heeds {
                    let why = Failure::new(FailureKind::Cancelled, "cancelled");
                    return vec![Err(Failure { cost: self.card.cost, ..why }); batch.items.len()];
                }
            }
            batch.items.iter().zip(first..).map(|(item, number)| self.answer(item, number)).collect()
        })
    }
}

/// Thirteen candidates in rounds of four, before a judge that is paid.
fn billed(budget: u64, judge: Billing) -> (Scene, Arc<Billing>) {
    let budget = Budget { usd: Some(Usd { micros: budget }), ..Budget::default() };
    let mut scene = scene(&World { kind: 0, budget, ..World::default() });
    scene.job.limits.retry = Retry { attempts: 3, base: Duration::from_micros(50), most: Duration::from_millis(1) };
    let judge = Arc::new(judge);
    scene.job.ports.rewards = vec![Arc::clone(&judge) as Arc<dyn RewardModel>];
    (scene, judge)
}

/// That a run has spent no less than it was billed and no more than it may, in a replay as well.
fn check_spent(scene: &Scene, path: &Path, outcome: &Outcome, asked: u64, budget: u64) {
    let spent = outcome.ledger.cost.usd.micros;
    assert!(asked * BILLED <= spent && spent <= budget, "billed for {asked}, spent {spent} of {budget}");
    assert!(outcome.ledger.reward_calls >= asked, "asked {asked}, {:?}", outcome.ledger);
    for _ in 0..2 {
        let replayed = carry_out(&scene.job, path).ledger;
        assert_eq!((replayed.cost, replayed.reward_calls), (outcome.ledger.cost, outcome.ledger.reward_calls));
    }
}

fn lines_of(path: &Path, event: &str) -> usize {
    let text = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
    text.lines().filter(|line| line.contains(&format!("\"event\":\"{event}\""))).count()
}

/// I7: a program that is killed again and again in the middle of paid judgements spends no more than the budget, and
/// no less than what was billed.
#[test]
fn paid_judgements_that_a_kill_interrupts_are_spent() {
    for (budget, times_out) in [(150, u64::MAX), (150, 4), (1000, 3), (1000, u64::MAX)] {
        let (scene, judge) = billed(budget, Billing { times_out, ..Billing::new() });
        let path = scene.folder.path().join("run");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut lives = 0;
        let outcome = loop {
            let mut directory = open_run(&scene.job, &path);
            let next = judge.asked() + 1 + lives % 5;
            let outcome = runtime.block_on(async {
                tokio::select! {
                    outcome = run(&scene.job, &mut directory, StopSignal::never()) => Some(outcome.unwrap()),
                    () = judge.until_asked(next) => None,
                }
            });
            lives += 1;
            if let Some(outcome) = outcome {
                break outcome;
            }
        };
        assert!(lives > 1 && lines_of(&path, "judging_failed") > 0, "{lives} lives");
        check_spent(&scene, &path, &outcome, judge.asked(), budget);
    }
}

/// I7: so does one that is stopped again and again.
#[test]
fn paid_judgements_that_a_stop_interrupts_are_spent() {
    for budget in [150, 1000] {
        let (scene, judge) = billed(budget, Billing { times_out: 5, ..Billing::new() });
        let path = scene.folder.path().join("run");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (mut lives, mut spent) = (0, 0);
        let outcome = loop {
            let mut directory = open_run(&scene.job, &path);
            let (stopper, signal) = Stopper::new();
            let next = judge.asked() + 1 + lives % 5;
            let outcome = runtime.block_on(async {
                let carried_out = run(&scene.job, &mut directory, signal);
                tokio::pin!(carried_out);
                tokio::select! {
                    outcome = &mut carried_out => return outcome.unwrap(),
                    () = judge.until_asked(next) => stopper.stop(),
                }
                carried_out.await.unwrap()
            });
            lives += 1;
            let now = outcome.ledger.cost.usd.micros;
            assert!(now >= spent && now >= judge.asked() * BILLED && now <= budget, "{now} after {spent}");
            spent = now;
            if outcome.ending == Ending::Search {
                break outcome;
            }
        };
        assert!(lives > 1 && lines_of(&path, "judging_failed") > 0, "{lives} lives");
        check_spent(&scene, &path, &outcome, judge.asked(), budget);
    }
}

/// I7, I11: wherever a crash cuts the journal, what had left counts at its most.
#[test]
fn a_journal_of_paid_judgements_cut_anywhere_keeps_what_had_left() {
    let (scene, _) = billed(1000, Billing { takes: Duration::ZERO, times_out: 4, ..Billing::new() });
    let whole = scene.folder.path().join("whole");
    carry_out(&scene.job, &whole);
    let text = std::fs::read_to_string(whole.join("journal.jsonl")).unwrap();
    for cut in 1..text.lines().count() {
        for budget in [170, 1000] {
            let (again, judge) = billed(budget, Billing { takes: Duration::ZERO, ..Billing::new() });
            let path = again.folder.path().join("cut");
            copy_run(&whole, &path, cut);
            let left = lines_of(&path, "judging") as u64;
            if left * MOST > budget {
                continue;
            }
            // The journal was written under the larger budget; only what is left differs, and that the journal says.
            let outcome = carry_out(&again.job, &path);
            check_spent(&again, &path, &outcome, left + judge.asked(), budget);
        }
    }
}

/// I7: a judge that does not heed a stop or the deadline is not waited for for ever, and its judgements are spent.
#[test]
fn paid_judgements_that_nobody_waits_for_any_more_are_spent() {
    let never = || Billing { takes: Duration::from_secs(3600), heeds: false, ..Billing::new() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (stopped, stopped_judge) = billed(1000, never());
    let (mut late, late_judge) = billed(1000, never());
    late.job.limits.budget.wall = Some(Duration::from_millis(100));
    let (path, late_path) = (stopped.folder.path().join("run"), late.folder.path().join("run"));
    let (mut directory, mut late_directory) = (open_run(&stopped.job, &path), open_run(&late.job, &late_path));
    let (stopper, signal) = Stopper::new();
    let (outcome, late_outcome, ()) = runtime.block_on(async {
        let soon = async {
            stopped_judge.until_asked(4).await;
            stopper.stop();
        };
        let late_run = run(&late.job, &mut late_directory, StopSignal::never());
        futures_util::future::join3(run(&stopped.job, &mut directory, signal), late_run, soon).await
    });
    drop((directory, late_directory));
    let (outcome, late_outcome) = (outcome.unwrap(), late_outcome.unwrap());
    for (outcome, judge) in [(&outcome, &stopped_judge), (&late_outcome, &late_judge)] {
        assert_eq!(outcome.ledger.cost.usd.micros, judge.asked() * MOST);
        assert_eq!(outcome.ledger.reward_calls, judge.asked());
    }
    assert!(stopped_judge.asked() >= 4);
    assert_eq!((outcome.ending, late_outcome.verdict.reason.word()), (Ending::Cancelled, "budget"));
    check_spent(&late, &late_path, &late_outcome, late_judge.asked(), 1000);
    let (again, judge) = billed(1000, Billing::new());
    let whole = carry_out(&again.job, &path);
    assert_eq!(whole.ledger.cost.usd.micros, stopped_judge.asked() * MOST + judge.asked() * BILLED);
    assert_eq!((judge.asked(), whole.verdict.ranked.len()), (13, 13), "what was interrupted is asked for again");
}

/// What is free writes down no more than before, and an old journal, which is one without these entries, is read.
#[test]
fn judgements_that_are_free_are_not_entered_before_they_leave() {
    let scene = scene(&World::default());
    let path = scene.folder.path().join("run");
    let outcome = carry_out(&scene.job, &path);
    assert_eq!((lines_of(&path, "judging"), lines_of(&path, "judging_failed")), (0, 0));
    let manifest = std::fs::read_to_string(path.join("run.json")).unwrap();
    let with_version = |version: u32| {
        let text = manifest.replace("\"version\": 2", &format!("\"version\": {version}"));
        std::fs::write(path.join("run.json"), text).unwrap();
    };
    with_version(1);
    assert_eq!(carry_out(&scene.job, &path), outcome);
    with_version(3);
    let error = RunDirectory::open(&path).unwrap_err().to_string();
    assert!(error.contains("format version 3, this program reads versions 1 to 2"), "{error}");
}

/// The reason is the budget where time ran out within the last round that was planned.
#[test]
fn a_plan_that_the_deadline_cut_short_is_not_done() {
    let budget = Budget { wall: Some(Duration::from_millis(60)), ..Budget::default() };
    for takes in [25, 3_600_000] {
        let mut scene = scene(&World { kind: 0, budget, ..World::default() });
        scene.job.search = Arc::new(BestOfN::new(6, None, rules()).unwrap());
        let mut card = editor_card("fake");
        card.slots = NonZeroU32::MIN;
        let mut editor = FakeEditor::new(card);
        editor.delay = Arc::new(move |_| Duration::from_millis(takes));
        scene.job.ports.editors = vec![Arc::new(editor)];
        let path = scene.folder.path().join("run");
        let outcome = carry_out(&scene.job, &path);
        assert!(outcome.failed > 0, "{outcome:?}");
        assert_eq!(outcome.verdict.reason.word(), "budget");
        assert_eq!(carry_out(&scene.job, &path), outcome, "replays to the same end");
    }
}

/// After the deadline a judgement under way is waited for and a free one begun, but none that costs money.
#[test]
fn no_paid_judgement_is_begun_after_the_deadline() {
    let mut judge = Billing { takes: Duration::from_millis(25), heeds: false, ..Billing::new() };
    (judge.card.slots, judge.card.largest_batch) = (NonZeroU32::MIN, NonZeroU32::MIN);
    let (mut scene, judge) = billed(1000, judge);
    scene.job.search = Arc::new(BestOfN::new(6, None, rules()).unwrap());
    scene.job.limits.budget.wall = Some(Duration::from_millis(60));
    let mut free = FakeReward::new(reward_card("free"));
    (free.card.slots, free.card.largest_batch) = (NonZeroU32::MIN, NonZeroU32::MIN);
    free.delay = Duration::from_millis(20);
    scene.job.ports.rewards.push(Arc::new(free));
    let path = scene.folder.path().join("run");
    let outcome = carry_out(&scene.job, &path);
    // Each takes 25 milliseconds of 60: a fourth would begin after 75.
    assert!(judge.asked() <= 3, "{}", judge.asked());
    assert_eq!(outcome.verdict.reason.word(), "budget");
    let record = read_run(&path).unwrap();
    let said = |name: &str| {
        let name = RewardName::new(name).unwrap();
        record.candidates.iter().filter(|each| each.card.score(&name).is_some()).count() as u64
    };
    let made = record.candidates.iter().filter(|each| matches!(each.made, Some(Ok(_)))).count() as u64;
    assert_eq!((said("judge"), said("free")), (judge.asked(), made), "what is under way or free is finished");
    check_spent(&scene, &path, &outcome, judge.asked(), 1000);
    assert_eq!(outcome.ledger.cost.usd.micros, judge.asked() * BILLED);
}

#[test]
fn a_run_that_is_resumed_after_its_deadline_begins_nothing() {
    let mut scene = scene(&World { kind: 0, ..World::default() });
    let path = scene.folder.path().join("run");
    scene.job.limits.budget.wall = Some(Duration::from_secs(60));
    carry_out(&scene.job, &path);
    let text = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
    let mut first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    first["at"] = 61.0.into();
    std::fs::write(path.join("journal.jsonl"), format!("{first}\n")).unwrap();
    let begun = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&begun);
    let mut editor = FakeEditor::new(scene.job.ports.editors[0].card().clone());
    editor.delay = Arc::new(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Duration::ZERO
    });
    scene.job.ports.editors = vec![Arc::new(editor)];
    let outcome = carry_out(&scene.job, &path);
    assert_eq!((begun.load(Ordering::Relaxed), outcome.ledger.edits), (0, 0));
    assert_eq!(outcome.verdict.reason.word(), "budget");
}

/// Takes away the folder of the pictures while it makes its first one.
#[derive(Debug)]
struct Saboteur(FakeEditor, Mutex<Option<std::path::PathBuf>>);

impl EditBackend for Saboteur {
    fn card(&self) -> &EditorCard {
        &self.0.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        for place in 0..batch.items.len() {
            watch.submitted(place, "key", None);
        }
        if let Some(folder) = self.1.lock().unwrap().take() {
            std::fs::remove_dir_all(folder).unwrap();
        }
        self.0.edit(batch, watch)
    }
}

#[test]
fn a_picture_that_could_not_be_stored_is_told_of_as_such_after_a_resume() {
    let mut scene = scene(&World { kind: 0, slots: 1, ..World::default() });
    let mut card = editor_card("fake");
    (card.slots, card.recovery) = (NonZeroU32::MIN, Recovery::Unknown);
    card.cost = Cost { usd: Usd { micros: 5 }, ..Cost::default() };
    let path = scene.folder.path().join("run");
    let images = path.join("images");
    scene.job.ports.editors = vec![Arc::new(Saboteur(FakeEditor::new(card), Mutex::new(Some(images.clone()))))];
    let mut directory = open_run(&scene.job, &path);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(&scene.job, &mut directory, StopSignal::never())).unwrap_err();
    drop(directory);
    std::fs::create_dir(&images).unwrap();
    let outcome = carry_out(&scene.job, &path);
    // Others may have been with the server by then.
    assert!(outcome.failed >= 1, "{outcome:?}");
    assert_eq!(outcome.ledger.cost.usd.micros, 5 * u64::from(outcome.asked));
    let record = read_run(&path).unwrap();
    let why = record.candidates[0].made.as_ref().unwrap().as_ref().unwrap_err();
    assert!(why.message.starts_with("the picture came, and could not be stored: cannot"), "{why}");
}
