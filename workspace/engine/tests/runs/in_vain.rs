//! Runs that came to nothing because something could not be reached, and are resumed once it is back.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use editscale_core::{
    BoxFuture, Candidate, Cost, EditBackend, EditBatch, EditorCard, Failure, FailureKind, Recovery, StopReason, Usd,
    Watch,
};
use editscale_engine::Retry;
use editscale_search::BestOfN;
use editscale_testkit::{FakeEditor, FakeReward, editor_card, reward_card};

use crate::{Scene, World, carry_out, rules, scene};

/// Says of each item that it leaves, as one does that can be paid.
#[derive(Debug)]
struct Paid(FakeEditor);

impl EditBackend for Paid {
    fn card(&self) -> &EditorCard {
        &self.0.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        (0..batch.items.len()).for_each(|place| watch.submitted(place, "key", None));
        self.0.edit(batch, watch)
    }
}

/// Six candidates in one round, or thirteen in rounds of four; an editor and a judge that fail as long as they are told
/// to.
struct Away {
    scene: Scene,
    editor: Arc<AtomicBool>,
    judge: Arc<AtomicBool>,
    edits: Arc<AtomicU64>,
}

fn away(rounds: bool) -> Away {
    let mut scene = scene(&World { kind: 0, ..World::default() });
    if !rounds {
        scene.job.search = Arc::new(BestOfN::new(6, None, rules()).unwrap());
    }
    let (is_editor_away, is_judge_away) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut editor = FakeEditor::new(editor_card("fake"));
    let edits = Arc::clone(&editor.asked);
    let is_away = Arc::clone(&is_editor_away);
    editor.fails = Arc::new(move |_, _| is_away.load(Ordering::Relaxed).then_some(FailureKind::Unavailable));
    let mut judge = FakeReward::new(reward_card("judge"));
    let (by_digest, is_away) = (Arc::clone(&judge.judges), Arc::clone(&is_judge_away));
    judge.judges =
        Arc::new(
            move |item| {
                if is_away.load(Ordering::Relaxed) { Err(FailureKind::Unavailable) } else { by_digest(item) }
            },
        );
    // Whatever left and is not answered would be lost, and counted.
    let price = Cost { usd: Usd { micros: 5 }, ..Cost::default() };
    (editor.card.recovery, editor.card.cost, judge.card.cost) = (Recovery::Unknown, price, price);
    scene.job.ports.editors = vec![Arc::new(Paid(editor))];
    scene.job.ports.rewards = vec![Arc::new(judge)];
    scene.job.limits.retry = Retry { attempts: 2, base: Duration::from_micros(50), most: Duration::from_millis(1) };
    Away { scene, editor: is_editor_away, judge: is_judge_away, edits }
}

fn journal(path: &Path) -> String {
    std::fs::read_to_string(path.join("journal.jsonl")).unwrap()
}

#[test]
fn a_run_whose_editor_was_never_reached_is_begun_again() {
    for (rounds, count) in [(false, 6), (true, 13)] {
        let away = away(rounds);
        let path = away.scene.folder.path().join("run");
        away.editor.store(true, Ordering::Relaxed);
        for _ in 0..2 {
            let outcome = carry_out(&away.scene.job, &path);
            assert_eq!((outcome.winner(), outcome.failed, outcome.ledger.edits), (None, count, u64::from(count)));
            assert!(matches!(outcome.verdict.reason, StopReason::Stuck(_)));
        }
        away.editor.store(false, Ordering::Relaxed);
        let outcome = carry_out(&away.scene.job, &path);
        assert_eq!((outcome.verdict.ranked.len() as u32, outcome.failed), (count, 0));
        assert_eq!(outcome.ledger.cost.usd.micros, 2 * 5 * u64::from(count), "each picture and judgement once");
        let kept = journal(&path);
        assert_eq!(carry_out(&away.scene.job, &path), outcome);
        assert_eq!(journal(&path), kept, "what came to something is finished");
    }
}

#[test]
fn pictures_that_no_judge_could_see_are_judged_and_not_made_again() {
    let away = away(false);
    let path = away.scene.folder.path().join("run");
    away.judge.store(true, Ordering::Relaxed);
    assert_eq!(carry_out(&away.scene.job, &path).winner(), None);
    let edits = away.edits.load(Ordering::Relaxed);
    away.judge.store(false, Ordering::Relaxed);
    let outcome = carry_out(&away.scene.job, &path);
    assert_eq!((outcome.verdict.ranked.len(), outcome.ledger.edits, outcome.ledger.reward_calls), (6, 6, 6));
    assert_eq!(away.edits.load(Ordering::Relaxed), edits);
}

/// What was refused would be refused again, and what was made stays the run's result.
#[test]
fn a_run_that_failed_otherwise_or_came_to_something_stays_as_it_is() {
    let refused = away(true);
    let partly = away(true);
    let mut first_alone = FakeEditor::new(editor_card("fake"));
    first_alone.fails = Arc::new(|item, _| (item.proposal.id.0 > 0).then_some(FailureKind::Unavailable));
    let mut refusing = FakeEditor::new(editor_card("fake"));
    refusing.fails = Arc::new(|_, _| Some(FailureKind::Refused));
    for (away, then, failed) in [(refused, refusing, 4), (partly, first_alone, 12)] {
        let path = away.scene.folder.path().join("run");
        let mut job = away.scene.job.clone();
        job.ports.editors = vec![Arc::new(then)];
        let first = carry_out(&job, &path);
        assert_eq!(first.failed, failed);
        let kept = journal(&path);
        // The editor of the scene makes everything.
        assert_eq!(carry_out(&away.scene.job, &path), first);
        assert_eq!(journal(&path), kept);
    }
}
