//! Trouble on the way: what is lost between here and a server, pictures that do not come, more repeats than memory.

use std::fs;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use editscale_core::FailureKind;
use editscale_engine::Stopper;
use editscale_rollout::drive::drive;

use crate::desk::{Desk, column, skipped};

/// How often a group is made anew of which everything was lost.
const LOST: u64 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_was_lost_as_a_whole_is_made_anew_and_paid_anew() {
    // Lost as a whole: once, as often as it is made anew, and always.
    for (lost, done, edits) in [(4, 1, 8), (4 * LOST, 1, 4 * (LOST + 1)), (u64::MAX, 0, 4 * (LOST + 1))] {
        let mut desk = Desk::new(1);
        desk.editor.fails = Arc::new(move |_, call| (call < lost).then_some(FailureKind::Ambiguous));
        let summary = desk.run().await.unwrap();
        assert!(summary.is_over);
        assert_eq!((summary.tallies.done, summary.tallies.dead), (done, 1 - done), "{lost} lost");
        assert_eq!(desk.editor.asked.load(Ordering::Relaxed), edits, "{lost} lost");
        assert_eq!(summary.tallies.spent.edits, edits, "what was paid in vain is counted; {lost} lost");
        assert_eq!(desk.exported().len() as u64, done * 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_which_something_is_left_is_not_made_anew() {
    let mut desk = Desk::new(1);
    desk.editor.fails = Arc::new(|_, call| (call < 3).then_some(FailureKind::Ambiguous));
    let summary = desk.run().await.unwrap();
    assert_eq!((summary.tallies.done, desk.editor.asked.load(Ordering::Relaxed)), (1, 4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_made_anew_has_seeds_of_its_own() {
    let quiet = Desk::new(1);
    quiet.run().await.unwrap();
    let mut desk = Desk::new(1);
    desk.editor.fails = Arc::new(|_, call| (call < 4).then_some(FailureKind::Ambiguous));
    desk.run().await.unwrap();
    let digests = |desk: &Desk| column(&desk.out(), "image_digest");
    assert!(digests(&quiet).iter().all(|digest| !digests(&desk).contains(digest)));
}

/// The address of a server that takes connections and never says anything, and what keeps it so.
fn mute_server() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/picture.png", listener.local_addr().unwrap());
    (listener, address)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_hangs_does_not_outlive_the_grace() {
    let (_server, address) = mute_server();
    let desk = Desk::new(1);
    fs::write(desk.rows(), format!("{{\"source\": \"{address}\", \"instruction\": \"x\"}}\n")).unwrap();
    let (stopper, signal) = Stopper::new();
    let mut plan = desk.plan();
    plan.rules.grace = Duration::from_millis(200);
    let queue = Arc::clone(&plan.queue);
    let driven = tokio::spawn(drive(plan, signal));
    // Stopped once the row is in somebody's hands.
    while queue.tallies().await.unwrap().leased == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stopper.stop();
    let summary = tokio::time::timeout(Duration::from_secs(60), driven).await.expect("it ends").unwrap().unwrap();
    assert!(summary.was_stopped && !summary.is_over);
    assert_eq!((summary.tallies.done, summary.tallies.dead), (0, 0), "nothing was given up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_picture_that_hangs_while_rows_are_shipped_does_not_either() {
    let (server, address) = mute_server();
    let mut desk = Desk::new(1);
    desk.is_shipped = true;
    fs::write(desk.rows(), format!("{{\"source\": \"{address}\", \"instruction\": \"x\"}}\n")).unwrap();
    let (stopper, signal) = Stopper::new();
    let driven = tokio::spawn(drive(desk.plan(), signal));
    // Stopped once the picture is asked for.
    let asked = tokio::task::spawn_blocking(move || server.accept()).await.unwrap().unwrap();
    stopper.stop();
    let summary = tokio::time::timeout(Duration::from_secs(20), driven).await.expect("it ends").unwrap().unwrap();
    assert!(summary.was_stopped && !summary.is_over);
    assert_eq!(summary.tallies.entered, 0, "the row is shipped again by whoever goes on");
    drop(asked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_with_very_many_repeats_is_entered_as_it_goes() {
    let mut desk = Desk::new(1);
    desk.samples = 1;
    let (stopper, signal) = Stopper::new();
    let begun = stopper.clone();
    desk.editor.delay = Arc::new(move |_| {
        begun.stop();
        Duration::ZERO
    });
    let mut plan = desk.plan();
    plan.rules.repeats = 10_000_000;
    plan.rules.grace = Duration::ZERO;
    let queue = Arc::clone(&plan.queue);
    assert!(drive(plan, signal).await.unwrap().was_stopped);
    let entered = queue.tallies().await.unwrap().entered;
    assert!(entered > 0 && entered < 5_000_000, "work began after {entered} items were entered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_tried_again_later_is_told() {
    let mut desk = Desk::new(1);
    desk.rules.deliveries = 1;
    desk.editor.fails = Arc::new(|_, _| Some(FailureKind::Unavailable));
    let summary = desk.run().await.unwrap();
    assert_eq!(summary.tallies.dead, 1);
    let told = skipped(&desk.out());
    assert!(told[0].to_string().contains("line 1") && told[0].to_string().contains("failed as scripted"), "{told:?}");
}
