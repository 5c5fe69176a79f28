//! Noise that is steered, through the editor: neighbours, steps taken back, and states made again.

use editscale_core::{NoiseTurn, Sampler as CardSampler};

use super::*;

fn turns(way: &[(u64, f64)]) -> Noise {
    let turn = |(seed, cosine): &(u64, f64)| NoiseTurn { seed: Seed::new(*seed).unwrap(), cosine: *cosine };
    Noise::Turned(way.iter().map(turn).collect())
}

fn steered(item: EditItem, noise: Noise) -> EditItem {
    EditItem { proposal: Proposal { noise, ..item.proposal }, ..item }
}

fn neighbour(id: u32, seed: u64, way: &[(u64, f64)]) -> EditItem {
    steered(fresh(id, seed), turns(way))
}

/// A candidate that goes on from another after taking steps back.
fn back(id: u32, seed: u64, (from, steps): (u32, u32), until: Until) -> EditItem {
    steered(item(id, seed, Start::Paused(CandidateId(from)), until), Noise::Back(steps))
}

/// The latents that a candidate began with.
fn beginning(candidate: &editscale_core::Candidate) -> Vec<f64> {
    let way = candidate.trajectory.as_ref().unwrap();
    let count = way.shape.iter().product();
    way.latents[..count].iter().map(|value| f64::from(*value)).collect()
}

fn cosine(one: &[f64], other: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()
}

#[test]
fn a_neighbour_begins_near_its_pivot_in_any_batch() {
    for sampler in samplers() {
        let items = [
            fresh(0, 5),
            neighbour(1, 5, &[(70, 0.9)]),
            neighbour(2, 5, &[(70, 0.9), (71, 0.8)]),
            neighbour(3, 5, &[]),
        ];
        let together = good(&mut editor(&sampler), &items);
        let begun: Vec<Vec<f64>> = together.iter().map(beginning).collect();
        assert!((cosine(&begun[0], &begun[1]) - 0.9).abs() < 1e-6, "{sampler:?}");
        assert!((cosine(&begun[1], &begun[2]) - 0.8).abs() < 1e-6, "{sampler:?}");
        assert_eq!(together[3].image.bytes, together[0].image.bytes, "no turns, the same noise");
        assert_ne!(together[1].image.bytes, together[0].image.bytes, "{sampler:?}");
        for (item, made) in items.iter().zip(&together) {
            let alone = good(&mut editor(&sampler), std::slice::from_ref(item)).remove(0);
            assert_eq!((&alone.image.bytes, &alone.trajectory), (&made.image.bytes, &made.trajectory), "{sampler:?}");
            assert_eq!(alone.cost.nfe, 2 * STEPS as u64, "turning asks no denoiser");
        }
    }
}

/// One state, taken back with seeds of their own, gives different pictures under every sampler; and each of them again.
#[test]
fn copies_that_take_steps_back_part() {
    for sampler in samplers() {
        let mut held = editor(&sampler);
        good(&mut held, &[item(0, 5, Start::Source, Until::Step(4))]);
        let copies: Vec<EditItem> =
            (0..3).map(|at| back(1 + at, 50 + u64::from(at), (0, 2), Until::Finished)).collect();
        let made = good(&mut held, &copies);
        let again = good(&mut held, &copies);
        let each: Vec<_> = made.iter().map(|made| made.image.bytes.clone()).collect();
        assert!(each[0] != each[1] && each[1] != each[2] && each[0] != each[2], "{sampler:?}");
        for (at, (made, again)) in made.iter().zip(&again).enumerate() {
            assert_eq!((&made.image.bytes, &made.trajectory), (&again.image.bytes, &again.trajectory));
            let alone = good(&mut held, &copies[at..=at]).remove(0);
            assert_eq!(alone.image.bytes, made.image.bytes, "{sampler:?}");
            assert_eq!(made.cost.nfe, 2 * (STEPS as u64 - 2), "the steps from 2 on, the kept answer dropped");
        }
    }
}

#[test]
fn the_way_of_a_candidate_that_took_steps_back_begins_there() {
    for sampler in samplers() {
        let mut held = editor(&sampler);
        let paused = good(&mut held, &[item(0, 5, Start::Source, Until::Step(4))]).remove(0);
        let made = good(&mut held, &[back(1, 6, (0, 2), Until::Finished)]).remove(0);
        let way = made.trajectory.as_ref().unwrap();
        assert!(way.is_whole());
        assert_eq!((way.steps(), &way.sigmas[..]), (STEPS - 2, &sampler.sigmas()[2..]), "{sampler:?}");
        assert_eq!(way.timesteps, sampler.timesteps()[2..]);
        // It begins at the paused latents and new noise, and not where the paused candidate was at that step.
        let count: usize = way.shape.iter().product();
        let there = &paused.trajectory.as_ref().unwrap().latents[4 * count..];
        let noise = noise::normal(Seed::new(6).unwrap(), u32::MAX - 4, count);
        assert_eq!(way.latents[..count], sampler.taken_back((4, 2), there, &noise), "{sampler:?}");
    }
}

/// No more steps are taken back than were made, and none are where none are asked.
#[test]
fn steps_are_taken_back_to_the_beginning_at_most() {
    for sampler in samplers() {
        let mut held = editor(&sampler);
        good(&mut held, &[item(0, 5, Start::Source, Until::Step(3))]);
        let all = good(&mut held, &[back(1, 6, (0, 3), Until::Finished), back(2, 6, (0, 99), Until::Finished)]);
        assert_eq!(all[0].image.bytes, all[1].image.bytes);
        assert_eq!(all[0].trajectory.as_ref().unwrap().steps(), STEPS);
        let none = good(
            &mut held,
            &[back(3, 6, (0, 0), Until::Finished), item(4, 6, Start::Paused(CandidateId(0)), Until::Finished)],
        );
        assert_eq!((&none[0].image.bytes, none[0].cost), (&none[1].image.bytes, none[1].cost), "{sampler:?}");
        // The end has a level, too, and a place before the pause can be stopped at.
        good(&mut held, &[item(5, 5, Start::Source, Until::Step(STEPS as u32))]);
        let made = good(&mut held, &[back(6, 8, (5, 1), Until::Finished), back(7, 8, (0, 2), Until::Step(2))]);
        assert_eq!(made[0].trajectory.as_ref().unwrap().steps(), 1, "{sampler:?}");
        assert_eq!(made[1].trajectory.as_ref().unwrap().steps(), 1);
    }
}

#[test]
fn a_lost_state_is_made_again_turns_and_steps_back_and_all() {
    for sampler in samplers() {
        let first = steered(item(0, 5, Start::Source, Until::Step(3)), turns(&[(70, 0.9), (71, 0.5)]));
        let second = back(1, 6, (0, 2), Until::Step(4));
        let third = back(2, 7, (1, 1), Until::Step(5));
        let path = |upto: &[&EditItem]| upto.iter().map(|item| item.proposal.clone()).collect();
        let second = EditItem { path: path(&[&first]), ..second };
        let third = EditItem { path: path(&[&first, &second]), ..third };
        let last = item(3, 8, Start::Paused(CandidateId(2)), Until::Finished);
        let last = EditItem { path: path(&[&first, &second, &third]), ..last };
        let mut held = editor(&sampler);
        let ways: Vec<_> =
            [&first, &second, &third].map(|item| good(&mut held, std::slice::from_ref(item)).remove(0)).into();
        let expected = good(&mut held, std::slice::from_ref(&last)).remove(0);
        let gone: Vec<_> = (0..3).map(|id| (last.run.clone(), CandidateId(id))).collect();
        // All lost; lost but for the first; and an editor that never saw any of them.
        for kept in [None, Some(first.clone())] {
            held.release(&gone);
            let from = kept.map_or(0, |kept| {
                good(&mut held, &[kept]);
                1
            });
            let again = good(&mut held, std::slice::from_ref(&last)).remove(0);
            assert_eq!((&again.image.bytes, &again.trajectory), (&expected.image.bytes, &expected.trajectory));
            // The legs take 3, 3, 2 and 1 steps; the preview of the first is its last answer, which is not gone on from.
            let legs: [u64; 4] = [3, 3, 2, 1];
            assert_eq!(again.cost.nfe, 2 * legs[from..].iter().sum::<u64>(), "{sampler:?}, {from} legs held");
        }
        let anew = good(&mut editor(&sampler), std::slice::from_ref(&last)).remove(0);
        assert_eq!((anew.image.bytes, anew.trajectory), (expected.image.bytes, expected.trajectory));
        assert!(ways.iter().all(|way| way.trajectory.as_ref().unwrap().is_whole()));
    }
}

#[test]
fn what_cannot_be_steered_is_said() {
    let sampler = &samplers()[1];
    let mut held = editor(sampler);
    good(&mut held, &[item(0, 5, Start::Source, Until::Step(3))]);
    let on = |id| item(id, 5, Start::Paused(CandidateId(0)), Until::Finished);
    let cases = [
        (steered(on(1), turns(&[(9, 0.5)])), "turned at the beginning"),
        (steered(fresh(2, 5), Noise::Back(1)), "begins at noise"),
        (neighbour(3, 5, &[(9, 0.5), (10, 1.5)]), "a cosine of 1.5"),
        (neighbour(4, 5, &[(9, f64::NAN)]), "a cosine of NaN"),
    ];
    for (item, expected) in cases {
        let failure = edit(&mut held, &[item]).remove(0).unwrap_err();
        assert_eq!((failure.kind, failure.cost.nfe), (FailureKind::Invalid, 0));
        assert!(failure.message.contains(expected), "{failure}");
    }
}

#[test]
fn the_card_says_whether_noise_can_be_steered() {
    let sampler = &samplers()[1];
    let card = editor(sampler).card().clone();
    assert!(card.steers_noise);
    assert_eq!((card.sampler, card.steps), (CardSampler::Deterministic, Some(STEPS as u32)));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.safetensors");
    let noise = Tensor::from_vec(noise::normal(Seed::new(1).unwrap(), 0, 120), (2, 3, 4, 5), &Device::Cpu).unwrap();
    candle_core::safetensors::save(&[("latents", noise)].into(), &path).unwrap();
    let injected = Some(Injected::load(&path).unwrap());
    let mut from_file = editor_with(sampler, DiffusionOptions { injected, ..DiffusionOptions::new(false) }, 1);
    assert!(!from_file.card().steers_noise);
    good(&mut from_file, &[fresh(0, 5), item(1, 5, Start::Source, Until::Step(2))]);
    for item in [neighbour(0, 5, &[(9, 0.5)]), back(0, 5, (1, 1), Until::Finished)] {
        let failure = edit(&mut from_file, &[item]).remove(0).unwrap_err();
        assert!(failure.message.contains("from a file"), "{failure}");
    }
}
