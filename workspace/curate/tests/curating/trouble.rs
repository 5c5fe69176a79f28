//! Rewards that fail, for a while or for good.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use editscale_core::{
    BoxFuture, Failure, FailureKind, Judgement, RewardBatch, RewardCard, RewardKind, RewardModel, Watch,
};
use editscale_curate::drive::{CurateError, judge_all};
use editscale_curate::judging::{Judges, JudgesError};
use editscale_engine::StopSignal;
use editscale_search::Weighted;
use editscale_testkit::reward_card;

use crate::desk::{Desk, undisturbed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_reward_refuses_is_a_record_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::new(folder.path(), 3);
    let before = Arc::clone(&desk.reward.judges);
    desk.reward.judges = Arc::new(move |item| match item.request.instruction.as_str() {
        "make it 1" => Err(FailureKind::Refused),
        _ => before(item),
    });
    let completion = desk.run().await.unwrap().completion.unwrap();
    assert_eq!((completion.records, completion.scored), (6, 4));
    let records = desk.records();
    assert_eq!(records[2].failure.as_deref(), Some("`judge`: failed as scripted"));
    assert!(records[2].said.is_empty() && records[2].edited.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_reward_that_is_away_is_waited_for_and_nothing_is_judged_twice() {
    let quiet = undisturbed(6).await;
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::new(folder.path(), 6);
    // The first twelve questions about one row: three deliveries and more of them.
    let (away, others) = (AtomicU64::new(0), Arc::new(AtomicU64::new(0)));
    let (before, count) = (Arc::clone(&desk.reward.judges), Arc::clone(&others));
    desk.reward.judges = Arc::new(move |item| {
        let is_slow = item.request.instruction.as_str() == "make it 2";
        if is_slow && away.fetch_add(1, Ordering::SeqCst) < 12 {
            return Err(FailureKind::Unavailable);
        }
        count.fetch_add(u64::from(!is_slow), Ordering::SeqCst);
        before(item)
    });
    assert!(desk.run().await.unwrap().is_over);
    assert_eq!(quiet, desk.files());
    assert_eq!(others.load(Ordering::SeqCst), 7, "rows of the same block were judged once");
    let heard = desk.heard.0.lock().unwrap().join("\n");
    assert!(heard.contains("tried again later"), "{heard}");
    assert_eq!(desk.left(), 0, "what was put aside is removed");
}

#[tokio::test(start_paused = true)]
async fn what_fails_to_the_last_is_written_down_as_it_failed() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::new(folder.path(), 3);
    desk.rules.deliveries = 2;
    let before = Arc::clone(&desk.reward.judges);
    desk.reward.judges = Arc::new(move |item| match item.request.instruction.as_str() {
        "make it 0" => Err(FailureKind::TimedOut),
        _ => before(item),
    });
    let summary = desk.run().await.unwrap();
    let completion = summary.completion.unwrap();
    assert_eq!((summary.tallies.dead, completion.records, completion.scored), (0, 6, 4));
    assert_eq!(desk.records()[0].failure.as_deref(), Some("`judge`: failed as scripted"));
}

/// Workers that die with a block in their hands, until it is given up by the queue itself: its rows are told of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_block_that_is_given_up_have_records() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::new(folder.path(), 5);
    desk.rules.deliveries = 1;
    desk.rules.lease = Duration::from_millis(200);
    let mut plan = desk.plan();
    plan.rules.roles.work = false;
    plan.rules.roles.export = false;
    let queue = Arc::clone(&plan.queue);
    judge_all(plan, StopSignal::never()).await.unwrap();
    let lost = queue.lease(1).await.unwrap();
    assert_eq!(lost[0].item.row, 0);
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(queue);
    let completion = desk.run().await.unwrap().completion.unwrap();
    assert_eq!((completion.rows, completion.records, completion.scored), (5, 7, 5));
    let records = desk.records();
    assert!(
        records[1].row == 1 && records[1].failure.as_ref().unwrap().contains("given up after 1 tries"),
        "{records:?}"
    );
}

struct Dead(RewardCard);

impl RewardModel for Dead {
    fn card(&self) -> &RewardCard {
        &self.0
    }

    fn score<'a>(&'a self, batch: RewardBatch, _: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(async move { vec![Err(Failure::new(FailureKind::Crashed, "gone")); batch.items.len()] })
    }

    fn trouble(&self) -> Option<String> {
        Some("its thread has ended".to_owned())
    }
}

fn by(card: RewardCard) -> Judges {
    let weights = vec![(card.name.clone(), 1.0)];
    let objective = Arc::new(Weighted::new(weights.clone()).unwrap());
    Judges::new(vec![Arc::new(Dead(card)) as Arc<dyn RewardModel>], objective, weights).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reward_that_has_died_ends_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::new(folder.path(), 40);
    let mut plan = desk.plan();
    plan.judges = Some(by(reward_card("judge")));
    let error = judge_all(plan, StopSignal::never()).await.unwrap_err();
    assert_eq!(error.to_string(), "the reward `judge` cannot be asked any more: its thread has ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rewards_that_compare_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::new(folder.path(), 1);
    let mut plan = desk.plan();
    plan.judges = Some(by(RewardCard { kind: RewardKind::Listwise, ..reward_card("judge") }));
    let error = judge_all(plan, StopSignal::never()).await.unwrap_err();
    assert!(matches!(&error, CurateError::Judges(JudgesError::Listwise(name)) if name.as_str() == "judge"), "{error}");
}
