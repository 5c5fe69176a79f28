//! `ImagenHub`, AURORA's single ratings and ratings of one's own on nine edits of two models.

use editscale_benchmarks::layouts::Preset;
use editscale_benchmarks::measures::{MeasureRules, Metric, measure};
use editscale_benchmarks::{Human, JudgedCase};

use crate::desk::{QUICK, case, edit, metric, near};

const RULES: MeasureRules = MeasureRules { folds: 10, ..QUICK };

/// Model, instruction, score, rating.
type Row = (&'static str, &'static str, f64, f64);

/// Model x: scores 1 to 5 against ranks 2, 1, 4, 3, 5: sum of squared differences 4, so 1 - 6*4/(5*24) = 4/5. Of ten pairs two are
/// turned round.
///
/// Model y: ranks (1, 5/2, 5/2, 4) against (2, 1, 7/2, 7/2): products 9/4, squares 9/2 and 9/2: 1/2. Pairs: three alike, one turned
/// round, one tied on each side.
const NINE: [Row; 9] = [
    ("x", "a", 1.0, 20.0),
    ("x", "a", 2.0, 10.0),
    ("x", "b", 3.0, 40.0),
    ("x", "c", 4.0, 30.0),
    ("x", "c", 5.0, 500.0),
    ("y", "b", 1.0, 4.0),
    ("y", "c", 2.0, 3.0),
    ("y", "d", 2.0, 5.0),
    ("y", "d", 3.0, 5.0),
];

fn cases(rows: &[Row]) -> Vec<JudgedCase> {
    let rated = |(number, (model, instruction, score, rating)): (usize, &Row)| {
        let mut case = case(&number.to_string(), Human::Rated, vec![edit(Some(model), Some(*rating), Some(*score))]);
        (*instruction).clone_into(&mut case.instruction);
        case
    };
    rows.iter().enumerate().map(rated).collect()
}

/// tanh(z) from e^(2z).
fn tanh_of(power: f64) -> f64 {
    (power - 1.0) / (power + 1.0)
}

fn values(metric: &Metric) -> [Option<f64>; 2] {
    [&metric.published, &metric.right].map(|estimate| estimate.as_ref().and_then(|estimate| estimate.value))
}

#[test]
fn imagenhub_has_the_values_computed_by_hand() {
    let measured = measure(Preset::Imagenhub, &cases(&NINE), &RULES).unwrap();
    let expected: [(&str, Option<f64>, f64); 7] = [
        // Published: tanh((4/5 + 1/2)/2) = tanh(0.65), e^(2z) = e^1.3. Rightly: atanh(4/5) = ln 3 and atanh(1/2) = (ln 3)/2, mean
        // 3/4 ln 3, e^(2z) = 3^(3/2).
        ("average_spearman", Some(tanh_of(1.3_f64.exp())), tanh_of(3.0_f64.powf(1.5))),
        ("plain_average_spearman", None, f64::midpoint(0.8, 0.5)),
        // Weights 2 and 1: (2 ln 3 + (ln 3)/2)/3 = 5/6 ln 3.
        ("weighted_average_spearman", None, tanh_of(3.0_f64.powf(5.0 / 3.0))),
        // (8 + 9/4)/(10 + 9/2).
        ("pooled_spearman", None, 41.0 / 58.0),
        // (8 + 3 - 2 - 1)/sqrt((16 - 1)(16 - 1)).
        ("pooled_tau_b", None, 8.0 / 15.0),
        // a: -1, b: 1, c: 1, d has one distinct rating and is left out.
        ("per_instruction_spearman", Some(1.0 / 3.0), 1.0 / 3.0),
        // Published: z of a: -1, 1; b: 1, -1 (x, y); c: (1, 4, -5)/sqrt(14); d: -1, 1. Ranks of z in the order a, b, c, d: 3, 7; 7, 3;
        // 5, 9, 1; 3, 7. Ranks of ratings: 6, 5; 8, 2; 7, 9, 1; 7/2, 7/2. Products about 5: -2, 0, 6, 6, 0, 16, 16, 3, -3: 42; squares 56
        // and 119/2: 42/sqrt(56*119/2) = 3/sqrt(17).
        // Rightly: products -1/2 + 1/2 + 2 + 0, squares 1/2 + 1/2 + 2 + 1/2 and 1/2 + 1/2 + 2: 2/sqrt(7/2*3).
        ("standardised_spearman", Some(3.0 / 17.0_f64.sqrt()), 2.0 / 10.5_f64.sqrt()),
    ];
    for (name, published, right) in expected {
        let found = values(metric(&measured, "ratings", name));
        near(found[0], published, &format!("{name}, published"));
        near(found[1], Some(right), name);
    }
}

#[test]
fn models_by_themselves() {
    let measured = measure(Preset::Imagenhub, &cases(&NINE), &RULES).unwrap();
    for (section, rho, tau) in [("ratings of model x", 0.8, 0.6), ("ratings of model y", 0.5, 2.0 / 5.0)] {
        near(values(metric(&measured, section, "spearman"))[1], Some(rho), section);
        near(values(metric(&measured, section, "kendall_tau_b"))[1], Some(tau), section);
    }
}

#[test]
fn aurora_takes_the_plain_mean() {
    let measured = measure(Preset::AuroraBench, &cases(&NINE), &RULES).unwrap();
    let found = values(metric(&measured, "ratings", "average_spearman"));
    near(found[0], Some(0.65), "published");
    near(found[1], Some(tanh_of(3.0_f64.powf(1.5))), "right");
}

#[test]
fn a_model_with_one_distinct_score_leaves_the_published_code_without_an_answer() {
    let mut rows = NINE.to_vec();
    rows.extend([("z", "a", 7.0, 1.0), ("z", "b", 7.0, 2.0)]);
    for preset in [Preset::Imagenhub, Preset::AuroraBench] {
        let measured = measure(preset, &cases(&rows), &RULES).unwrap();
        let found = values(metric(&measured, "ratings", "average_spearman"));
        near(found[0], None, "published");
        near(found[1], Some(tanh_of(3.0_f64.powf(1.5))), "right");
    }
}

#[test]
fn ratings_of_ones_own() {
    let rows: Vec<Row> = NINE.iter().filter(|row| row.0 == "x").copied().collect();
    let measured = measure(Preset::Ratings, &cases(&rows), &RULES).unwrap();
    near(values(metric(&measured, "ratings", "spearman"))[1], Some(0.8), "all");
    near(values(metric(&measured, "ratings", "kendall_tau_b"))[1], Some(0.6), "all");
}

#[test]
fn an_edit_without_a_score_is_put_where_people_would_not() {
    // Scores 1, 2 against ratings 1, 2: perfect, which counts as half a step below 1, 1 - 6/(8 - 2) = 0, of two items. With the
    // third edit, which people put above all, at the place 1 - 5/6 below the two others (1/4 and 3/4): ranks 2, 3, 1, so -1/2.
    let mut cases = cases(&[("x", "a", 1.0, 1.0), ("x", "a", 2.0, 2.0), ("x", "a", 0.0, 3.0)]);
    cases[2].candidates[0].score = None;
    let measured = measure(Preset::Imagenhub, &cases, &RULES).unwrap();
    let average = metric(&measured, "ratings", "average_spearman");
    let [published, right] = [&average.published, &average.right].map(|each| each.as_ref().unwrap());
    near(published.value, Some(1.0_f64.tanh()), "published");
    near(published.unjudged_wrong, Some((-0.5_f64).tanh()), "published, unjudged wrong");
    near(right.unjudged_wrong, Some(-0.5), "unjudged wrong");
    assert_eq!((average.n, measured.score().unwrap().judged, measured.score().unwrap().of), (2, 2, 3));
}
