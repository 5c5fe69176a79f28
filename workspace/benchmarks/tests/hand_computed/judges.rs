//! Two judges, pairs in both orders, calibration, the parts of a judge, and speed, by hand.

use editscale_benchmarks::layouts::Preset;
use editscale_benchmarks::measures::{
    Bin, ContestMetric, MeasureError, MeasureRules, Measured, Said, Target, agreement, calibrate, measure, position,
    said_in, speed,
};
use editscale_benchmarks::{Human, JudgedCase, JudgedReward, TwoOrders};
use editscale_curate::{PictureFacts, Value};
use editscale_study::judges::Preference::{self, First, Second, Tie};

use crate::desk::{QUICK, case, edit, metric, near, ranked, source};

const RULES: MeasureRules = MeasureRules { folds: 10, ..QUICK };

fn pair(id: &str, ranking: &str, margin: f64) -> JudgedCase {
    ranked(id, ranking, &[margin, 0.0])
}

#[test]
fn two_judges_of_four_pairs() {
    let said = [("1", "A>B", 2.0, 1.0), ("2", "B>A", 1.0, -3.0), ("3", "A=B", -1.0, 0.0), ("4", "A>B", -2.0, 0.0)];
    let one: Vec<JudgedCase> = said.iter().map(|(id, ranking, margin, _)| pair(id, ranking, *margin)).collect();
    let mut two: Vec<JudgedCase> = said.iter().map(|(id, ranking, _, margin)| pair(id, ranking, *margin)).collect();
    two.push(pair("5", "A>B", 1.0));
    let found = agreement(&one, &two, &RULES).unwrap();
    assert_eq!((found.cases, found.left_out), (4, 1));
    let pairs = found.pairs.unwrap();
    // First and first, first and second, second and tie twice: 1/4 alike. Chance: 1/2*1/4 + 1/2*1/4 = 1/4, so kappa 0. With halves:
    // (1 + 1/2 + 1/2)/4, and by chance 1/2*(1/4 + 1/2*1/2) twice: 0 again.
    assert_eq!((pairs.counts, pairs.observed), ([[1, 0, 1], [0, 0, 0], [0, 2, 0]], 0.25));
    near(pairs.kappa, Some(0.0), "kappa");
    near(pairs.weighted_kappa, Some(0.0), "weighted kappa");
    // One pair alike, one turned round, two tied by the second judge.
    near(found.scores.unwrap().tau_within, Some(0.0), "tau");
    // Of the three decided pairs the first judge has 1, the second 1 + 1 + 1/2. Both times the second is nearer: 2*(1/2)^2.
    let contest = &found.contests[0];
    near(Some(contest.first), Some(1.0 / 3.0), "first");
    near(Some(contest.second), Some(2.5 / 3.0), "second");
    near(Some(contest.difference), Some(-0.5), "difference");
    assert_eq!((contest.nearer, contest.p_value), (Some([0, 2]), Some(0.5)));
    // Places of the sizes among four: 7/8, 3/8, -3/8, -7/8 and 3/4, -1, 0, 0.
    let apart: Vec<(&str, f64)> = found.differences.iter().map(|each| (&*each.id, each.apart)).collect();
    assert_eq!(apart, [("2", 1.375), ("4", 0.875), ("3", 0.375), ("1", 0.125)]);
    assert_eq!(found.differences[0].people.as_deref(), Some("b"));
}

#[test]
fn two_judges_of_ratings() {
    let rated = |scores: [f64; 4]| -> Vec<JudgedCase> {
        let rated = |(at, score): (usize, f64)| {
            case(&at.to_string(), Human::Rated, vec![edit(Some("x"), Some(at as f64), Some(score))])
        };
        scores.into_iter().enumerate().map(rated).collect()
    };
    let found = agreement(&rated([1.0, 2.0, 3.0, 4.0]), &rated([1.0, 3.0, 2.0, 4.0]), &RULES).unwrap();
    assert_eq!(found.pairs, None);
    // Two neighbours changed places: 1 - 6*2/(4*15) = 4/5; of six pairs one is turned round.
    let scores = found.scores.unwrap();
    near(scores.spearman, Some(0.8), "spearman");
    near(scores.kendall_tau_b, Some(4.0 / 6.0), "tau");
    let contest = &found.contests[0];
    assert_eq!((contest.metric, contest.n), (ContestMetric::Spearman, 4));
    near(Some(contest.difference), Some(1.0 - 0.8), "difference");
    assert_eq!(found.differences.iter().map(|each| each.apart).collect::<Vec<_>>(), [0.25, 0.25]);
    let nothing = agreement(&rated([1.0; 4]), &[pair("x", "A>B", 1.0)], &RULES);
    assert_eq!(nothing, Err(MeasureError::NothingInCommon { first: 4, second: 1 }));
}

#[test]
fn cases_of_one_name_that_are_not_the_same_are_left_out() {
    let one: Vec<JudgedCase> = ["1", "2", "3", "4", "5"].map(|id| pair(id, "A>B", 1.0)).into();
    let mut two = one.clone();
    two[0].source = source("another");
    two[1].instruction = "make it darker".to_owned();
    two[2].candidates[1].picture = source("an edit");
    // What one of them could not read, or read by another name, may be the same.
    two[3].source = None;
    two[4].source = two[4].source.take().map(|facts| PictureFacts { name: None, ..facts });
    let found = agreement(&one, &two, &RULES).unwrap();
    assert_eq!((found.cases, found.left_out), (3, 4), "two of each judge");
    let mut first = one.clone();
    first[2].candidates[1].picture = source("another edit");
    let found = agreement(&first, &two, &RULES).unwrap();
    assert_eq!((found.cases, found.left_out), (2, 6));
}

#[test]
fn a_place_that_is_favoured() {
    let orders = |id: &str, forward: Option<Preference>, backward: Option<Preference>, human: Preference| TwoOrders {
        id: id.to_owned(),
        part: String::new(),
        candidates: (0, 1),
        forward,
        backward,
        human: Some(human),
        failure: None,
        seconds: None,
    };
    let pairs = [
        orders("1", Some(First), Some(Second), First),
        orders("2", Some(First), Some(First), Second),
        orders("3", Some(First), Some(First), First),
        orders("4", Some(Second), Some(Second), First),
        orders("5", Some(Tie), Some(First), First),
        orders("6", None, Some(First), First),
        orders("7", Some(Tie), Some(Tie), Tie),
    ];
    let found = position(&pairs, &RULES).unwrap();
    assert_eq!((found.pairs, found.failed), (6, 1));
    assert_eq!((found.consistent, found.first_place, found.second_place, found.half_tied), (2, 2, 1, 1));
    near(found.consistency, Some(2.0 / 6.0), "consistency");
    let bias = found.bias.unwrap();
    assert_eq!((bias.first, bias.p_value), (2.0 / 3.0, 1.0));
    // Clopper and Pearson for 2 of 3, from printed tables.
    assert!((bias.low - 0.0943).abs() < 1e-4 && (bias.high - 0.9916).abs() < 1e-4, "{bias:?}");
    // Of five decided pairs: 1, 0, 1, 0, 1/2 as they stand; 1, 1, 0, 1, 0 turned; 1 and four ties together.
    let people = found.people.unwrap();
    assert_eq!((people.pairs, people.forward, people.backward, people.both), (5, 0.5, 0.6, 0.6));
    assert_eq!(position(&[], &RULES).unwrap().consistency, None);
    // All pairs of one group are one case.
    let group = ["a", "a", "b"].map(|id| orders(id, Some(First), Some(Second), First));
    let found = position(&group, &RULES).unwrap();
    assert_eq!((found.pairs, found.cases), (3, 2));
}

fn rated(rows: &[(f64, f64)]) -> Vec<JudgedCase> {
    let rated = |(at, (score, rating)): (usize, &(f64, f64))| {
        case(&at.to_string(), Human::Rated, vec![edit(None, Some(*rating), Some(*score))])
    };
    rows.iter().enumerate().map(rated).collect()
}

#[test]
fn a_map_of_four_ratings() {
    let found = calibrate(&rated(&[(1.0, 1.0), (2.0, 3.0), (3.0, 2.0), (4.0, 4.0)]), &Said::Score, &RULES).unwrap();
    assert_eq!((found.target, found.edits, found.sources), (Target::Rating, 4, 4));
    // The second and the third are pooled.
    let knots: Vec<(f64, f64)> = found.knots.iter().map(|knot| (knot.score, knot.value)).collect();
    assert_eq!(knots, [(1.0, 1.0), (2.0, 2.5), (3.0, 2.5), (4.0, 4.0)]);
    near(Some(found.in_sample.root_mean_square), Some((0.5_f64 / 4.0).sqrt()), "in sample");
    // Each from the three others: 5/2, 3/2, 7/2, 5/2 against 1, 3, 2, 4.
    let errors = found.held_out.unwrap();
    assert_eq!((errors.root_mean_square, errors.mean_absolute, errors.bias), (1.5, 1.5, 0.0));
    // The means of the three others: 3, 7/3, 8/3, 2.
    near(Some(found.mean_alone.unwrap().root_mean_square), Some((20.0_f64 / 9.0).sqrt()), "mean alone");
    let bin = |count, value, observed| Bin { count, value, observed };
    assert_eq!(found.bins, [bin(1, 1.5, 3.0), bin(2, 2.5, 2.5), bin(1, 3.5, 2.0)]);
    assert_eq!((found.expected_error, found.doubt.clone()), (Some(0.75), None));
    let reward = JudgedReward { name: "judge".to_owned(), revision: "judge 1".to_owned(), weight: 1.0 };
    let file = found.file("ratings", &reward).unwrap();
    let again = editscale_engine::Calibration::from_json(file.to_json().as_bytes()).unwrap();
    assert_eq!((again.map.apply(2.5), again.fitted.unwrap().held_out_error), (2.5, 1.5));
    // One score for all, and scores that fall where ratings rise: neither says anything of people.
    for level in [[(1.0, 1.0), (1.0, 2.0)], [(1.0, 2.0), (2.0, 1.0)]] {
        let level = calibrate(&rated(&level), &Said::Score, &RULES).unwrap();
        assert_eq!(level.file("ratings", &reward), Err(MeasureError::Level { reward: "judge".to_owned() }));
    }
    let alone = calibrate(&[pair("1", "A>B", 1.0)], &Said::Score, &RULES).unwrap();
    assert_eq!(alone.file("pairs", &reward), Err(MeasureError::OneSource { sources: 1 }));
}

#[test]
fn a_map_to_the_probability_of_winning() {
    // The first wins of both, the others tie: 1, (0 + 1/2)/2 twice.
    let found =
        calibrate(&[ranked("1", "A>B=C", &[5.0, 1.0, 2.0]), ranked("2", "B>A", &[1.0, 2.0])], &Said::Score, &RULES)
            .unwrap();
    assert_eq!((found.target, found.edits), (Target::WinProbability, 5));
    let knots: Vec<(f64, f64)> = found.knots.iter().map(|knot| (knot.score, knot.value)).collect();
    // Score 1: (1/4 + 0)/2; score 2: (1/4 + 1)/2; score 5: 1.
    assert_eq!(knots, [(1.0, 0.125), (2.0, 0.625), (5.0, 1.0)]);
}

#[test]
fn doubt_is_held_against_errors() {
    let mut cases = [pair("1", "A>B", 10.0), pair("2", "A>B", 0.0), pair("3", "B>A", 1.0)];
    for case in &mut cases {
        case.candidates[0].sigma = Some(0.6);
        case.candidates[1].sigma = Some(0.8);
    }
    let found = calibrate(&cases, &Said::Score, &RULES).unwrap().doubt.unwrap().pairs.unwrap();
    // Together the deviations are 1: confidence 1 and right, 1/2 and half right, Φ(1) and wrong.
    near(Some(found.confidence), Some((1.0 + 0.5 + 0.841_344_746_068_542_9) / 3.0), "confidence");
    assert_eq!((found.pairs, found.accuracy), (3, 0.5));
    // Right are 1 + 1/2, wrong 1/2 + 1: above are 1*1/2 + 1*1, equal 1/2*1/2: (3/2 + 1/8)/(9/4).
    near(found.confidence_auc, Some(13.0 / 18.0), "confidence");
    near(found.margin_auc, Some(13.0 / 18.0), "margin");
    assert_eq!((found.most_confident[0], found.most_confident[3], found.most_confident[9]), (1.0, 0.5, 0.5));
    // What the deviations take off: 2 of 10 - 0 is left 10 - 1.2 + 1.6.
    let measured = measure(Preset::Pairs, &cases, &RULES).unwrap();
    assert_eq!(
        measured.judges.iter().map(|judge| judge.said.name()).collect::<Vec<_>>(),
        ["score", "score - 0.5 sigma", "score - 1 sigma", "score - 2 sigma"]
    );
    let cautious = measured.judges[1].metric("comparisons", "accuracy_without_ties").unwrap();
    // Margins 10.1, 0.1 and 1.1: right, right, wrong.
    near(cautious.right.as_ref().unwrap().value, Some(2.0 / 3.0), "cautious");
}

#[test]
fn parts_are_judges_of_their_own() {
    let mut cases = [pair("1", "A>B", 1.0), pair("2", "A>B", 1.0)];
    for (case, quality) in cases.iter_mut().zip([Some(-1.0), None]) {
        for (edit, mean) in case.candidates.iter_mut().zip([quality, Some(0.0)]) {
            edit.said.insert("judge".to_owned(), Value { mean: edit.score.unwrap(), sigma: None });
            edit.said.extend(mean.map(|mean| ("judge.quality".to_owned(), Value { mean, sigma: None })));
        }
    }
    // `judge` is the score itself.
    assert_eq!(said_in(&cases), [Said::Score, Said::Named("judge.quality".to_owned())]);
    let measured = measure(Preset::Pairs, &cases, &RULES).unwrap();
    near(metric(&measured, "comparisons", "accuracy_without_ties").right.as_ref().unwrap().value, Some(1.0), "score");
    let quality = &measured.judges[1];
    assert_eq!((quality.judged, quality.of), (1, 2));
    let right = quality.metric("comparisons", "accuracy_without_ties").unwrap().right.clone().unwrap();
    assert_eq!((right.value, right.unjudged_wrong), (Some(0.0), Some(0.0)));
}

#[test]
fn times_have_quantiles() {
    let mut cases: Vec<JudgedCase> = (0..10).map(|number| pair(&number.to_string(), "A>B", 1.0)).collect();
    for (number, case) in cases.iter_mut().enumerate() {
        case.candidates[0].seconds = Some((number + 1) as f64);
    }
    let found = speed(&cases).unwrap();
    assert_eq!((found.edits, found.total, found.mean), (10, 55.0, 5.5));
    assert_eq!(
        (found.least, found.median, found.ninety, found.ninety_nine, found.greatest),
        (1.0, 5.0, 9.0, 10.0, 10.0)
    );
    assert_eq!(speed(&[pair("1", "A>B", 1.0)]), None);
}

#[test]
fn what_cannot_be_measured_is_named() {
    let said = |error: MeasureError| error.to_string();
    assert_eq!(
        said(measure(Preset::Pairs, &[], &RULES).unwrap_err()),
        "there is nothing to measure: expected cases with an order or with ratings of people, found 0 without"
    );
    let failed = case("1", Human::Preferred(First), vec![edit(None, None, None), edit(None, None, None)]);
    assert_eq!(
        said(measure(Preset::Pairs, &[failed], &RULES).unwrap_err()),
        "none of 1 cases could be judged: the judge did not answer"
    );
    let other = Measured::from_json(r#"{"version": 9}"#).unwrap_err();
    assert_eq!(said(other), "version 9: expected 1");
    assert!(said(Measured::from_json("[]").unwrap_err()).starts_with("version none"));
    let rules = MeasureRules { confidence: 1.5, ..RULES };
    assert!(
        said(measure(Preset::Pairs, &[pair("1", "A>B", 1.0), pair("2", "A>B", 1.0)], &rules).unwrap_err())
            .contains("a confidence of 1.5")
    );
}
