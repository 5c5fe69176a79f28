//! What every work queue must do, written against the trait: the engines of one machine are held to it by the tests, that of
//! many machines by the example `queues`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use editscale_core::BoxFuture;
use editscale_rollout::Place;
use editscale_rollout::queue::{
    Done, End, Entry, GiveBack, Item, Lease, QueueError, QueueRules, Recorded, Spent, Tallies, WorkQueue,
};

/// Long enough for a machine that is busy with other things.
const LONG: Duration = Duration::from_secs(60);
/// A lease that a test waits out.
const SHORT: Duration = Duration::from_millis(400);

/// One queue, empty at first, that can be opened again and again.
pub(crate) trait Bench: Send + Sync {
    /// Opens it once more, with the rules of the case.
    fn open(&self) -> BoxFuture<'_, Result<Arc<dyn WorkQueue>>>;

    /// Opens it beside a handle that stays open; the same handle where only one process may have the queue.
    fn beside<'a>(&'a self, first: &'a Arc<dyn WorkQueue>) -> BoxFuture<'a, Result<Arc<dyn WorkQueue>>>;
}

/// A case: its name, the rules it needs, and what it does.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) rules: QueueRules,
    pub(crate) run: for<'a> fn(&'a dyn Bench) -> BoxFuture<'a, Result<()>>,
}

/// All of them.
pub(crate) fn all() -> Vec<Case> {
    fn case(
        name: &'static str,
        (lease, deliveries): (Duration, u32),
        run: for<'a> fn(&'a dyn Bench) -> BoxFuture<'a, Result<()>>,
    ) -> Case {
        Case { name, rules: QueueRules { lease, deliveries }, run }
    }
    vec![
        case("every item is done once", (LONG, 10), |bench| Box::pin(every_item_is_done_once(bench))),
        case("the first end stands", (LONG, 10), |bench| Box::pin(the_first_end_stands(bench))),
        case("a silent lease is handed out again", (SHORT, 10), |bench| Box::pin(a_silent_lease_comes_again(bench))),
        case("an extended lease is kept", (SHORT * 3, 10), |bench| Box::pin(an_extended_lease_is_kept(bench))),
        case("stopping does not count", (LONG, 2), |bench| Box::pin(stopping_does_not_count(bench))),
        case("what is in use waits and does not count", (LONG, 2), |bench| {
            Box::pin(what_is_in_use_waits_and_does_not_count(bench))
        }),
        case("what is tried again waits", (LONG, 10), |bench| Box::pin(what_is_tried_again_waits(bench))),
        case("an item dies of its failures", (LONG, 2), |bench| Box::pin(an_item_dies_of_its_failures(bench))),
        case("an item dies of silence", (SHORT, 2), |bench| Box::pin(an_item_dies_of_silence(bench))),
        case("an ended item is put back", (LONG, 10), |bench| Box::pin(an_ended_item_is_put_back(bench))),
        case("ends are told in order", (LONG, 10), |bench| Box::pin(ends_are_told_in_order(bench))),
        case("items are entered once", (LONG, 10), |bench| Box::pin(items_are_entered_once(bench))),
        case("rows with problems have ended", (LONG, 10), |bench| Box::pin(rows_with_problems_have_ended(bench))),
        case("a queue is over when all is entered", (LONG, 10), |bench| Box::pin(over_when_all_is_entered(bench))),
        case("a killed worker's items come again", (SHORT, 10), |bench| {
            Box::pin(a_killed_workers_items_come_again(bench))
        }),
        case("what was answered is still there", (LONG, 10), |bench| Box::pin(what_was_answered_is_still_there(bench))),
        case("many ends at once", (LONG, 10), |bench| Box::pin(many_ends_at_once(bench))),
    ]
}

pub(crate) fn item(ordinal: u64) -> Item {
    let place = Place(format!("train/data.jsonl:{ordinal} \"quoted\" \u{e4}"));
    Item { ordinal, row: ordinal / 2, repeat: (ordinal % 2) as u32, place }
}

pub(crate) fn work(ordinals: std::ops::Range<u64>) -> Vec<Entry> {
    ordinals.map(|ordinal| Entry::Work(item(ordinal))).collect()
}

pub(crate) fn spent(edits: u64) -> Spent {
    Spent {
        edits,
        reward_calls: edits * 2,
        nfe: edits * 3,
        tokens: edits * 4,
        usd_micros: edits * 5,
        wall_secs: edits as f64,
    }
}

pub(crate) fn done(ordinal: u64, edits: u64) -> End {
    End::Done(Done { pack: format!("packs/{ordinal}"), candidates: 8, spent: spent(edits) })
}

fn again(after: Duration) -> GiveBack {
    GiveBack::Again { after, reason: "the editor is away".to_owned(), spent: spent(1) }
}

/// Leases until something comes.
async fn lease(queue: &Arc<dyn WorkQueue>, most: usize) -> Result<Vec<Lease>> {
    let begun = Instant::now();
    loop {
        let leases = queue.lease(most).await?;
        if !leases.is_empty() {
            return Ok(leases);
        }
        ensure!(begun.elapsed() < LONG, "nothing was handed out for a minute: {:?}", queue.tallies().await?);
    }
}

async fn lease_one(queue: &Arc<dyn WorkQueue>) -> Result<Lease> {
    lease(queue, 1).await?.pop().context("an empty answer")
}

/// Tallies once they say something: an engine of many machines may be a moment behind.
async fn until(queue: &Arc<dyn WorkQueue>, holds: impl Fn(&Tallies) -> bool) -> Result<()> {
    let begun = Instant::now();
    loop {
        let tallies = queue.tallies().await?;
        if holds(&tallies) {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_secs(10) {
            bail!("the tallies stay at {tallies:?}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn every_item_is_done_once(bench: &dyn Bench) -> Result<()> {
    let first = bench.open().await?;
    let second = bench.beside(&first).await?;
    first.enter(&work(0..50)).await?;
    second.complete_entering().await?;
    let mut seen = BTreeSet::new();
    while seen.len() < 50 {
        for queue in [&first, &second] {
            for lease in queue.lease(7).await? {
                ensure!(lease.delivery == 1 && lease.item == item(lease.item.ordinal), "{lease:?}");
                ensure!(seen.insert(lease.item.ordinal), "{lease:?} came twice");
                ensure!(queue.end(&lease, done(lease.item.ordinal, 2)).await? == Recorded::First);
            }
        }
    }
    for queue in [&first, &second] {
        until(queue, |tallies| tallies.is_over() && tallies.done == 50 && tallies.leased + tallies.waiting == 0)
            .await?;
        ensure!(queue.lease(7).await?.is_empty());
        let tallies = queue.tallies().await?;
        ensure!(tallies.candidates == 400 && tallies.spent == spent(100), "{tallies:?}");
        ensure!(queue.ended(0, 1000).await?.len() == 50);
    }
    Ok(())
}

async fn the_first_end_stands(bench: &dyn Bench) -> Result<()> {
    let first = bench.open().await?;
    let second = bench.beside(&first).await?;
    first.enter(&work(0..1)).await?;
    let lease = lease_one(&first).await?;
    ensure!(first.end(&lease, done(0, 1)).await? == Recorded::First);
    ensure!(first.end(&lease, done(0, 7)).await? == Recorded::Already);
    ensure!(second.end(&lease, End::Skipped { reason: "late".to_owned() }).await? == Recorded::Already);
    for answer in first.extend(std::slice::from_ref(&lease)).await {
        ensure!(matches!(answer, Err(QueueError::LeaseLost { ordinal: 0 })), "{answer:?}");
    }
    ensure!(matches!(first.give_back(&lease, GiveBack::Stopping).await, Err(QueueError::LeaseLost { .. })));
    ensure!(second.ended(0, 10).await? == [(item(0), done(0, 1))]);
    until(&second, |tallies| tallies.spent == spent(1) && tallies.done == 1 && tallies.skipped == 0).await
}

async fn a_silent_lease_comes_again(bench: &dyn Bench) -> Result<()> {
    let first = bench.open().await?;
    let second = bench.beside(&first).await?;
    first.enter(&work(0..1)).await?;
    let (silent, since) = (lease_one(&first).await?, Instant::now());
    let taken = lease_one(&second).await?;
    ensure!(since.elapsed() > SHORT / 2, "handed out again after {:?}", since.elapsed());
    ensure!(taken.item == silent.item && taken.delivery == 2 && taken.token != silent.token, "{taken:?}");
    ensure!(matches!(first.give_back(&silent, again(Duration::ZERO)).await, Err(QueueError::LeaseLost { .. })));
    // The work is done nevertheless.
    ensure!(first.end(&silent, done(0, 1)).await? == Recorded::First);
    ensure!(second.end(&taken, done(0, 2)).await? == Recorded::Already);
    ensure!(second.ended(0, 9).await? == [(item(0), done(0, 1))]);
    until(&second, |tallies| tallies.done == 1 && tallies.leased + tallies.waiting == 0).await
}

async fn an_extended_lease_is_kept(bench: &dyn Bench) -> Result<()> {
    let first = bench.open().await?;
    let second = bench.beside(&first).await?;
    first.enter(&work(0..2)).await?;
    let held = lease(&first, 2).await?;
    let begun = Instant::now();
    // Two and a half leases long.
    while begun.elapsed() < SHORT * 15 / 2 {
        for answer in first.extend(&held).await {
            answer?;
        }
        let taken = tokio::time::timeout(SHORT / 4, second.lease(2)).await;
        ensure!(taken.is_err() || taken.is_ok_and(|leases| leases.is_ok_and(|leases| leases.is_empty())));
    }
    for held in &held {
        ensure!(first.end(held, done(held.item.ordinal, 1)).await? == Recorded::First);
    }
    Ok(())
}

async fn stopping_does_not_count(bench: &dyn Bench) -> Result<()> {
    let queue = bench.open().await?;
    queue.enter(&work(0..1)).await?;
    for _ in 0..5 {
        let lease = lease_one(&queue).await?;
        ensure!(lease.delivery == 1, "{lease:?}");
        ensure!(queue.give_back(&lease, GiveBack::Stopping).await?.is_none());
    }
    until(&queue, |tallies| tallies.waiting + tallies.leased == 1 && tallies.spent == Spent::default()).await
}

async fn what_is_in_use_waits_and_does_not_count(bench: &dyn Bench) -> Result<()> {
    let queue = bench.open().await?;
    queue.enter(&work(0..1)).await?;
    for _ in 0..3 {
        let (lease, since) = (lease_one(&queue).await?, Instant::now());
        ensure!(lease.delivery == 1, "{lease:?}");
        ensure!(queue.give_back(&lease, GiveBack::InUse { after: SHORT / 4 }).await?.is_none());
        until(&queue, |tallies| tallies.waiting + tallies.leased == 1 && tallies.spent == Spent::default()).await?;
        queue.give_back(&lease, GiveBack::Stopping).await.unwrap_err();
        queue.give_back(&lease, GiveBack::InUse { after: SHORT }).await.unwrap_err();
        let next = lease_one(&queue).await?;
        ensure!(since.elapsed() >= SHORT / 5, "handed out after {:?}", since.elapsed());
        ensure!(queue.give_back(&next, GiveBack::Stopping).await?.is_none());
    }
    Ok(())
}

async fn what_is_tried_again_waits(bench: &dyn Bench) -> Result<()> {
    let queue = bench.open().await?;
    queue.enter(&work(0..1)).await?;
    let (lease, since) = (lease_one(&queue).await?, Instant::now());
    ensure!(queue.give_back(&lease, again(SHORT)).await?.is_none());
    // Some engines count what waits to be tried again as leased.
    until(&queue, |tallies| tallies.waiting + tallies.leased == 1).await?;
    let next = lease_one(&queue).await?;
    ensure!(since.elapsed() >= SHORT * 9 / 10, "handed out after {:?}", since.elapsed());
    ensure!(next.delivery == 2, "{next:?}");
    queue.end(&next, done(0, 2)).await?;
    until(&queue, |tallies| tallies.spent == spent(3)).await
}

async fn an_item_dies_of_its_failures(bench: &dyn Bench) -> Result<()> {
    let queue = bench.open().await?;
    queue.enter(&work(0..2)).await?;
    let mut died = None;
    while died.is_none() {
        let held = lease_one(&queue).await?;
        if held.item.ordinal == 1 {
            queue.end(&held, done(1, 10)).await?;
            continue;
        }
        let answer = queue.give_back(&held, again(Duration::ZERO)).await?;
        ensure!(answer.is_some() == (held.delivery == 2), "{answer:?} of {held:?}");
        died = answer;
    }
    let dead = End::Dead { reason: "the editor is away".to_owned(), deliveries: 2, spent: spent(2) };
    ensure!(died.as_ref() == Some(&dead), "{died:?}");
    if let Some((_, end)) = queue.ended(0, 1).await?.first() {
        ensure!(*end == dead, "{end:?}");
    }
    for other in lease_rest(&queue).await? {
        queue.end(&other, done(1, 10)).await?;
    }
    ensure!(queue.ended(0, 9).await?.len() == 2);
    until(&queue, |tallies| tallies.dead == 1 && tallies.done == 1 && tallies.spent == spent(12)).await
}

/// What is left at once.
async fn lease_rest(queue: &Arc<dyn WorkQueue>) -> Result<Vec<Lease>> {
    Ok(queue.lease(100).await?)
}

async fn an_item_dies_of_silence(bench: &dyn Bench) -> Result<()> {
    let queue = bench.open().await?;
    queue.enter(&work(0..1)).await?;
    for delivery in 1..=2 {
        ensure!(lease_one(&queue).await?.delivery == delivery);
    }
    let begun = Instant::now();
    while queue.ended(0, 1).await?.is_empty() {
        ensure!(queue.lease(1).await?.is_empty() && begun.elapsed() < LONG);
    }
    let ended = queue.ended(0, 1).await?;
    ensure!(matches!(ended.as_slice(), [(_, End::Dead { deliveries: 2, .. })]), "{ended:?}");
    until(&queue, |tallies| tallies.dead == 1 && tallies.leased + tallies.waiting == 0).await
}

async fn an_ended_item_is_put_back(bench: &dyn Bench) -> Result<()> {
    let first = bench.open().await?;
    let second = bench.beside(&first).await?;
    first.enter(&work(0..3)).await?;
    for lease in lease(&first, 3).await? {
        first.end(&lease, done(lease.item.ordinal, 1)).await?;
    }
    first.complete_entering().await?;
    until(&second, Tallies::is_over).await?;
    second.reopen(&item(1)).await?;
    second.reopen(&item(1)).await?;
    until(&first, |tallies| !tallies.is_over() && tallies.done == 2 && tallies.candidates == 16).await?;
    ensure!(first.ended(0, 9).await?.len() == 1);
    let again = lease_one(&first).await?;
    ensure!(again.item == item(1) && again.delivery == 1, "{again:?}");
    ensure!(first.lease(3).await?.is_empty());
    ensure!(first.end(&again, done(1, 5)).await? == Recorded::First);
    ensure!(second.end(&again, done(1, 6)).await? == Recorded::Already);
    until(&second, |tallies| tallies.is_over() && tallies.done == 3 && tallies.spent == spent(8)).await?;
    let ended = second.ended(0, 9).await?;
    ensure!(ended.get(1) == Some(&(item(1), done(1, 5))) && ended.len() == 3, "{ended:?}");
    Ok(())
}

async fn ends_are_told_in_order(bench: &dyn Bench) -> Result<()> {
    let queue = bench.open().await?;
    queue.enter(&work(0..6)).await?;
    let mut leases = Vec::new();
    while leases.len() < 6 {
        leases.extend(queue.lease(6 - leases.len()).await?);
    }
    leases.sort_by_key(|lease| lease.item.ordinal);
    ensure!(queue.ended(0, 9).await?.is_empty());
    for (index, counts) in [(1, [0, 1]), (0, [2, 1]), (4, [2, 1]), (2, [3, 2]), (3, [5, 4]), (5, [6, 5])] {
        queue.end(&leases[index], done(index as u64, 1)).await?;
        for (from, count) in [0, 1].into_iter().zip(counts) {
            let ended = queue.ended(from, 9).await?;
            ensure!(ended.len() == count, "from {from} after {index}: {ended:?}");
            for (ordinal, (found, end)) in (from..).zip(&ended) {
                ensure!(*found == item(ordinal) && *end == done(ordinal, 1));
            }
        }
    }
    ensure!(queue.ended(2, 3).await?.len() == 3 && queue.ended(6, 3).await?.is_empty());
    ensure!(queue.ended(u64::MAX, 3).await?.is_empty() && queue.ended(0, 0).await?.is_empty());
    Ok(())
}

async fn items_are_entered_once(bench: &dyn Bench) -> Result<()> {
    let first = bench.open().await?;
    first.enter(&work(0..10)).await?;
    for lease in lease(&first, 4).await? {
        first.end(&lease, done(lease.item.ordinal, 1)).await?;
    }
    let second = bench.beside(&first).await?;
    second.enter(&work(0..10)).await?;
    second.enter(&work(3..15)).await?;
    second.enter(&[]).await?;
    let refused = first.enter(&work(16..17)).await;
    ensure!(matches!(refused, Err(QueueError::Unusable { .. })), "{refused:?}");
    second.complete_entering().await?;
    second.complete_entering().await?;
    second.enter(&work(0..15)).await?;
    ensure!(matches!(first.enter(&work(15..16)).await, Err(QueueError::Unusable { .. })));
    let begun = Instant::now();
    while !second.tallies().await?.is_over() {
        for lease in second.lease(20).await? {
            ensure!(lease.delivery == 1 && second.end(&lease, done(lease.item.ordinal, 1)).await? == Recorded::First);
        }
        ensure!(begun.elapsed() < LONG);
    }
    let tallies = second.tallies().await?;
    ensure!(tallies.entered == 15 && tallies.done == 15 && tallies.spent == spent(15), "{tallies:?}");
    Ok(())
}

async fn rows_with_problems_have_ended(bench: &dyn Bench) -> Result<()> {
    let queue = bench.open().await?;
    let skipped = |ordinal| Entry::Skipped { item: item(ordinal), reason: "no picture".to_owned() };
    queue.enter(&[skipped(0), Entry::Work(item(1)), skipped(2)]).await?;
    queue.enter(&[skipped(0), Entry::Work(item(1)), skipped(2)]).await?;
    queue.complete_entering().await?;
    let held = lease(&queue, 3).await?;
    ensure!(held.len() == 1);
    queue.end(&held[0], End::Skipped { reason: "the picture is cut off".to_owned() }).await?;
    until(&queue, |tallies| tallies.is_over() && tallies.skipped == 3 && tallies.entered == 3).await?;
    let reasons: Vec<_> = queue.ended(0, 9).await?;
    ensure!(
        reasons.len() == 3 && reasons[0] == (item(0), End::Skipped { reason: "no picture".to_owned() }),
        "{reasons:?}"
    );
    Ok(())
}

async fn over_when_all_is_entered(bench: &dyn Bench) -> Result<()> {
    let queue = bench.open().await?;
    ensure!(!queue.tallies().await?.is_over() && queue.lease(5).await?.is_empty());
    ensure!(queue.ended(0, 5).await?.is_empty());
    queue.enter(&work(0..1)).await?;
    let lease = lease_one(&queue).await?;
    queue.end(&lease, done(0, 1)).await?;
    ensure!(!queue.tallies().await?.is_over());
    queue.complete_entering().await?;
    until(&queue, Tallies::is_over).await
}

async fn a_killed_workers_items_come_again(bench: &dyn Bench) -> Result<()> {
    let killed = bench.open().await?;
    killed.enter(&work(0..3)).await?;
    let held = lease(&killed, 2).await?;
    drop(killed);
    let queue = bench.open().await?;
    let mut deliveries = BTreeMap::new();
    let begun = Instant::now();
    while deliveries.len() < 3 {
        for lease in queue.lease(3).await? {
            queue.end(&lease, done(lease.item.ordinal, 1)).await?;
            deliveries.insert(lease.item.ordinal, lease.delivery);
        }
        ensure!(begun.elapsed() < LONG, "{deliveries:?}");
    }
    for held in &held {
        ensure!(deliveries.get(&held.item.ordinal) == Some(&2), "{deliveries:?}");
    }
    Ok(())
}

async fn what_was_answered_is_still_there(bench: &dyn Bench) -> Result<()> {
    let queue = bench.open().await?;
    queue.enter(&work(0..5)).await?;
    let held = lease(&queue, 3).await?;
    queue.end(&held[0], done(0, 1)).await?;
    queue.give_back(&held[1], GiveBack::Stopping).await?;
    queue.give_back(&held[2], again(Duration::ZERO)).await?;
    queue.complete_entering().await?;
    let (ended, tallies) = (queue.ended(0, 9).await?, queue.tallies().await?);
    drop((queue, held));
    let queue = bench.open().await?;
    ensure!(queue.ended(0, 9).await? == ended && ended.len() == 1);
    ensure!(queue.tallies().await? == tallies, "{tallies:?} became {:?}", queue.tallies().await?);
    let mut deliveries = BTreeMap::new();
    while deliveries.len() < 4 {
        deliveries.extend(lease(&queue, 9).await?.into_iter().map(|lease| (lease.item.ordinal, lease.delivery)));
    }
    ensure!(deliveries == BTreeMap::from([(1, 1), (2, 2), (3, 1), (4, 1)]), "{deliveries:?}");
    Ok(())
}

async fn many_ends_at_once(bench: &dyn Bench) -> Result<()> {
    let first = bench.open().await?;
    let second = bench.beside(&first).await?;
    first.enter(&work(0..400)).await?;
    first.complete_entering().await?;
    let mut tasks = tokio::task::JoinSet::new();
    for queue in [first.clone(), second.clone(), first.clone(), second] {
        tasks.spawn(async move {
            let mut firsts = 0;
            while !queue.tallies().await?.is_over() {
                let leases = queue.lease(50).await?;
                let ends = leases.iter().map(|lease| queue.end(lease, done(lease.item.ordinal, 1)));
                for end in futures_util::future::join_all(ends).await {
                    firsts += u64::from(end? == Recorded::First);
                }
            }
            anyhow::Ok(firsts)
        });
    }
    let mut firsts = 0;
    while let Some(task) = tasks.join_next().await {
        firsts += task??;
    }
    ensure!(firsts == 400, "{firsts}");
    until(&first, |tallies| tallies.done == 400 && tallies.spent == spent(400)).await
}
