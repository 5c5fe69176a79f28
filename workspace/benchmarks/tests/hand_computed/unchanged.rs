//! What must not change a metric: other letters for the candidates, another order of the cases, monotone maps of the scores.

use editscale_benchmarks::layouts::Preset;
use editscale_benchmarks::measures::{MeasureRules, Measured, measure};
use editscale_benchmarks::{Human, JudgedCase};
use proptest::prelude::*;

use crate::desk::{case, edit, near, ranked};

const RULES: MeasureRules = MeasureRules { confidence: 0.9, resamples: 20, seed: 5, folds: 3 };

/// A group: the level of each candidate in people's order, and its score.
type Group = Vec<(usize, i32)>;

fn ranking(levels: &[usize]) -> String {
    let mut order: Vec<usize> = (0..levels.len()).collect();
    order.sort_by_key(|at| levels[*at]);
    let mut text = String::new();
    for (place, at) in order.iter().enumerate() {
        if place > 0 {
            text.push(if levels[order[place - 1]] == levels[*at] { '=' } else { '>' });
        }
        text.push(char::from(b'A' + *at as u8));
    }
    text
}

fn cases(groups: &[Group], map: impl Fn(f64) -> f64) -> Vec<JudgedCase> {
    let group = |(number, group): (usize, &Group)| {
        let levels: Vec<usize> = group.iter().map(|each| each.0).collect();
        let scores: Vec<f64> = group.iter().map(|each| map(f64::from(each.1))).collect();
        ranked(&format!("{number:02}"), &ranking(&levels), &scores)
    };
    groups.iter().enumerate().map(group).collect()
}

fn any_groups() -> impl Strategy<Value = Vec<Group>> {
    let group = (2_usize..5).prop_flat_map(|size| prop::collection::vec((0_usize..3, -3_i32..4), size));
    prop::collection::vec(group, 3..12)
}

fn any_edits() -> impl Strategy<Value = Vec<JudgedCase>> {
    let rated = (0_usize..3, 0_usize..4, 0_i32..6, -3_i32..4);
    prop::collection::vec(rated, 4..20).prop_map(|edits| {
        let judged = |(number, (model, instruction, rating, score)): (usize, (usize, usize, i32, i32))| {
            let edit = edit(Some(["x", "y", "z"][model]), Some(f64::from(rating)), Some(f64::from(score)));
            let mut case = case(&format!("{number:02}"), Human::Rated, vec![edit]);
            case.instruction = format!("instruction {instruction}");
            case
        };
        edits.into_iter().enumerate().map(judged).collect()
    })
}

/// All values of a judge, with their names.
fn values(measured: &Measured, way: usize, takes: impl Fn(&str, &str) -> bool) -> Vec<(String, [Option<f64>; 3])> {
    let sections = &measured.score().unwrap().sections;
    let metrics = sections.iter().flat_map(|section| section.metrics.iter().map(move |metric| (section, metric)));
    let taken =
        metrics.filter(|(section, metric)| takes(&section.name, &metric.name)).filter_map(|(section, metric)| {
            let estimate = [&metric.published, &metric.right][way].as_ref()?;
            let interval = estimate.interval.map(|interval| [interval.low, interval.high]);
            let ends = interval.map_or([None; 2], |ends| ends.map(Some));
            Some((format!("{}: {}", section.name, metric.name), [estimate.value, ends[0], ends[1]]))
        });
    taken.collect()
}

fn same(one: &[(String, [Option<f64>; 3])], other: &[(String, [Option<f64>; 3])]) {
    assert_eq!(one.len(), other.len());
    for ((name, one), (_, other)) in one.iter().zip(other) {
        one.iter().zip(other).for_each(|(one, other)| near(*one, *other, name));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn letters_do_not_matter_rightly(groups in any_groups(), turn in 1_usize..4) {
        let turned: Vec<Group> = groups.iter().map(|group| {
            let mut group = group.clone();
            let turn = turn % group.len();
            group.rotate_left(turn);
            group
        }).collect();
        let [one, other] = [&groups, &turned].map(|groups| measure(Preset::EditRewardBench, &cases(groups, |x| x), &RULES).unwrap());
        same(&values(&one, 1, |_, _| true), &values(&other, 1, |_, _| true));
    }

    #[test]
    fn the_order_of_cases_does_not_matter(groups in any_groups(), edits in any_edits(), turn in 1_usize..12) {
        for (preset, cases) in [(Preset::EditRewardBench, cases(&groups, |x| x)), (Preset::Imagenhub, edits)] {
            let mut turned = cases.clone();
            turned.rotate_left(turn % cases.len());
            turned.reverse();
            let [one, other] = [&cases, &turned].map(|cases| measure(preset, cases, &RULES).unwrap());
            for way in [0, 1] {
                // As published: sums round by the order of the cases, and a last digit makes or breaks ties.
                let takes = |_: &str, name: &str| way == 1 || name != "standardised_spearman";
                same(&values(&one, way, takes), &values(&other, way, takes));
            }
        }
    }

    #[test]
    fn monotone_maps_leave_ranks_alone(groups in any_groups(), edits in any_edits()) {
        let bent = |score: f64| score.exp() + score;
        let [one, other] = [cases(&groups, |x| x), cases(&groups, bent)].map(|cases| measure(Preset::EditRewardBench, &cases, &RULES).unwrap());
        for way in [0, 1] {
            // Thresholds look at sizes, and so does what is tuned.
            let takes = |section: &str, name: &str| name == "accuracy_without_ties"
                || way == 0 && name == "strict_accuracy" && ["3 candidates", "4 candidates"].contains(&section);
            same(&values(&one, way, takes), &values(&other, way, takes));
        }
        let mut mapped = edits.clone();
        for edit in mapped.iter_mut().flat_map(|case| &mut case.candidates) {
            edit.score = edit.score.map(bent);
        }
        let [one, other] = [&edits, &mapped].map(|cases| measure(Preset::Imagenhub, cases, &RULES).unwrap());
        for way in [0, 1] {
            let takes = |_: &str, name: &str| way == 1 || name != "standardised_spearman";
            same(&values(&one, way, takes), &values(&other, way, takes));
        }
    }

    #[test]
    fn another_unit_leaves_everything_alone(groups in any_groups()) {
        // Powers of two change no digit.
        let [one, other] = [cases(&groups, |x| x), cases(&groups, |x| 4.0 * x)].map(|cases| measure(Preset::EditRewardBench, &cases, &RULES).unwrap());
        for way in [0, 1] {
            same(&values(&one, way, |_, _| true), &values(&other, way, |_, _| true));
        }
    }

    #[test]
    fn files_read_back_equal(groups in any_groups()) {
        let measured = measure(Preset::EditRewardBench, &cases(&groups, |x| x), &RULES).unwrap();
        let again = Measured::from_json(&measured.to_json().unwrap()).unwrap();
        prop_assert_eq!(again, measured);
    }
}
