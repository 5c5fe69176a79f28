//! Rewards that compare candidates with each other: all of a round in one call, or not at all.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use editscale_core::{
    BoxFuture, Budget, Cards, Counters, Decision, Digest, EditRequest, Failure, Judgement, Need, Remaining,
    RewardBatch, RewardCard, RewardKind, RewardModel, RewardSet, Score, Search, SearchFactory, Start, StopReason,
    Trial, Until, Verdict, Watch,
};
use editscale_engine::read_run;
use editscale_search::BestOfN;
use editscale_testkit::{FakeEditor, editor_card, reward_card};

use crate::{Scene, World, carry_out, copy_run, proposal, rules, scene};

/// Scores each candidate by its place among those of the same call, and remembers the calls.
#[derive(Debug)]
struct Ranking {
    card: RewardCard,
    calls: Mutex<Vec<Vec<Digest>>>,
}

impl Ranking {
    fn calls(&self) -> Vec<Vec<Digest>> {
        self.calls.lock().unwrap().clone()
    }
}

impl RewardModel for Ranking {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, _: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        let digests: Vec<Digest> = batch.items.iter().map(|item| item.candidate.digest()).collect();
        let judge = |digest: &Digest| {
            let below = digests.iter().filter(|other| *other < digest).count();
            let score = Score::new(below as f64 / digests.len() as f64).unwrap();
            Ok(Judgement { score, cost: self.card.cost, counters: Counters::default() })
        };
        let answers = digests.iter().map(judge).collect();
        self.calls.lock().unwrap().push(digests);
        Box::pin(std::future::ready(answers))
    }
}

/// Six candidates in one round, before a judge that compares at most so many.
fn ranked(most: u32, world: &World) -> (Scene, Arc<Ranking>) {
    let mut scene = scene(world);
    let mut card = reward_card("judge");
    (card.kind, card.largest_batch) = (RewardKind::Listwise, NonZeroU32::new(most).unwrap());
    let judge = Arc::new(Ranking { card, calls: Mutex::default() });
    scene.job.ports.rewards = vec![Arc::clone(&judge) as Arc<dyn RewardModel>];
    scene.job.search = Arc::new(BestOfN::new(6, None, rules()).unwrap());
    (scene, judge)
}

#[test]
fn a_set_that_is_too_large_fails_and_is_not_cut() {
    let (scene, judge) = ranked(4, &World::default());
    let path = scene.folder.path().join("run");
    let outcome = carry_out(&scene.job, &path);
    assert_eq!((outcome.failed, outcome.winner(), outcome.ledger.reward_calls), (6, None, 0));
    assert!(judge.calls().is_empty(), "it is not asked");
    let record = read_run(&path).unwrap();
    let (_, said) = record.candidates[0].card.iter().next().unwrap();
    let why = "`judge` compares at most 4 candidates with each other: expected no more, found 6";
    assert_eq!(said.as_ref().unwrap_err().to_string(), why);
}

/// I3: in the order of asking, whichever picture came first.
#[test]
fn a_round_is_compared_in_one_call_in_ask_order() {
    for shuffle in 0..5 {
        let (scene, judge) = ranked(6, &World { shuffle, ..World::default() });
        let path = scene.folder.path().join("run");
        carry_out(&scene.job, &path);
        assert_eq!(judge.calls(), [pictures(&path)]);
    }
}

fn pictures(path: &Path) -> Vec<Digest> {
    let record = read_run(path).unwrap();
    record.candidates.iter().map(|each| each.made.as_ref().unwrap().as_ref().unwrap().image.digest()).collect()
}

/// I11: a set of which a crash left only a part in the journal is compared again as a whole.
#[test]
fn a_set_is_whole_after_a_crash() {
    let (whole, _) = ranked(6, &World::default());
    let from = whole.folder.path().join("whole");
    let expected = carry_out(&whole.job, &from).verdict;
    let lines = std::fs::read_to_string(from.join("journal.jsonl")).unwrap();
    for cut in 1..lines.lines().count() {
        let (again, judge) = ranked(6, &World::default());
        let path = again.folder.path().join("cut");
        copy_run(&from, &path, cut);
        assert_eq!(carry_out(&again.job, &path).verdict, expected, "cut at {cut}");
        assert!(judge.calls().iter().all(|call| call.len() == 6), "cut at {cut}: {:?}", judge.calls());
        let record = read_run(&path).unwrap();
        let top = expected.ranked[0].id.0 as usize;
        let (_, said) = record.candidates[top].card.iter().next().unwrap();
        assert_eq!(said.as_ref().unwrap().sigma(), None, "the last word holds, not a mean of two");
    }
}

/// The picture of the second candidate comes after the deadline, when the first was compared without it.
#[test]
fn a_picture_that_comes_late_is_not_compared_alone() {
    let budget = Budget { wall: Some(Duration::from_millis(100)), ..Budget::default() };
    let (mut scene, judge) = ranked(6, &World { budget, ..World::default() });
    scene.job.search = Arc::new(BestOfN::new(2, None, rules()).unwrap());
    let mut editor = FakeEditor::new(editor_card("fake"));
    editor.delay = Arc::new(|item| Duration::from_millis(if item.proposal.id.0 == 0 { 1 } else { 300 }));
    scene.job.ports.editors = vec![Arc::new(editor)];
    let path = scene.folder.path().join("run");
    let outcome = carry_out(&scene.job, &path);
    assert_eq!(judge.calls(), [pictures(&path)[..1].to_vec()]);
    assert_eq!((outcome.verdict.ranked.len(), outcome.verdict.reason), (1, StopReason::Budget));
}

/// Makes three, and has the last two compared twice.
#[derive(Debug)]
struct Twice;

struct TwiceSearch(u32);

impl SearchFactory for Twice {
    fn revision(&self) -> String {
        "twice/1".to_owned()
    }

    fn needs(&self) -> Vec<Need> {
        Vec::new()
    }

    fn largest_run(&self) -> u64 {
        3
    }

    fn start(&self, _: &EditRequest, _: &Cards) -> Box<dyn Search> {
        Box::new(TwiceSearch(0))
    }
}

impl Search for TwiceSearch {
    fn decide(&mut self, trials: &[Trial], _: &Remaining) -> Decision {
        self.0 += 1;
        match self.0 {
            1 => {
                let proposals = (0..3).map(|id| proposal(id, Start::Source, Until::Finished, u64::from(id))).collect();
                Decision::Explore { proposals, keep: Vec::new() }
            }
            2 => {
                let who = trials[1..].iter().filter_map(Trial::id).collect();
                Decision::Judge { who, rewards: RewardSet::All, votes: 2 }
            }
            _ => Decision::Stop(Verdict { ranked: Vec::new(), reason: StopReason::Finished, draw: None }),
        }
    }
}

#[test]
fn every_vote_is_a_set_of_its_own() {
    let (mut scene, judge) = ranked(3, &World::default());
    scene.job.search = Arc::new(Twice);
    carry_out(&scene.job, &scene.folder.path().join("run"));
    let calls = judge.calls();
    assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [3, 2, 2]);
    assert!(calls.iter().all(|call| call.iter().collect::<BTreeSet<_>>().len() == call.len()), "nobody beside himself");
}
