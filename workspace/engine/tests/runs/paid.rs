//! Judgements that are paid: whatever interrupts them, a run has spent no less than it was billed and no more than it
//! may.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use editscale_core::{
    BoxFuture, Budget, Cost, Counters, Ending, Failure, FailureKind, Judgement, Outcome, RewardBatch, RewardCard,
    RewardItem, RewardModel, RewardName, Score, Usd, Watch,
};
use editscale_engine::{Retry, RunDirectory, StopSignal, Stopper, read_run, run};
use editscale_search::BestOfN;
use editscale_testkit::{FakeReward, reward_card};

use crate::{Scene, World, block_on, carry_out, copy_run, open_run, rules, scene};

/// A judge that bills each judgement as it leaves, and takes its time.
#[derive(Debug)]
struct Billing {
    card: RewardCard,
    asked: AtomicU64,
    takes: Duration,
    /// Whether it ends when it is told to; else it answers nothing any more from then on.
    heeds: bool,
    /// Every how many judgements one is billed and times out.
    times_out: u64,
}

/// What one judgement is billed, below the most that it can cost.
const BILLED: u64 = 7;

const MOST: u64 = 10;

impl Billing {
    fn new() -> Self {
        let mut card = reward_card("judge");
        card.cost = Cost { usd: Usd { micros: MOST }, ..Cost::default() };
        let asked = AtomicU64::new(0);
        Self { card, asked, takes: Duration::from_millis(2), heeds: true, times_out: u64::MAX }
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Waits until this many judgements were asked for.
    async fn until_asked(&self, count: u64) {
        while self.asked() < count {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }

    fn answer(&self, item: &RewardItem, number: u64) -> Result<Judgement, Failure> {
        if number % self.times_out == self.times_out - 1 {
            return Err(Failure { cost: self.card.cost, ..Failure::new(FailureKind::TimedOut, "too slow") });
        }
        let score = Score::new(f64::from(item.candidate.digest().as_bytes()[0]) / 255.0).unwrap();
        let cost = Cost { usd: Usd { micros: BILLED }, ..Cost::default() };
        Ok(Judgement { score, cost, counters: Counters::default() })
    }
}

impl RewardModel for Billing {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(async move {
            let first = self.asked.fetch_add(batch.items.len() as u64, Ordering::Relaxed);
            let begun = Instant::now();
            while begun.elapsed() < self.takes {
                tokio::time::sleep(Duration::from_micros(500)).await;
                if watch.cancelled() && self.heeds {
                    let why = Failure::new(FailureKind::Cancelled, "cancelled");
                    return vec![Err(Failure { cost: self.card.cost, ..why }); batch.items.len()];
                }
            }
            batch.items.iter().zip(first..).map(|(item, number)| self.answer(item, number)).collect()
        })
    }
}

/// Thirteen candidates in rounds of four, before a judge that is paid.
fn billed(budget: u64, judge: Billing) -> (Scene, Arc<Billing>) {
    let budget = Budget { usd: Some(Usd { micros: budget }), ..Budget::default() };
    let mut scene = scene(&World { kind: 0, budget, ..World::default() });
    scene.job.limits.retry = Retry { attempts: 3, base: Duration::from_micros(50), most: Duration::from_millis(1) };
    let judge = Arc::new(judge);
    scene.job.ports.rewards = vec![Arc::clone(&judge) as Arc<dyn RewardModel>];
    (scene, judge)
}

/// That a run has spent no less than it was billed and no more than it may, in a replay as well.
fn check_spent(scene: &Scene, path: &Path, outcome: &Outcome, asked: u64, budget: u64) {
    let spent = outcome.ledger.cost.usd.micros;
    assert!(asked * BILLED <= spent && spent <= budget, "billed for {asked}, spent {spent} of {budget}");
    assert!(outcome.ledger.reward_calls >= asked, "asked {asked}, {:?}", outcome.ledger);
    for _ in 0..2 {
        let replayed = carry_out(&scene.job, path).ledger;
        assert_eq!((replayed.cost, replayed.reward_calls), (outcome.ledger.cost, outcome.ledger.reward_calls));
    }
}

fn lines_of(path: &Path, event: &str) -> usize {
    let text = std::fs::read_to_string(path.join("journal.jsonl")).unwrap();
    text.lines().filter(|line| line.contains(&format!("\"event\":\"{event}\""))).count()
}

/// I7: a program that is killed again and again in the middle of paid judgements spends no more than the budget, and
/// no less than what was billed.
#[test]
fn paid_judgements_that_a_kill_interrupts_are_spent() {
    for (budget, times_out) in [(150, u64::MAX), (150, 4), (1000, 3), (1000, u64::MAX)] {
        let (scene, judge) = billed(budget, Billing { times_out, ..Billing::new() });
        let path = scene.folder.path().join("run");
        let mut lives = 0;
        let outcome = loop {
            let mut directory = open_run(&scene.job, &path);
            let next = judge.asked() + 1 + lives % 5;
            let outcome = block_on(async {
                tokio::select! {
                    outcome = run(&scene.job, &mut directory, StopSignal::never()) => Some(outcome.unwrap()),
                    () = judge.until_asked(next) => None,
                }
            });
            lives += 1;
            if let Some(outcome) = outcome {
                break outcome;
            }
        };
        assert!(lives > 1 && lines_of(&path, "judging_failed") > 0, "{lives} lives");
        check_spent(&scene, &path, &outcome, judge.asked(), budget);
    }
}

/// I7: so does one that is stopped again and again.
#[test]
fn paid_judgements_that_a_stop_interrupts_are_spent() {
    for budget in [150, 1000] {
        let (scene, judge) = billed(budget, Billing { times_out: 5, ..Billing::new() });
        let path = scene.folder.path().join("run");
        let (mut lives, mut spent) = (0, 0);
        let outcome = loop {
            let mut directory = open_run(&scene.job, &path);
            let (stopper, signal) = Stopper::new();
            let next = judge.asked() + 1 + lives % 5;
            let outcome = block_on(async {
                let carried_out = run(&scene.job, &mut directory, signal);
                tokio::pin!(carried_out);
                tokio::select! {
                    outcome = &mut carried_out => return outcome.unwrap(),
                    () = judge.until_asked(next) => stopper.stop(),
                }
                carried_out.await.unwrap()
            });
            lives += 1;
            let now = outcome.ledger.cost.usd.micros;
            assert!(now >= spent && now >= judge.asked() * BILLED && now <= budget, "{now} after {spent}");
            spent = now;
            if outcome.ending == Ending::Search {
                break outcome;
            }
        };
        assert!(lives > 1 && lines_of(&path, "judging_failed") > 0, "{lives} lives");
        check_spent(&scene, &path, &outcome, judge.asked(), budget);
    }
}

/// I7, I11: wherever a crash cuts the journal, what had left counts at its most.
#[test]
fn a_journal_of_paid_judgements_cut_anywhere_keeps_what_had_left() {
    let (scene, _) = billed(1000, Billing { takes: Duration::ZERO, times_out: 4, ..Billing::new() });
    let whole = scene.folder.path().join("whole");
    carry_out(&scene.job, &whole);
    let text = std::fs::read_to_string(whole.join("journal.jsonl")).unwrap();
    for cut in 1..text.lines().count() {
        for budget in [170, 1000] {
            let (again, judge) = billed(budget, Billing { takes: Duration::ZERO, ..Billing::new() });
            let path = again.folder.path().join("cut");
            copy_run(&whole, &path, cut);
            let left = lines_of(&path, "judging") as u64;
            if left * MOST > budget {
                continue;
            }
            // The journal was written under the larger budget; only what is left differs, and that the journal says.
            let outcome = carry_out(&again.job, &path);
            check_spent(&again, &path, &outcome, left + judge.asked(), budget);
        }
    }
}

/// I7: a judge that does not heed a stop or the deadline is not waited for for ever, and its judgements are spent.
#[test]
fn paid_judgements_that_nobody_waits_for_any_more_are_spent() {
    let never = || Billing { takes: Duration::from_secs(3600), heeds: false, ..Billing::new() };
    let (stopped, stopped_judge) = billed(1000, never());
    let (mut late, late_judge) = billed(1000, never());
    late.job.limits.budget.wall = Some(Duration::from_millis(100));
    let (path, late_path) = (stopped.folder.path().join("run"), late.folder.path().join("run"));
    let (mut directory, mut late_directory) = (open_run(&stopped.job, &path), open_run(&late.job, &late_path));
    let (stopper, signal) = Stopper::new();
    let (outcome, late_outcome, ()) = block_on(async {
        let soon = async {
            stopped_judge.until_asked(4).await;
            stopper.stop();
        };
        let late_run = run(&late.job, &mut late_directory, StopSignal::never());
        futures_util::future::join3(run(&stopped.job, &mut directory, signal), late_run, soon).await
    });
    drop((directory, late_directory));
    let (outcome, late_outcome) = (outcome.unwrap(), late_outcome.unwrap());
    for (outcome, judge) in [(&outcome, &stopped_judge), (&late_outcome, &late_judge)] {
        assert_eq!(outcome.ledger.cost.usd.micros, judge.asked() * MOST);
        assert_eq!(outcome.ledger.reward_calls, judge.asked());
    }
    assert!(stopped_judge.asked() >= 4);
    assert_eq!((outcome.ending, late_outcome.verdict.reason.word()), (Ending::Cancelled, "budget"));
    check_spent(&late, &late_path, &late_outcome, late_judge.asked(), 1000);
    let (again, judge) = billed(1000, Billing::new());
    let whole = carry_out(&again.job, &path);
    assert_eq!(whole.ledger.cost.usd.micros, stopped_judge.asked() * MOST + judge.asked() * BILLED);
    assert_eq!((judge.asked(), whole.verdict.ranked.len()), (13, 13), "what was interrupted is asked for again");
}

/// What is free writes down no more than before, and an old journal, which is one without these entries, is read.
#[test]
fn judgements_that_are_free_are_not_entered_before_they_leave() {
    let scene = scene(&World::default());
    let path = scene.folder.path().join("run");
    let outcome = carry_out(&scene.job, &path);
    assert_eq!((lines_of(&path, "judging"), lines_of(&path, "judging_failed")), (0, 0));
    let manifest = std::fs::read_to_string(path.join("run.json")).unwrap();
    let with_version = |version: u32| {
        let text = manifest.replace("\"version\": 3", &format!("\"version\": {version}"));
        std::fs::write(path.join("run.json"), text).unwrap();
    };
    with_version(1);
    assert_eq!(carry_out(&scene.job, &path), outcome);
    with_version(4);
    let error = RunDirectory::open(&path).unwrap_err().to_string();
    assert!(error.contains("format version 4, this program reads versions 1 to 3"), "{error}");
}

/// After the deadline a judgement under way is waited for and a free one begun, but none that costs money.
#[test]
fn no_paid_judgement_is_begun_after_the_deadline() {
    let mut judge = Billing { takes: Duration::from_millis(25), heeds: false, ..Billing::new() };
    (judge.card.slots, judge.card.largest_batch) = (NonZeroU32::MIN, NonZeroU32::MIN);
    let (mut scene, judge) = billed(1000, judge);
    scene.job.search = Arc::new(BestOfN::new(6, None, rules()).unwrap());
    scene.job.limits.budget.wall = Some(Duration::from_millis(60));
    let mut free = FakeReward::new(reward_card("free"));
    (free.card.slots, free.card.largest_batch) = (NonZeroU32::MIN, NonZeroU32::MIN);
    free.delay = Duration::from_millis(20);
    scene.job.ports.rewards.push(Arc::new(free));
    let path = scene.folder.path().join("run");
    let outcome = carry_out(&scene.job, &path);
    // Each takes 25 milliseconds of 60: a fourth would begin after 75.
    assert!(judge.asked() <= 3, "{}", judge.asked());
    assert_eq!(outcome.verdict.reason.word(), "budget");
    let record = read_run(&path).unwrap();
    let said = |name: &str| {
        let name = RewardName::new(name).unwrap();
        record.candidates.iter().filter(|each| each.card.score(&name).is_some()).count() as u64
    };
    let made = record.candidates.iter().filter(|each| matches!(each.made, Some(Ok(_)))).count() as u64;
    assert_eq!((said("judge"), said("free")), (judge.asked(), made), "what is under way or free is finished");
    check_spent(&scene, &path, &outcome, judge.asked(), 1000);
    assert_eq!(outcome.ledger.cost.usd.micros, judge.asked() * BILLED);
}
