//! `GenAI-Bench`, AURORA's pairs and pairs of one's own on six pairs; folds hold one out at a time.

use editscale_benchmarks::layouts::Preset;
use editscale_benchmarks::measures::{MeasureRules, measure};
use editscale_benchmarks::{Human, JudgedCase};
use editscale_study::judges::Preference::{self, First, Second, Tie};

use crate::desk::{QUICK, case, edit, metric, near};

const RULES: MeasureRules = MeasureRules { folds: 10, ..QUICK };

fn pairs(list: &[(Preference, f64)]) -> Vec<JudgedCase> {
    let pair = |(number, (human, margin)): (usize, &(Preference, f64))| {
        let candidates = vec![edit(None, None, Some(margin + 1.0)), edit(None, None, Some(1.0))];
        case(&format!("q{}", number + 1), Human::Preferred(*human), candidates)
    };
    list.iter().enumerate().map(pair).collect()
}

/// q1 to q6. Margins in ascending order of size: q6 0, q2 1/2, q3 3/4, q4 1, q5 2, q1 3.
const SIX: [(Preference, f64); 6] =
    [(First, 3.0), (Tie, -0.5), (First, 0.75), (Tie, 1.0), (Second, -2.0), (First, 0.0)];

#[test]
fn values_computed_by_hand() {
    for preset in [Preset::GenaiBench, Preset::AuroraBench] {
        let measured = measure(preset, &pairs(&SIX), &RULES).unwrap();
        let with_ties = metric(&measured, "comparisons", "accuracy_with_ties");
        // Tied one by one: 3 of 6 after q6, 4 after q2, 3, 4, 3, 2.
        near(with_ties.published.as_ref().unwrap().value, Some(4.0 / 6.0), "with ties, published");
        // Each at the threshold of the others: q1 at 1/2 right; q2 at 0 (3 right of 5 there and at 1) wrong; q3 at 1 tied, wrong;
        // q4 at 1/2 not tied, wrong; q5 at 1/2 right; q6 at 1/2 tied, wrong.
        near(with_ties.right.as_ref().unwrap().value, Some(2.0 / 6.0), "with ties, held out");
        assert_eq!(with_ties.facts["tuned on the same pairs: threshold"], 0.5);
        let without_ties = metric(&measured, "comparisons", "accuracy_without_ties");
        // Of q1, q3, q5 and q6 the last has equal scores: wrong as published, half right rightly.
        near(without_ties.published.as_ref().unwrap().value, Some(3.0 / 4.0), "without ties, published");
        near(without_ties.right.as_ref().unwrap().value, Some(3.5 / 4.0), "without ties, right");
        assert_eq!((with_ties.n, without_ties.n), (6, 4));
    }
}

#[test]
fn published_code_never_tries_to_tie_nothing() {
    let measured = measure(Preset::GenaiBench, &pairs(&[(First, 1.0), (Second, -2.0)]), &RULES).unwrap();
    let with_ties = metric(&measured, "comparisons", "accuracy_with_ties");
    // The pair of margin 1 is always tied: 1 of 2. Each alone says threshold 0, at which both are right.
    near(with_ties.published.as_ref().unwrap().value, Some(1.0 / 2.0), "published");
    near(with_ties.right.as_ref().unwrap().value, Some(2.0 / 2.0), "right");
}

#[test]
fn published_code_stops_among_equal_margins() {
    // The tie first: after it alone the code counts 2 of 2, which no threshold reaches. In the other order 1 of 2.
    for (list, published) in [([(Tie, 1.0), (First, 1.0)], 1.0), ([(First, 1.0), (Tie, 1.0)], 0.5)] {
        let measured = measure(Preset::GenaiBench, &pairs(&list), &RULES).unwrap();
        let with_ties = metric(&measured, "comparisons", "accuracy_with_ties");
        near(with_ties.published.as_ref().unwrap().value, Some(published), "published");
        // Each at the other's threshold: 0 for the preference alone, at which the tie is wrong; 1 for the tie alone, at which
        // the preference is tied.
        near(with_ties.right.as_ref().unwrap().value, Some(0.0), "right");
    }
}

#[test]
fn pairs_of_ones_own_have_the_right_values_alone() {
    let measured = measure(Preset::Pairs, &pairs(&SIX), &RULES).unwrap();
    for (name, value) in [("accuracy_with_ties", 2.0 / 6.0), ("accuracy_without_ties", 3.5 / 4.0)] {
        let metric = metric(&measured, "comparisons", name);
        assert_eq!(metric.published, None);
        near(metric.right.as_ref().unwrap().value, Some(value), name);
    }
    assert_eq!(measured.printed, None);
}
