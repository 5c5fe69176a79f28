//! Time that is up.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use editscale_core::Budget;
use editscale_search::BestOfN;
use editscale_testkit::{FakeEditor, editor_card};

use crate::{World, carry_out, rules, scene};

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
