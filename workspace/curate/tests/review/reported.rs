//! The report of a choice.

use std::collections::BTreeSet;
use std::convert::Infallible;

use bytes::Bytes;
use editscale_core::BoxFuture;
use editscale_curate::choice::{Overrides, Rules, choose};
use editscale_curate::report::{Facts, Judge, Remembered, Tallies, gather, report, wanted};
use editscale_curate::review::{Agreement, Agrees, Pictures, Which};

use crate::common::{chosen_of, record, records};

/// One small picture for everything but row 3.
#[derive(Debug)]
pub(crate) struct Fake;

impl Pictures for Fake {
    fn picture<'a>(&'a self, _: &'a str, row: u64, _: Which) -> BoxFuture<'a, Result<Bytes, String>> {
        let photograph = include_bytes!("../../../../examples/photos/pagoda.jpg");
        Box::pin(async move { if row == 3 { Err("gone".to_owned()) } else { Ok(Bytes::from_static(photograph)) } })
    }
}

fn about() -> Facts {
    let mut tallies = Tallies::default();
    records().iter().for_each(|record| tallies.count(record, record.score > Some(0.5)));
    Facts {
        dataset: "a <data> set".to_owned(),
        more: vec![("Recipe".to_owned(), "configs/judge.yaml".to_owned())],
        judges: vec![Judge {
            name: "judge".to_owned(),
            revision: "judge 1.0, weights 3f1c".to_owned(),
            weight: "1".to_owned(),
        }],
        rules: vec![("keep".to_owned(), "the best 8".to_owned())],
        kappa: 0.5,
        tallies: tallies.finish(),
        agreement: Some(Agreement { choice: Agrees { agree: 3, differ: 1, silent: 0 }, pairs: Agrees::default() }),
        commands: vec!["editscale curate OUT --recipe other.yaml".to_owned()],
    }
}

#[tokio::test]
async fn a_report_shows_everything_and_escapes_it() {
    let records = records();
    let chosen = chosen_of(&records, &Overrides::from([((7, 0), editscale_curate::choice::Override::Drop)]));
    let wanted = wanted(&chosen);
    let examples = gather(records.iter().cloned().map(Ok::<_, Infallible>), &wanted, &Fake).await.unwrap();
    let text = report(&about(), &chosen, &examples);
    for part in [
        "<h1>Curation of a &lt;data&gt; set</h1>",
        "Of 25 edited pictures of 20 rows, 8 are kept (32.0 %).",
        "What became of them",
        "What scores look like",
        "Tenth 10 of 10",
        "What was dropped, and why",
        "rejected by a person",
        "below the best that were asked for",
        "If doubt counted more, or less",
        "If another judge had chosen",
        "What people said",
        "75.0 %",
        "CC0 &lt;1.0&gt;",
        "add a &lt;hat&gt;",
        "the judge is &lt;away&gt;",
        "judge 1.0, weights 3f1c",
        "editscale curate OUT --recipe other.yaml",
        "data:image/jpeg;base64,",
        "no source to show",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("<hat>") && !text.contains("NaN"), "{}", text.len());
    if let Ok(path) = std::env::var("EDITSCALE_REPORT_TO") {
        std::fs::write(path, &text).unwrap();
    }
}

#[test]
fn an_empty_choice_has_a_report() {
    let chosen = choose(std::iter::empty::<Result<_, Infallible>>(), &Rules::default(), &Overrides::new()).unwrap();
    assert!(wanted(&chosen).is_empty());
    let text = report(&Facts::default(), &chosen, &Remembered::new(0));
    assert!(text.contains("Of 0 edited pictures of 0 rows, 0 are kept (–)."), "{text}");
}

#[test]
fn nothing_scored_has_a_report() {
    let records: Vec<_> = (0..5).map(|row| record(row, 0, None)).collect();
    let chosen = chosen_of(&records, &Overrides::new());
    let text = report(&Facts::default(), &chosen, &Remembered::new(0));
    assert!(text.contains("without a score") && !text.contains("NaN"), "{text}");
}

#[test]
fn a_report_of_many_rows_is_as_small_as_one_of_few() {
    let score = |row: u64| Some((row * 7919 % 10_007) as f64 / 10_007.0);
    let records: Vec<_> = (0..20_000).map(|row| record(row, 0, score(row))).collect();
    let chosen = chosen_of(&records, &Overrides::new());
    let wanted: BTreeSet<(u64, u32)> = wanted(&chosen);
    assert!(wanted.len() <= 200, "{}", wanted.len());
    let mut examples = Remembered::new(0);
    for record in records.iter().filter(|record| wanted.contains(&(record.row, record.candidate))) {
        let (source, edited) = (None, None);
        examples.insert(editscale_curate::report::Example { record: record.clone(), source, edited });
    }
    let text = report(&about(), &chosen, &examples);
    assert!(text.len() < 600_000, "{}", text.len());
}
