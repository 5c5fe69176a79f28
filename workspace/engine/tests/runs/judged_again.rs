//! Searches that have candidates judged again, or ask for what a run does not have.

use std::sync::Arc;

use editscale_core::{
    CandidateId, Canvas, Cards, Consulted, CriticName, Decision, EditRequest, Need, Ranked, Remaining, RewardName,
    RewardSet, Search, SearchFactory, Start, StopReason, Trial, Until, Utility, Verdict,
};
use editscale_engine::{StopSignal, read_run, run};
use editscale_testkit::{FakeReward, reward_card};

use crate::{World, block_on, carry_out, copy_run, open_run, proposal, scene};

/// Plays its decisions one after the other, then ranks all by the cards it saw last.
#[derive(Debug, Clone)]
pub(crate) struct Played(pub(crate) Vec<Decision>);

pub(crate) struct PlayedSearch {
    left: std::vec::IntoIter<Decision>,
    utilities: std::collections::BTreeMap<CandidateId, Utility>,
}

impl SearchFactory for Played {
    fn revision(&self) -> String {
        "played/1".to_owned()
    }

    fn needs(&self) -> Vec<Need> {
        Vec::new()
    }

    fn largest_run(&self) -> u64 {
        100
    }

    fn start(&self, _: &EditRequest, _: &Cards) -> Box<dyn Search> {
        Box::new(PlayedSearch { left: self.0.clone().into_iter(), utilities: std::collections::BTreeMap::new() })
    }
}

impl Search for PlayedSearch {
    fn decide(&mut self, trials: &[Trial], _: &Remaining) -> Decision {
        let judge = RewardName::new("judge").unwrap();
        for trial in trials {
            if let Trial::Scored { id, card, .. } | Trial::Rescored { id, card } = trial
                && let Some(score) = card.score(&judge)
            {
                self.utilities.insert(*id, Utility::new(score.mean()).unwrap());
            }
        }
        self.left.next().unwrap_or_else(|| {
            let rank = |(id, utility): (&CandidateId, &Utility)| Ranked {
                id: *id,
                utility: *utility,
                selection_probability: None,
            };
            let ranked = self.utilities.iter().map(rank).collect();
            Decision::Stop(Verdict { ranked, reason: StopReason::Finished, draw: None })
        })
    }
}

pub(crate) fn explore(ids: std::ops::Range<u32>) -> Decision {
    let proposals = ids.map(|id| proposal(id, Start::Source, Until::Finished, u64::from(id))).collect();
    Decision::Explore { proposals, keep: Vec::new() }
}

fn only(name: &str) -> RewardSet {
    RewardSet::Only(vec![RewardName::new(name).unwrap()])
}

fn judge(who: &[u32], rewards: RewardSet, votes: u32) -> Decision {
    Decision::Judge { who: who.iter().copied().map(CandidateId).collect(), rewards, votes }
}

/// I3, I11: by the wanted reward, as often as wanted, and the same after any crash.
#[test]
fn candidates_are_judged_again_and_votes_are_not_repeated() {
    let decisions = vec![explore(0..3), judge(&[2, 0], only("judge"), 3), judge(&[1], RewardSet::All, 1)];
    let prepare = || {
        let mut scene = scene(&World::default());
        scene.job.ports.rewards.push(Arc::new(FakeReward::new(reward_card("other"))));
        scene.job.search = Arc::new(Played(decisions.clone()));
        scene
    };
    let whole = prepare();
    let from = whole.folder.path().join("whole");
    let expected = carry_out(&whole.job, &from);
    // Three by both rewards, two by one three times, one by both.
    assert_eq!((expected.asked, expected.failed, expected.ledger.reward_calls), (3, 0, 6 + 6 + 2));
    let record = read_run(&from).unwrap();
    assert_eq!(record.candidates.iter().map(|candidate| candidate.votes_again).collect::<Vec<u32>>(), [3, 1, 3]);
    let sigma = |id: usize| record.candidates[id].card.score(&RewardName::new("judge").unwrap()).unwrap().sigma();
    assert_eq!((sigma(0), sigma(1), sigma(2)), (Some(0.0), None, Some(0.0)));
    let judgings: Vec<usize> = record.candidates.iter().map(|candidate| candidate.judgings).collect();
    let first = record.candidates[0].first_card.score(&RewardName::new("judge").unwrap()).unwrap();
    assert_eq!((judgings, first.sigma()), (vec![2, 2, 2], None), "its first judging was a single vote");
    // The journal bears the outcome out.
    let spent = editscale_core::Ledger { wall: expected.ledger.wall, ..record.spent };
    assert_eq!((record.concluded, spent), (Some(expected.verdict.clone()), expected.ledger));
    let lines = std::fs::read_to_string(from.join("journal.jsonl")).unwrap();
    for cut in 1..lines.lines().count() {
        let again = prepare();
        let path = again.folder.path().join("cut");
        copy_run(&from, &path, cut);
        let outcome = carry_out(&again.job, &path);
        assert_eq!((outcome.verdict, outcome.ledger.reward_calls), (expected.verdict.clone(), 14), "cut at {cut}");
    }
}

/// Judging what has no picture, or asking a critic that is not there, fails nobody who was made.
#[test]
fn only_candidates_that_were_asked_for_are_counted_as_failed() {
    let who = vec![Consulted { id: CandidateId(0), canvas: Canvas::Source }];
    let consult = Decision::Consult { who, earlier: Vec::new(), critic: CriticName::new("critic").unwrap() };
    let mut scene = scene(&World::default());
    scene.job.search = Arc::new(Played(vec![explore(0..2), judge(&[0, 7], RewardSet::All, 1), consult]));
    let outcome = carry_out(&scene.job, &scene.folder.path().join("run"));
    assert_eq!((outcome.asked, outcome.failed, outcome.verdict.ranked.len()), (2, 0, 2));
}

#[test]
fn what_a_search_cannot_ask_for_is_a_named_error() {
    for (decision, expected) in [
        (judge(&[0], only("nobody"), 1), "the search asked for reward `nobody`, which the run does not have"),
        (
            judge(&[0], RewardSet::All, 0),
            "the search made no headway in round 1: it asked for nothing and did not stop",
        ),
        (judge(&[], RewardSet::All, 1), "the search made no headway in round 1: it asked for nothing and did not stop"),
        (explore(1..1), "the search made no headway in round 1: it asked for nothing and did not stop"),
        (explore(3..4), "the search asked for candidate 3 where 1 is next in ask order"),
    ] {
        let mut scene = scene(&World::default());
        scene.job.search = Arc::new(Played(vec![explore(0..1), decision]));
        let mut directory = open_run(&scene.job, &scene.folder.path().join("run"));
        let error = block_on(run(&scene.job, &mut directory, StopSignal::never())).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

/// I3: whether a candidate of the same round is there already depends on who is quicker.
#[test]
fn nothing_starts_from_a_candidate_of_its_own_round() {
    let mut proposals = vec![proposal(0, Start::Source, Until::Finished, 1)];
    let starts = [Start::Candidate(CandidateId(0)), Start::Paused(CandidateId(2)), Start::Candidate(CandidateId(9))];
    proposals.extend((1..).zip(starts).map(|(id, start)| proposal(id, start, Until::Step(2), 1)));
    let later = [proposal(4, Start::Paused(CandidateId(2)), Until::Finished, 1)];
    let explore = |proposals: &[_]| Decision::Explore { proposals: proposals.to_vec(), keep: Vec::new() };
    let mut scene = scene(&World { slots: 1, ..World::default() });
    scene.job.search = Arc::new(Played(vec![explore(&proposals), explore(&later)]));
    let path = scene.folder.path().join("run");
    let outcome = carry_out(&scene.job, &path);
    assert_eq!((outcome.asked, outcome.failed), (5, 4));
    let record = read_run(&path).unwrap();
    let why = |id: usize| record.candidates[id].made.as_ref().unwrap().as_ref().unwrap_err().to_string();
    for (id, of) in [(1, 0), (2, 2), (3, 9)] {
        assert_eq!(why(id), format!("candidate {of} was not asked for in an earlier round: nothing can start from it"));
    }
    assert_eq!(why(4), "candidate 2 failed: it cannot be gone on from");
}
