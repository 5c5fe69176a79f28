//! Checks of paused states: stopping half way, going on, going on twice, and making a state again.

use editscale_sdk::protocol::{EditProposal, Feature, FromHost, PauseSupport, PausedPlace, SamplerKind};

use super::super::bench::{Bench, Fault};
use super::super::pictures::scene;
use super::super::work::{Ask, Product, RUN};
use super::calls::{all_done, differences};
use super::editors::editor_card;
use super::{Case, Level, Outcome, not_applicable, well};

pub(super) const CASES: [Case; 3] = [
    Case {
        name: "pause_and_resume",
        expected: "an edit that stops at step 1 hands out a preview, and going on from it gives the picture of an edit that \
                   never stopped",
        advice: "keep latents, the sampler's state and the generator of the paused candidate under its run and number",
        needs: Level::Work,
        gives: Level::Nothing,
        run: pause_and_resume,
    },
    Case {
        name: "fork",
        expected: "going on twice from one state works, and where the sampler adds noise, two seeds give two pictures",
        advice: "copy the state before going on from it, and draw further noise from the seed of the new proposal",
        needs: Level::Work,
        gives: Level::Nothing,
        run: fork,
    },
    Case {
        name: "made_again",
        expected: "a state that was released is made again from `path`, and gives the same picture",
        advice: "where the state is not held any more, carry out the proposals of `path` from `start_picture` on",
        needs: Level::Work,
        gives: Level::Nothing,
        run: made_again,
    },
];

/// A state that was paused: its number, and the proposal that led to it.
struct Paused {
    candidate: u32,
    proposal: EditProposal,
}

fn can_pause(bench: &Bench<'_>) -> PauseSupport {
    let told = editor_card(bench).map_or(PauseSupport::None, |card| card.pause);
    if bench.has(Feature::Pause) { told } else { PauseSupport::None }
}

fn whole() -> Ask {
    Ask { seed: 11, ..Ask::of(scene(0.5).inline()) }
}

fn pause(bench: &mut Bench<'_>) -> Result<Paused, Fault> {
    let ask = Ask { until_step: Some(1), ..whole() };
    let candidate = bench.number(1);
    let products = bench.call_from(std::slice::from_ref(&ask), candidate)?.products;
    all_done(&products).map_err(|fault| Fault::new(format!("stopping at step 1, {}", fault.found)))?;
    Ok(Paused { candidate, proposal: ask.proposal(candidate) })
}

/// Goes on from a state.
fn resume(bench: &mut Bench<'_>, paused: &Paused, seed: u64) -> Result<Vec<Product>, Fault> {
    let ask = Ask { seed, path: vec![paused.proposal.clone()], ..whole() };
    let products = bench.call(&[ask])?.products;
    all_done(&products).map_err(|fault| Fault::new(format!("going on from the state, {}", fault.found)))?;
    Ok(products)
}

fn release(bench: &mut Bench<'_>, paused: &Paused) -> Result<(), Fault> {
    let place = PausedPlace { run: RUN.to_owned(), candidate: paused.candidate };
    bench.with(|session| {
        session.say(&FromHost::Release(vec![place]));
        Ok(())
    })
}

/// Whether equal states stay equal, whatever the seed.
fn is_deterministic(bench: &Bench<'_>) -> bool {
    editor_card(bench).is_some_and(|card| card.sampler == SamplerKind::Deterministic)
}

fn pause_and_resume(bench: &mut Bench<'_>) -> Outcome {
    if can_pause(bench) == PauseSupport::None {
        return not_applicable("it cannot pause");
    }
    let straight = bench.ask(&[whole()])?;
    let paused = pause(bench)?;
    let resumed = resume(bench, &paused, 11)?;
    release(bench, &paused)?;
    match differences(&straight, &resumed).into_iter().next().filter(|_| is_deterministic(bench)) {
        Some((_, difference)) => Err(Fault::new(format!("at one go and with a pause it gave {difference}"))),
        None => well("it stopped at step 1 and went on"),
    }
}

fn fork(bench: &mut Bench<'_>) -> Outcome {
    if can_pause(bench) != PauseSupport::Fork {
        return not_applicable("its card does not say `pause: fork`");
    }
    let paused = pause(bench)?;
    let (one, two) = (resume(bench, &paused, 21)?, resume(bench, &paused, 22)?);
    let again = resume(bench, &paused, 21)?;
    release(bench, &paused)?;
    if let Some((_, difference)) = differences(&one, &again).into_iter().next() {
        return Err(Fault::new(format!("going on twice with one seed gave {difference}")));
    }
    let is_same = matches!((one.as_slice(), two.as_slice()),
        ([Product::Picture(one)], [Product::Picture(two)]) if one.pixels == two.pixels);
    if is_same && !is_deterministic(bench) {
        return Err(Fault::new("going on with two seeds gave the same picture"));
    }
    well("it went on three times from one state")
}

fn made_again(bench: &mut Bench<'_>) -> Outcome {
    if can_pause(bench) == PauseSupport::None {
        return not_applicable("it cannot pause");
    }
    let held = pause(bench)?;
    let expected = resume(bench, &held, 31)?;
    release(bench, &held)?;
    let found = resume(bench, &held, 31)?;
    match differences(&expected, &found).into_iter().next() {
        Some((_, difference)) => Err(Fault::new(format!("from the state and from its path it gave {difference}"))),
        None => well("it was made again from its path"),
    }
}
