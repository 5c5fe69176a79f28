//! From what an editor says and makes to what the host is told.

use std::sync::Arc;

use editscale_core::{
    CancelRule, Candidate, Cost, EditorCard, EncodedImage, Failure, FailureKind, KnobScale, KnobSpec, PauseSupport,
    Recovery, Sampler, SeedRule, Trajectory,
};
use editscale_sdk::protocol::{self, CostNumbers, EditCounters, ErrorClass, Failed};
use editscale_sdk::serve::{self, Call, Made, NewImage};

/// The card.
pub(super) fn card(card: &EditorCard) -> protocol::EditorCard {
    protocol::EditorCard {
        seed_bits: match card.seeds {
            SeedRule::Reproducible { bits } => Some(bits),
            SeedRule::Ignored => None,
        },
        largest_batch: card.largest_batch.get(),
        slots: 1,
        edits_candidates: card.edits_candidates,
        pause: match card.pause {
            PauseSupport::None => protocol::PauseSupport::None,
            PauseSupport::Resume => protocol::PauseSupport::Resume,
            PauseSupport::Fork => protocol::PauseSupport::Fork,
        },
        sampler: match card.sampler {
            Sampler::Deterministic => protocol::SamplerKind::Deterministic,
            Sampler::Stochastic => protocol::SamplerKind::Stochastic,
        },
        cancel: match card.cancel {
            CancelRule::Promptly => protocol::CancelRule::Promptly,
            CancelRule::WithinStep => protocol::CancelRule::WithinStep,
            CancelRule::WhenDone => protocol::CancelRule::WhenDone,
        },
        masks: card.masks,
        knobs: card.knobs.iter().map(knob).collect(),
        cost: cost(card.cost),
        recovery: match card.recovery {
            Recovery::Repeat => protocol::Recovery::Repeat,
            Recovery::Idempotent | Recovery::Query | Recovery::Unknown => protocol::Recovery::Unknown,
        },
        ..protocol::EditorCard::new(&*card.revision)
    }
}

fn knob(knob: &KnobSpec) -> protocol::Knob {
    let scale = match knob.scale {
        KnobScale::Linear => protocol::KnobScale::Linear,
        KnobScale::Logarithmic => protocol::KnobScale::Logarithmic,
    };
    let KnobSpec { low, high, default, .. } = *knob;
    protocol::Knob { name: knob.name.as_str().to_owned(), low, high, default, scale }
}

/// A candidate, or why there is none.
pub(super) fn made(made: Result<Candidate, Failure>, call: &Call) -> Result<Made, Failed> {
    let candidate = made.map_err(|failure| failed(&failure, call))?;
    let counters = candidate.counters;
    Ok(Made {
        cost: cost(candidate.cost),
        effective_seed: candidate.effective_seed,
        notes: candidate.notes.iter().map(|note| (**note).to_owned()).collect(),
        counters: EditCounters {
            text_encodes: counters.text_encodes,
            image_encodes: counters.image_encodes,
            denoiser_passes: counters.denoiser_passes,
            image_decodes: counters.image_decodes,
            load_ms: counters.load_ms,
        },
        trajectory: candidate.trajectory.map(|way| trajectory(Arc::unwrap_or_clone(way))),
        ..Made::new(image(&candidate.image))
    })
}

/// A picture.
pub(super) fn image(image: &EncodedImage) -> NewImage {
    NewImage::new(image.media.mime(), image.bytes.to_vec())
}

fn trajectory(way: Trajectory) -> serve::Trajectory {
    let Trajectory { shape, latents, timesteps, sigmas, log_probabilities } = way;
    let shape = shape.into_iter().map(|extent| extent as u64).collect();
    serve::Trajectory { shape, latents, timesteps, sigmas, log_probabilities }
}

fn cost(cost: Cost) -> CostNumbers {
    CostNumbers { nfe: cost.nfe, ..CostNumbers::default() }
}

/// A call that is too late is told apart from one that was cancelled.
fn failed(failure: &Failure, call: &Call) -> Failed {
    let class = match failure.kind {
        FailureKind::Cancelled if call.left().is_zero() => ErrorClass::TimedOut,
        FailureKind::Cancelled => ErrorClass::Cancelled,
        FailureKind::Refused => ErrorClass::Refused,
        FailureKind::Invalid => ErrorClass::Invalid,
        FailureKind::Unavailable => ErrorClass::Unavailable,
        FailureKind::TimedOut => ErrorClass::TimedOut,
        FailureKind::Ambiguous => ErrorClass::Ambiguous,
        FailureKind::Malformed | FailureKind::Crashed | FailureKind::OverBudget => ErrorClass::Internal,
    };
    Failed::new(class, &*failure.message).with_cost(cost(failure.cost))
}
