//! Verdicts as preference data.

use editscale_curate::choice::Overrides;
use editscale_curate::review::{Agreement, Agrees, Known, PairedBy, Preference, Reviews, Said, preferences};

use crate::common::{chosen_of, record, records, verdict};

fn reviews(verdicts: &[(u64, u32, Said, Option<u32>)]) -> Reviews {
    let mut reviews = Reviews::default();
    verdicts.iter().for_each(|(row, candidate, said, than)| reviews.enter(verdict(*row, *candidate, *said, *than)));
    reviews
}

type Told = Vec<((u64, u32), Option<(u64, u32)>)>;

fn told(reviews: &Reviews, known: &Known) -> Told {
    preferences(reviews, known)
        .map(|preference| match preference {
            Preference::Pair(pair) => (pair.chosen, Some(pair.rejected)),
            Preference::Label(label) => (label.of, None),
        })
        .collect()
}

#[test]
fn compared_rows_are_pairs_and_words_on_one_source_too_and_the_rest_are_labels() {
    let reviews = reviews(&[
        (0, 0, Said::BetterThan, Some(1)),
        (4, 0, Said::Keep, None),
        (4, 1, Said::Drop, None),
        (9, 0, Said::Drop, None),
        (10, 0, Said::Keep, None),
        (10, 0, Said::Drop, None),
        // A word that agrees with a comparison is no second pair.
        (0, 0, Said::Keep, None),
        (0, 1, Said::Drop, None),
    ]);
    let mut known = Known::new(&reviews);
    records().iter().for_each(|record| known.see(record));
    let expected: Told = vec![((0, 0), Some((0, 1))), ((4, 0), Some((4, 1))), ((9, 0), None), ((10, 0), None)];
    assert_eq!(told(&reviews, &known), expected);
    let pairs: Vec<_> = preferences(&reviews, &known)
        .filter_map(|preference| if let Preference::Pair(pair) = preference { Some(pair) } else { None })
        .collect();
    assert_eq!(pairs.iter().map(|pair| pair.by).collect::<Vec<_>>(), [PairedBy::Compared, PairedBy::KeptAndRejected]);
    assert!(pairs.iter().all(|pair| (pair.margin.unwrap() + 0.03).abs() < 1e-9), "the judge says otherwise: {pairs:?}");
}

#[test]
fn rows_with_one_source_and_one_instruction_are_one_group() {
    let reviews = reviews(&[(0, 0, Said::Keep, None), (1, 0, Said::Drop, None), (2, 0, Said::Drop, None)]);
    let mut known = Known::new(&reviews);
    let first = record(0, 0, Some(0.9));
    known.see(&editscale_curate::Record { row: 1, score: Some(0.4), ..first.clone() });
    known.see(&editscale_curate::Record { row: 2, instruction: "something else".to_owned(), ..first.clone() });
    known.see(&first);
    assert_eq!(told(&reviews, &known), [((0, 0), Some((1, 0))), ((2, 0), None)]);
}

#[test]
fn agreement_is_with_the_choice_by_rules_alone() {
    let records = records();
    let by_rules = chosen_of(&records, &Overrides::new());
    let reviews = reviews(&[
        (0, 0, Said::Keep, None),
        (7, 0, Said::Drop, None),
        (13, 0, Said::Drop, None),
        (4, 1, Said::BetterThan, Some(0)),
        (8, 0, Said::BetterThan, Some(1)),
    ]);
    let mut known = Known::new(&reviews);
    records.iter().for_each(|record| known.see(record));
    let agreement = Agreement::of(&reviews, &known, &by_rules);
    assert_eq!(agreement.pairs, Agrees { agree: 1, differ: 1, silent: 0 });
    let kept = |row: u64| {
        let fated = by_rules.fated.iter().find(|fated| fated.row == row).unwrap();
        matches!(fated.fate, editscale_curate::choice::Fate::Kept(_))
    };
    let agree = u64::from(kept(0)) + u64::from(!kept(13));
    assert_eq!(agreement.choice, Agrees { agree, differ: 2 - agree, silent: 1 });
    assert_eq!(agreement.verdicts(), 5);
}
