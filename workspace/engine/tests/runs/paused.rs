//! Candidates that stop half way.

use std::sync::Arc;

use editscale_core::{
    Budget, CandidateId, Cost, Decision, EditRequest, Failure, PauseSupport, Remaining, RewardName, Score, Search,
    SearchFactory, Start, StopReason, Trial, Until, Usd, Verdict,
};
use editscale_engine::read_run;
use editscale_testkit::{FakeEditor, editor_card};

use crate::{Scene, World, carry_out, copy_run, journal, proposal, scene};

/// Three candidates stop half way; the best goes on to the end, as a fork, and to another stop, from which one more
/// goes on. One proposal goes on from a candidate of its own round, and one from a candidate that was never paused.
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
                let best = trials.iter().max_by(|a, b| score(a).total_cmp(&score(b))).and_then(Trial::id).unwrap();
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
    let outcome = carry_out(&scene.job, &path);
    assert_eq!((outcome.ledger.edits, outcome.asked), (3, 9), "what goes on is no other edit");
    let released: Vec<u32> = editor.released.lock().unwrap().iter().map(|id| id.0).collect();
    assert_eq!(released.len(), 4, "{released:?}");
    let best = (0..3).find(|id| !released[..2].contains(id)).expect("one was kept");
    assert!(released[..2].iter().all(|id| *id < 3), "the losers go first: {released:?}");
    assert!(released[2..].contains(&best) && released[2..].contains(&5), "{released:?}");
    // The fake's bytes tell the seeds on the way: the last candidate went by the best, then by the fifth.
    let record = read_run(&path).unwrap();
    let most = record.candidates.iter().filter_map(|each| each.known_at).map(|known| known.edits).max();
    assert_eq!(most, Some(3), "a reader counts by the same rules");
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
        let (edits, calls) = (outcome.ledger.edits, outcome.ledger.reward_calls);
        assert_eq!((edits, calls), (expected.ledger.edits, expected.ledger.reward_calls), "cut at {cut}");
        assert_eq!(journal(&path), journal(&whole), "cut at {cut}");
    }
}

#[test]
fn a_state_that_is_gone_on_from_after_its_release_is_released_again() {
    let (mut scene, editor) = halting();
    scene.job.search = Arc::new(Late);
    carry_out(&scene.job, &scene.folder.path().join("run"));
    let released: Vec<u32> = editor.released.lock().unwrap().iter().map(|id| id.0).collect();
    assert_eq!(released, [0, 0]);
}

/// Two candidates are paused and one of them is finished: what is left of it is all that it takes.
#[test]
fn what_goes_on_is_admitted_by_what_is_left_of_it() {
    let (mut scene, _) = halting();
    let usd = |micros| Usd { micros };
    let mut card = editor_card("fake");
    (card.pause, card.steps) = (PauseSupport::Fork, Some(10));
    card.cost = Cost { nfe: 30, tokens: 0, usd: usd(40) };
    scene.job.ports.editors = vec![Arc::new(FakeEditor::new(card))];
    scene.job.search = Arc::new(Two);
    // Step 3 takes four evaluations with its preview, and six are left from there.
    for (budget, failed) in [
        (Budget { nfe: Some(2 * 12 + 18), ..Budget::default() }, 0),
        (Budget { nfe: Some(2 * 12 + 17), ..Budget::default() }, 1),
        (Budget { usd: Some(usd(80)), ..Budget::default() }, 0),
        (Budget { usd: Some(usd(79)), ..Budget::default() }, 1),
        (Budget { edits: Some(2), ..Budget::default() }, 0),
    ] {
        scene.job.limits.budget = budget;
        let outcome = carry_out(&scene.job, &scene.folder.path().join(format!("{budget:?}")));
        assert_eq!(outcome.failed, failed, "{budget:?}: {outcome:?}");
        let cost = outcome.ledger.cost;
        assert!(budget.nfe.is_none_or(|nfe| cost.nfe <= nfe) && budget.usd.is_none_or(|usd| cost.usd <= usd));
    }
}

/// Two that stop half way, and the first of them finished.
#[derive(Debug)]
struct Two;

struct TwoSearch(u32);

impl SearchFactory for Two {
    fn revision(&self) -> String {
        "two/1".to_owned()
    }

    fn needs(&self) -> Vec<editscale_core::Need> {
        Vec::new()
    }

    fn largest_run(&self) -> u64 {
        3
    }

    fn start(&self, _: &EditRequest, _: &editscale_core::Cards) -> Box<dyn Search> {
        Box::new(TwoSearch(0))
    }
}

impl Search for TwoSearch {
    fn decide(&mut self, _: &[Trial], _: &Remaining) -> Decision {
        self.0 += 1;
        let fresh = |id| proposal(id, Start::Source, Until::Step(3), u64::from(id));
        let proposals = match self.0 {
            1 => vec![fresh(0), fresh(1)],
            2 => vec![proposal(2, Start::Paused(CandidateId(0)), Until::Finished, 0)],
            _ => {
                let verdict = Verdict { ranked: Vec::new(), reason: StopReason::Finished, draw: None };
                return Decision::Stop(verdict);
            }
        };
        Decision::Explore { proposals, keep: vec![CandidateId(0)] }
    }
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
