//! Stops, deaths, damage and company: the files have the same bytes.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use editscale_curate::drive::judge_all;
use editscale_curate::table::ScoreFiles;
use editscale_engine::{StopSignal, Stopper};
use editscale_rollout::queue::End;

use crate::desk::{Desk, undisturbed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_edited_picture_has_a_record_and_bad_rows_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::new(folder.path(), 7);
    let summary = desk.run().await.unwrap();
    assert!(summary.is_over);
    let completion = summary.completion.unwrap();
    assert_eq!((completion.files, completion.rows, completion.records, completion.scored), (2, 7, 13, 11));
    let records = desk.records();
    let order: Vec<_> = records.iter().map(|record| (record.row, record.candidate)).collect();
    let expected: Vec<_> = (0..7).flat_map(|row| [(row, 0), (row, 1)]).filter(|at| *at != (5, 1)).collect();
    assert_eq!(order, expected);
    for record in &records {
        assert_eq!(
            (&*record.row_id, &*record.instruction),
            (&*format!("row-{}", record.row), &*format!("make it {}", record.row))
        );
        assert_eq!(record.extra["licence"], "CC0");
        assert_eq!(record.score.is_some(), record.failure.is_none(), "{record:?}");
        if let Some(score) = record.score {
            assert_eq!(record.said["judge"].mean, score);
            let (source, edited) = (record.source.as_ref().unwrap(), record.edited.as_ref().unwrap());
            assert_eq!((source.width, edited.height, edited.digest.len()), (2, 2, 64));
            assert_eq!(source.name, Some(format!("s{}.png", record.row)));
        }
    }
    let failure = |place: usize| records[place].failure.clone().unwrap();
    assert!(failure(7).contains("the edited picture: cannot use the picture"), "{}", failure(7));
    assert!(failure(10).contains("the source: cannot read the picture"), "{}", failure(10));
    assert_eq!(records[7].source.as_ref().unwrap().name.as_deref(), Some("s3.png"), "what is known stays known");
    assert_eq!(desk.left(), 0, "blocks that are collected are removed");
    let progress = fs::read_to_string(desk.out().join("progress.json")).unwrap();
    assert!(progress.contains("\"finished\""), "{progress}");
    // Once more there is nothing to do.
    let (files, asked) = (desk.files(), desk.asked.load(Ordering::SeqCst));
    assert!(desk.run().await.unwrap().is_over);
    assert_eq!((files, asked), (desk.files(), desk.asked.load(Ordering::SeqCst)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_set_that_is_stopped_anywhere_goes_on_to_the_same_bytes() {
    for stop_at in [0, 1, 4, 7, 11, 14] {
        let folder = tempfile::tempdir().unwrap();
        let quiet = undisturbed(folder.path(), 9).await;
        let mut desk = Desk::new(folder.path(), 9);
        let (stopper, signal) = Stopper::new();
        let (count, before) = (AtomicU64::new(0), Arc::clone(&desk.reward.judges));
        desk.reward.judges = Arc::new(move |item| {
            if count.fetch_add(1, Ordering::SeqCst) == stop_at {
                stopper.stop();
            }
            before(item)
        });
        // No grace: what is under way is put aside in the middle.
        desk.rules.grace = Duration::ZERO;
        let first = judge_all(desk.plan(), signal).await.unwrap();
        assert!(first.was_stopped, "stopped at {stop_at}");
        let second = desk.run().await.unwrap();
        assert!(second.is_over, "stopped at {stop_at}: {second:?}");
        assert_eq!(quiet, desk.files(), "stopped at {stop_at}");
        // Row 3 has one, and row 5 none.
        assert_eq!(desk.asked.load(Ordering::SeqCst), 15, "nothing was judged twice; stopped at {stop_at}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_of_one_queue_share_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let quiet = undisturbed(folder.path(), 20).await;
    let mut desk = Desk::new(folder.path(), 20);
    desk.reward.delay = Duration::from_millis(2);
    desk.rules.blocks_at_once = 1;
    let (one, other) = tokio::join!(desk.run(), desk.run());
    assert!(one.unwrap().is_over && other.unwrap().is_over);
    assert_eq!(quiet, desk.files());
    assert_eq!(desk.asked.load(Ordering::SeqCst), 37);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_make_one_list_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut whole = Desk::new(folder.path(), 11);
    whole.run().await.unwrap();
    let expected = whole.records();
    fs::remove_dir_all(whole.out()).unwrap();
    for index in [1, 0, 2] {
        whole.rules.sharding = Some(format!("{index}/3").parse().unwrap());
        assert!(!ScoreFiles::find(&whole.out()).unwrap().are_complete(Some(3), "test").unwrap());
        assert!(whole.run().await.unwrap().is_over);
    }
    assert!(ScoreFiles::find(&whole.out()).unwrap().are_complete(Some(3), "test").unwrap());
    assert_eq!(whole.records(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_block_is_judged_again() {
    let folder = tempfile::tempdir().unwrap();
    let quiet = undisturbed(folder.path(), 4).await;
    let desk = Desk::new(folder.path(), 4);
    let mut plan = desk.plan();
    plan.rules.roles.export = false;
    let queue = Arc::clone(&plan.queue);
    assert!(judge_all(plan, StopSignal::never()).await.unwrap().is_over);
    let ended = queue.ended(0, 10).await.unwrap();
    drop(queue);
    let End::Done(done) = &ended[1].1 else { panic!("{ended:?}") };
    let path = desk.out().join("depot").join(&done.pack);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(desk.run().await.unwrap().is_over);
    assert_eq!(quiet, desk.files());
    let heard = desk.heard.0.lock().unwrap().join("\n");
    assert!(heard.contains("cannot be used, and its rows are judged again"), "{heard}");
}

/// A worker that dies between the block's file and the end of its item: the file is found, and nothing is judged again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_worker_has_judged_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::new(folder.path(), 4);
    let mut plan = desk.plan();
    plan.rules.roles.export = false;
    let queue = Arc::clone(&plan.queue);
    judge_all(plan, StopSignal::never()).await.unwrap();
    let asked = desk.asked.load(Ordering::SeqCst);
    for (item, _) in queue.ended(0, 10).await.unwrap() {
        queue.reopen(&item).await.unwrap();
    }
    drop(queue);
    assert!(desk.run().await.unwrap().is_over);
    assert_eq!(desk.asked.load(Ordering::SeqCst), asked);
    assert_eq!(desk.records().len(), 8);
}

/// Whoever wrote the last file and died before it could say that all is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_there_are_counted_and_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::new(folder.path(), 9);
    let first = desk.run().await.unwrap();
    let files = desk.files();
    fs::remove_file(desk.out().join("scores/scores-complete.json")).unwrap();
    let second = desk.run().await.unwrap();
    assert_eq!((first.completion, files), (second.completion, desk.files()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_gone_from_the_middle_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::new(folder.path(), 13);
    let first = desk.run().await.unwrap();
    let files = desk.files();
    assert!(files.len() > 3, "{files:?}");
    for name in ["scores-complete.json", "scores-00001.parquet"] {
        fs::remove_file(desk.out().join("scores").join(name)).unwrap();
    }
    let second = desk.run().await.unwrap();
    assert_eq!((first.completion, files), (second.completion, desk.files()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_without_edited_pictures_has_a_record() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::new(folder.path(), 1);
    let line = "{\"source\": \"s0.png\", \"instruction\": \"x\", \"edited\": [], \"licence\": \"CC0\"}\n";
    fs::write(folder.path().join("rows.jsonl"), line).unwrap();
    let summary = desk.run().await.unwrap();
    assert_eq!(summary.completion.unwrap().records, 1);
    assert!(desk.records()[0].failure.as_ref().unwrap().contains("edited"), "{:?}", desk.records());
}
