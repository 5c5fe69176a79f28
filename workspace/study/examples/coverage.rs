//! How often 95 % intervals of three kinds hold the mean: the table of `docs/study.md`, counted again.

#![allow(clippy::print_stdout, reason = "an example prints")]

use editscale_study::{Counted, StudyError, bootstrap_mean, mean_interval, student_quantile};

/// How many samples are counted, and of how many the bootstrap, which takes a thousand times as long.
const ROUNDS: [usize; 2] = [40_000, 4_000];

type Draw = fn(&mut Counted) -> f64;

fn normal(counted: &mut Counted) -> f64 {
    let (radius, angle) = (1.0 - counted.unit(), counted.unit());
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

fn t_of_three(counted: &mut Counted) -> f64 {
    let of = normal(counted);
    of / ((0..3).map(|_| normal(counted).powi(2)).sum::<f64>() / 3.0).sqrt()
}

/// Distributions with their means; those from the eighth on are beyond what is promised.
fn distributions() -> [(&'static str, f64, Draw); 11] {
    [
        ("normal", 0.0, normal),
        ("uniform", 0.5, Counted::unit),
        ("lognormal 0.5", (0.125_f64).exp(), |counted| (0.5 * normal(counted)).exp()),
        ("exponential", 1.0, |counted| -(1.0 - counted.unit()).ln()),
        ("bounded and skewed", 0.25, |counted| counted.unit().powi(3)),
        ("U-shaped", 0.5, |counted| (std::f64::consts::FRAC_PI_2 * counted.unit()).sin().powi(2)),
        ("two humps, one in five", 0.2, |counted| f64::from(u8::from(counted.unit() < 0.2)) + 0.2 * normal(counted)),
        ("lognormal 0.75", (0.28125_f64).exp(), |counted| (0.75 * normal(counted)).exp()),
        ("lognormal 1", (0.5_f64).exp(), |counted| normal(counted).exp()),
        ("Student's with 3", 0.0, t_of_three),
        ("two values, one in five", 0.2, |counted| f64::from(u8::from(counted.unit() < 0.2))),
    ]
}

/// Student's interval.
fn student(values: &[f64]) -> [f64; 2] {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let half = student_quantile(0.975, values.len() as u64 - 1) * (variance / count).sqrt();
    [mean - half, mean + half]
}

fn main() -> Result<(), StudyError> {
    println!("{:24} {:>3} {:>7} {:>9} {:>11}", "", "n", "Hall's", "Student's", "percentile");
    for n in [20, 60] {
        for (name, mean, draw) in distributions() {
            let mut counted = Counted::new(2_026);
            let mut held = [0_usize; 3];
            for round in 0..ROUNDS[0] {
                let values: Vec<f64> = (0..n).map(|_| draw(&mut counted)).collect();
                let hall = mean_interval(&values, 0.95)?.map_or([0.0; 2], |found| [found.low, found.high]);
                let mut ends = vec![hall, student(&values)];
                if round < ROUNDS[1] {
                    let found = bootstrap_mean(&values, 0.95, 1_000, round as u64)?;
                    ends.push([found.low, found.high]);
                }
                let holds = |[low, high]: [f64; 2]| (low..=high).contains(&mean);
                held.iter_mut().zip(ends).for_each(|(held, ends)| *held += usize::from(holds(ends)));
            }
            let [hall, student, percentile] = held;
            let [many, few] = ROUNDS.map(|rounds| rounds as f64);
            let shares = [hall as f64 / many, student as f64 / many, percentile as f64 / few];
            let [hall, student, percentile] = shares.map(|share| format!("{:.1} %", share * 100.0));
            println!("{name:24} {n:>3} {hall:>7} {student:>9} {percentile:>11}");
        }
    }
    Ok(())
}
