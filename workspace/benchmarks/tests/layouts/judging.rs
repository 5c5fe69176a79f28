//! Cases judged: what is asked how often, what is remembered, and what cannot be judged.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use editscale_benchmarks::{Candidate, Case, CaseJudge, Human, JudgedCase};
use editscale_core::{
    BoxFuture, Cost, Counters, Failure, FailureKind, Judgement, NobodyWatches, Objective, RewardBatch, RewardCard,
    RewardKind, RewardModel, RewardName, Scale, Score, ScoreCard, Utility, Watch,
};
use editscale_curate::judging::{Judges, Loader};
use editscale_fetch::Patience;
use editscale_picture::Limits;
use editscale_rollout::RowPicture;
use editscale_rollout::dataset::Pictures;
use editscale_testkit::reward_card;

use crate::desk::{Desk, png};

/// The only reward's mean.
#[derive(Debug)]
struct Only(RewardName);

impl Objective for Only {
    fn utilities(&self, cards: &[&ScoreCard]) -> Vec<Option<Utility>> {
        cards.iter().map(|card| Utility::new(card.score(&self.0)?.mean())).collect()
    }

    fn scale(&self) -> Scale {
        Scale::Absolute
    }

    fn revision(&self) -> String {
        "only".to_owned()
    }
}

/// Scores a picture by the length of its file, and writes down how many items each call had. Wishes that begin with `fail`
/// are refused.
#[derive(Debug)]
struct Counting {
    card: RewardCard,
    calls: Mutex<Vec<usize>>,
}

impl Counting {
    fn new(kind: RewardKind) -> Arc<Self> {
        Arc::new(Self { card: RewardCard { kind, ..reward_card("counting") }, calls: Mutex::default() })
    }

    fn calls(&self) -> Vec<usize> {
        let mut calls = self.calls.lock().unwrap().clone();
        calls.sort_unstable();
        calls
    }
}

impl RewardModel for Counting {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, _: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        self.calls.lock().unwrap().push(batch.items.len());
        let judge = |item: &editscale_core::RewardItem| {
            if item.request.instruction.as_str().starts_with("fail") {
                return Err(Failure::new(FailureKind::Invalid, "no such wish"));
            }
            let first = f64::from(item.candidate.digest().as_bytes()[0]);
            let score = Score::with_sigma(first, Some(0.5)).unwrap();
            Ok(Judgement { score, cost: Cost::default(), counters: Counters::default() })
        };
        let said = batch.items.iter().map(judge).collect();
        Box::pin(async move { said })
    }
}

fn judge(reward: &Arc<Counting>) -> CaseJudge {
    let name = reward.card.name.clone();
    let judges = Judges::new(vec![Arc::clone(reward) as _], Arc::new(Only(name.clone())), vec![(name, 1.0)]).unwrap();
    CaseJudge::new(judges, Loader::new(Pictures::new(Limits::default(), Patience::default())))
}

fn picture(number: u8) -> RowPicture {
    RowPicture::Bytes { name: None, bytes: png(number) }
}

fn case(id: &str, instruction: &str, source: u8, candidates: &[u8]) -> Case {
    let candidate = |number: &u8| Candidate { picture: picture(*number), model: None, rating: None };
    Case {
        id: id.to_owned(),
        part: "pairwise".to_owned(),
        dataset: None,
        group: None,
        instruction: instruction.to_owned(),
        source: picture(source),
        candidates: candidates.iter().map(candidate).collect(),
        human: Human::Rated,
    }
}

async fn judged(judge: &mut CaseJudge, cases: Vec<Case>) -> Vec<JudgedCase> {
    tokio::time::timeout(Duration::from_secs(60), judge.judge(cases, &NobodyWatches)).await.unwrap()
}

fn scores(case: &JudgedCase) -> Vec<Option<f64>> {
    case.candidates.iter().map(|candidate| candidate.score).collect()
}

#[tokio::test]
async fn each_different_edit_is_asked_once() {
    let reward = Counting::new(RewardKind::Pointwise);
    let mut asked = judge(&reward);
    let cases = vec![
        case("0", "x", 1, &[2, 3]),
        case("1", "x", 1, &[3, 2]),
        case("2", "y", 1, &[2, 3]),
        case("3", "x", 1, &[2, 2, 4]),
    ];
    let first = judged(&mut asked, cases.clone()).await;
    assert_eq!(reward.calls().iter().sum::<usize>(), 5, "{:?}", reward.calls());
    assert_eq!(scores(&first[0]), scores(&first[1]).into_iter().rev().collect::<Vec<_>>());
    let timed: Vec<Vec<bool>> = first
        .iter()
        .map(|case| case.candidates.iter().map(|candidate| candidate.seconds.is_some()).collect())
        .collect();
    assert_eq!(timed, [vec![true, true], vec![false, false], vec![true, true], vec![false, false, true]]);
    let one = &first[0].candidates[0];
    assert_eq!((one.sigma, one.failure.as_deref(), one.said["counting"].mean), (Some(0.5), None, one.score.unwrap()));
    assert_eq!(one.picture.as_ref().map(|picture| (picture.width, picture.height)), Some((4, 4)));

    // What an earlier call said is taken over.
    let again = Counting::new(RewardKind::Pointwise);
    let mut later = judge(&again);
    first.iter().for_each(|case| later.remember(case));
    let second = judged(&mut later, cases).await;
    assert!(again.calls().iter().sum::<usize>() == 0, "{:?}", again.calls());
    assert_eq!(second.iter().map(scores).collect::<Vec<_>>(), first.iter().map(scores).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_reward_that_compares_sees_every_case_by_itself() {
    let reward = Counting::new(RewardKind::Listwise);
    let mut asked = judge(&reward);
    let cases = vec![case("0", "x", 1, &[2, 3]), case("1", "x", 1, &[2, 3, 4]), case("2", "x", 1, &[2, 3])];
    let done = judged(&mut asked, cases).await;
    assert_eq!(reward.calls(), [2, 2, 3]);
    assert!(done.iter().flat_map(|case| &case.candidates).all(|candidate| candidate.score.is_some()));
}

#[tokio::test]
async fn what_cannot_be_judged_says_why() {
    let desk = Desk::new();
    let reward = Counting::new(RewardKind::Pointwise);
    let mut asked = judge(&reward);
    let mut broken = case("0", "x", 1, &[2, 3]);
    broken.candidates[1].picture = RowPicture::File(desk.write("broken.png", b"no picture"));
    let mut lost = case("1", "x", 1, &[2]);
    lost.source = RowPicture::File(desk.path("absent.png"));
    let cases = vec![broken, lost, case("2", "fail", 1, &[2]), case("3", " ", 1, &[2])];
    let done = judged(&mut asked, cases).await;
    let told = |case: usize, candidate: usize| done[case].candidates[candidate].failure.clone().unwrap_or_default();
    assert!(done[0].candidates[0].score.is_some());
    assert!(told(0, 1).contains("broken.png"), "{}", told(0, 1));
    assert!(told(1, 0).contains("the source: ") && told(1, 0).contains("absent.png"), "{}", told(1, 0));
    assert!(done[1].source.is_none() && done[1].candidates[0].picture.is_some());
    assert!(told(2, 0).contains("counting: ") && told(2, 0).contains("no such wish"), "{}", told(2, 0));
    assert!(told(3, 0).contains("instruction"), "{}", told(3, 0));
    assert!(done[1..].iter().flat_map(scores).all(|score| score.is_none()));
    for case in &done {
        let line = serde_json::to_string(case).unwrap();
        assert_eq!(&serde_json::from_str::<JudgedCase>(&line).unwrap(), case);
    }
}
