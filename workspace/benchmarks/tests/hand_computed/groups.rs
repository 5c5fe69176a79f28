//! `EditReward-Bench` on ten groups and one that could not be judged. Ten folds of at most ten sources hold one source out at a
//! time, so that thresholds can be found by hand.

use editscale_benchmarks::layouts::Preset;
use editscale_benchmarks::measures::{MeasureRules, measure};
use editscale_benchmarks::report::{Part, render};
use editscale_benchmarks::{Human, JudgedCase};

use crate::desk::{QUICK, case, edit, metric, near, ranked};

/// The groups; margins are first less second.
fn groups() -> Vec<JudgedCase> {
    vec![
        // Two candidates. Margins 4 (right), 2 (wrong), 1 (people tie), 3 (people tie, in words that the published code takes
        // for A preferred), -5 (right).
        ranked("g1", "A>B", &[5.0, 1.0]),
        ranked("g2", "B>A", &[3.0, 1.0]),
        ranked("g3", "A=B=Good", &[2.0, 1.0]),
        ranked("g4", "A=B", &[4.0, 1.0]),
        ranked("g5", "A<B", &[1.0, 6.0]),
        case("u", Human::Ranking("A>B".to_owned()), vec![edit(None, None, Some(1.0)), edit(None, None, None)]),
        // Three candidates: all right; A before B wrong; a tie that the judge has too.
        ranked("h1", "A>B>C", &[3.0, 2.0, 1.0]),
        ranked("h2", "C>A>B", &[1.0, 2.0, 3.0]),
        ranked("h3", "A>B=C", &[3.0, 1.0, 1.0]),
        // Four candidates: all right; all scores equal.
        ranked("k1", "D>C>B>A", &[1.0, 2.0, 3.0, 4.0]),
        ranked("k2", "A>B>C>D", &[2.0, 2.0, 2.0, 2.0]),
    ]
}

const RULES: MeasureRules = MeasureRules { folds: 10, ..QUICK };

/// Section, metric, published value, right value, and both if the unjudged group were wrong. A number below 0 is none.
type Row = (&'static str, &'static str, [f64; 4]);

const EXPECTED: [Row; 12] = [
    // Published: at the threshold 1, which ties g3 (see below), g1, g3 and g5 are right; g4 never is.
    // Right, each group at the threshold of the others: g1 at 3, g2 at 3 (tied, wrong), g3 at 3, g4 at 1 (not tied, wrong), g5 at
    // 3: three of five.
    ("2 candidates", "strict_accuracy", [3.0 / 5.0, 3.0 / 5.0, 3.0 / 6.0, 3.0 / 6.0]),
    // Published pairs: (A, 4) (B, 2) (tie, 1) (A, 3) (B, -5). At 0 three are right, at 1 the tie too: 4/5, and 2, 3, 4 lose.
    // Right pairs have a tie of margin 3. Left out g1: 1, 2, 2, 3, 2 right of 4 at 0, 1, 2, 3, 5: threshold 3, and so on as above.
    ("2 candidates", "accuracy_with_ties", [4.0 / 5.0, 3.0 / 5.0, 4.0 / 6.0, 3.0 / 6.0]),
    // Decided: g1, g2 and g5, of which g2 is wrong. The published code does not compute it for two.
    ("2 candidates", "accuracy_without_ties", [-1.0, 2.0 / 3.0, -1.0, 2.0 / 4.0]),
    // Published: h1 alone; h3 is never right. Right: all thresholds are 0, so h1 and h3.
    ("3 candidates", "strict_accuracy", [1.0 / 3.0, 2.0 / 3.0, 1.0 / 3.0, 2.0 / 3.0]),
    // 3 of h1, 2 of h2, and all of h3 with its tie.
    ("3 candidates", "accuracy_with_ties", [-1.0, 8.0 / 9.0, -1.0, 8.0 / 9.0]),
    // Published: B=C of h3 counts as B preferred, and its margin 0 as wrong: (3 + 2 + 2)/9. Right: eight pairs are decided.
    ("3 candidates", "accuracy_without_ties", [7.0 / 9.0, 7.0 / 8.0, 7.0 / 9.0, 7.0 / 8.0]),
    // Equal scores are put in the order D, C, B, A as published: wrong for k2.
    ("4 candidates", "strict_accuracy", [1.0 / 2.0, 1.0 / 2.0, 1.0 / 2.0, 1.0 / 2.0]),
    // The six pairs of k2 are ties of the judge alone.
    ("4 candidates", "accuracy_with_ties", [-1.0, 6.0 / 12.0, -1.0, 6.0 / 12.0]),
    // Equal scores are wrong as published, and right half the time rightly: (6 + 6/2)/12.
    ("4 candidates", "accuracy_without_ties", [6.0 / 12.0, 9.0 / 12.0, 6.0 / 12.0, 9.0 / 12.0]),
    // Published: 3 + 1 + 1, each size with its own threshold. Right: the threshold of all others is always 0, at which g1, g5,
    // h1, h3 and k1 are right.
    ("comparisons", "strict_accuracy", [5.0 / 10.0, 5.0 / 10.0, 5.0 / 11.0, 5.0 / 11.0]),
    // Published at 0: 3 of g, 7 of h, 6 of k. Right: g4 is a tie (2 of g), and the tie of h3 is right (8 of h). Tying up to 1 wins
    // g3 and loses six.
    ("comparisons", "accuracy_with_ties", [16.0 / 26.0, 16.0 / 26.0, 16.0 / 27.0, 16.0 / 27.0]),
    // (2 + 7 + 9)/(3 + 8 + 12).
    ("comparisons", "accuracy_without_ties", [-1.0, 18.0 / 23.0, -1.0, 18.0 / 24.0]),
];

#[test]
fn every_metric_has_the_value_computed_by_hand() {
    let measured = measure(Preset::EditRewardBench, &groups(), &RULES).unwrap();
    for (section, name, expected) in EXPECTED {
        let metric = metric(&measured, section, name);
        let found = [&metric.published, &metric.right].map(|estimate| estimate.as_ref());
        let values = found.map(|estimate| estimate.and_then(|estimate| estimate.value));
        let wrong = found.map(|estimate| estimate.and_then(|estimate| estimate.unjudged_wrong));
        let found = [values[0], values[1], wrong[0], wrong[1]];
        for (found, expected) in found.into_iter().zip(expected) {
            near(found, (expected >= 0.0).then_some(expected), &format!("{section}: {name}"));
        }
    }
}

#[test]
fn counts_and_facts() {
    let measured = measure(Preset::EditRewardBench, &groups(), &RULES).unwrap();
    let coverage = &measured.coverage;
    assert_eq!((coverage.cases, coverage.judged, coverage.edits, coverage.scored), (11, 10, 29, 28));
    assert_eq!((coverage.unreadable, coverage.tied), (0, 3));
    for (section, n) in [("2 candidates", [5, 5, 3]), ("comparisons", [10, 26, 23])] {
        for (name, n) in ["strict_accuracy", "accuracy_with_ties", "accuracy_without_ties"].into_iter().zip(n) {
            assert_eq!(metric(&measured, section, name).n, n, "{section}: {name}");
        }
    }
    let facts = &metric(&measured, "2 candidates", "accuracy_with_ties").facts;
    // On the same pairs 3 ties g2, g3 and g4: 4/5.
    assert_eq!(facts["tuned on the same pairs: threshold"], 3.0);
    assert_eq!(facts["tuned on the same pairs: accuracy"], 4.0 / 5.0);
    assert_eq!((facts["held-out threshold, least"], facts["held-out threshold, greatest"]), (1.0, 3.0));
    assert_eq!(facts["share of pairs that people tied"], 2.0 / 5.0);
    let printed = measured.printed.as_ref().unwrap();
    assert_eq!(printed.rows[0].values, [Some(25.81), Some(11.33), Some(1.35), Some(13.84)]);
}

#[test]
fn models_are_held_against_each_other() {
    let of = |model: &str, score: f64| edit(Some(model), None, Some(score));
    let cases = [
        // x is preferred by people in two of three and ties once, by the judge in one and ties one.
        case("1", Human::Ranking("A>B".to_owned()), vec![of("x", 2.0), of("y", 1.0)]),
        case("2", Human::Ranking("B>A".to_owned()), vec![of("y", 2.0), of("x", 2.0)]),
        case("3", Human::Ranking("A=B".to_owned()), vec![of("x", 1.0), of("y", 3.0)]),
        // Two candidates of one model say nothing of it.
        case("4", Human::Ranking("A>B".to_owned()), vec![of("z", 1.0), of("z", 2.0)]),
    ];
    let measured = measure(Preset::EditRewardBench, &cases, &RULES).unwrap();
    for (model, people, judge) in [("model x", 2.5 / 3.0, 1.5 / 3.0), ("model y", 0.5 / 3.0, 1.5 / 3.0)] {
        let metric = metric(&measured, model, "accuracy_without_ties");
        assert_eq!(
            (metric.n, metric.facts["preferred by people"], metric.facts["preferred by the judge"]),
            (2, people, judge)
        );
        // The shares are of all pairs with other models, a tie among them.
        assert_eq!(metric.facts["pairs with other models"], 3.0);
        // Right of the first, half right of the second.
        near(metric.right.as_ref().unwrap().value, Some(1.5 / 2.0), model);
    }
    assert!(measured.score().unwrap().sections.iter().all(|section| section.name != "model z"));
}

#[test]
fn collections_are_sections() {
    let mut cases = groups();
    cases[0].dataset = Some("photos".to_owned());
    cases[1].dataset = Some("photos".to_owned());
    let measured = measure(Preset::EditRewardBench, &cases, &RULES).unwrap();
    let strict = metric(&measured, "dataset photos", "strict_accuracy");
    assert_eq!((strict.n, strict.right.as_ref().unwrap().value), (2, Some(0.5)));
}

#[test]
fn one_source_has_one_cluster() {
    let mut cases = groups();
    cases.iter_mut().for_each(|case| case.source = crate::desk::source("the same"));
    let measured = measure(Preset::EditRewardBench, &cases, &RULES).unwrap();
    let strict = metric(&measured, "comparisons", "strict_accuracy");
    assert_eq!(strict.clusters, 1);
    // Nothing can be held out: the threshold is 0. One source says nothing of how sure that is.
    let right = strict.right.as_ref().unwrap();
    assert_eq!((right.value, right.interval), (Some(0.5), None));
}

#[test]
fn few_sources_and_equal_resamples_make_no_interval() {
    // Of four sources there is none, of five there is one, and none of its width where every group is right.
    let cases = |count: usize, wrong: usize| -> Vec<JudgedCase> {
        let case = |number: usize| ranked(&number.to_string(), if number < wrong { "B>A" } else { "A>B" }, &[2.0, 1.0]);
        (0..count).map(case).collect()
    };
    for (count, wrong, expected) in [(4, 2, false), (5, 2, true), (5, 0, false), (12, 0, false)] {
        let measured = measure(Preset::EditRewardBench, &cases(count, wrong), &RULES).unwrap();
        let right = metric(&measured, "comparisons", "accuracy_without_ties").right.as_ref().unwrap();
        assert_eq!(right.interval.is_some(), expected, "{count} sources, {wrong} wrong");
        let text = render(&[Part::Measured(&measured)]);
        assert_eq!(text.contains("4 sources are too few for an interval"), count == 4, "{text}");
        assert_eq!(text.contains("resamples give no two different values"), wrong == 0, "{text}");
    }
}
