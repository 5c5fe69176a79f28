//! Which calls are made of a list of edits, and what comes of their answers.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use editscale_core::{
    BoxFuture, Counters, Digest, EditRequest, Failure, FailureKind, Image, ImageSize, Instruction, Judgement,
    MediaType, Objective, RewardBatch, RewardCard, RewardItem, RewardKind, RewardModel, RewardName, Scale, Score,
    ScoreCard, Utility, Watch,
};
use editscale_curate::judging::{Judges, JudgesError};
use editscale_testkit::{FakeReward, request, reward_card};
use proptest::prelude::*;

fn image(number: u8) -> Image {
    let bytes: Arc<[u8]> = Arc::from(&[number][..]);
    Image::new(Digest::from_bytes([number; 32]), MediaType::Png, ImageSize { width: 1, height: 1 }, Arc::new(bytes))
}

/// An edit of this source by this instruction.
fn item(source: u8, instruction: &str, candidate: u8) -> RewardItem {
    let instruction = Instruction::new(instruction).unwrap();
    let request = EditRequest { source: image(source), instruction, ..request(0) };
    RewardItem { request: Arc::new(request), candidate: image(candidate) }
}

fn name(text: &str) -> RewardName {
    RewardName::new(text).unwrap()
}

/// The weighted mean, written out once more.
#[derive(Debug)]
struct Mean(Vec<(RewardName, f64)>, Scale);

impl Objective for Mean {
    fn utilities(&self, cards: &[&ScoreCard]) -> Vec<Option<Utility>> {
        let total: f64 = self.0.iter().map(|(_, weight)| weight.abs()).sum();
        let one = |card: &&ScoreCard| {
            let terms = self.0.iter().map(|(name, weight)| Some(card.score(name)?.mean() * weight));
            Utility::new(terms.sum::<Option<f64>>()? / total)
        };
        cards.iter().map(one).collect()
    }

    fn scale(&self) -> Scale {
        self.1
    }

    fn revision(&self) -> String {
        "mean".to_owned()
    }
}

/// A reward that writes its calls down and answers by a script: candidate and attempt to mean and sigma.
type Script = dyn Fn(u8, usize) -> Result<(f64, Option<f64>), FailureKind> + Send + Sync;

struct Scripted {
    card: RewardCard,
    calls: Mutex<Vec<Vec<u8>>>,
    script: Box<Script>,
    under_way: AtomicUsize,
    most: AtomicUsize,
}

impl Scripted {
    fn new(card: RewardCard, script: Box<Script>) -> Arc<Self> {
        Arc::new(Self {
            card,
            calls: Mutex::default(),
            script,
            under_way: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        })
    }

    fn calls(&self) -> Vec<Vec<u8>> {
        self.calls.lock().unwrap().clone()
    }
}

impl RewardModel for Scripted {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, _: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(async move {
            let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            tokio::task::yield_now().await;
            let asked: Vec<u8> = batch.items.iter().map(|item| item.candidate.digest().as_bytes()[0]).collect();
            let before = self.calls();
            self.calls.lock().unwrap().push(asked.clone());
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            let attempt = |candidate: u8| 1 + before.iter().filter(|call| call.contains(&candidate)).count();
            let answer = |candidate: &u8| {
                let (mean, sigma) =
                    (self.script)(*candidate, attempt(*candidate)).map_err(|kind| Failure::new(kind, "scripted"))?;
                let score = Score::with_sigma(mean, sigma).unwrap();
                Ok(Judgement { score, cost: self.card.cost, counters: Counters::default() })
            };
            asked.iter().map(answer).collect()
        })
    }
}

fn card(text: &str, batch: u32, kind: RewardKind) -> RewardCard {
    RewardCard { largest_batch: NonZeroU32::new(batch).unwrap(), kind, ..reward_card(text) }
}

fn judges(rewards: &[Arc<Scripted>], weights: &[f64]) -> Judges {
    let weights: Vec<_> =
        rewards.iter().zip(weights).map(|(reward, weight)| (reward.card.name.clone(), *weight)).collect();
    let objective = Arc::new(Mean(weights.clone(), Scale::Absolute));
    let rewards = rewards.iter().map(|reward| Arc::clone(reward) as Arc<dyn RewardModel>).collect();
    Judges::new(rewards, objective, weights).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "it is one of several that are asked alike")]
fn plain(candidate: u8, _: usize) -> Result<(f64, Option<f64>), FailureKind> {
    Ok((f64::from(candidate), None))
}

#[tokio::test(start_paused = true)]
async fn items_of_one_source_and_instruction_go_together_and_answers_stand_in_item_order() {
    let reward = Scripted::new(card("judge", 3, RewardKind::Pointwise), Box::new(plain));
    let judges = judges(&[Arc::clone(&reward)], &[1.0]);
    let items =
        [item(1, "a", 10), item(2, "a", 20), item(1, "a", 11), item(1, "b", 15), item(2, "a", 21), item(1, "a", 12)];
    let verdicts = judges.judge(&items).await;
    let scores: Vec<_> = verdicts.iter().map(|verdict| verdict.score.unwrap()).collect();
    assert_eq!(scores, [10.0, 20.0, 11.0, 15.0, 21.0, 12.0]);
    let calls: BTreeSet<_> = reward.calls().into_iter().collect();
    assert_eq!(calls, BTreeSet::from([vec![10, 11, 12], vec![20, 21, 15]]));
    assert!(judges.judge(&[]).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_comparing_reward_gets_each_set_whole_or_says_why_not() {
    let reward = Scripted::new(card("judge", 2, RewardKind::Listwise), Box::new(plain));
    let judges = judges(&[Arc::clone(&reward)], &[1.0]);
    assert_eq!(judges.listwise().collect::<Vec<_>>(), [&name("judge")]);
    let items =
        [item(1, "a", 10), item(2, "a", 20), item(1, "a", 11), item(3, "a", 30), item(3, "a", 31), item(3, "a", 32)];
    let verdicts = judges.judge(&items).await;
    assert!(verdicts[..3].iter().all(|verdict| verdict.score.is_some()));
    let (_, said) = verdicts[4].card.iter().next().unwrap();
    assert_eq!(
        said.as_ref().unwrap_err().message.as_ref(),
        "`judge` compares at most 2 candidates with each other: found 3"
    );
    assert_eq!(reward.calls().into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([vec![10, 11], vec![20]]));
}

#[tokio::test(start_paused = true)]
async fn what_may_pass_is_asked_again_alone_and_what_never_will_is_not() {
    let script = |candidate: u8, attempt: usize| match candidate {
        1 if attempt < 3 => Err(FailureKind::Unavailable),
        2 => Err(FailureKind::TimedOut),
        3 => Err(FailureKind::Refused),
        _ => Ok((f64::from(candidate), Some(0.5))),
    };
    let reward = Scripted::new(card("judge", 8, RewardKind::Pointwise), Box::new(script));
    let verdicts = judges(&[Arc::clone(&reward)], &[2.0]).judge(&[1, 2, 3, 4].map(|number| item(9, "a", number))).await;
    assert_eq!(reward.calls(), [vec![1, 2, 3, 4], vec![1, 2], vec![1, 2]]);
    let scores: Vec<_> = verdicts.iter().map(|verdict| verdict.score).collect();
    assert_eq!(scores, [Some(1.0), None, None, Some(4.0)]);
    assert_eq!(verdicts[0].sigma, Some(0.5), "of one reward its own, whatever its weight");
    assert_eq!(verdicts[1].sigma, None);
}

#[tokio::test(start_paused = true)]
async fn sigmas_of_a_weighted_mean_add_up_as_of_independent_scores() {
    let with = |sigma: Option<f64>| -> Box<Script> { Box::new(move |_, _| Ok((1.0, sigma))) };
    let pointwise = |text: &str| card(text, 4, RewardKind::Pointwise);
    for (sigmas, weights, expected) in [
        ([Some(3.0), Some(4.0)], [1.0, 1.0], Some(2.5)),
        ([Some(3.0), Some(1.0)], [1.0, -4.0], Some(1.0)),
        ([Some(3.0), None], [1.0, 1.0], None),
        ([Some(3.0), None], [2.0, 0.0], Some(3.0)),
    ] {
        let rewards =
            [Scripted::new(pointwise("one"), with(sigmas[0])), Scripted::new(pointwise("two"), with(sigmas[1]))];
        let verdict = judges(&rewards, &weights).judge(&[item(1, "a", 1)]).await.pop().unwrap();
        assert_eq!(verdict.sigma, expected, "{sigmas:?} {weights:?}");
        assert_eq!(verdict.card.iter().count(), 2);
    }
    let reward: Arc<dyn RewardModel> = Scripted::new(pointwise("one"), with(Some(1.0)));
    let objective = Arc::new(Mean(vec![(name("one"), 1.0)], Scale::Absolute));
    let verdict = Judges::new(vec![reward], objective, vec![]).unwrap().judge(&[item(1, "a", 1)]).await.pop().unwrap();
    assert_eq!((verdict.score, verdict.sigma), (Some(1.0), None), "no weights, no standard deviation of the whole");
}

#[tokio::test(start_paused = true)]
async fn rewards_are_asked_at_once_and_within_their_slots_whoever_asks() {
    let slots = |count: u32, text: &str| RewardCard {
        slots: NonZeroU32::new(count).unwrap(),
        ..card(text, 1, RewardKind::Pointwise)
    };
    let reward = Scripted::new(slots(2, "judge"), Box::new(plain));
    let judges = judges(&[Arc::clone(&reward)], &[1.0]);
    let items: Vec<_> = (0..10).map(|number| item(number, "a", number)).collect();
    let (one, other) = (judges.clone(), judges.clone());
    tokio::join!(one.judge(&items), other.judge(&items));
    assert_eq!((reward.calls().len(), reward.most.load(Ordering::SeqCst)), (20, 2));
    // Two rewards that each wait for the other to have been asked.
    let gate = Arc::new(tokio::sync::Barrier::new(2));
    let rewards: Vec<Arc<dyn RewardModel>> = vec![
        Arc::new(Meeting { card: slots(1, "one"), gate: Arc::clone(&gate) }),
        Arc::new(Meeting { card: slots(1, "two"), gate }),
    ];
    let weights = vec![(name("one"), 1.0), (name("two"), 1.0)];
    let judges = Judges::new(rewards, Arc::new(Mean(weights.clone(), Scale::Absolute)), weights).unwrap();
    assert_eq!(judges.judge(&items[..1]).await[0].score, Some(1.0));
}

struct Meeting {
    card: RewardCard,
    gate: Arc<tokio::sync::Barrier>,
}

impl RewardModel for Meeting {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, _: RewardBatch, _: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(async move {
            self.gate.wait().await;
            let score = Score::new(1.0).unwrap();
            vec![Ok(Judgement { score, cost: self.card.cost, counters: Counters::default() })]
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_reward_that_answers_too_little_has_failed() {
    struct Short(RewardCard);
    impl RewardModel for Short {
        fn card(&self) -> &RewardCard {
            &self.0
        }
        fn score<'a>(&'a self, _: RewardBatch, _: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
            Box::pin(async { Vec::new() })
        }
    }
    let weights = vec![(name("judge"), 1.0)];
    let objective = Arc::new(Mean(weights.clone(), Scale::Absolute));
    let judges = Judges::new(vec![Arc::new(Short(reward_card("judge")))], objective, weights).unwrap();
    let verdict = judges.judge(&[item(1, "a", 1), item(1, "a", 2)]).await.pop().unwrap();
    let (_, said) = verdict.card.iter().next().unwrap();
    assert_eq!(said.as_ref().unwrap_err().message.as_ref(), "`judge` answered 0 items of 2");
}

#[tokio::test(start_paused = true)]
async fn cancelled_work_is_not_begun() {
    struct Asked(AtomicBool);
    impl Watch for Asked {
        fn cancelled(&self) -> bool {
            self.0.load(Ordering::SeqCst)
        }
    }
    let reward = Scripted::new(card("judge", 1, RewardKind::Pointwise), Box::new(|_, _| Err(FailureKind::Unavailable)));
    let judges = judges(&[Arc::clone(&reward)], &[1.0]);
    let verdict = judges.judge_watched(&[item(1, "a", 1)], &Asked(AtomicBool::new(true))).await.pop().unwrap();
    assert_eq!(verdict.card.iter().next().unwrap().1.as_ref().unwrap_err().kind, FailureKind::Cancelled);
    assert!(reward.calls().is_empty());
}

#[test]
fn ranks_and_nobody_at_all_cannot_judge_a_data_set() {
    let rewards = || -> Vec<Arc<dyn RewardModel>> { vec![Arc::new(FakeReward::new(reward_card("judge")))] };
    let objective = |scale| Arc::new(Mean(vec![(name("judge"), 1.0)], scale));
    let relative = Judges::new(rewards(), objective(Scale::Relative), vec![]).unwrap_err();
    assert_eq!(relative, JudgesError::Relative("mean".to_owned()));
    assert_eq!(Judges::new(vec![], objective(Scale::Absolute), vec![]).unwrap_err(), JudgesError::NoReward);
}

proptest! {
    /// Whatever the list, every item has its own answer, no call is too large, and each item is asked once.
    #[test]
    fn every_item_has_its_own_answer(sources in proptest::collection::vec(0_u8..6, 0..60), most in 1_u32..9) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let reward = Scripted::new(card("judge", most, RewardKind::Pointwise), Box::new(plain));
        let items: Vec<_> = sources.iter().zip(0..).map(|(source, number)| item(*source, "a", number)).collect();
        let verdicts = runtime.block_on(judges(&[Arc::clone(&reward)], &[1.0]).judge(&items));
        let scores: Vec<_> = verdicts.iter().map(|verdict| verdict.score.unwrap() as u8).collect();
        prop_assert_eq!(scores, (0..sources.len() as u8).collect::<Vec<_>>());
        let calls = reward.calls();
        prop_assert!(calls.iter().all(|call| !call.is_empty() && call.len() <= most as usize));
        prop_assert_eq!(calls.concat().len(), sources.len());
    }
}
