//! What random scores reach: the stated level against judges that draw their scores.

use editscale_benchmarks::layouts::Preset;
use editscale_benchmarks::measures::{MeasureRules, measure};
use editscale_benchmarks::{Human, JudgedCase};
use editscale_study::Counted;

use crate::desk::{QUICK, case, edit, metric, ranked};

const RULES: MeasureRules = MeasureRules { confidence: 0.95, resamples: 800, seed: 3, folds: 3 };
const DRAWS: usize = 300;

/// Groups with ties and in words that the published code does not understand.
fn groups() -> Vec<JudgedCase> {
    let texts = ["A>B", "A=B=Good", "B>A", "A=B", "A>B>C", "C>A>B", "A>B=C", "D>A>C>B", "A=B>C>D"];
    let sizes = [2, 2, 2, 2, 3, 3, 3, 4, 4];
    let group =
        |(number, (text, size)): (usize, (&&str, usize))| ranked(&format!("{number:02}"), text, &vec![0.0; size]);
    texts.iter().zip(sizes).cycle().take(27).enumerate().map(group).collect()
}

fn edits() -> Vec<JudgedCase> {
    let rated = |number: usize| {
        let candidates = vec![edit(Some(["x", "y", "z"][number % 3]), Some((number * 7 % 5) as f64), Some(0.0))];
        let mut case = case(&format!("{number:02}"), Human::Rated, candidates);
        case.instruction = format!("instruction {}", number / 6);
        case
    };
    (0..36).map(rated).collect()
}

fn drawn(cases: &[JudgedCase], counted: &mut Counted) -> Vec<JudgedCase> {
    let mut cases = cases.to_vec();
    cases.iter_mut().flat_map(|case| &mut case.candidates).for_each(|edit| edit.score = Some(counted.unit()));
    cases
}

/// Mean and squared standard error of a value over judges without skill.
fn mean_of(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0) / n)
}

#[test]
fn judges_without_skill_reach_the_stated_level() {
    for (preset, cases) in [
        (Preset::EditRewardBench, groups()),
        (Preset::GenaiBench, groups().into_iter().filter(|case| case.candidates.len() == 2).collect()),
        (Preset::Imagenhub, edits()),
        (Preset::AuroraBench, edits()),
    ] {
        let stated = measure(preset, &cases, &RULES).unwrap();
        let mut counted = Counted::new(11);
        let quick = MeasureRules { resamples: 1, ..RULES };
        let judges: Vec<_> =
            (0..DRAWS).map(|_| measure(preset, &drawn(&cases, &mut counted), &quick).unwrap()).collect();
        for section in &stated.score().unwrap().sections {
            for stated in &section.metrics {
                for (way, estimate) in [&stated.published, &stated.right].into_iter().enumerate() {
                    let Some(level) = estimate.as_ref().and_then(|estimate| estimate.random) else { continue };
                    let values = judges.iter().filter_map(|judge| {
                        let found = metric(judge, &section.name, &stated.name);
                        [&found.published, &found.right][way].as_ref().unwrap().value
                    });
                    let (mean, square) = mean_of(&values.collect::<Vec<f64>>());
                    let error = (square + level.error.powi(2)).sqrt();
                    let what = format!("{preset}: {}: {}, way {way}: {mean} and {level:?}", section.name, stated.name);
                    assert!((mean - level.value).abs() < 4.0 * error + 1e-12, "{what}");
                    assert!(level.low <= level.value && level.value <= level.high, "{what}");
                }
            }
        }
    }
}

#[test]
fn exact_levels_are_those_computed_by_hand() {
    let measured = measure(Preset::EditRewardBench, &groups(), &QUICK).unwrap();
    let level = |section: &str, name: &str, way: usize| {
        let found = metric(&measured, section, name);
        [&found.published, &found.right][way].as_ref().unwrap().random.unwrap()
    };
    // One order of six for two of three groups; the published code never has A>B=C right.
    let found = level("3 candidates", "strict_accuracy", 0);
    assert!(found.is_exact && (found.value - (1.0 / 6.0 + 1.0 / 6.0) / 3.0).abs() < 1e-12, "{found:?}");
    // One order of 24 for one of two groups.
    let found = level("4 candidates", "strict_accuracy", 0);
    assert!(found.is_exact && (found.value - (1.0 / 24.0) / 2.0).abs() < 1e-12, "{found:?}");
    // With ties of people and a tuned threshold no formula says it.
    assert!(
        !level("2 candidates", "strict_accuracy", 0).is_exact && !level("3 candidates", "strict_accuracy", 1).is_exact
    );
    for (section, way) in [("2 candidates", 1), ("3 candidates", 0), ("4 candidates", 1), ("comparisons", 1)] {
        let found = level(section, "accuracy_without_ties", way);
        assert!(found.is_exact && found.value == 0.5, "{section}: {found:?}");
    }
    // Without ties of people every threshold is 0: half of the groups of two, a sixth of three, a 24th of four.
    let plain = [("A>B", 2), ("B>A", 2), ("B>C>A", 3), ("C>A>D>B", 4)];
    let cases: Vec<_> = plain.iter().map(|(text, size)| ranked(text, text, &vec![0.0; *size])).collect();
    let measured = measure(Preset::EditRewardBench, &cases, &QUICK).unwrap();
    let found = metric(&measured, "comparisons", "strict_accuracy");
    for estimate in [&found.published, &found.right] {
        let found = estimate.as_ref().unwrap().random.unwrap();
        assert!(
            found.is_exact && (found.value - (0.5 + 0.5 + 1.0 / 6.0 + 1.0 / 24.0) / 4.0).abs() < 1e-12,
            "{found:?}"
        );
    }
    let ratings = measure(Preset::Imagenhub, &edits(), &QUICK);
    // All scores equal: no correlation, but still what random scores would have.
    let average = metric(ratings.as_ref().unwrap(), "ratings", "average_spearman").right.clone().unwrap();
    assert_eq!(
        (average.value, average.random.map(|random| (random.value, random.is_exact))),
        (None, Some((0.0, true)))
    );
}
