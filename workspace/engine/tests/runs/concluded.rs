//! Finalists judged again: real votes of a judge with noise, counted, kept within the budget, and not asked for twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use editscale_core::{Budget, Digest, RewardItem, RewardName, ScoreCard, SearchFactory};
use editscale_engine::{RunDirectory, read_outcome, read_run};
use editscale_search::{Amount, BestOfN, Concluding, Conclusion, Finalists, Selection};
use editscale_testkit::{FakeReward, reward_card};

use crate::{Scene, World, carry_out, copy_run, manifest, rules, scene};

const DRAWS: u32 = 12;

fn policy(conclusion: Conclusion) -> Arc<dyn SearchFactory> {
    let best = Arc::new(BestOfN::new(DRAWS, Some(4), rules()).unwrap());
    Arc::new(Concluding::new(best, &rules(), conclusion).unwrap())
}

fn finalists(count: u32, votes: u32) -> Finalists {
    Finalists { count, votes, rewards: Vec::new() }
}

/// What a picture is worth, from 0 to 1.
fn gold(digest: &Digest) -> f64 {
    f64::from(digest.as_bytes()[0]) / 255.0
}

/// Says the gold with noise that is other each time, and yet the same in every run.
fn noisy() -> FakeReward {
    let asked: Mutex<BTreeMap<[u8; 32], usize>> = Mutex::default();
    let mut judge = FakeReward::new(reward_card("judge"));
    judge.judges = Arc::new(move |item: &RewardItem| {
        let digest = item.candidate.digest();
        let mut asked = asked.lock().unwrap();
        let times = asked.entry(*digest.as_bytes()).or_default();
        *times += 1;
        Ok(gold(&digest) + f64::from(digest.as_bytes()[*times % 31 + 1]) / 255.0 - 0.5)
    });
    judge
}

fn prepare(conclusion: Conclusion, seed: u64, budget: Budget) -> Scene {
    let mut scene = scene(&World { budget, ..World::default() });
    scene.job.search = policy(conclusion);
    scene.job.ports.rewards = vec![Arc::new(noisy())];
    scene.job.request = Arc::new(editscale_testkit::request(seed));
    scene
}

/// I3, I11: whatever came of a crash, each vote is asked for once, and the verdict is the same.
#[test]
fn a_last_round_is_counted_and_goes_on_after_a_crash() {
    let selection = Some(Selection::Pessimistic { beta: Amount::Relative(1.0) });
    let conclusion = || Conclusion { selection, finalists: Some(finalists(3, 2)) };
    let whole = prepare(conclusion(), 5, Budget::default());
    let from = whole.folder.path().join("whole");
    let expected = carry_out(&whole.job, &from);
    assert_eq!((expected.asked, expected.failed, expected.rounds), (DRAWS, 0, 4));
    assert_eq!(expected.ledger.reward_calls, 12 + 3 * 2);
    assert!(expected.verdict.draw.is_some());
    let (judge, record) = (RewardName::new("judge").unwrap(), read_run(&from).unwrap());
    let has_spread = |card: &ScoreCard| card.score(&judge).is_some_and(|score| score.sigma().is_some());
    assert_eq!(record.candidates.iter().filter(|candidate| has_spread(&candidate.card)).count(), 3);
    let lines = std::fs::read_to_string(from.join("journal.jsonl")).unwrap();
    for cut in 1..lines.lines().count() {
        let again = prepare(conclusion(), 5, Budget::default());
        let path = again.folder.path().join("cut");
        copy_run(&from, &path, cut);
        let outcome = carry_out(&again.job, &path);
        // The judge's noise begins anew with it, so that only what was said before the crash is the same.
        assert_eq!(outcome.ledger.reward_calls, 18, "cut at {cut}");
        assert_eq!(outcome.verdict.ranked.len(), expected.verdict.ranked.len());
    }
    // Resumed at its end, the run is what it was to the last bit.
    let again = prepare(conclusion(), 5, Budget::default());
    let path = again.folder.path().join("end");
    copy_run(&from, &path, lines.lines().count());
    assert_eq!(carry_out(&again.job, &path).verdict, expected.verdict);
}

/// A run that ended without finalists goes on to them, and is then the run that was begun with them.
#[test]
fn a_run_goes_on_to_finalists_that_it_was_begun_without() {
    let conclusion = || Conclusion { selection: None, finalists: Some(finalists(3, 2)) };
    let whole = prepare(conclusion(), 5, Budget::default());
    let expected = carry_out(&whole.job, &whole.folder.path().join("run"));
    let mut scene = prepare(Conclusion::default(), 5, Budget::default());
    let path = scene.folder.path().join("run");
    assert_eq!(carry_out(&scene.job, &path).ledger.reward_calls, 12);
    scene.job.search = policy(conclusion());
    let (mut directory, recorded) = RunDirectory::open(&path).unwrap();
    let present = directory.go_on_under(&recorded, &scene.job.search.revision()).unwrap();
    directory.check_same(&present, &manifest(&scene.job)).unwrap();
    assert_eq!(read_outcome(&path).unwrap(), None, "a run that goes on has not ended");
    drop(directory);
    let outcome = carry_out(&scene.job, &path);
    assert_eq!((outcome.verdict, outcome.ledger.reward_calls), (expected.verdict, 18));
}

#[test]
fn a_budget_that_is_short_is_kept() {
    for (calls, expected) in [(18, 18), (17, 15), (14, 14), (13, 12), (12, 12), (5, 5)] {
        let budget = Budget { reward_calls: Some(calls), ..Budget::default() };
        let scene = prepare(Conclusion { selection: None, finalists: Some(finalists(3, 2)) }, 5, budget);
        let outcome = carry_out(&scene.job, &scene.folder.path().join("run"));
        assert_eq!(outcome.ledger.reward_calls, expected, "{calls} calls");
    }
}

/// Over 40 requests, the gold of the chosen one. Noise and gold are spread alike, so that the best of twelve by one look is
/// about 0.08 below what four looks at the best four find; the standard error of the difference is about 0.02.
#[test]
fn finalists_of_a_noisy_judge_are_better() {
    let mean = |finalists: &dyn Fn() -> Option<Finalists>| {
        let golds: Vec<f64> = (0..40)
            .map(|seed| {
                let scene = prepare(Conclusion { selection: None, finalists: finalists() }, seed, Budget::default());
                let path = scene.folder.path().join("run");
                let winner = carry_out(&scene.job, &path).winner().unwrap();
                let record = read_run(&path).unwrap();
                gold(&record.candidates[winner.0 as usize].made.as_ref().unwrap().as_ref().unwrap().image.digest())
            })
            .collect();
        golds.iter().sum::<f64>() / golds.len() as f64
    };
    let (before, after) = (mean(&|| None), mean(&|| Some(finalists(4, 8))));
    assert!(after > before + 0.03, "{after} against {before}");
}
