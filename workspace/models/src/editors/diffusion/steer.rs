//! Noise that a search steers: turned before the first step, or added to take steps back.

use editscale_core::{Failure, Noise, NoiseTurn, Proposal, Start};

use crate::editors::diffusion::drive::Driver;
use crate::editors::diffusion::pipeline::{Pipeline, Prepared};
use crate::editors::diffusion::state::State;
use crate::editors::failure::invalid;
use crate::editors::noise;

/// What is left of a direction after the part along the old noise is taken off counts as nothing below this share of it:
/// no more than roundings are then left to turn towards.
const LEAST_REST: f64 = 1e-6;

/// Refuses what a proposal asks of its noise and nothing here can do. `from_file` says that noise is that of a file: it has
/// one row a candidate, so that a candidate near another has no noise to begin with, and none to go back with.
pub(super) fn check(proposal: &Proposal, from_file: bool) -> Result<(), Failure> {
    let goes_on = matches!(proposal.start, Start::Paused(_));
    match &proposal.noise {
        Noise::Own => Ok(()),
        _ if from_file => Err(invalid("noise that comes from a file cannot be steered: leave `latents` out")),
        Noise::Turned(_) if goes_on => Err(invalid("noise is turned at the beginning, and this candidate goes on")),
        Noise::Back(_) if !goes_on => Err(invalid("no steps can be taken back: the candidate begins at noise")),
        Noise::Turned(turns) => match turns.iter().find(|turn| !(0.0..=1.0).contains(&turn.cosine)) {
            Some(turn) => {
                Err(invalid(format!("noise cannot be turned by a cosine of {}: expected 0 to 1", turn.cosine)))
            }
            None => Ok(()),
        },
        Noise::Back(_) => Ok(()),
    }
}

/// Noise turned in this order: `u' = ‖u‖ (c·û + √(1 − c²)·ŵ)`, where ŵ is the unit vector along the noise of the turn's seed
/// less its part along u. If u is standard normal, so is u', and c is the cosine between the two.
///
/// Sums run in one order in double precision, and between turns nothing is rounded to less, so that the result is the same
/// on every machine. A turn towards noise that has no part across u changes nothing.
pub(super) fn turned(own: Vec<f32>, turns: &[NoiseTurn]) -> Vec<f32> {
    if turns.is_empty() {
        return own;
    }
    let mut current: Vec<f64> = own.into_iter().map(f64::from).collect();
    for NoiseTurn { seed, cosine } in turns {
        let direction: Vec<f64> = noise::normal(*seed, 0, current.len()).into_iter().map(f64::from).collect();
        turn(&mut current, direction, *cosine);
    }
    current.into_iter().map(|value| value as f32).collect()
}

/// One turn, in place.
fn turn(current: &mut [f64], mut direction: Vec<f64>, cosine: f64) {
    let (power, whole) = (dot(current, current), norm(&direction));
    if power <= 0.0 {
        return;
    }
    let along = dot(current, &direction) / power;
    direction.iter_mut().zip(&*current).for_each(|(across, value)| *across -= along * value);
    let across = norm(&direction);
    if across <= LEAST_REST * whole {
        return;
    }
    let share = (1.0 - cosine * cosine).max(0.0).sqrt() * power.sqrt() / across;
    current.iter_mut().zip(&direction).for_each(|(value, across)| *value = cosine * *value + share * across);
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

fn norm(vector: &[f64]) -> f64 {
    dot(vector, vector).sqrt()
}

/// The stream of a seed's noise that takes steps back from before step `from`. Streams are counted down from the last, where
/// no step's stream comes to.
fn stream_back(from: usize) -> u32 {
    u32::MAX - from as u32
}

impl<P: Pipeline> Driver<'_, P> {
    /// The state that a proposal goes on from once it has taken the steps back that it asks for, at most as many as were made.
    pub(super) fn taken_back(mut state: State, proposal: &Proposal, of: &Prepared<P::Conditions>) -> State {
        let Noise::Back(steps) = proposal.noise else { return state };
        let (from, to) = (state.step, state.step.saturating_sub(steps as usize));
        if to < from {
            let drawn = noise::normal(proposal.seed, stream_back(from), of.geometry.count());
            let added = P::LAYOUT.arranged(drawn, of.geometry);
            let latents = of.sampler.taken_back((from, to), &state.latents, &added);
            state.go_back(to, latents, &*of.sampler);
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use editscale_core::Seed;

    use super::*;

    fn seed(value: u64) -> Seed {
        Seed::new(value).unwrap()
    }

    fn turn_of(value: u64, cosine: f64) -> NoiseTurn {
        NoiseTurn { seed: seed(value), cosine }
    }

    fn precise(values: &[f32]) -> Vec<f64> {
        values.iter().map(|value| f64::from(*value)).collect()
    }

    fn cosine(one: &[f32], other: &[f32]) -> f64 {
        let (one, other) = (precise(one), precise(other));
        dot(&one, &other) / (norm(&one) * norm(&other))
    }

    #[test]
    fn a_turn_keeps_the_norm_and_has_the_cosine_that_is_asked() {
        for count in [2, 3, 60, 4097] {
            let own = noise::normal(seed(5), 0, count);
            for asked in [1.0, 0.999_9, 0.95, 0.5, 0.0] {
                let once = turned(own.clone(), &[turn_of(77, asked)]);
                assert!((norm(&precise(&once)) / norm(&precise(&own)) - 1.0).abs() < 1e-6, "{count} at {asked}");
                assert!((cosine(&once, &own) - asked).abs() < 1e-6, "{count} at {asked}: {}", cosine(&once, &own));
                let twice = turned(own.clone(), &[turn_of(77, asked), turn_of(78, 0.9)]);
                assert!((cosine(&twice, &once) - 0.9).abs() < 1e-6, "the second turn is from where the first led");
            }
        }
        assert_eq!(turned(vec![1.0, -2.0], &[]), [1.0, -2.0]);
    }

    /// A turn is in the plane of the old noise and that of its seed, towards the latter.
    #[test]
    fn a_turn_is_towards_the_noise_of_its_seed() {
        let (own, towards) = (noise::normal(seed(5), 0, 60), noise::normal(seed(9), 0, 60));
        let found = turned(own.clone(), &[turn_of(9, 0.6)]);
        let found = precise(&found);
        let (u, v) = (precise(&own), precise(&towards));
        // The same by the formula as it is written.
        let length = norm(&u);
        let unit: Vec<f64> = u.iter().map(|value| value / length).collect();
        let part = dot(&unit, &v);
        let across: Vec<f64> = v.iter().zip(&unit).map(|(v, u)| v - part * u).collect();
        let rest = norm(&across);
        for (at, found) in found.iter().enumerate() {
            let expected = length * (0.6 * unit[at] + 0.8 * across[at] / rest);
            assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
        }
    }

    /// Turned noise is standard normal, over numbers of one candidate and over candidates.
    #[test]
    fn turned_noise_is_normal() {
        let way: Vec<NoiseTurn> = (0..5).map(|at| turn_of(1000 + at, 0.8)).collect();
        let long = turned(noise::normal(seed(3), 0, 100_000), &way);
        let many = (0..200).flat_map(|at| {
            let way = [turn_of(10_000 + at, 0.7), turn_of(20_000 + at, 0.95)];
            turned(noise::normal(seed(at), 0, 500), &way)
        });
        for numbers in [precise(&long), precise(&many.collect::<Vec<f32>>())] {
            let moment = |power: i32| numbers.iter().map(|x| x.powi(power)).sum::<f64>() / numbers.len() as f64;
            for (power, expected, tolerance) in [(1, 0.0, 0.015), (2, 1.0, 0.02), (3, 0.0, 0.05), (4, 3.0, 0.12)] {
                assert!((moment(power) - expected).abs() < tolerance, "moment {power} is {}", moment(power));
            }
        }
    }

    #[test]
    fn a_direction_that_is_none_changes_nothing() {
        let own = noise::normal(seed(5), 0, 60);
        assert_eq!(turned(own.clone(), &[turn_of(5, 0.5)]), own, "its own noise");
        assert_eq!(turned(vec![0.0; 4], &[turn_of(6, 0.5)]), [0.0; 4]);
        assert_eq!(turned(vec![2.0], &[turn_of(6, 0.5)]), [2.0], "one number has nothing across");
    }

    /// Held so that a path of turns means the same in later versions.
    #[test]
    fn paths_stay_what_they_are() {
        let way = [turn_of(8, 0.95), turn_of(9, 0.5)];
        let numbers = turned(noise::normal(seed(7), 0, 4), &way);
        assert_eq!(numbers, [-1.574_923_3, -0.858_359_63, 1.085_530_6, -0.193_377_55]);
    }
}
