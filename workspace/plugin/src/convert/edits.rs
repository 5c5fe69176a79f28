//! Edits: what is to be made, and what comes of it.

use std::sync::Arc;

use editscale_core::{
    AdoptedPolicy, Candidate, CandidateId, EditCounters, EditItem, EditorCard, Failure, PolicyKind, PolicyWeights,
    Proposal, RunId, Seed, Start, TowerPictures, Trajectory, Until,
};
use editscale_sdk::protocol as wire;

use super::failures::checked_cost;
use super::pictures::{Outgoing, numbers, received};
use super::readable;
use crate::spool::Spool;

/// Notes that are kept of one candidate, and how long each is at most.
const MOST_NOTES: usize = 20;
const LONGEST_NOTE: usize = 500;

/// The most numbers of one trajectory: 256 MiB of them.
const MOST_NUMBERS: usize = 64 << 20;

/// The longest name that weights and their sums have.
const LONGEST_WORD: usize = 1000;

/// One item on its way.
pub(crate) fn item(item: &EditItem, pictures: &mut Outgoing<'_>) -> Result<wire::EditItem, Failure> {
    let request = &item.request;
    Ok(wire::EditItem {
        run: item.run.to_string(),
        source: pictures.place(&request.source)?,
        mask: request.mask.as_ref().map(|mask| pictures.place(mask)).transpose()?,
        request_instruction: request.instruction.as_str().to_owned(),
        output_size: request.output_size.map(|size| wire::Size { width: size.width, height: size.height }),
        start_picture: pictures.place(&item.start)?,
        proposal: proposal(&item.proposal),
        path: item.path.iter().map(proposal).collect(),
    })
}

pub(crate) fn proposal(proposal: &Proposal) -> wire::EditProposal {
    wire::EditProposal {
        candidate: proposal.id.0,
        start: match proposal.start {
            Start::Source => wire::Start::Source,
            Start::Candidate(CandidateId(id)) => wire::Start::Candidate(id),
            Start::Paused(CandidateId(id)) => wire::Start::Paused(id),
        },
        until_step: match proposal.until {
            Until::Finished => None,
            Until::Step(step) => Some(step),
        },
        seed: proposal.seed.get(),
        instruction: (*proposal.instruction).to_owned(),
        knobs: proposal.knobs.iter().map(|(name, value)| (name.to_string(), value)).collect(),
    }
}

pub(crate) fn paused(paused: &[(RunId, CandidateId)]) -> Vec<wire::PausedPlace> {
    let place =
        |(run, candidate): &(RunId, CandidateId)| wire::PausedPlace { run: run.to_string(), candidate: candidate.0 };
    paused.iter().map(place).collect()
}

/// What was made, or what is wrong with it.
pub(crate) fn candidate(said: wire::Edited, card: &EditorCard, spool: &Spool) -> Result<Candidate, String> {
    let trajectory = said.trajectory.map(|parts| trajectory(parts, spool, MOST_NUMBERS)).transpose()?;
    let image = received(said.image, spool)?;
    let note = |note: &String| Some(readable(note, LONGEST_NOTE)).filter(|note| !note.is_empty()).map(Arc::from);
    Ok(Candidate {
        image,
        cost: checked_cost(said.cost, card.cost)?,
        effective_seed: said.effective_seed.map(seed).transpose()?,
        notes: said.notes.iter().filter_map(note).take(MOST_NOTES).collect(),
        counters: EditCounters {
            text_encodes: said.counters.text_encodes,
            image_encodes: said.counters.image_encodes,
            denoiser_passes: said.counters.denoiser_passes,
            image_decodes: said.counters.image_decodes,
            load_ms: said.counters.load_ms,
            // What another process has loaded nobody here shares.
            pictures: TowerPictures::default(),
        },
        trajectory: trajectory.map(Arc::new),
    })
}

fn seed(said: u64) -> Result<u64, String> {
    Seed::new(said).map(Seed::get).map_err(|error| error.to_string())
}

/// How a picture came about, of at most so many numbers.
pub(crate) fn trajectory(said: wire::TrajectoryParts, spool: &Spool, most: usize) -> Result<Trajectory, String> {
    let instants = said.timesteps.len() + 1;
    let shape: Option<Vec<usize>> = said.shape.iter().map(|extent| usize::try_from(*extent).ok()).collect();
    let values = |shape: &Vec<usize>| shape.iter().try_fold(instants, |values, extent| values.checked_mul(*extent));
    let shape = shape.filter(|shape| values(shape).is_some_and(|values| values <= most));
    let shape = shape.ok_or_else(|| {
        let shown: Vec<String> = said.shape.iter().take(8).map(u64::to_string).collect();
        format!(
            "its trajectory has the shape [{}] and {instants} instants: expected at most {most} numbers",
            shown.join(", ")
        )
    })?;
    let (timesteps, sigmas, log_probabilities) = (said.timesteps, said.sigmas, said.log_probabilities);
    if sigmas.len() != instants || log_probabilities.len() != timesteps.len() {
        return Err(format!(
            "its trajectory has {} steps, {} sigmas and {} log probabilities: expected one sigma more than steps, and as \
             many log probabilities",
            timesteps.len(),
            sigmas.len(),
            log_probabilities.len()
        ));
    }
    // The longest part comes last: whatever else is wrong is known by then.
    let latents = numbers(said.latents, values(&shape).unwrap_or(0), spool)?;
    Ok(Trajectory { shape, latents, timesteps, sigmas, log_probabilities })
}

/// Weights on their way.
pub(crate) fn weights(weights: &PolicyWeights) -> wire::AdoptParameters {
    let kind = match &weights.kind {
        PolicyKind::Base => wire::WeightsKind::Base,
        PolicyKind::Adapter(path) => wire::WeightsKind::Adapter((**path).to_owned()),
        PolicyKind::Checkpoint(path) => wire::WeightsKind::Checkpoint((**path).to_owned()),
    };
    wire::AdoptParameters { version: (*weights.version).to_owned(), kind, scale: weights.scale }
}

/// What was taken up: the weights that were asked for, with a sum that says something.
pub(crate) fn adopted(said: &wire::Adopted, asked: &str) -> Result<AdoptedPolicy, String> {
    if said.version != asked {
        return Err(format!("it took up the weights `{}`: expected `{asked}`", readable(&said.version, 80)));
    }
    let sum = readable(&said.checksum, LONGEST_WORD);
    if sum.is_empty() {
        return Err("the checksum of its weights is empty: expected something that tells them from others".into());
    }
    Ok(AdoptedPolicy { version: asked.into(), checksum: sum.into() })
}
