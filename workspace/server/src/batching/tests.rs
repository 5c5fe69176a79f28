//! Callers that share a reward: who is answered when, with whom, and what is left of one that went away.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use editscale_core::{
    Cost, Counters, Digest, EditRequest, Image, ImageSize, Instruction, Judgement, MediaType, NobodyWatches, Score,
    Seed,
};
use editscale_testkit::reward_card;
use futures_util::future::join_all;
use proptest::prelude::*;
use tokio::sync::Semaphore;

use super::turns::Turns;
use super::*;

/// Nothing here takes as long; a test that waits for more has failed.
const LONG: Duration = Duration::from_secs(20);

/// A reward whose calls wait for the test, and that notes what it was asked.
struct Scripted {
    card: RewardCard,
    /// A call waits for a permit, unless it is cancelled.
    gate: Semaphore,
    calls: Mutex<Vec<Vec<RewardItem>>>,
    at_work: AtomicUsize,
    most_at_work: AtomicUsize,
    cancelled: AtomicUsize,
    fault: fn(Vec<Answer>) -> Vec<Answer>,
}

impl Scripted {
    fn new(largest: u32, slots: u32, permits: usize) -> Self {
        let count = |count| NonZeroU32::new(count).unwrap();
        Self {
            card: RewardCard { largest_batch: count(largest), slots: count(slots), ..reward_card("scripted") },
            gate: Semaphore::new(permits),
            calls: Mutex::default(),
            at_work: AtomicUsize::new(0),
            most_at_work: AtomicUsize::new(0),
            cancelled: AtomicUsize::new(0),
            fault: |answers| answers,
        }
    }

    fn calls(&self) -> Vec<Vec<RewardItem>> {
        self.calls.lock().unwrap().clone()
    }

    /// The sizes of its calls.
    fn sizes(&self) -> Vec<usize> {
        self.calls().iter().map(Vec::len).collect()
    }

    async fn judge(&self, batch: RewardBatch, watch: &dyn Watch) -> Vec<Answer> {
        self.calls.lock().unwrap().push(batch.items.clone());
        self.most_at_work.fetch_max(self.at_work.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let permit = loop {
            tokio::select! {
                permit = self.gate.acquire() => break Some(permit.unwrap()),
                () = tokio::time::sleep(Duration::from_millis(1)), if watch.cancelled() => break None,
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
        };
        self.at_work.fetch_sub(1, Ordering::SeqCst);
        let Some(permit) = permit else {
            self.cancelled.fetch_add(1, Ordering::SeqCst);
            let cancelled = || Err(Failure::new(FailureKind::Cancelled, "told to end"));
            return batch.items.iter().map(|_| cancelled()).collect();
        };
        permit.forget();
        (self.fault)(batch.items.iter().map(|item| Ok(judgement(number_of(item)))).collect())
    }
}

impl RewardModel for Scripted {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Answer>> {
        Box::pin(self.judge(batch, watch))
    }
}

fn judgement(number: u32) -> Judgement {
    let score = Score::new(f64::from(number)).unwrap();
    Judgement { score, cost: Cost::default(), counters: Counters::default() }
}

/// A picture that is nothing but a number.
fn picture(number: u32) -> Image {
    let mut digest = [0; 32];
    digest[..4].copy_from_slice(&number.to_le_bytes());
    let bytes: Arc<[u8]> = Arc::from(&[][..]);
    Image::new(Digest::from_bytes(digest), MediaType::Png, ImageSize { width: 1, height: 1 }, Arc::new(bytes))
}

fn number_of(item: &RewardItem) -> u32 {
    u32::from_le_bytes(item.candidate.digest().as_bytes()[..4].try_into().unwrap())
}

fn item(source: u8, instruction: u8, candidate: u32) -> RewardItem {
    let request = EditRequest {
        source: picture(u32::from(source)),
        instruction: Instruction::new(&format!("instruction {instruction}")).unwrap(),
        mask: None,
        output_size: None,
        seed: Seed::new(0).unwrap(),
    };
    RewardItem { request: Arc::new(request), candidate: picture(candidate) }
}

fn items(source: u8, candidates: std::ops::Range<u32>) -> Vec<RewardItem> {
    candidates.map(|candidate| item(source, 0, candidate)).collect()
}

fn numbers(answers: &[Answer]) -> Vec<u32> {
    answers.iter().map(|answer| answer.as_ref().unwrap().score.mean() as u32).collect()
}

fn kinds(answers: &[Answer]) -> Vec<FailureKind> {
    answers.iter().map(|answer| answer.as_ref().unwrap_err().kind).collect()
}

fn batching(scripted: Scripted, room: usize) -> (Arc<Scripted>, Arc<Batching>) {
    let scripted = Arc::new(scripted);
    let batching = Batching::new(Arc::clone(&scripted) as Arc<dyn RewardModel>, room);
    (scripted, Arc::new(batching))
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "it does not come about");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A caller that is cut off at any moment by dropping what this returns.
fn ask(batching: &Arc<Batching>, items: Vec<RewardItem>) -> tokio::task::JoinHandle<Result<Vec<Answer>, Refusal>> {
    let batching = Arc::clone(batching);
    tokio::spawn(async move { batching.ask(items).await })
}

#[tokio::test]
async fn callers_that_come_together_share_a_call() {
    let (scripted, batching) = batching(Scripted::new(16, 1, 1), 100);
    let callers = (0..16).map(|number| batching.ask(vec![item(1, 0, number)]));
    for (number, answers) in (0..16).zip(join_all(callers).await) {
        assert_eq!(numbers(&answers.unwrap()), [number]);
    }
    assert_eq!(scripted.sizes(), [16]);
    assert_eq!(batching.load(), Load { waiting: 0, at_work: 0, calls: 1, items: 16 });
}

#[tokio::test]
async fn what_comes_while_it_is_busy_gathers() {
    let (scripted, batching) = batching(Scripted::new(4, 1, 0), 100);
    let first = ask(&batching, items(0, 0..1));
    until(|| batching.load().at_work == 1).await;
    let others: Vec<_> = (1..8).map(|number| ask(&batching, items(1, number..number + 1))).collect();
    until(|| batching.load().waiting == 7).await;
    scripted.gate.add_permits(3);
    for (number, asked) in (0..8).zip(std::iter::once(first).chain(others)) {
        assert_eq!(numbers(&asked.await.unwrap().unwrap()), [number]);
    }
    assert_eq!(scripted.sizes(), [1, 4, 3]);
}

#[tokio::test]
async fn one_with_ten_thousand_does_not_keep_out_one_with_one() {
    let (scripted, batching) = batching(Scripted::new(16, 1, 1), 20_000);
    let many = ask(&batching, items(0, 0..10_000));
    until(|| batching.load().at_work == 1 && batching.load().waiting > 9_000).await;
    let one = ask(&batching, items(1, 77_777..77_778));
    until(|| batching.load().waiting > 10_000 - 32).await;
    scripted.gate.add_permits(3);
    assert_eq!(numbers(&one.await.unwrap().unwrap()), [77_777]);
    // Those under way, at most two more led by the other, and its own.
    assert!(scripted.calls().len() <= 4, "{:?}", scripted.sizes());
    scripted.gate.add_permits(10_000);
    assert_eq!(numbers(&many.await.unwrap().unwrap()), (0..10_000).collect::<Vec<_>>());
    assert!(scripted.sizes().iter().all(|size| *size <= 16));
}

#[tokio::test]
async fn a_caller_that_goes_away_gives_its_place_back_at_once() {
    let (scripted, batching) = batching(Scripted::new(4, 1, 0), 10);
    let first = ask(&batching, items(0, 0..1));
    until(|| batching.load().at_work == 1).await;
    let waiting = ask(&batching, items(1, 10..20));
    until(|| batching.load().waiting == 10).await;
    let refused = batching.ask(items(2, 0..1)).await.unwrap_err();
    assert!(matches!(&refused, Refusal::Busy { after, .. } if *after >= Duration::from_secs(1)), "{refused}");
    waiting.abort();
    until(|| batching.load().waiting == 0).await;
    let later = ask(&batching, items(2, 5..6));
    until(|| batching.load().waiting == 1).await;
    scripted.gate.add_permits(2);
    assert_eq!(numbers(&first.await.unwrap().unwrap()), [0]);
    assert_eq!(numbers(&later.await.unwrap().unwrap()), [5]);
    assert_eq!(scripted.sizes(), [1, 1], "nobody works for the one that went away");
}

#[tokio::test]
async fn a_call_ends_when_the_last_of_its_callers_is_gone() {
    let (scripted, batching) = batching(Scripted::new(4, 1, 0), 10);
    let callers: Vec<_> = (0..4).map(|number| ask(&batching, items(0, number..number + 1))).collect();
    until(|| batching.load().at_work == 1).await;
    assert_eq!(scripted.sizes(), [4]);
    let mut callers = callers.into_iter();
    let last = callers.next_back().unwrap();
    callers.for_each(|caller| caller.abort());
    // Time enough for it to end, if it did so while one still waits.
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!((scripted.cancelled.load(Ordering::SeqCst), batching.load().at_work), (0, 1));
    last.abort();
    until(|| scripted.cancelled.load(Ordering::SeqCst) == 1 && batching.load().at_work == 0).await;
}

/// Cancels when the test says so.
#[derive(Default)]
struct Told(AtomicBool);

impl Watch for Told {
    fn cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_run_that_is_cancelled_is_told_what_became_of_each_item() {
    let (scripted, batching) = batching(Scripted::new(2, 1, 0), 10);
    let told = Told::default();
    let score = batching.score(RewardBatch { items: items(0, 0..6) }, &told);
    let cancel = async {
        until(|| batching.load() == Load { waiting: 4, at_work: 1, calls: 0, items: 0 }).await;
        told.0.store(true, Ordering::SeqCst);
        until(|| batching.load().waiting == 0).await;
    };
    let (answers, ()) = tokio::join!(score, cancel);
    assert_eq!(kinds(&answers), [FailureKind::Cancelled; 6]);
    assert_eq!((scripted.sizes(), scripted.cancelled.load(Ordering::SeqCst)), (vec![2], 1));
}

#[tokio::test]
async fn what_is_under_way_for_others_is_finished_for_one_that_cancelled() {
    let (scripted, batching) = batching(Scripted::new(2, 1, 0), 10);
    let told = Told::default();
    let score = batching.score(RewardBatch { items: items(0, 0..1) }, &told);
    let other = batching.score(RewardBatch { items: items(0, 1..2) }, &NobodyWatches);
    let cancel = async {
        until(|| batching.load().at_work == 1).await;
        told.0.store(true, Ordering::SeqCst);
        scripted.gate.add_permits(1);
    };
    let (mine, others, ()) = tokio::join!(score, other, cancel);
    // What it cost is told to whoever paid for it.
    assert_eq!((numbers(&mine), numbers(&others)), (vec![0], vec![1]));
}

#[tokio::test]
async fn a_reward_that_panics_or_lies_fails_each_item_and_works_on() {
    let panics: fn(Vec<Answer>) -> Vec<Answer> = |_| panic!("as scripted");
    let short: fn(Vec<Answer>) -> Vec<Answer> = |mut answers| answers.split_off(1);
    for (fault, kind) in [(panics, FailureKind::Crashed), (short, FailureKind::Malformed)] {
        let (_, batching) = batching(Scripted { fault, ..Scripted::new(4, 1, 100) }, 10);
        for _ in 0..2 {
            let answers = batching.ask(items(0, 0..6)).await.unwrap();
            assert_eq!(kinds(&answers), [kind; 6]);
        }
        assert_eq!(batching.load().at_work, 0);
    }
}

#[tokio::test]
async fn only_runs_are_let_in_where_there_is_no_room() {
    let (scripted, batching) = batching(Scripted::new(4, 1, 0), 4);
    let first = ask(&batching, items(0, 0..4));
    until(|| batching.load().at_work == 1).await;
    let too_many = batching.ask(items(0, 0..5)).await.unwrap_err();
    assert!(matches!(too_many, Refusal::Invalid { .. }), "{too_many}");
    let full = ask(&batching, items(0, 4..8));
    until(|| batching.load().waiting == 4).await;
    assert!(matches!(batching.ask(items(0, 0..1)).await, Err(Refusal::Busy { .. })));
    assert!(batching.ask(Vec::new()).await.unwrap().is_empty());
    let release = async {
        until(|| batching.load().waiting == 10).await;
        scripted.gate.add_permits(10);
    };
    let run = batching.score(RewardBatch { items: items(3, 20..26) }, &NobodyWatches);
    let (answers, ()) = tokio::join!(run, release);
    assert_eq!(numbers(&answers), (20..26).collect::<Vec<_>>());
    assert!(first.await.unwrap().is_ok() && full.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_listwise_reward_sees_each_caller_s_items_as_one_set() {
    let mut scripted = Scripted::new(8, 1, 100);
    scripted.card.kind = RewardKind::Listwise;
    let (scripted, batching) = batching(scripted, 100);
    let callers = [3, 5, 1].map(|count| batching.ask(items(0, 0..count)));
    for (count, answers) in [3, 5, 1].into_iter().zip(join_all(callers).await) {
        assert_eq!(numbers(&answers.unwrap()), (0..count).collect::<Vec<_>>());
    }
    assert_eq!(scripted.sizes(), [3, 5, 1]);
    assert!(matches!(batching.ask(items(0, 0..9)).await, Err(Refusal::Invalid { .. })));
}

#[tokio::test]
async fn as_many_calls_as_there_are_slots_are_under_way() {
    let (scripted, batching) = batching(Scripted::new(2, 3, 0), 100);
    let asked = ask(&batching, items(0, 0..20));
    until(|| batching.load().at_work == 3).await;
    scripted.gate.add_permits(100);
    assert_eq!(numbers(&asked.await.unwrap().unwrap()).len(), 20);
    assert_eq!(scripted.most_at_work.load(Ordering::SeqCst), 3);
}

/// What each of some callers asks for: sources and instructions.
fn asked() -> impl Strategy<Value = Vec<Vec<(u8, u8)>>> {
    prop::collection::vec(prop::collection::vec((0_u8..4, 0_u8..3), 1..12), 1..8)
}

fn waiting(turns: &mut Turns, callers: &[Vec<(u8, u8)>]) {
    for (id, wanted) in (0..).zip(callers) {
        let (reply, _) = Reply::new(wanted.len());
        let one = |(place, (source, instruction)): (usize, &(u8, u8))| {
            let item = item(*source, *instruction, id as u32 * 1000 + place as u32);
            Waiting { item, place, reply: Arc::clone(&reply) }
        };
        turns.push(id, wanted.iter().enumerate().map(one).collect());
    }
}

fn source_of(waiting: &Waiting) -> u8 {
    waiting.item.request.source.digest().as_bytes()[0]
}

proptest! {
    #[test]
    fn batches_hold_each_item_once_and_sources_side_by_side(callers in asked(), most in 1_usize..10) {
        let mut turns = Turns::default();
        waiting(&mut turns, &callers);
        let mut left: Vec<(u64, usize)> =
            (0..).zip(&callers).flat_map(|(id, wanted)| (0..wanted.len()).map(move |place| (id, place))).collect();
        let total = left.len();
        prop_assert_eq!(turns.waiting(), total);
        let mut batches = 0;
        while turns.waiting() > 0 {
            let before = turns.waiting();
            let batch = turns.next(most);
            batches += 1;
            prop_assert!(!batch.is_empty() && batch.len() <= most);
            prop_assert_eq!(batch.len() == most || turns.waiting() == 0, true, "room was left while items wait");
            prop_assert_eq!(turns.waiting(), before - batch.len());
            // Each source stands in one piece.
            let mut sources: Vec<u8> = batch.iter().map(source_of).collect();
            sources.dedup();
            let distinct: std::collections::BTreeSet<u8> = sources.iter().copied().collect();
            prop_assert_eq!(sources.len(), distinct.len());
            for waiting in &batch {
                let number = number_of(&waiting.item);
                let key = (u64::from(number / 1000), number as usize % 1000);
                prop_assert_eq!(waiting.place, key.1);
                let at = left.iter().position(|one| *one == key);
                prop_assert!(at.is_some(), "{key:?} stands twice");
                left.remove(at.unwrap());
                // Nobody's oldest item waits for more calls than there are callers.
                prop_assert!(key.1 > 0 || batches <= callers.len(), "{key:?} in call {batches}");
            }
        }
        prop_assert!(left.is_empty());
    }

    #[test]
    fn what_a_caller_takes_back_is_all_of_its_own(callers in asked(), most in 1_usize..10) {
        let mut turns = Turns::default();
        waiting(&mut turns, &callers);
        let mut taken = turns.next(most);
        let own = turns.withdraw(0);
        while turns.waiting() > 0 {
            taken.extend(turns.next(most));
        }
        let all: usize = callers.iter().map(Vec::len).sum();
        prop_assert_eq!(taken.len() + own.len(), all);
        prop_assert!(own.iter().all(|waiting| number_of(&waiting.item) < 1000));
        prop_assert_eq!(turns.withdraw(0).len(), 0);
    }

    #[test]
    fn every_caller_gets_its_own_answers_in_order(
        callers in asked(), largest in 1_u32..8, slots in 1_u32..4, workers in 1_usize..3,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap();
        let (scripted, batching) = batching(Scripted::new(largest, slots, 10_000), 10_000);
        runtime.block_on(async {
            let one = |(id, wanted): (u32, &Vec<(u8, u8)>)| {
                let items = (0..).zip(wanted).map(|(place, (source, instruction))| {
                    item(*source, *instruction, id * 1000 + place)
                });
                ask(&batching, items.collect())
            };
            let asked: Vec<_> = (0..).zip(&callers).map(one).collect();
            for ((id, wanted), asked) in (0_u32..).zip(&callers).zip(asked) {
                let expected: Vec<u32> = (0..wanted.len() as u32).map(|place| id * 1000 + place).collect();
                assert_eq!(numbers(&asked.await.unwrap().unwrap()), expected);
            }
        });
        prop_assert!(scripted.sizes().iter().all(|size| *size <= largest as usize));
        prop_assert!(scripted.most_at_work.load(Ordering::SeqCst) <= slots as usize);
        let all: usize = callers.iter().map(Vec::len).sum();
        prop_assert_eq!(batching.load(), Load { waiting: 0, at_work: 0, items: all as u64, ..batching.load() });
    }
}
