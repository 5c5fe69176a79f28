//! Stops, deaths, damage and company: the rows are the same, each once.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use editscale_core::CandidateId;
use editscale_engine::{RunDirectory, Stopper};
use editscale_rollout::Place;
use editscale_rollout::drive::drive;
use editscale_rollout::queue::{End, Item, Lease, LeaseToken, Spent, SqliteQueue, WorkQueue};

use crate::desk::{Desk, column};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drive_that_is_stopped_anywhere_goes_on_to_the_same_rows() {
    let quiet = Desk::new(6);
    quiet.run().await.unwrap();
    for stop_at in [0, 1, 5, 9, 14] {
        let mut desk = Desk::new(6);
        let (stopper, signal) = Stopper::new();
        let trigger = stopper.clone();
        let begun = AtomicU64::new(0);
        desk.editor.delay = Arc::new(move |_| {
            if begun.fetch_add(1, Ordering::Relaxed) >= stop_at {
                trigger.stop();
            }
            Duration::from_millis(1)
        });
        let mut plan = desk.plan();
        // No grace: what is under way is put aside in the middle.
        plan.rules.grace = Duration::ZERO;
        let first = drive(plan, signal).await.unwrap();
        assert!(first.was_stopped, "stopped at {stop_at}");
        desk.editor.delay = Arc::new(|_| Duration::ZERO);
        let second = desk.run().await.unwrap();
        assert!(second.is_over, "stopped at {stop_at}");
        assert_eq!(quiet.exported(), desk.exported(), "stopped at {stop_at}");
        let asked = desk.editor.asked.load(Ordering::Relaxed);
        assert_eq!(asked, 24, "no edit was made twice; stopped at {stop_at}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_drives_of_one_queue_share_the_work() {
    let quiet = Desk::new(9);
    quiet.run().await.unwrap();
    let mut desk = Desk::new(9);
    desk.editor.delay = Arc::new(|_| Duration::from_millis(2));
    let (one, other) = tokio::join!(desk.run(), desk.run());
    assert!(one.unwrap().is_over && other.unwrap().is_over);
    assert_eq!(quiet.exported(), desk.exported());
    assert_eq!(desk.editor.asked.load(Ordering::Relaxed), 36);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_pack_is_made_again() {
    let quiet = Desk::new(2);
    quiet.run().await.unwrap();
    let desk = Desk::new(2);
    let mut plan = desk.plan();
    plan.rules.roles.export = false;
    let queue = Arc::clone(&plan.queue);
    drive(plan, editscale_engine::StopSignal::never()).await.unwrap();
    let ended = queue.ended(0, 10).await.unwrap();
    drop(queue);
    let End::Done(done) = &ended[1].1 else { panic!("{ended:?}") };
    let path = desk.out().join("depot").join(&done.pack);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(desk.run().await.unwrap().is_over);
    assert_eq!(quiet.exported(), desk.exported());
    let heard = desk.heard.0.lock().unwrap().join("\n");
    assert!(heard.contains("cannot be used, and its row is edited again"), "{heard}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_run_is_begun_anew() {
    let quiet = Desk::new(2);
    quiet.run().await.unwrap();
    let mut desk = Desk::new(2);
    let (stopper, signal) = Stopper::new();
    let calls = Arc::new(AtomicU64::new(0));
    desk.editor.delay = Arc::new(move |item| {
        if item.proposal.id == CandidateId(3) && calls.fetch_add(1, Ordering::Relaxed) == 0 {
            stopper.stop();
        }
        Duration::from_millis(1)
    });
    let mut plan = desk.plan();
    plan.rules.grace = Duration::ZERO;
    drive(plan, signal).await.unwrap();
    for run in fs::read_dir(desk.out().join("work")).unwrap() {
        let journal = run.unwrap().path().join("0/journal.jsonl");
        if journal.is_file() {
            let text = fs::read_to_string(&journal).unwrap();
            fs::write(&journal, format!("no journal\n{text}")).unwrap();
        }
    }
    assert!(desk.run().await.unwrap().is_over);
    assert_eq!(quiet.exported(), desk.exported());
}

/// A worker that dies between the pack and the end of its item: the pack is found, and nothing is edited again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_worker_has_packed_is_found() {
    let desk = Desk::new(2);
    let mut plan = desk.plan();
    plan.rules.roles.export = false;
    let queue = Arc::clone(&plan.queue);
    drive(plan, editscale_engine::StopSignal::never()).await.unwrap();
    let asked = desk.editor.asked.load(Ordering::Relaxed);
    for (item, _) in queue.ended(0, 10).await.unwrap() {
        queue.reopen(&item).await.unwrap();
    }
    drop(queue);
    assert!(desk.run().await.unwrap().is_over);
    assert_eq!(desk.editor.asked.load(Ordering::Relaxed), asked);
    assert_eq!(desk.exported().len(), 8);
}

/// A worker that was silent for so long that its item was handed out again, and still lives: its run is waited for, and the
/// item is not given up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_other_hands_is_waited_for() {
    let quiet = Desk::new(1);
    quiet.run().await.unwrap();
    let mut desk = Desk::new(1);
    desk.rules.deliveries = 1;
    let id = column(&quiet.out(), "rollout_id").pop().unwrap();
    let other = RunDirectory::create(&desk.out().join("work").join(id).join("0")).unwrap();
    let (ran, ()) = tokio::join!(desk.run(), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        drop(other);
    });
    assert_eq!(ran.unwrap().tallies.done, 1);
    assert_eq!(quiet.exported(), desk.exported());
}

/// An item that somebody else has ended, as happens to whoever was silent for too long: the run is stopped, the rest goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_lease_ends_a_run_and_not_the_drive() {
    let mut desk = Desk::new(2);
    desk.rules.lease = Duration::from_millis(300);
    desk.editor.delay = Arc::new(|_| Duration::from_secs(1));
    let path = desk.out().join("state/queue.sqlite");
    let (plan, rules) = (desk.plan(), desk.rules);
    let (ran, ()) = tokio::join!(drive(plan, editscale_engine::StopSignal::never()), async {
        let other = SqliteQueue::open(&path, rules, "test").unwrap();
        while other.tallies().await.unwrap().leased < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let item = Item { ordinal: 0, row: 0, repeat: 0, place: Place(String::new()) };
        let lease = Lease { item, delivery: 1, token: LeaseToken(String::new()) };
        let end = End::Dead { reason: "elsewhere".to_owned(), deliveries: 1, spent: Spent::default() };
        other.end(&lease, end).await.unwrap();
    });
    let tallies = ran.unwrap().tallies;
    assert_eq!((tallies.done, tallies.dead), (1, 1));
}
