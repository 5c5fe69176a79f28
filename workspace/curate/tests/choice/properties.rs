//! What holds of every choice.

use std::collections::BTreeMap;

use editscale_curate::choice::{
    Diversity, Fate, GroupBy, Keep, Override, Overrides, PerRow, Rules, ShareOut, SplitRule, Strata, THE_SCORE,
};
use editscale_curate::{Record, Value};
use editscale_study::curation::{DropReason, Gate, Quota, Side, WithoutDoubt};
use proptest::prelude::*;

use crate::{chosen, kept, picture, record};

/// Records with few different scores, sources, hashes and categories, so that everything meets.
fn records() -> impl Strategy<Value = Vec<Record>> {
    let scores = (prop::option::weighted(0.9, -3_i32..4), prop::option::weighted(0.8, 0_u32..3));
    let one = (0_u64..12, 0_u32..3, scores, 0_u64..5, 0_u64..6, 0_usize..3);
    prop::collection::vec(one, 0..40).prop_map(|rows| {
        let mut records = BTreeMap::new();
        for (row, candidate, (score, sigma), source, edited, task) in rows {
            let score = score.map(|score| f64::from(score) / 2.0);
            let sigma = sigma.map(|sigma| f64::from(sigma) / 4.0);
            let mut one = Record { candidate, score, sigma, ..record(row, 0.0) };
            one.said = score.into_iter().map(|mean| ("judge".to_owned(), Value { mean, sigma })).collect();
            one.source = Some(picture(source));
            // Pictures 2n and 2n + 1 differ in one bit.
            let mut after = picture(100 + edited / 2);
            after.hash ^= edited % 2;
            one.edited = Some(after);
            ["add a hat", "make it red", "remove the car"][task].clone_into(&mut one.instruction);
            one.extra.insert("task".to_owned(), ["x", "y", "z"][task].into());
            records.insert((row, candidate), one);
        }
        records.into_values().collect()
    })
}

fn share_out() -> impl Strategy<Value = ShareOut> {
    prop_oneof![
        Just(ShareOut::Freely),
        Just(ShareOut::By(Quota::Equal)),
        Just(ShareOut::By(Quota::Proportional)),
        (1_u64..4).prop_map(|least| ShareOut::By(Quota::AtLeast(least))),
        Just(ShareOut::Named(vec![("add".to_owned(), 0.4), ("remove".to_owned(), 0.2)])),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let by = prop_oneof![Just(GroupBy::Source), Just(GroupBy::Instruction), Just(GroupBy::EditCategory)];
    let limits = (prop::option::of(0_u32..3), prop::option::of((by, 1_u64..4)), any::<bool>());
    let counts = (1_u64..12, prop::option::of(-1_i32..2), any::<bool>());
    (limits, share_out(), counts, 0_u32..3).prop_map(
        |((near, diversity, all), share_out, (top, least, gated), kappa)| {
            let gate = Gate { part: THE_SCORE.to_owned(), at_least: Some(-1.0), at_most: None };
            Rules {
                gates: if gated { vec![gate] } else { Vec::new() },
                kappa: kappa.into(),
                without_sigma: WithoutDoubt::Certain,
                at_least: least.map(f64::from),
                per_row: if all { PerRow::All } else { PerRow::Best },
                near_duplicates: near,
                diversity: diversity.map(|(by, most)| Diversity { by, most }),
                strata: Strata { share_out, ..Strata::default() },
                keep: Keep::Top(top),
                split: SplitRule { validation: 0.4, salt: 3, radius: 1 },
                ..Rules::default()
            }
        },
    )
}

/// People's words on some of the records.
fn said(records: &[Record], words: &[u8]) -> Overrides {
    let word = |word: &u8| match word {
        0 => Some(Override::Keep),
        1 => Some(Override::Drop),
        _ => None,
    };
    let at = |record: &Record| (record.row, record.candidate);
    records.iter().zip(words).filter_map(|(record, said)| Some((at(record), word(said)?))).collect()
}

fn at(records: &[Record], row: u64, candidate: u32) -> &Record {
    records.iter().find(|record| (record.row, record.candidate) == (row, candidate)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn each_record_has_one_fate_and_numbers_add_up(
        records in records(), rules in rules(), words in prop::collection::vec(0_u8..12, 40)
    ) {
        let said = said(&records, &words);
        let found = chosen(&records, &rules, &said);
        let names: Vec<(u64, u32)> = found.fated.iter().map(|fated| (fated.row, fated.candidate)).collect();
        prop_assert_eq!(&names, &records.iter().map(|record| (record.row, record.candidate)).collect::<Vec<_>>());
        let dropped: u64 = found.dropped.values().map(|(count, _)| count).sum();
        let kept = kept(&found);
        prop_assert_eq!(dropped + kept.len() as u64, records.len() as u64);
        let scored = records.iter().filter(|record| record.score.is_some()).count();
        let told: usize = found.distributions.values().map(|scores| scores.all.rows).sum();
        prop_assert_eq!(told, scored);
        // People are heard, and otherwise rules hold.
        let forced = said.values().filter(|word| **word == Override::Keep).count();
        let Keep::Top(top) = rules.keep else { unreachable!() };
        prop_assert!(kept.len() as u64 <= top.max(forced as u64), "{} kept of {top}", kept.len());
        for fated in &found.fated {
            match said.get(&(fated.row, fated.candidate)) {
                Some(Override::Keep) => prop_assert!(matches!(fated.fate, Fate::Kept(_))),
                Some(Override::Drop) => prop_assert_eq!(&fated.fate, &Fate::Dropped(DropReason::Rejected)),
                None if matches!(fated.fate, Fate::Kept(_)) => {
                    let bound = fated.bound.unwrap();
                    prop_assert!(rules.at_least.is_none_or(|least| bound >= least));
                    prop_assert!(rules.gates.is_empty() || fated.score.unwrap() >= -1.0);
                }
                None => prop_assert_ne!(&fated.fate, &Fate::Dropped(DropReason::Rejected)),
            }
        }
    }

    #[test]
    fn quotas_hold(records in records(), rules in rules()) {
        let found = chosen(&records, &rules, &Overrides::new());
        let kept = kept(&found);
        let of = |(row, candidate): &(u64, u32)| at(&records, *row, *candidate);
        if rules.per_row == PerRow::Best {
            prop_assert!(kept.windows(2).all(|pair| pair[0].0 != pair[1].0));
        }
        if let Some(diversity) = &rules.diversity {
            let mut clusters: BTreeMap<String, u64> = BTreeMap::new();
            for one in kept.iter().map(of) {
                let source = one.source.as_ref().unwrap().digest.clone();
                let is_source = diversity.by == GroupBy::Source;
                *clusters.entry(if is_source { source } else { one.instruction.clone() }).or_default() += 1;
            }
            prop_assert!(clusters.values().all(|count| *count <= diversity.most), "{clusters:?}");
        }
        if let Some(radius) = rules.near_duplicates {
            let hashes = |one: &Record| [&one.source, &one.edited].map(|picture| picture.as_ref().unwrap().hash);
            for (a, b) in (0..kept.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
                let is_same = of(&kept[a]).instruction == of(&kept[b]).instruction;
                let (a, b) = (hashes(of(&kept[a])), hashes(of(&kept[b])));
                prop_assert!(!is_same || (0..2).any(|side| (a[side] ^ b[side]).count_ones() > radius));
            }
        }
    }

    #[test]
    fn no_source_is_on_both_sides(records in records(), rules in rules()) {
        let found = chosen(&records, &rules, &Overrides::new());
        let mut sides: BTreeMap<String, Side> = BTreeMap::new();
        for fated in &found.fated {
            if let Fate::Kept(side) = fated.fate {
                let digest = at(&records, fated.row, fated.candidate).source.as_ref().unwrap().digest.clone();
                prop_assert_eq!(*sides.entry(digest).or_insert(side), side);
            }
        }
    }

    #[test]
    fn order_does_not_matter(records in records(), rules in rules(), turn in 0_usize..40, words in prop::collection::vec(0_u8..8, 40)) {
        let said = said(&records, &words);
        let found = chosen(&records, &rules, &said);
        let turn = turn % records.len().max(1);
        let turned: Vec<Record> = [&records[turn..], &records[..turn]].concat().into_iter().rev().collect();
        let again = chosen(&turned, &rules, &said);
        prop_assert_eq!(&found.fated, &again.fated);
        prop_assert_eq!((&found.strata, &found.kappas, &found.judges), (&again.strata, &again.kappas, &again.judges));
        prop_assert_eq!((&found.dropped, found.near_lowest), (&again.dropped, again.near_lowest));
    }

    #[test]
    fn worse_rows_change_nothing(records in records(), rules in rules(), more in 1_u64..6) {
        // Near duplicates hang together in chains that a worse row can close, and parts go by how much there is.
        let rules = Rules { near_duplicates: None, strata: Strata::default(), ..rules };
        let found = chosen(&records, &rules, &Overrides::new());
        let Keep::Top(top) = rules.keep else { unreachable!() };
        prop_assume!(kept(&found).len() as u64 == top);
        let worse = (0..more).map(|row| Record { sigma: Some(0.0), ..record(1000 + row, -99.0) });
        let again = chosen(&records.iter().cloned().chain(worse).collect::<Vec<_>>(), &rules, &Overrides::new());
        for (before, after) in found.fated.iter().zip(&again.fated) {
            prop_assert_eq!(&before.fate, &after.fate);
        }
    }

    #[test]
    fn the_best_are_kept_and_ties_go_by_row(records in records(), top in 1_u64..12) {
        let rules = Rules { keep: Keep::Top(top), per_row: PerRow::All, ..Rules::default() };
        let found = chosen(&records, &rules, &Overrides::new());
        let mut order: Vec<&Record> = records.iter().filter(|record| record.score.is_some()).collect();
        order.sort_by(|a, b| b.score.unwrap().total_cmp(&a.score.unwrap()));
        let mut best: Vec<(u64, u32)> =
            order.iter().take(top as usize).map(|record| (record.row, record.candidate)).collect();
        best.sort_unstable();
        prop_assert_eq!(kept(&found), best);
    }
}
