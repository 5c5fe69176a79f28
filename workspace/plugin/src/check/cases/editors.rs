//! Checks of editors alone: masks, sizes, trajectories, other weights.

use std::time::Instant;

use editscale_sdk::protocol::{
    AdoptParameters, Adopted, Answer, Card, EditorCard, Feature, Method, PluginKind, Size, WeightsKind,
};

use super::super::bench::{Bench, Fault};
use super::super::link::Trouble;
use super::super::pictures::{right_half, scene};
use super::super::session::Session;
use super::super::work::{Ask, Made, Product, mean_difference};
use super::calls::differences;
use super::{Case, Level, Outcome, not_applicable, well};

pub(super) const CASES: [Case; 5] = [
    Case {
        name: "masks",
        expected: "where the card says `masks`, the picture stays as it was where the mask is black",
        advice: "paste the source back where the mask is black, or say `masks: false`",
        needs: Level::Work,
        gives: Level::Nothing,
        run: masks,
    },
    Case {
        name: "output_size",
        expected: "a picture of the size that is asked for, or a failure or note that says why not",
        advice: "resize to `output_size`, or say in `notes` what size it is",
        needs: Level::Work,
        gives: Level::Nothing,
        run: output_size,
    },
    Case {
        name: "trajectories",
        expected: "trajectories that come along are whole: latents, times, noise levels and probabilities fit each other",
        advice: "give latents of [steps + 1, shape…], as many times and probabilities as steps, one more noise level",
        needs: Level::Work,
        gives: Level::Nothing,
        run: trajectories,
    },
    Case {
        name: "adopt",
        expected: "going back to the first weights is answered with their version and a checksum, and changes nothing",
        advice: "answer `adopt` of `base` with the version that was named, and a checksum of the weights",
        needs: Level::Work,
        gives: Level::Nothing,
        run: adopt,
    },
    Case {
        name: "adopt_nothing",
        expected: "weights that are not there are refused, and the earlier ones stay in force",
        advice: "load other weights beside those in force, and change over only when all went well",
        needs: Level::Work,
        gives: Level::Nothing,
        run: adopt_nothing,
    },
];

/// The card of an editor.
pub(super) fn editor_card<'a>(bench: &'a Bench<'_>) -> Option<&'a EditorCard> {
    match bench.card() {
        Some(Card::Editor(card)) => Some(card),
        _ => None,
    }
}

fn one_picture(bench: &mut Bench<'_>, ask: Ask) -> Result<Result<Made, String>, Fault> {
    match bench.ask(&[ask])?.into_iter().next() {
        Some(Product::Picture(made)) => Ok(Ok(made)),
        Some(Product::Failed(failed)) => Ok(Err(failed.message)),
        _ => Err(Fault::new("it gave no picture")),
    }
}

fn masks(bench: &mut Bench<'_>) -> Outcome {
    if !editor_card(bench).is_some_and(|card| card.masks) {
        return not_applicable("its card does not say `masks`");
    }
    let source = scene(0.5).inline();
    let ask = Ask { mask: Some(right_half().inline()), ..Ask::of(source.clone()) };
    let made = one_picture(bench, ask)?.map_err(|why| Fault::new(format!("with a mask it failed: {why}")))?;
    let before = bench.measure(1)?.pixels(&source).map_err(Fault::new)?;
    if (before.width, before.height) != (made.pixels.width, made.pixels.height) {
        return Err(Fault::new(format!(
            "the picture is {}x{}, its source is not",
            made.pixels.width, made.pixels.height
        )));
    }
    // At the edge of a mask, blending is fine.
    let kept = before.width / 2 - before.width / 8;
    let changed = mean_difference(&before, &made.pixels, |x, _| x < kept);
    match changed {
        ..=8.0 => well(format!("outside of the mask it changed by {changed:.1} of 255")),
        _ => Err(Fault::new(format!("outside of the mask it changed by {changed:.1} of 255"))),
    }
}

fn output_size(bench: &mut Bench<'_>) -> Outcome {
    if bench.kind() == PluginKind::Reward {
        return not_applicable("rewards make no pictures");
    }
    let size = Size { width: 96, height: 80 };
    let ask = Ask { size: Some(size), ..Ask::of(scene(0.5).inline()) };
    match one_picture(bench, ask)? {
        Err(why) => well(format!("refused: {why}")),
        Ok(made) if (made.pixels.width, made.pixels.height) == (96, 80) => well("as asked for"),
        Ok(made) if !made.notes.is_empty() => well(format!("another size, with a note: {}", made.notes.join("; "))),
        Ok(made) => {
            let (width, height) = (made.pixels.width, made.pixels.height);
            Err(Fault::new(format!("a picture of {width}x{height} for 96x80, without a word")))
        }
    }
}

fn trajectories(bench: &mut Bench<'_>) -> Outcome {
    // Whether they are whole was looked at with each answer.
    match bench.trajectories {
        0 if bench.has(Feature::Trajectories) => {
            not_applicable("it names the feature `trajectories` and told none: --config may have to ask for them")
        }
        0 => not_applicable("it does not name the feature `trajectories`"),
        count => well(format!("{count} of them")),
    }
}

/// The answer to taking up other weights.
fn take_up(bench: &mut Bench<'_>, kind: WeightsKind) -> Result<Result<Adopted, String>, Fault> {
    let timeout = bench.timeout();
    let version = "check-1".to_owned();
    let ask = |session: &mut Session| -> Result<Answer, Trouble> {
        let id = session.begin(Method::Adopt(AdoptParameters { version, kind, scale: 1.0 }), timeout);
        Ok(session.finish(id, Instant::now() + timeout)?.answer)
    };
    match bench.with(ask)? {
        Answer::Adopted { weights, .. } => Ok(Ok(weights)),
        Answer::Failed { why, .. } if why.message.trim().is_empty() => {
            Err(Fault::new("it failed without a word of why"))
        }
        Answer::Failed { why, .. } => Ok(Err(why.message)),
        _ => Err(Fault::new("it answered `adopt` with something else")),
    }
}

fn can_adopt(bench: &Bench<'_>) -> bool {
    bench.has(Feature::Adopt) && editor_card(bench).is_some_and(|card| card.adopts.adapters || card.adopts.checkpoints)
}

fn adopt(bench: &mut Bench<'_>) -> Outcome {
    if !can_adopt(bench) {
        return not_applicable("it takes up no other weights");
    }
    let ask = Ask::of(scene(0.5).inline());
    let before = bench.ask(std::slice::from_ref(&ask))?;
    let adopted = take_up(bench, WeightsKind::Base)?.map_err(|why| Fault::new(format!("it failed: {why}")))?;
    if adopted.version != "check-1" || adopted.checksum.trim().is_empty() {
        let Adopted { version, checksum } = adopted;
        return Err(Fault::new(format!("version {version:?} with the checksum {checksum:?}, for version \"check-1\"")));
    }
    stays_the_same(bench, &ask, &before)?;
    well(format!("the first weights have the checksum {}", adopted.checksum))
}

fn adopt_nothing(bench: &mut Bench<'_>) -> Outcome {
    if !can_adopt(bench) {
        return not_applicable("it takes up no other weights");
    }
    let ask = Ask::of(scene(0.5).inline());
    let before = bench.ask(std::slice::from_ref(&ask))?;
    let nowhere = bench.spool().folder().join("host/no-such-weights").display().to_string();
    let takes_adapters = editor_card(bench).is_some_and(|card| card.adopts.adapters);
    let kind = if takes_adapters { WeightsKind::Adapter(nowhere) } else { WeightsKind::Checkpoint(nowhere) };
    let Err(why) = take_up(bench, kind)? else {
        return Err(Fault::new("it took up weights from a folder that is not there"));
    };
    stays_the_same(bench, &ask, &before)?;
    well(format!("refused: {why}"))
}

fn stays_the_same(bench: &mut Bench<'_>, ask: &Ask, before: &[super::super::work::Product]) -> Result<(), Fault> {
    let after = bench.ask(std::slice::from_ref(ask))?;
    let has_seeds = editor_card(bench).is_some_and(|card| card.seed_bits.is_some());
    match differences(before, &after).into_iter().next().filter(|_| has_seeds) {
        Some((_, difference)) => Err(Fault::new(format!("before and after it gave {difference}"))),
        None => Ok(()),
    }
}
