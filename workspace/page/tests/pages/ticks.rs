//! Round values along axes.

use editscale_page::plot::{Ticks, round_step};

fn labels(ticks: &Ticks) -> String {
    let labels: Vec<String> = ticks.values().iter().map(|value| ticks.label(*value)).collect();
    labels.join(" ")
}

#[test]
fn ticks_are_round_differ_and_stay_where_scores_can_be() {
    for (low, high, expected) in [
        (0.205, 0.841, "0.2 0.4 0.6 0.8 1.0"),
        (0.9932, 0.9996, "0.992 0.994 0.996 0.998 1.000"),
        (0.0, 1.0, "0.0 0.2 0.4 0.6 0.8 1.0"),
        (1.0, 1.0, "0.9980 0.9985 0.9990 0.9995 1.0000"),
        (0.0, 0.0, "0.0000 0.0005 0.0010 0.0015 0.0020"),
        (1.7585, 1.7691, "1.755 1.760 1.765 1.770"),
        (-3.0, 12.0, "-5 0 5 10 15"),
    ] {
        assert_eq!(labels(&Ticks::over_scores(low, high)), expected, "{low} to {high}");
    }
}

#[test]
fn ticks_of_other_values_are_round_too() {
    for (low, high, expected) in [
        (0.0, 834.0, "0 200 400 600 800 1000"),
        (0.0, 83_400.0, "0 20k 40k 60k 80k 100k"),
        (0.0, 834_000.0, "0 200k 400k 600k 800k 1M"),
        (0.0, 0.0, "-1.0 -0.5 0.0 0.5 1.0"),
        (5.0, 5.0, "4.4 4.6 4.8 5.0 5.2 5.4 5.6"),
        (1e-9, 3e-9, "1e-9 1.5e-9 2e-9 2.5e-9 3e-9"),
    ] {
        assert_eq!(labels(&Ticks::over(low, high)), expected, "{low} to {high}");
    }
}

#[test]
fn decades_span_the_range() {
    for (low, high, expected) in [
        (1.0, 1000.0, "1 10 100 1000"),
        (3.0, 40.0, "2 5 10 20 50"),
        (1.0, 64.0, "1 2 5 10 20 50 100"),
        (0.002, 900_000.0, "0.001 0.1 10 1000 100k 10M"),
        (1.0, 1.0, "1 2"),
    ] {
        assert_eq!(labels(&Ticks::over_decades(low, high)), expected, "{low} to {high}");
    }
}

#[test]
fn steps_are_round() {
    for (least, expected) in [(1.0, 1.0), (1.1, 2.0), (3.0, 5.0), (6.0, 10.0), (0.03, 0.05)] {
        assert!((round_step(least) - expected).abs() < 1e-12, "{least}");
    }
}
