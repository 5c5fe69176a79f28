//! Failures that may pass, and judges that are dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use editscale_core::{Budget, Cost, FailureKind, RewardCard, RewardKind, RewardName};
use editscale_engine::{Retry, read_run};
use editscale_search::BestOfN;
use editscale_testkit::{FakeEditor, FakeReward, editor_card, reward_card};

use crate::{World, carry_out, copy_run, journal, rules, scene};

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

/// An editor that always fails is asked for as many candidates as there are edits, tried again or not.
#[test]
fn a_budget_of_edits_ends_a_run_whose_editor_always_fails() {
    for kind in [FailureKind::Unavailable, FailureKind::Malformed, FailureKind::Invalid, FailureKind::Crashed] {
        let budget = Budget { edits: Some(6), ..Budget::default() };
        let mut scene = scene(&World { kind: 0, budget, ..World::default() });
        scene.job.search = Arc::new(BestOfN::new(100, Some(4), rules()).unwrap());
        let mut editor = FakeEditor::new(editor_card("fake"));
        editor.fails = Arc::new(move |_, _| Some(kind));
        scene.job.ports.editors = vec![Arc::new(editor)];
        let (base, most) = (Duration::from_micros(50), Duration::from_millis(1));
        scene.job.limits.retry = Retry { attempts: 2, base, most };
        let whole = scene.folder.path().join("whole");
        let outcome = carry_out(&scene.job, &whole);
        assert_eq!((outcome.asked, outcome.failed, outcome.ledger.edits), (6, 6, 6), "{kind:?}");
        assert_eq!(outcome.verdict.reason.word(), "budget", "{kind:?}");
        // What cannot be reached is taken up again after the end: cut before that.
        for cut in 1..journal(&whole).len() {
            let path = scene.folder.path().join(format!("cut {cut}"));
            copy_run(&whole, &path, cut);
            let again = carry_out(&scene.job, &path);
            assert_eq!((again.asked, again.ledger.edits), (6, 6), "{kind:?} cut at {cut}");
        }
    }
}
