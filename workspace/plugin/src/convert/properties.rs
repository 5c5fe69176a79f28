//! Whatever a plugin says, what comes of it is sound or refused.

use std::collections::BTreeSet;

use editscale_core::{
    CandidateId, Edge, EditorName, KnobName, Knobs, Lineage, Noise, Proposal, RewardName, Seed, Start, Until,
};
use editscale_sdk::protocol as wire;
use proptest::prelude::*;
use serde_bytes::ByteBuf;

use super::cards::{editor_card, reward_card};
use super::edits;
use super::pictures::received;
use super::scores::judgement;
use crate::spool::Spool;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), -2.0..2.0, Just(f64::NAN), Just(f64::INFINITY), Just(0.0)]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]", ".{0,4}"]
}

fn costs() -> impl Strategy<Value = wire::CostNumbers> {
    let few = || prop_oneof![0_u64..4, any::<u64>()];
    (few(), few(), few()).prop_map(|(nfe, tokens, usd_micros)| wire::CostNumbers { nfe, tokens, usd_micros })
}

fn judged() -> impl Strategy<Value = wire::Judged> {
    let part =
        (name(), number(), prop::option::of(number())).prop_map(|(name, mean, sigma)| wire::Part { name, mean, sigma });
    let parts = prop::collection::vec(part, 0..4);
    (number(), prop::option::of(number()), parts, costs()).prop_map(|(mean, sigma, parts, cost)| wire::Judged {
        mean,
        sigma,
        parts,
        cost,
        counters: wire::RewardCounters::default(),
    })
}

fn knob() -> impl Strategy<Value = wire::Knob> {
    let scale = prop_oneof![Just(wire::KnobScale::Linear), Just(wire::KnobScale::Logarithmic)];
    (name(), number(), number(), number(), scale).prop_map(|(name, low, high, default, scale)| wire::Knob {
        name,
        low,
        high,
        default,
        scale,
    })
}

fn card() -> impl Strategy<Value = wire::EditorCard> {
    let counts = (0_u32..300, prop_oneof![0_u32..5, any::<u32>()]);
    let knobs = prop::collection::vec(knob(), 0..3);
    (".{0,6}", prop::option::of(any::<u8>()), counts, knobs, costs()).prop_map(
        |(revision, seed_bits, (slots, largest_batch), knobs, cost)| wire::EditorCard {
            revision,
            seed_bits,
            largest_batch,
            slots,
            edits_candidates: true,
            pause: wire::PauseSupport::None,
            sampler: wire::SamplerKind::Deterministic,
            cancel: wire::CancelRule::Promptly,
            masks: true,
            knobs,
            cost,
            recovery: wire::Recovery::Repeat,
            adopts: wire::AdoptSupport::default(),
        },
    )
}

fn trajectory() -> impl Strategy<Value = wire::TrajectoryParts> {
    let floats = || prop::collection::vec(any::<f32>(), 0..4);
    let shape = prop::collection::vec(prop_oneof![0_u64..4, any::<u64>()], 0..4);
    let latents = prop::collection::vec(any::<u8>(), 0..200);
    let log_probabilities = prop::collection::vec(prop::option::of(any::<f32>()), 0..4);
    (shape, latents, floats(), floats(), log_probabilities).prop_map(
        |(shape, latents, timesteps, sigmas, log_probabilities)| wire::TrajectoryParts {
            shape,
            latents: wire::Blob::Inline(ByteBuf::from(latents)),
            timesteps,
            sigmas,
            log_probabilities,
        },
    )
}

/// A trajectory whose lengths agree, so that some are taken.
fn whole_trajectory() -> impl Strategy<Value = wire::TrajectoryParts> {
    (0_usize..4, 0_u64..4, 0_u64..4).prop_map(|(steps, rows, columns)| wire::TrajectoryParts {
        shape: vec![rows, columns],
        latents: wire::Blob::Inline(ByteBuf::from(vec![0; 4 * (steps + 1) * (rows * columns) as usize])),
        timesteps: vec![0.5; steps],
        sigmas: vec![0.5; steps + 1],
        log_probabilities: vec![None; steps],
    })
}

/// More numbers than any trajectory here has.
const MOST: usize = 1000;

proptest! {
    #[test]
    fn scores_are_sound_or_refused(said in judged()) {
        let card = wire::RewardCard {
            revision: "r".into(),
            range: Some((0.0, 1.0)),
            kind: wire::RewardKind::Pointwise,
            gives_sigma: true,
            pixel_budget: None,
            largest_batch: 1,
            slots: 1,
            cost: wire::CostNumbers { nfe: 2, tokens: 2, usd_micros: 2 },
        };
        let card = reward_card(&RewardName::new("judge").unwrap(), &card).unwrap();
        if let Ok(judgement) = judgement(&said, &card) {
            let score = &judgement.score;
            prop_assert!((0.0..=1.0).contains(&score.mean()) && score.mean() == said.mean);
            prop_assert!(score.sigma().is_none_or(|sigma| sigma.is_finite() && sigma >= 0.0));
            let names: BTreeSet<&str> = score.parts().iter().map(|part| part.name().as_str()).collect();
            prop_assert_eq!(names.len(), said.parts.len());
            prop_assert!(score.parts().iter().all(|part| part.mean().is_finite()));
            let cost = judgement.cost;
            prop_assert!(cost.nfe <= 2 && cost.tokens <= 2 && cost.usd.micros <= 2);
        }
    }

    #[test]
    fn cards_are_sound_or_refused(said in card()) {
        if let Ok(card) = editor_card(&EditorName::new("mine").unwrap(), &said) {
            prop_assert!(!card.revision.trim().is_empty());
            prop_assert_eq!((card.slots.get(), card.largest_batch.get()), (said.slots, said.largest_batch));
            for knob in &card.knobs {
                prop_assert!(knob.low < knob.high && (knob.low..=knob.high).contains(&knob.default));
                prop_assert!(knob.turned(knob.default, 0.5).is_finite());
            }
        }
    }

    #[test]
    fn trajectories_are_whole_or_refused(said in prop_oneof![trajectory(), whole_trajectory()]) {
        let spool = Spool::make().unwrap();
        if let Ok(trajectory) = edits::trajectory(said.clone(), &spool, MOST) {
            prop_assert!(trajectory.is_whole());
            prop_assert_eq!(trajectory.steps(), said.timesteps.len());
        }
    }

    #[test]
    fn whole_trajectories_are_taken(said in whole_trajectory()) {
        let spool = Spool::make().unwrap();
        prop_assert!(edits::trajectory(said, &spool, MOST).is_ok());
    }

    #[test]
    fn trajectories_have_a_length(said in whole_trajectory()) {
        let spool = Spool::make().unwrap();
        let numbers = (said.timesteps.len() + 1) * said.shape.iter().product::<u64>() as usize;
        prop_assert!(edits::trajectory(said.clone(), &spool, numbers).is_ok());
        if let Some(less) = numbers.checked_sub(1) {
            let why = edits::trajectory(said, &spool, less).unwrap_err();
            prop_assert!(why.ends_with(&format!("expected at most {less} numbers")), "{why}");
        }
    }

    #[test]
    fn pictures_are_what_they_are_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let spool = Spool::make().unwrap();
        let body = wire::PictureBody::Inline(ByteBuf::from(bytes));
        let said = wire::Picture { media: "image/png".into(), width: Some(1), height: Some(1), body };
        // No hundred bytes at random are a picture.
        prop_assert!(received(said, &spool).is_err());
    }

    #[test]
    fn nothing_of_a_proposal_is_lost(
        (id, seed, step) in (any::<u32>(), 0..Seed::LIMIT, prop::option::of(any::<u32>())),
        start in 0_u32..3,
        turned in prop::collection::btree_map("[a-z]{1,5}", -9.0..9.0, 0..4),
        instruction in ".{0,20}",
    ) {
        let mut knobs = Knobs::default();
        for (name, value) in &turned {
            knobs.set(KnobName::new(name).unwrap(), *value).unwrap();
        }
        let starts = [Start::Source, Start::Candidate(CandidateId(4)), Start::Paused(CandidateId(5))];
        let proposal = Proposal {
            id: CandidateId(id),
            editor: EditorName::new("mine").unwrap(),
            start: starts[start as usize],
            until: step.map_or(Until::Finished, Until::Step),
            seed: Seed::new(seed).unwrap(),
            noise: Noise::Own,
            instruction: instruction.as_str().into(),
            knobs,
            lineage: Lineage { parent: None, edge: Edge::Fresh },
        };
        let starts = [wire::Start::Source, wire::Start::Candidate(4), wire::Start::Paused(5)];
        let expected = wire::EditProposal {
            candidate: id,
            start: starts[start as usize],
            until_step: step,
            seed,
            instruction,
            knobs: turned,
        };
        prop_assert_eq!(&edits::proposal(&proposal), &expected);
        let frame = wire::encode(&expected).unwrap();
        prop_assert_eq!(wire::decode::<wire::EditProposal>(&frame[4..]).unwrap(), expected);
    }

    #[test]
    fn bytes_are_a_message_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        // It is enough that nothing panics.
        prop_assert!(wire::decode::<wire::FromPlugin>(&bytes).is_err() || !bytes.is_empty());
    }
}
