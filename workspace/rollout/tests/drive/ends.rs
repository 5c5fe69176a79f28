//! How rows end: as groups, skipped, given up; and what a whole data set comes to.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use editscale_core::FailureKind;
use editscale_rollout::queue::Sharding;

use crate::desk::{Desk, column, exported, skipped};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_becomes_a_group_and_bad_ones_are_told() {
    let desk = Desk::new(5);
    let mut rows = fs::read_to_string(desk.rows()).unwrap();
    rows += "not JSON\n";
    rows += "{\"id\": \"gone\", \"source\": \"gone.png\", \"instruction\": \"x\"}\n";
    rows += "{\"id\": \"torn\", \"source\": \"torn.png\", \"instruction\": \"x\"}\n";
    rows += "{\"id\": \"mute\", \"source\": \"0.png\", \"instruction\": \"  \"}\n";
    fs::write(desk.rows(), rows).unwrap();
    fs::write(desk.folder.path().join("torn.png"), b"\x89PNG\r\n\x1a\nand no more").unwrap();
    let summary = desk.run().await.unwrap();
    assert!(summary.is_over);
    assert_eq!((summary.tallies.done, summary.tallies.skipped, summary.tallies.dead), (5, 4, 0));
    assert_eq!(desk.exported().len(), 5 * 4);
    let told = skipped(&desk.out());
    assert_eq!(told.len(), 4);
    for (line, word) in told.iter().zip(["JSON", "gone.png", "torn.png", "instruction"]) {
        assert!(line.to_string().contains(word), "{line}: {word}");
    }
    // What was under way is gone, and so are the packs.
    assert_eq!(fs::read_dir(desk.out().join("work")).unwrap().count(), 0);
    let state: serde_json::Value =
        serde_json::from_slice(&fs::read(desk.out().join("progress.json")).unwrap()).unwrap();
    assert_eq!(state["state"], "finished");
    let packs = fs::read_dir(desk.out().join("depot/packs"))
        .unwrap()
        .flat_map(|part| fs::read_dir(part.unwrap().path()).unwrap());
    assert_eq!(packs.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_of_what_is_done_does_nothing() {
    let desk = Desk::new(3);
    desk.run().await.unwrap();
    let asked = desk.editor.asked.load(Ordering::Relaxed);
    let before = desk.exported();
    let summary = desk.run().await.unwrap();
    assert!(summary.is_over);
    assert_eq!((desk.editor.asked.load(Ordering::Relaxed), desk.exported()), (asked, before));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_rows_stay_apart_and_share_their_group() {
    let desk = Desk::new(2);
    let rows = "{\"source\": \"0.png\", \"instruction\": \"same\"}\n".repeat(3);
    fs::write(desk.rows(), rows).unwrap();
    desk.run().await.unwrap();
    assert_eq!(desk.exported().len(), 3 * 4);
    let distinct = |name| column(&desk.out(), name).into_iter().collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!((distinct("rollout_id"), distinct("group_id")), (3, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_never_work_is_given_up_at_once_and_told() {
    let mut desk = Desk::new(3);
    desk.editor.fails = Arc::new(|item, _| {
        let is_second = item.request.instruction.as_str() == "make it 1";
        is_second.then_some(FailureKind::Refused)
    });
    let summary = desk.run().await.unwrap();
    assert!(summary.is_over);
    assert_eq!((summary.tallies.done, summary.tallies.dead), (2, 1));
    let told = skipped(&desk.out());
    assert!(told[0].to_string().contains("failed as scripted"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flat_groups_are_sampled_again_up_to_the_limit() {
    let mut desk = Desk::new(1);
    desk.resample = 2;
    desk.reward.judges = Arc::new(|_| Ok(0.5));
    let summary = desk.run().await.unwrap();
    assert_eq!(desk.editor.asked.load(Ordering::Relaxed), 3 * 4);
    assert_eq!(summary.tallies.spent.edits, 12, "what was sampled in vain is counted");
    assert_eq!(desk.exported().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_begun_once_the_money_is_spent() {
    let mut desk = Desk::new(6);
    desk.groups_at_once = 1;
    desk.editor.card.cost.usd.micros = 10;
    desk.most_usd_micros = Some(80);
    let summary = desk.run().await.unwrap();
    assert!(!summary.is_over);
    assert_eq!((summary.tallies.done, summary.tallies.spent.usd_micros), (2, 80));
    desk.most_usd_micros = None;
    assert!(desk.run().await.unwrap().is_over);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_together_are_the_whole() {
    let whole = Desk::new(7);
    whole.run().await.unwrap();
    let mut together = std::collections::BTreeMap::new();
    for index in 0..3 {
        let mut desk = Desk::new(7);
        desk.sharding = Some(Sharding::new(index, 3).unwrap());
        assert!(desk.run().await.unwrap().is_over);
        together.extend(desk.exported());
    }
    let whole = whole.exported();
    assert_eq!(whole.keys().collect::<Vec<_>>(), together.keys().collect::<Vec<_>>());
    assert_eq!(whole, together);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_travel_come_to_the_same() {
    let here = Desk::new(4);
    here.run().await.unwrap();
    let mut there = Desk::new(4);
    there.is_shipped = true;
    there.run().await.unwrap();
    assert_eq!(exported(&here.out()), exported(&there.out()));
}

/// How often something was away is nobody's loss.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judge_that_is_away_for_a_while_costs_time_alone() {
    let quiet = Desk::new(3);
    quiet.run().await.unwrap();
    let mut desk = Desk::new(3);
    let calls = Arc::new(AtomicU64::new(0));
    let by_digest = Arc::clone(&desk.reward.judges);
    desk.reward.judges = Arc::new(move |item| {
        if calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            Err(FailureKind::Unavailable)
        } else {
            by_digest(item)
        }
    });
    let summary = desk.run().await.unwrap();
    assert_eq!((summary.tallies.done, summary.tallies.dead), (3, 0));
    assert_eq!(quiet.exported().keys().collect::<Vec<_>>(), desk.exported().keys().collect::<Vec<_>>());
}
