//! Runs that were stopped, or died, and went on.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use editscale_core::{
    BoxFuture, Budget, Candidate, Cost, Critic, CriticCard, CriticQuestion, Criticism, EditBackend, EditBatch,
    EditorCard, Ending, Event, Failure, FailureKind, Judgement, Observer, Recovery, RewardBatch, RewardCard,
    RewardModel, Silent, Usd, Watch,
};
use editscale_engine::{Retry, RunDirectory, StopSignal, Stopper, read_outcome, read_run, run};
use editscale_testkit::{FakeEditor, FakeReward, editor_card, reward_card};

use crate::{Scene, World, block_on, carry_out, manifest, open_run, policy, scene};

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
    let (mut directory, _) = RunDirectory::open(&path).unwrap();
    let error = block_on(run(&scene.job, &mut directory, StopSignal::never())).unwrap_err().to_string();
    assert!(error.contains("decides otherwise"), "{error}");
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
    let mut directory = open_run(&scene.job, &path);
    let outcome = block_on(run(&scene.job, &mut directory, signal)).unwrap();
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
    assert!(error.contains("in use by another process"), "{error}");
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
    let mut directory = open_run(&stopped.job, &path);
    let outcome = block_on(async {
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

/// Is with a server, and paid for, when it is told to stop; made the second time. Remembers what it was told of
/// earlier.
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
        let mut directory = open_run(&scene.job, &path);
        block_on(async {
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

/// I7, I11: what a life of the program left with a server that nobody can ask is spent at once, before anything else is
/// set aside, and as much in a replay.
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

/// Stops the run as soon as it is asked for anything, and says then that it cannot be reached any more.
#[derive(Debug)]
pub(crate) struct HangsUp<Card>(pub(crate) Card, pub(crate) Stopper);

impl<Card> HangsUp<Card> {
    async fn hang_up<T>(&self, count: usize, watch: &dyn Watch) -> Vec<Result<T, Failure>> {
        self.1.stop();
        while !watch.cancelled() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        (0..count).map(|_| Err(Failure::new(FailureKind::Unavailable, "hung up"))).collect()
    }
}

impl EditBackend for HangsUp<EditorCard> {
    fn card(&self) -> &EditorCard {
        &self.0
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        (0..batch.items.len()).for_each(|place| watch.submitted(place, "key", None));
        Box::pin(self.hang_up(batch.items.len(), watch))
    }
}

impl RewardModel for HangsUp<RewardCard> {
    fn card(&self) -> &RewardCard {
        &self.0
    }

    fn score<'a>(&'a self, batch: RewardBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(self.hang_up(batch.items.len(), watch))
    }
}

impl Critic for HangsUp<CriticCard> {
    fn card(&self) -> &CriticCard {
        &self.0
    }

    fn critique<'a>(&'a self, _: CriticQuestion, watch: &'a dyn Watch) -> BoxFuture<'a, Result<Criticism, Failure>> {
        Box::pin(async move { self.hang_up(1, watch).await.remove(0) })
    }
}

/// What fails while the run is being stopped, and may pass, is asked for again by the resume as it is while the run goes on;
/// after the last attempt it has failed.
#[test]
fn what_cannot_be_reached_at_a_stop_is_tried_again_after_the_resume() {
    for (attempts, of_edits) in [(2, true), (1, true), (2, false), (1, false)] {
        let mut scene = scene(&World { kind: 0, ..World::default() });
        scene.job.limits.retry = Retry { attempts, base: Duration::from_micros(50), most: Duration::from_millis(1) };
        let (stopper, signal) = Stopper::new();
        let card = EditorCard { recovery: Recovery::Unknown, ..editor_card("fake") };
        if of_edits {
            scene.job.ports.editors = vec![Arc::new(HangsUp(card.clone(), stopper))];
        } else {
            scene.job.ports.rewards = vec![Arc::new(HangsUp(reward_card("judge"), stopper))];
        }
        let path = scene.folder.path().join("run");
        let stopped = block_on(run(&scene.job, &mut open_run(&scene.job, &path), signal)).unwrap();
        assert_eq!(stopped.ending, Ending::Cancelled);
        scene.job.ports.editors = vec![Arc::new(FakeEditor::new(card))];
        scene.job.ports.rewards = vec![Arc::new(FakeReward::new(reward_card("judge")))];
        let whole = carry_out(&scene.job, &path);
        assert_eq!((whole.asked, whole.failed > 0), (13, attempts == 1), "{attempts} attempts: {whole:?}");
    }
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
    block_on(run(&scene.job, &mut directory, StopSignal::never())).unwrap_err();
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

/// A run that is given more goes on from what it has: nothing is made twice, and its first candidates are those of a run that
/// had as much from the beginning.
#[test]
fn a_run_whose_budget_is_widened_goes_on() {
    let edits = |edits| Budget { edits: Some(edits), ..Budget::default() };
    let made = |path: &std::path::Path| {
        let candidates = read_run(path).unwrap().candidates;
        candidates
            .into_iter()
            .map(|each| (each.proposal, each.made.unwrap().unwrap().image.digest()))
            .collect::<Vec<_>>()
    };
    for kind in 0..2 {
        let mut scene = scene(&World { kind, budget: edits(3), ..World::default() });
        let path = scene.folder.path().join("run");
        assert_eq!(carry_out(&scene.job, &path).asked, 3);
        let first = made(&path);
        let (mut directory, recorded) = RunDirectory::open(&path).unwrap();
        assert!(directory.widen(&recorded, edits(9)).unwrap());
        assert_eq!(read_outcome(&path).unwrap(), None, "a run that goes on has not ended");
        drop(directory);
        scene.job.limits.budget = edits(9);
        let widened = carry_out(&scene.job, &path);
        assert_eq!((widened.asked, widened.ledger.edits), (9, 9));
        assert_eq!(made(&path)[..3], first);
        let (mut directory, recorded) = RunDirectory::open(&path).unwrap();
        assert_eq!(recorded.budget, edits(9));
        let error = directory.widen(&recorded, edits(8)).unwrap_err().to_string();
        assert!(error.ends_with("its budget of edits is 9, and would be 8: expected at least as much"), "{error}");
    }
    for (had, would_have, is_widened) in [(1900, 1200, false), (1200, 1900, true), (1200, 1200, true)] {
        let of = |millis| Budget { wall: Some(Duration::from_millis(millis)), ..Budget::default() };
        let scene = scene(&World { budget: of(had), ..World::default() });
        let path = scene.folder.path().join("run");
        let mut directory = open_run(&scene.job, &path);
        let widened = directory.widen(&manifest(&scene.job), of(would_have)).map_err(|error| error.to_string());
        assert_eq!(widened.is_ok(), is_widened, "{widened:?}");
        assert!(widened.map_or_else(|error| error.contains("of seconds is 1.9, and would be 1.2:"), |_| true));
    }
    let scene = scene(&World { kind: 0, ..World::default() });
    let path = scene.folder.path().join("run");
    let ended = carry_out(&scene.job, &path);
    let (mut directory, recorded) = RunDirectory::open(&path).unwrap();
    assert!(!directory.widen(&recorded, Budget::default()).unwrap(), "it had all it wanted");
    drop(directory);
    assert_eq!(carry_out(&scene.job, &path), ended);
}
