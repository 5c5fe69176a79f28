//! Choices worked out by hand, rule by rule.

use editscale_curate::choice::{
    Diversity, GroupBy, Keep, Override, Overrides, PerRow, Rules, ShareOut, SplitRule, Strata, THE_SCORE,
};
use editscale_curate::{Record, Value};
use editscale_study::curation::{DropReason, Gate, Quota, Side, WithoutDoubt};

use crate::{chosen, fates, kept, picture, record, scored};

fn gate(part: &str, at_least: Option<f64>, at_most: Option<f64>) -> Gate {
    Gate { part: part.to_owned(), at_least, at_most }
}

fn with(mut record: Record, change: impl FnOnce(&mut Record)) -> Record {
    change(&mut record);
    record
}

/// Records of these categories and scores.
fn of_categories(records: &[(&str, f64)]) -> Vec<Record> {
    let of = |(row, (category, score)): (u64, &(&str, f64))| {
        with(record(row, *score), |record| {
            record.extra.insert("task".to_owned(), (*category).into());
        })
    };
    (0..).zip(records).map(of).collect()
}

fn by_task(share_out: ShareOut) -> Strata {
    Strata { by: GroupBy::Column("task".to_owned()), largest: 64, share_out }
}

#[test]
fn each_has_the_first_reason_that_applies() {
    let unscored = with(record(0, 0.0), |record| record.score = None);
    let gated = with(record(1, 9.0), |record| {
        record.said.insert("judge.part".to_owned(), Value { mean: 0.1, sigma: None });
    });
    let good = |row, score| {
        with(record(row, score), |record| {
            record.said.insert("judge.part".to_owned(), Value { mean: 0.9, sigma: None });
        })
    };
    let second = with(good(3, 4.0), |record| record.candidate = 1);
    let twin = with(good(4, 4.5), |record| {
        record.source = Some(picture(3));
        record.edited = good(3, 5.0).edited;
        record.instruction = good(3, 5.0).instruction.to_uppercase();
    });
    let sibling = with(good(5, 3.0), |record| record.source = Some(picture(3)));
    let records = [unscored, gated, good(2, 0.5), good(3, 5.0), second, twin, sibling, good(6, 2.0), good(7, 3.5)];
    let rules = Rules {
        gates: vec![gate("judge.part", Some(0.5), None), gate(THE_SCORE, None, Some(100.0))],
        at_least: Some(1.0),
        near_duplicates: Some(0),
        diversity: Some(Diversity { by: GroupBy::Source, most: 1 }),
        keep: Keep::Top(2),
        ..Rules::default()
    };
    let found = chosen(&records, &rules, &Overrides::new());
    let reasons = [
        "without a score",
        "judge.part does not pass its gate",
        "below the threshold, doubt taken off",
        "kept",
        "another edited picture of its row is better",
        "nearly the same as a better row",
        "more of its cluster than is wanted",
        "below the best that were asked for",
        "kept",
    ];
    assert_eq!(fates(&found), reasons);
    assert_eq!((found.near_duplicate_groups, found.lowest), (1, Some(3.5)));
    assert_eq!(found.dropped[&DropReason::ClusterFull], (1, vec![6]));
    assert_eq!(found.dropped.values().map(|(records, _)| records).sum::<u64>(), 7);

    let all = chosen(&records, &Rules { per_row: PerRow::All, ..Rules::default() }, &Overrides::new());
    assert_eq!(kept(&all).len(), 8, "all but the one without a score");
}

#[test]
fn doubt_counts_against_a_score() {
    let of = |row, score, sigma| with(record(row, score), |record| record.sigma = sigma);
    let records = [of(0, 3.0, Some(2.0)), of(1, 2.0, Some(0.5)), of(2, 1.5, Some(0.1)), of(3, 1.45, None)];
    let mut rules = Rules { kappa: 1.0, keep: Keep::Top(2), ..Rules::default() };
    let found = chosen(&records, &rules, &Overrides::new());
    // The bounds are 1, 1.5, 1.4 and none.
    assert_eq!(kept(&found), [(1, 0), (2, 0)]);
    assert_eq!(
        found.fated.iter().map(|fated| fated.bound).collect::<Vec<_>>(),
        [Some(1.0), Some(1.5), Some(1.4), None]
    );
    assert_eq!(fates(&found)[3], DropReason::Bound.to_string());
    let both: Vec<(f64, usize)> = found.kappas.iter().map(|point| (point.kappa, point.overlap.both)).collect();
    assert_eq!(both, [(0.0, 1), (0.5, 1), (1.0, 2), (2.0, 2)]);
    assert_eq!(found.kappas[0].lowest, Some(2.0));
    // The lowest kept is 1.4: 1 is within its own σ of it, and so are 1.5 and 1.4.
    assert_eq!((found.lowest, found.near_lowest), (Some(1.4), 3));
    rules.without_sigma = WithoutDoubt::Certain;
    assert_eq!(kept(&chosen(&records, &rules, &Overrides::new())), [(1, 0), (3, 0)]);
}

#[test]
fn a_share_is_taken_of_what_the_rules_leave() {
    let records = scored(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let rules = Rules { at_least: Some(3.0), keep: Keep::Share(0.5), ..Rules::default() };
    assert_eq!(kept(&chosen(&records, &rules, &Overrides::new())), [(4, 0), (5, 0)]);
}

#[test]
fn strata_get_their_parts() {
    let records =
        of_categories(&[("add", 9.0), ("add", 8.0), ("add", 7.0), ("add", 6.0), ("remove", 2.0), ("text", 1.0)]);
    let of = |share_out, count| {
        let rules = Rules { strata: by_task(share_out), keep: Keep::Top(count), ..Rules::default() };
        chosen(&records, &rules, &Overrides::new())
    };
    let freely = of(ShareOut::Freely, 3);
    assert_eq!(
        (kept(&freely), &freely.strata[..]),
        (vec![(0, 0), (1, 0), (2, 0)], &["add", "remove", "text"].map(String::from)[..])
    );
    let equal = of(ShareOut::By(Quota::Equal), 3);
    assert_eq!(kept(&equal), [(0, 0), (4, 0), (5, 0)]);
    // Each stratum has a cut of its own, where they do not compete.
    assert_eq!((0..3).map(|stratum| equal.cut(stratum)).collect::<Vec<_>>(), [Some(9.0), Some(2.0), Some(1.0)]);
    assert_eq!((freely.cut(0), freely.cut(2)), (Some(7.0), Some(7.0)));
    assert_eq!(fates(&equal)[1], DropReason::StratumFull.to_string());
    assert_eq!(kept(&of(ShareOut::By(Quota::Equal), 5)), [(0, 0), (1, 0), (2, 0), (4, 0), (5, 0)]);
    let named = of(ShareOut::Named(vec![("text".to_owned(), 0.5), ("remove".to_owned(), 0.25)]), 4);
    assert_eq!(kept(&named), [(0, 0), (1, 0), (4, 0), (5, 0)], "what `text` cannot fill goes to the others");
    let scores = &equal.distributions[&0];
    assert_eq!((scores.all.rows, scores.all.mean), (4, 7.5));
    assert_eq!((scores.bins.counts.iter().sum::<u64>(), scores.kept.counts.iter().sum::<u64>()), (4, 1));
}

#[test]
fn small_strata_are_one() {
    let records = of_categories(&[("b", 1.0), ("b", 1.0), ("a", 1.0), ("c", 1.0), ("d", 1.0)]);
    let strata = Strata { largest: 2, ..by_task(ShareOut::Named(vec![("d".to_owned(), 0.5)])) };
    let found = chosen(&records, &Rules { strata, keep: Keep::Top(2), ..Rules::default() }, &Overrides::new());
    assert_eq!(found.strata, ["a", "b", "d", "the others"]);
    assert_eq!(found.fated.iter().map(|fated| fated.stratum).collect::<Vec<_>>(), [1, 1, 0, 3, 2]);
}

#[test]
fn like_instructions_are_a_group() {
    let asking = |row, score, instruction: &str| {
        with(record(row, score), |record| instruction.clone_into(&mut record.instruction))
    };
    let records = [
        asking(0, 1.0, "Make the car bright red in this picture"),
        asking(1, 2.0, "make the car BRIGHT red in this picture!"),
        asking(2, 3.0, "Make the cars bright red in the picture"),
        asking(3, 0.5, "Add a small brown dog beside the bench"),
    ];
    let rules = Rules {
        diversity: Some(Diversity { by: GroupBy::Instruction, most: 2 }),
        strata: Strata { by: GroupBy::Instruction, ..Strata::default() },
        ..Rules::default()
    };
    let found = chosen(&records, &rules, &Overrides::new());
    assert_eq!(kept(&found), [(1, 0), (2, 0), (3, 0)]);
    assert_eq!(found.strata, ["Add a small brown dog beside the bench", "Make the car bright red in this picture"]);
    let rules = Rules { diversity: Some(Diversity { by: GroupBy::EditCategory, most: 1 }), ..Rules::default() };
    let found = chosen(&records, &rules, &Overrides::new());
    assert_eq!((kept(&found), &found.strata[..]), (vec![(2, 0), (3, 0)], &["add", "other"].map(String::from)[..]));
}

#[test]
fn people_come_first() {
    let records = scored(&[1.0, 5.0, 4.0, 3.0]);
    let rules = Rules { keep: Keep::Top(2), ..Rules::default() };
    let said = Overrides::from([((0, 0), Override::Keep), ((1, 0), Override::Drop)]);
    let found = chosen(&records, &rules, &said);
    assert_eq!(kept(&found), [(0, 0), (2, 0)], "as many as were asked for");
    assert_eq!(fates(&found)[1], DropReason::Rejected.to_string());
    assert_eq!(found.lowest, Some(4.0), "what a person keeps is not what the rules reach down to");
    let many = Overrides::from([0, 1, 3].map(|row| ((row, 0), Override::Keep)));
    assert_eq!(kept(&chosen(&records, &rules, &many)), [(0, 0), (1, 0), (3, 0)], "people can keep more");
}

#[test]
fn a_persons_choice_fills_its_row_and_its_stratum() {
    let mut records = of_categories(&[("a", 9.0), ("a", 8.0), ("a", 1.0), ("b", 5.0), ("b", 4.0)]);
    let rules = Rules { strata: by_task(ShareOut::By(Quota::Equal)), keep: Keep::Top(3), ..Rules::default() };
    let said = Overrides::from([((2, 0), Override::Keep), ((1, 0), Override::Keep)]);
    assert_eq!(kept(&chosen(&records, &rules, &said)), [(1, 0), (2, 0), (3, 0)]);
    (records[1].row, records[1].candidate) = (0, 1);
    let said = Overrides::from([((0, 1), Override::Keep)]);
    let found = chosen(&records, &Rules::default(), &said);
    assert_eq!(kept(&found), [(0, 1), (2, 0), (3, 0), (4, 0)]);
}

#[test]
fn other_judges_choose_otherwise() {
    let of = |row, good, fast| {
        with(record(row, good + fast), |record| {
            record.said.insert("a.part".to_owned(), Value { mean: good, sigma: None });
            record.said.insert("b".to_owned(), Value { mean: fast, sigma: None });
        })
    };
    let records = [of(0, 3.0, 0.0), of(1, 2.0, 2.0), of(2, 0.0, 3.5)];
    let found = chosen(&records, &Rules { keep: Keep::Top(1), ..Rules::default() }, &Overrides::new());
    let both: Vec<(&str, usize)> = found.judges.iter().map(|(name, overlap)| (name.as_str(), overlap.both)).collect();
    assert_eq!(both, [("a.part", 0), ("b", 0), ("judge", 1)]);
}

#[test]
fn near_sources_are_on_one_side() {
    // Each two rows have sources that differ in two bits.
    let near = |row: u64| {
        with(record(row, 1.0), |record| {
            let mut source = picture(row);
            source.hash = picture(row / 2).hash ^ if row.is_multiple_of(2) { 0 } else { 0b101 };
            record.source = Some(source);
        })
    };
    let records: Vec<Record> = (0..400).map(near).collect();
    let sides = |radius| {
        let split = SplitRule { validation: 0.3, salt: 5, radius };
        let found = chosen(&records, &Rules { split, ..Rules::default() }, &Overrides::new());
        fates(&found)
    };
    let together = sides(2);
    assert!(together.chunks(2).all(|pair| pair[0] == pair[1]));
    let held_out = together.iter().filter(|side| *side == "held out").count();
    assert!((60..220).contains(&held_out), "{held_out} of 400");
    assert!(sides(1).chunks(2).any(|pair| pair[0] != pair[1]), "they are two where fewer bits are allowed");
    let alone = chosen(&records[7..8], &Rules::default(), &Overrides::new());
    assert_eq!(alone.fated[0].fate, editscale_curate::choice::Fate::Kept(Side::Train));
}

#[test]
fn without_records_nothing_is_kept() {
    let rules = Rules { keep: Keep::Share(0.5), near_duplicates: Some(6), ..Rules::default() };
    let found = chosen(&[], &rules, &Overrides::new());
    assert!(found.fated.is_empty() && found.strata.is_empty() && found.lowest.is_none());
}
