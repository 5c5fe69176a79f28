//! What objectives that hold doubt, and conditions, against a candidate make of score cards.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use editscale_core::{Objective, RewardName, Score, ScoreCard, Utility};
use editscale_search::{Conditions, Conjunctive, Doubt, Gate, Gated, LowerBound, Weighted};
use proptest::prelude::*;

const NAMES: [&str; 3] = ["execution", "consistency", "quality"];

fn name(name: &str) -> RewardName {
    RewardName::new(name).unwrap()
}

/// A card of these means and sigmas, by `NAMES`; what is absent is not on it.
fn card(scores: &[Option<(f64, Option<f64>)>]) -> ScoreCard {
    let mut card = ScoreCard::default();
    for (reward, score) in NAMES.iter().zip(scores) {
        if let Some((mean, sigma)) = score {
            card.enter(name(reward), Ok(Score::with_sigma(*mean, *sigma).unwrap()));
        }
    }
    card
}

fn weights(weights: &[f64]) -> Vec<(RewardName, f64)> {
    NAMES.iter().map(|reward| name(reward)).zip(weights.iter().copied()).collect()
}

fn utility(objective: &dyn Objective, card: &ScoreCard) -> Option<f64> {
    objective.utilities(&[card])[0].map(Utility::get)
}

fn lower(of: &[f64], kappa: f64, assumed_sigma: Option<f64>) -> LowerBound {
    LowerBound::new(weights(of), Doubt { kappa, assumed_sigma }).unwrap()
}

fn conjunctive(of: &[f64], share: Option<f64>) -> Conjunctive {
    Conjunctive::new(weights(of), Conditions { low: 0.0, high: 10.0, share }).unwrap()
}

#[test]
fn a_lower_bound_takes_doubt_from_each_score_before_it_weighs_them() {
    let sure = card(&[Some((3.0, Some(0.5))), Some((1.0, Some(2.0)))]);
    let unsure = card(&[Some((3.0, Some(0.5))), Some((1.0, None))]);
    for (objective, card, expected) in [
        (lower(&[1.0, 3.0], 2.0, None), &sure, Some((2.0 - 9.0) / 4.0)),
        // What counts against is doubted upwards.
        (lower(&[1.0, -3.0], 2.0, None), &sure, Some((2.0 - 15.0) / 4.0)),
        (lower(&[1.0, 3.0], 0.0, None), &sure, Some(1.5)),
        (lower(&[1.0, 3.0], 2.0, None), &unsure, None),
        (lower(&[1.0, 3.0], 2.0, Some(1.0)), &unsure, Some((2.0 - 3.0) / 4.0)),
        // The assumption is for scores without a σ alone, and a reward that does not count is not asked for one.
        (lower(&[1.0, 3.0], 2.0, Some(9.0)), &sure, Some((2.0 - 9.0) / 4.0)),
        (lower(&[1.0, 0.0], 2.0, None), &unsure, Some(2.0)),
        (lower(&[1.0, 1.0, 1.0], 2.0, Some(1.0)), &sure, None),
    ] {
        assert_eq!(utility(&objective, card), expected, "{objective:?}");
    }
}

#[test]
fn conditions_multiply() {
    let whole = card(&[Some((8.0, None)), Some((2.0, None)), Some((5.0, None))]);
    let copy = card(&[Some((0.0, None)), Some((10.0, None)), Some((10.0, None))]);
    for (objective, card, expected) in [
        (conjunctive(&[1.0, 1.0, 0.0], None), &whole, Some(0.4)),
        (conjunctive(&[2.0, 1.0, 1.0], None), &whole, Some((0.64_f64 * 0.2 * 0.5).powf(0.25))),
        // FIRM's form, and its weighted rest.
        (conjunctive(&[1.0, 1.0, 0.0], Some(0.4)), &whole, Some(0.8 * (0.6 + 0.4 * 0.2))),
        (conjunctive(&[5.0, 1.0, 1.0], Some(0.4)), &whole, Some(0.8 * (0.6 + 0.4 * 0.1_f64.sqrt()))),
        (conjunctive(&[1.0, 1.0, 1.0], None), &copy, Some(0.0)),
        (conjunctive(&[1.0, 1.0, 1.0], Some(0.4)), &copy, Some(0.0)),
        (conjunctive(&[1.0, 1.0, 1.0], None), &self::card(&[Some((8.0, None))]), None),
    ] {
        let found = utility(&objective, card);
        let is_near =
            found.zip(expected).map_or(found == expected, |(found, expected)| (found - expected).abs() < 1e-12);
        assert!(is_near, "{found:?} and not {expected:?}: {objective:?}");
    }
    // Outside of the range a score is cut: this one is worth no more than one of 10.
    let beyond = card(&[Some((25.0, None)), Some((-3.0, None)), Some((10.0, None))]);
    assert_eq!(utility(&conjunctive(&[1.0, 0.0, 1.0], None), &beyond), Some(1.0));
    assert_eq!(utility(&conjunctive(&[1.0, 1.0, 1.0], None), &beyond), Some(0.0));
}

/// The picture that was not edited keeps everything: a mean lets it win over a good edit, and conditions do not.
#[test]
fn a_copy_of_the_source_wins_a_mean_and_no_product() {
    let (copy, edit) = (card(&[Some((0.0, None)), Some((10.0, None))]), card(&[Some((6.0, None)), Some((3.0, None))]));
    let wins = |objective: &dyn Objective| utility(objective, &copy) > utility(objective, &edit);
    assert!(wins(&Weighted::new(weights(&[1.0, 1.0])).unwrap()));
    assert!(!wins(&conjunctive(&[1.0, 1.0], None)));
    assert!(!wins(&conjunctive(&[1.0, 1.0], Some(0.4))));
}

#[test]
fn what_makes_no_objective_is_refused() {
    let conditions = |low, high, share| Conditions { low, high, share };
    for (of, with, expected) in [
        (
            &[1.0, -1.0][..],
            conditions(0.0, 1.0, None),
            "`weight` is -1: expected a number of at least 0, for a condition cannot count against",
        ),
        (
            &[0.0][..],
            conditions(0.0, 1.0, None),
            "`weight` is [0.0]: expected finite numbers, at least one of them not 0",
        ),
        (&[1.0][..], conditions(1.0, 1.0, None), "`high` is 1 above 1: expected a finite number above `low`"),
        (&[1.0][..], conditions(0.0, f64::NAN, None), "`high` is NaN above 0: expected a finite number above `low`"),
        (&[1.0, 0.0][..], conditions(0.0, 1.0, Some(0.4)), "`share` is 0.4: expected a second reward that counts"),
        (&[1.0, 1.0][..], conditions(0.0, 1.0, Some(1.5)), "`share` is 1.5: expected a number from 0 to 1"),
    ] {
        assert_eq!(Conjunctive::new(weights(of), with).unwrap_err().to_string(), expected);
    }
    for (doubt, expected) in [
        (Doubt { kappa: -1.0, assumed_sigma: None }, "`kappa` is -1: expected a finite number of at least 0"),
        (
            Doubt { kappa: 1.0, assumed_sigma: Some(f64::INFINITY) },
            "`assumed_sigma` is inf: expected a finite number of at least 0",
        ),
    ] {
        assert_eq!(LowerBound::new(weights(&[1.0]), doubt).unwrap_err().to_string(), expected);
    }
}

/// Run records hold these words.
#[test]
fn revisions_are_as_records_have_them() {
    assert_eq!(lower(&[1.0, 0.5], 1.5, None).revision(), "lower_bound/1 kappa=1.5 execution*1 consistency*0.5");
    assert_eq!(lower(&[1.0], 0.0, Some(0.1)).revision(), "lower_bound/1 kappa=0 assumed_sigma=0.1 execution*1");
    assert_eq!(
        conjunctive(&[1.0, 2.0], Some(0.4)).revision(),
        "conjunctive/1 low=0 high=10 share=0.4 execution*1 consistency*2"
    );
    assert_eq!(conjunctive(&[1.0], None).revision(), "conjunctive/1 low=0 high=10 execution*1");
}

fn scores() -> impl Strategy<Value = Vec<Option<(f64, Option<f64>)>>> {
    let number = || prop_oneof![-20.0f64..20.0, any::<f64>().prop_filter("finite", |number| number.is_finite())];
    let sigma = prop::option::of(number().prop_map(f64::abs));
    prop::collection::vec(prop::option::weighted(0.9, (number(), sigma)), 3)
}

proptest! {
    #[test]
    fn utilities_do_not_depend_on_the_others_and_never_panic(
        all in prop::collection::vec(scores(), 1..6), share in prop::option::of(0.0f64..1.0),
    ) {
        let objectives: [Box<dyn Objective>; 3] = [
            Box::new(lower(&[1.0, 0.5, -2.0], 1.0, Some(0.5))),
            Box::new(conjunctive(&[1.0, 0.5, 2.0], share)),
            Box::new(Gated::new(
                Arc::new(conjunctive(&[1.0, 0.0, 2.0], None)),
                vec![Gate { reward: name("execution"), part: None, at_least: 0.5 }],
            )),
        ];
        let cards: Vec<ScoreCard> = all.iter().map(|scores| card(scores)).collect();
        let together: Vec<&ScoreCard> = cards.iter().collect();
        for objective in &objectives {
            for (card, found) in cards.iter().zip(objective.utilities(&together)) {
                prop_assert_eq!(found.map(Utility::get), utility(&**objective, card));
            }
        }
        for found in objectives[1].utilities(&together).into_iter().flatten() {
            prop_assert!((0.0..=1.0).contains(&found.get()));
        }
    }

    /// More doubt is never worth more, and a better score never less.
    #[test]
    fn bounds_and_conditions_are_monotone(
        means in prop::collection::vec(0.0f64..10.0, 3), more in 0.0f64..5.0, share in prop::option::of(0.0f64..1.0),
    ) {
        let plain: Vec<_> = means.iter().map(|mean| Some((*mean, Some(1.0)))).collect();
        for place in 0..3 {
            let (mut better, mut less_sure) = (plain.clone(), plain.clone());
            better[place] = Some((means[place] + more, Some(1.0)));
            less_sure[place] = Some((means[place], Some(1.0 + more)));
            let (bound, product) = (lower(&[1.0, 2.0, 0.5], 1.0, None), conjunctive(&[1.0, 2.0, 0.5], share));
            prop_assert!(utility(&bound, &card(&better)).unwrap() >= utility(&bound, &card(&plain)).unwrap() - 1e-12);
            prop_assert!(utility(&bound, &card(&less_sure)).unwrap() <= utility(&bound, &card(&plain)).unwrap() + 1e-12);
            prop_assert!(utility(&product, &card(&better)).unwrap() >= utility(&product, &card(&plain)).unwrap() - 1e-12);
        }
    }
}
