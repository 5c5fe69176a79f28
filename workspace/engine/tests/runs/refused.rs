//! Runs whose every candidate is refused: they end after the first rounds, whatever the policy, and replay as they were.

use std::sync::Arc;

use editscale_core::{FailureKind, Outcome, StopReason};
use editscale_testkit::{FakeCritic, FakeEditor, critic_card, editor_card};

use crate::{Scene, World, carry_out, copy_run, journal, scene};

/// A run by this policy, whose editor fails so for each candidate.
fn failing(kind: usize, how: impl Fn(u32) -> Option<FailureKind> + Send + Sync + 'static) -> Scene {
    let mut scene = scene(&World { kind, ..World::default() });
    let mut editor = FakeEditor::new(editor_card("fake"));
    editor.fails = Arc::new(move |item, _| how(item.proposal.id.0));
    scene.job.ports.editors = vec![Arc::new(editor)];
    scene
}

fn ended(scene: &Scene) -> Outcome {
    carry_out(&scene.job, &scene.folder.path().join("run"))
}

#[test]
fn a_request_that_is_refused_throughout_is_not_asked_for_ever() {
    // Reward-weighted sampling makes all of its candidates in one round.
    for kind in [0, 1, 3] {
        let scene = failing(kind, |_| Some(FailureKind::Refused));
        let outcome = ended(&scene);
        assert!((4..=6).contains(&outcome.asked), "policy {kind}: {outcome:?}");
        assert_eq!((outcome.failed, outcome.winner()), (outcome.asked, None), "policy {kind}");
        assert!(matches!(outcome.verdict.reason, StopReason::Stuck(_)), "policy {kind}: {outcome:?}");
    }
}

#[test]
fn such_a_run_replays_from_wherever_it_was_cut() {
    let scene = failing(0, |_| Some(FailureKind::Refused));
    let outcome = ended(&scene);
    assert_eq!(outcome.verdict.reason, StopReason::Stuck("every candidate was refused".into()));
    let whole = scene.folder.path().join("run");
    let lines = journal(&whole);
    for cut in 1..=lines.len() {
        let path = scene.folder.path().join(format!("cut {cut}"));
        copy_run(&whole, &path, cut);
        let again = carry_out(&scene.job, &path);
        assert_eq!((&again.verdict, again.asked), (&outcome.verdict, outcome.asked), "cut at {cut}");
        assert_eq!(journal(&path), lines, "cut at {cut}");
    }
}

#[test]
fn whatever_else_comes_of_a_candidate_the_search_goes_on() {
    let first_made = failing(0, |id| (id > 0).then_some(FailureKind::Refused));
    let first_crashed = failing(0, |id| Some(if id == 0 { FailureKind::Crashed } else { FailureKind::Refused }));
    for (scene, ranked) in [(first_made, 1), (first_crashed, 0)] {
        let outcome = ended(&scene);
        assert_eq!((outcome.asked, outcome.verdict.ranked.len()), (13, ranked));
    }
}

#[test]
fn the_search_goes_on_where_others_could_do_it_or_find_other_words() {
    let mut two = failing(0, |_| Some(FailureKind::Refused));
    two.job.ports.editors.push(Arc::new(FakeEditor::new(editor_card("other"))));
    let mut advised = failing(0, |_| Some(FailureKind::Refused));
    advised.job.ports.critics.push(Arc::new(FakeCritic::new(critic_card("critic"))));
    for scene in [two, advised] {
        assert_eq!(ended(&scene).asked, 13);
    }
}
