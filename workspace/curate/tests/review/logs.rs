//! The file of verdicts.

use std::fs;
use std::io::Write as _;

use editscale_curate::choice::Override;
use editscale_curate::review::{Log, Reviews, Said};

use crate::common::verdict;

#[test]
fn the_last_word_counts_and_can_be_taken_back() {
    let mut reviews = Reviews::default();
    for each in [
        verdict(1, 0, Said::Keep, None),
        verdict(1, 0, Said::Drop, None),
        verdict(2, 0, Said::Keep, None),
        verdict(2, 0, Said::Withdraw, None),
        verdict(3, 0, Said::Keep, None),
        verdict(4, 1, Said::BetterThan, Some(0)),
        verdict(4, 0, Said::BetterThan, Some(1)),
        verdict(5, 1, Said::BetterThan, Some(0)),
        verdict(5, 0, Said::Withdraw, Some(1)),
    ] {
        reviews.enter(each);
    }
    let expected = [((1, 0), Override::Drop), ((3, 0), Override::Keep)];
    assert_eq!(reviews.overrides().into_iter().collect::<Vec<_>>(), expected);
    let compared: Vec<_> = reviews.compared().map(|(better, other, _)| (better, other)).collect();
    assert_eq!(compared, [((4, 0), (4, 1))]);
    assert_eq!(reviews.verdicts().len(), 9);
}

#[test]
fn two_reviewers_append_to_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.jsonl");
    std::thread::scope(|scope| {
        for reviewer in 0..4_u64 {
            let path = &path;
            scope.spawn(move || {
                let mut log = Log::open(path).unwrap();
                for row in 0..50 {
                    log.append(&verdict(row, u32::try_from(reviewer).unwrap(), Said::Keep, None)).unwrap();
                }
                assert!(log.reviews().verdicts().len() >= 50);
            });
        }
    });
    assert_eq!(Log::read(&path).unwrap().words().count(), 200);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 200);
}

#[test]
fn a_line_that_was_cut_off_is_passed_over_wherever_it_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    let whole = format!("{}\n", serde_json::to_string(&verdict(2, 0, Said::Drop, None)).unwrap());
    for length in 1..whole.len() {
        let path = folder.path().join(format!("{length}.jsonl"));
        Log::open(&path).unwrap().append(&verdict(1, 0, Said::Keep, None)).unwrap();
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&whole.as_bytes()[..length]).unwrap();
        let mut log = Log::open(&path).unwrap();
        log.append(&verdict(3, 0, Said::Keep, None)).unwrap();
        // A line that lacks its end alone was whole.
        let expected = if length + 1 == whole.len() { 3 } else { 2 };
        assert_eq!(log.reviews().words().count(), expected, "{length}");
        assert_eq!(&Log::read(&path).unwrap(), log.reviews(), "{length}");
    }
}

#[test]
fn a_line_that_is_no_verdict_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.jsonl");
    for (line, reason) in [
        ("nonsense", "line 2: expected a verdict"),
        (
            r#"{"version":2,"row":1,"candidate":0,"verdict":"keep","who":"","when":0}"#,
            "version 2, of which this program knows 1",
        ),
        (r#"{"version":1,"row":1,"candidate":0,"verdict":"better-than","who":"","when":0}"#, "without `than`"),
        (
            r#"{"version":1,"row":1,"candidate":0,"verdict":"better-than","than":0,"who":"","when":0}"#,
            "compared with itself",
        ),
        (r#"{"version":1,"row":1,"candidate":0,"verdict":"maybe","who":"","when":0}"#, "unknown variant `maybe`"),
    ] {
        fs::write(&path, format!("\n{line}\n")).unwrap();
        let error = Log::read(&path).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("review.jsonl"), "{error}");
    }
    assert_eq!(Log::read(&folder.path().join("none")).unwrap(), Reviews::default());
}

#[test]
fn a_file_that_took_the_place_of_another_is_the_one_that_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.jsonl");
    let mut log = Log::open(&path).unwrap();
    log.append(&verdict(1, 0, Said::Keep, None)).unwrap();
    // As editors save: a new file with the first line alone, renamed.
    let passing = folder.path().join("saved");
    fs::copy(&path, &passing).unwrap();
    fs::rename(&passing, &path).unwrap();
    log.append(&verdict(2, 0, Said::Drop, None)).unwrap();
    assert_eq!(Log::read(&path).unwrap().verdicts().len(), 2);
    assert_eq!(log.reviews().verdicts().len(), 2);
    fs::remove_file(&path).unwrap();
    log.append(&verdict(3, 0, Said::Keep, None)).unwrap();
    assert_eq!(Log::read(&path).unwrap().verdicts().len(), 1);
    // As other editors save: in place, and now shorter.
    log.append(&verdict(4, 0, Said::Keep, None)).unwrap();
    let first = fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned() + "\n";
    fs::write(&path, first).unwrap();
    log.catch_up().unwrap();
    assert_eq!(log.reviews().verdicts().len(), 1);
    log.append(&verdict(5, 0, Said::Keep, None)).unwrap();
    assert_eq!(log.reviews(), &Log::read(&path).unwrap());
}
