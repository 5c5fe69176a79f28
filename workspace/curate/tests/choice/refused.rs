//! Rules and records of which no choice can be made.

use std::convert::Infallible;

use editscale_curate::Record;
use editscale_curate::choice::{
    Diversity, GroupBy, Keep, Override, Overrides, Rules, ShareOut, SplitRule, Strata, choose,
};
use editscale_study::curation::{Gate, Quota};

use crate::{record, scored};

fn refusal(records: Vec<Record>, rules: &Rules, overrides: &Overrides) -> String {
    choose(records.into_iter().map(Ok::<_, Infallible>), rules, overrides).unwrap_err().to_string()
}

#[test]
fn each_says_what_is_wrong() {
    let gate = |part: &str, at_least| Gate { part: part.to_owned(), at_least, at_most: None };
    let column = || GroupBy::Column("task".to_owned());
    let named = |shares: &[(&str, f64)]| {
        let shares = shares.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect();
        let strata = Strata { share_out: ShareOut::Named(shares), ..Strata::default() };
        Rules { strata, keep: Keep::Top(1), ..Rules::default() }
    };
    let rules = [
        (
            Rules { gates: vec![gate("judge.parts", Some(1.0))], ..Rules::default() },
            "on `judge.parts`, which no record has: expected one of `judge`",
        ),
        (Rules { gates: vec![gate("judge", None)], ..Rules::default() }, "the gate on \"judge\""),
        (Rules { kappa: f64::NAN, ..Rules::default() }, "κ is NaN"),
        (Rules { kappa: 1.0, ..Rules::default() }, "κ is 1 and no record has a standard deviation"),
        (Rules { keep: Keep::Share(1.5), ..Rules::default() }, "a share of 1.5"),
        (Rules { near_duplicates: Some(16), ..Rules::default() }, "a radius of 16 bits"),
        (Rules { split: SplitRule { validation: 2.0, ..SplitRule::default() }, ..Rules::default() }, "a share of 2"),
        (
            Rules { strata: Strata { by: column(), ..Strata::default() }, ..Rules::default() },
            "no record has the column `task`",
        ),
        (
            Rules { diversity: Some(Diversity { by: column(), most: 1 }), ..Rules::default() },
            "no record has the column `task`",
        ),
        (
            Rules { strata: Strata { share_out: ShareOut::By(Quota::Equal), ..Strata::default() }, ..Rules::default() },
            "nothing to share out",
        ),
        (named(&[("added", 0.5)]), "stratum `added`, which no record is in: expected one of `add`"),
        (named(&[("add", 0.5), ("remove", 0.75)]), "1.25 together"),
        (named(&[("add", 0.5), ("add", 0.25)]), "`add` has two shares"),
        (named(&[("add", 0.0)]), "the share of `add` is 0"),
    ];
    for (rules, expected) in rules {
        let found = refusal(scored(&[1.0, 2.0]), &rules, &Overrides::new());
        assert!(found.contains(expected), "{found}: expected {expected}");
    }
}

#[test]
fn records_come_once_and_people_speak_of_what_is_there() {
    let twice = refusal(vec![record(3, 1.0), record(4, 1.0), record(3, 2.0)], &Rules::default(), &Overrides::new());
    assert_eq!(twice, "row 3 has two records of its edited picture 0: expected one of each");
    let stranger = Overrides::from([((9, 1), Override::Keep)]);
    let found = refusal(scored(&[1.0]), &Rules::default(), &stranger);
    assert_eq!(found, "a person's word is on the edited picture 1 of row 9, of which there is no record");
}

#[test]
fn a_record_that_cannot_be_read_ends_it() {
    let broken = [Ok(record(0, 1.0)), Err(std::io::Error::other("the file ends early"))];
    let found = choose(broken, &Rules::default(), &Overrides::new()).unwrap_err();
    assert_eq!(found.to_string(), "the file ends early");
}

#[test]
fn a_kind_of_edit_may_be_lacking() {
    let strata = Strata { share_out: ShareOut::Named(vec![("text".to_owned(), 0.5)]), ..Strata::default() };
    let rules = Rules { strata, keep: Keep::Top(2), ..Rules::default() };
    let found = choose(scored(&[1.0, 2.0]).into_iter().map(Ok::<_, Infallible>), &rules, &Overrides::new());
    assert!(found.is_ok());
}
