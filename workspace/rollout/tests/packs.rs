//! Packs come back as they were put, and damage of any kind is told; advantages, pairs and weights keep their promises.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod sample;

use bytes::Bytes;
use editscale_rollout::advantage::{AdvantageKind, advantages, is_flat};
use editscale_rollout::pack::{Pack, PackError};
use editscale_rollout::pairs::{Pair, PairChoice, PairRules, Rated, best_worst, pairs, sft_weights};
use proptest::prelude::*;
use sample::Traits;

fn whole() -> Pack {
    sample::pack(
        7,
        Traits { candidates: 5, has_mask: true, has_trajectories: true, has_failures: true, ..Traits::default() },
    )
}

#[test]
fn packs_come_back_as_they_were_put() {
    let packs = sample::dataset().into_iter().filter_map(Result::ok).chain([whole()]);
    for pack in packs {
        let file = pack.encode().unwrap();
        assert_eq!(Pack::decode(file.clone().into()).unwrap(), pack);
        assert_eq!(pack.encode().unwrap(), file, "equal packs give equal bytes");
    }
}

#[test]
fn a_source_that_is_also_a_candidate_lies_in_the_pack_once() {
    let pack = whole();
    let last = pack.group.candidates.last().unwrap();
    assert_eq!(last.image.as_ref().map(|image| &image.digest), Some(&pack.group.source.digest));
    let shown = pack.group.candidates.iter().filter(|each| each.image.is_some()).count();
    assert_eq!(pack.images.len(), shown + 1, "the mask and all pictures, the source among them");
}

#[test]
fn pictures_of_a_pack_are_parts_of_its_file() {
    let file = Bytes::from(whole().encode().unwrap());
    let range = file.as_ptr().addr()..file.as_ptr().addr() + file.len();
    let pack = Pack::decode(file.clone()).unwrap();
    for part in pack.images.values().chain(pack.trajectories.values()) {
        assert!(range.contains(&part.as_ptr().addr()));
    }
}

#[test]
fn every_cut_and_every_flipped_bit_is_told() {
    let file = whole().encode().unwrap();
    let cuts = (0..file.len()).step_by(97).chain([0, 1, 7, 8, 11, 12, 27, 28, 29, file.len() - 1]);
    for length in cuts {
        let error = Pack::decode(Bytes::copy_from_slice(&file[..length])).unwrap_err();
        assert!(matches!(error, PackError::NotAPack { .. } | PackError::Length { .. }), "cut to {length}: {error}");
    }
    for at in (0..file.len()).step_by(13).chain(0..200).chain(file.len() - 40..file.len()) {
        for bit in [0, 7] {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << bit;
            assert!(Pack::decode(damaged.into()).is_err(), "bit {bit} of byte {at}");
        }
    }
    let longer = [file.as_slice(), b"x"].concat();
    assert!(matches!(Pack::decode(longer.into()), Err(PackError::Length { .. })));
}

#[test]
fn a_damaged_picture_is_named() {
    let pack = whole();
    let mut file = pack.encode().unwrap();
    let digest = pack.images.keys().next_back().unwrap();
    // The last picture lies before the checksum.
    let at = file.len() - 33;
    file[at] ^= 1;
    let error = Pack::decode(file.into()).unwrap_err().to_string();
    assert!(error.contains(digest), "{error}");
}

#[test]
fn a_pack_that_contradicts_itself_is_refused_when_it_is_written() {
    let mut without_picture = whole();
    let digest = without_picture.group.source.digest.clone();
    without_picture.images.remove(&digest);
    let mut wrong_digest = whole();
    wrong_digest.images.insert(digest, Bytes::from_static(b"other"));
    let mut without_trajectory = whole();
    without_trajectory.trajectories.remove(&0);
    let mut unknown_trajectory = whole();
    unknown_trajectory.trajectories.insert(99, sample::trajectory(1, 1));
    let mut not_finite = whole();
    not_finite.group.candidates[0].reward = Some(f64::NAN);
    let cases = [
        (without_picture, "the source names the picture"),
        (wrong_digest, "is damaged"),
        (without_trajectory, "candidate 0: expected a trajectory, found none"),
        (unknown_trajectory, "candidate 99: expected no trajectory, found one"),
        (not_finite, "not finite"),
    ];
    for (pack, expected) in cases {
        let error = pack.encode().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}: expected {expected}");
    }
}

const KINDS: [AdvantageKind; 3] =
    [AdvantageKind::Grpo { floor: 1e-4, clip: None }, AdvantageKind::LeaveOneOut, AdvantageKind::Rank];

fn rewards() -> impl Strategy<Value = Vec<Option<f64>>> {
    prop::collection::vec(prop::option::weighted(0.8, -10.0..10.0), 0..24)
}

fn close(one: f64, other: f64, unit: f64) -> bool {
    (one - other).abs() <= 1e-6 * unit.max(1.0)
}

#[test]
fn advantages_are_those_of_their_definitions() {
    let rewards = [Some(1.0), None, Some(2.0), Some(3.0), Some(3.0), Some(f64::NAN)];
    // The mean is 2.25 and the variance of the population 0.6875.
    let std = 0.6875_f64.sqrt();
    let cases = [
        (AdvantageKind::Grpo { floor: 1e-4, clip: None }, [-1.25 / std, -0.25 / std, 0.75 / std, 0.75 / std]),
        (AdvantageKind::Grpo { floor: 2.5, clip: None }, [-0.5, -0.1, 0.3, 0.3]),
        (AdvantageKind::Grpo { floor: 2.5, clip: Some(0.2) }, [-0.2, -0.1, 0.2, 0.2]),
        (AdvantageKind::LeaveOneOut, [1.0 - 8.0 / 3.0, 2.0 - 7.0 / 3.0, 1.0, 1.0]),
        (AdvantageKind::Rank, [-1.0, -1.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0]),
    ];
    for (kind, expected) in cases {
        let found = advantages(kind, &rewards);
        assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true, true, true, false]);
        for (found, expected) in found.iter().flatten().zip(expected) {
            assert!(close(*found, expected, 1.0), "{kind:?}: {found}, expected {expected}");
        }
    }
    assert_eq!(advantages(AdvantageKind::Rank, &[Some(1.0), None]), [None, None]);
    assert!(is_flat(&[Some(0.1); 3], 0.0) && is_flat(&[Some(0.1), None], 0.0) && is_flat(&[], 0.0));
    assert!(is_flat(&[Some(0.1), Some(0.1001)], 1e-4) && !is_flat(&[Some(0.1), Some(0.2)], 1e-4));
}

proptest! {
    #[test]
    fn advantages_keep_their_promises(rewards in rewards(), shift in -100.0..100.0) {
        for kind in KINDS {
            let worth = advantages(kind, &rewards);
            let known = rewards.iter().flatten().count();
            prop_assert_eq!(worth.iter().flatten().count(), if known < 2 { 0 } else { known });
            prop_assert!(worth.iter().flatten().all(|value| value.is_finite()));
            let unit = worth.iter().flatten().fold(0.0_f64, |most, value| most.max(value.abs()));
            prop_assert!(close(worth.iter().flatten().sum(), 0.0, unit));
            let shifted: Vec<_> = rewards.iter().map(|reward| reward.map(|value| value + shift)).collect();
            for (one, other) in worth.iter().flatten().zip(advantages(kind, &shifted).iter().flatten()) {
                // A shift can make rewards equal that differ in their last digits.
                prop_assert!(kind == AdvantageKind::Rank || close(*one, *other, 1e3));
            }
            let backwards: Vec<_> = rewards.iter().rev().copied().collect();
            for (one, other) in worth.iter().zip(advantages(kind, &backwards).iter().rev()) {
                prop_assert!(close(one.unwrap_or(9.0), other.unwrap_or(9.0), unit));
            }
        }
    }

    #[test]
    fn advantages_of_any_numbers_are_finite(rewards in prop::collection::vec(prop::option::of(any::<f64>()), 0..9)) {
        for kind in KINDS.into_iter().chain([AdvantageKind::Grpo { floor: 0.0, clip: Some(5.0) }]) {
            let worth = advantages(kind, &rewards);
            prop_assert_eq!(worth.len(), rewards.len());
            prop_assert!(worth.iter().flatten().all(|value| value.is_finite()), "{:?} {:?}", kind, worth);
        }
        is_flat(&rewards, 1e-4);
    }

    #[test]
    fn pairs_are_of_a_better_and_a_worse_one(rewards in rewards(), margin in 0.0..3.0, z in prop::option::of(0.0..3.0)) {
        let rated = rated(&rewards);
        for choice in [PairChoice::All, PairChoice::BestWorst, PairChoice::Adjacent] {
            let rules = PairRules { choice, margin, z_margin: z, most: None };
            let found = pairs(&rules, &rated);
            for pair in &found {
                prop_assert!(pair.margin() > 0.0 && pair.margin() >= margin);
                prop_assert!(pair.margin() >= z.unwrap_or(0.0) * 0.2 - 1e-9);
            }
            let most = pairs(&PairRules { most: Some(2), ..rules }, &rated);
            prop_assert_eq!(most.len(), found.len().min(2));
            let largest = found.iter().map(Pair::margin).fold(0.0, f64::max);
            prop_assert!(most.is_empty() || most.iter().any(|pair| pair.margin() == largest));
            let count = rated.len();
            let limit = match choice { PairChoice::All => count * count.saturating_sub(1) / 2, PairChoice::BestWorst => 1, PairChoice::Adjacent => count };
            prop_assert!(found.len() <= limit);
        }
    }

    #[test]
    fn best_and_worst_do_not_meet(rewards in rewards(), k in 0_usize..9) {
        let rated = rated(&rewards);
        let (best, worst) = best_worst(k, &rated);
        prop_assert_eq!(best.len(), worst.len());
        prop_assert!(best.len() <= k.min(rated.len() / 2));
        prop_assert!(best.iter().zip(&worst).all(|(best, worst)| best.reward > worst.reward));
        prop_assert!(best.iter().all(|one| worst.iter().all(|other| one.candidate != other.candidate)));
    }

    #[test]
    fn weights_have_mean_one_and_follow_the_rewards(rewards in prop::collection::vec(-1e6..1e6, 1..20), beta in 1e-6..1e6) {
        let shares = sft_weights(beta, &rewards);
        let count = rewards.len() as f64;
        prop_assert!(close(shares.weights.iter().sum(), count, count));
        prop_assert!(shares.effective_sample_size >= 1.0 - 1e-9 && shares.effective_sample_size <= count + 1e-9);
        for (one, first) in rewards.iter().zip(&shares.weights) {
            prop_assert!(rewards.iter().zip(&shares.weights).all(|(other, second)| one > other || first <= second));
        }
    }
}

fn rated(rewards: &[Option<f64>]) -> Vec<Rated> {
    let known = (0..).zip(rewards).filter_map(|(candidate, reward)| Some((candidate, (*reward)?)));
    known.map(|(candidate, reward)| Rated { candidate, reward, sigma: Some(0.02_f64.sqrt()) }).collect()
}

#[test]
fn weights_of_equal_rewards_are_equal_and_of_none_none() {
    assert_eq!(sft_weights(0.5, &[2.0, 2.0]).weights, [1.0, 1.0]);
    assert_eq!(sft_weights(0.0, &[1.0, 3.0, 3.0]).weights, [0.0, 1.5, 1.5]);
    assert_eq!(sft_weights(1.0, &[]).effective_sample_size, 0.0);
}
