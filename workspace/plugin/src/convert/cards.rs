//! Cards: what a plugin says of itself, checked.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use editscale_core::{
    CancelRule, EditorCard, EditorName, KnobName, KnobScale, KnobSpec, PauseSupport, PolicySupport, Recovery,
    RewardCard, RewardKind, RewardName, Sampler, SeedRule,
};
use editscale_sdk::protocol as wire;

use super::failures::cost;
use super::readable;

/// Far more calls, or items of one, than any plugin works on at a time: a number above is a slip.
const MOST_AT_ONCE: u32 = 65_536;
const MOST_KNOBS: usize = 100;
const LONGEST_REVISION: usize = 1000;

/// The card of an editor under the recipe's name for it, or what is wrong with it.
pub(crate) fn editor_card(name: &EditorName, said: &wire::EditorCard) -> Result<EditorCard, String> {
    Ok(EditorCard {
        name: name.clone(),
        revision: revision(&said.revision)?,
        seeds: seeds(said.seed_bits)?,
        largest_batch: count("largest_batch", said.largest_batch)?,
        slots: count("slots", said.slots)?,
        edits_candidates: said.edits_candidates,
        pause: match said.pause {
            wire::PauseSupport::None => PauseSupport::None,
            wire::PauseSupport::Resume => PauseSupport::Resume,
            wire::PauseSupport::Fork => PauseSupport::Fork,
        },
        sampler: match said.sampler {
            wire::SamplerKind::Deterministic => Sampler::Deterministic,
            wire::SamplerKind::Stochastic => Sampler::Stochastic,
        },
        cancel: match said.cancel {
            wire::CancelRule::Promptly => CancelRule::Promptly,
            wire::CancelRule::WithinStep => CancelRule::WithinStep,
            wire::CancelRule::WhenDone => CancelRule::WhenDone,
        },
        masks: said.masks,
        steers_noise: false,
        steps: None,
        knobs: knobs(&said.knobs)?,
        cost: cost(said.cost),
        recovery: match said.recovery {
            wire::Recovery::Repeat => Recovery::Repeat,
            wire::Recovery::Unknown => Recovery::Unknown,
        },
    })
}

/// Which weights an editor can take up.
pub(crate) fn support(said: wire::AdoptSupport) -> PolicySupport {
    PolicySupport { adapters: said.adapters, checkpoints: said.checkpoints }
}

/// The card of a reward under the recipe's name for it, or what is wrong with it.
pub(crate) fn reward_card(name: &RewardName, said: &wire::RewardCard) -> Result<RewardCard, String> {
    Ok(RewardCard {
        name: name.clone(),
        revision: revision(&said.revision)?,
        range: range(said.range)?,
        kind: match said.kind {
            wire::RewardKind::Pointwise => RewardKind::Pointwise,
            wire::RewardKind::Listwise => RewardKind::Listwise,
        },
        gives_sigma: said.gives_sigma,
        pixel_budget: pixels(said.pixel_budget)?,
        largest_batch: count("largest_batch", said.largest_batch)?,
        slots: count("slots", said.slots)?,
        cost: cost(said.cost),
    })
}

fn revision(said: &str) -> Result<Arc<str>, String> {
    let is_fine = !said.trim().is_empty() && said.len() <= LONGEST_REVISION && !said.contains(char::is_control);
    if is_fine {
        return Ok(said.into());
    }
    Err(format!(
        "its `revision` is `{}`: expected a text on one line of at most {LONGEST_REVISION} bytes that says something",
        readable(said, 80)
    ))
}

fn seeds(bits: Option<u8>) -> Result<SeedRule, String> {
    match bits {
        None => Ok(SeedRule::Ignored),
        Some(bits @ 1..=53) => Ok(SeedRule::Reproducible { bits }),
        Some(bits) => Err(format!("its `seed_bits` is {bits}: expected 1 to 53, or none")),
    }
}

fn count(what: &str, said: u32) -> Result<NonZeroU32, String> {
    NonZeroU32::new(said)
        .filter(|said| said.get() <= MOST_AT_ONCE)
        .ok_or_else(|| format!("its `{what}` is {said}: expected 1 to {MOST_AT_ONCE}"))
}

fn pixels(said: Option<u64>) -> Result<Option<u64>, String> {
    match said {
        Some(0) => Err("its `pixel_budget` is 0: expected at least one pixel, or none".into()),
        fine => Ok(fine),
    }
}

fn range(said: Option<(f64, f64)>) -> Result<Option<(f64, f64)>, String> {
    match said {
        Some((low, high)) if !(low.is_finite() && high.is_finite() && low < high) => {
            Err(format!("its `range` is {low} to {high}: expected two finite numbers, the lesser first"))
        }
        fine => Ok(fine),
    }
}

fn knobs(said: &[wire::Knob]) -> Result<Vec<KnobSpec>, String> {
    if said.len() > MOST_KNOBS {
        return Err(format!("it has {} knobs: expected at most {MOST_KNOBS}", said.len()));
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = said.iter().find(|knob| !names.insert(&knob.name)) {
        return Err(format!("it has the knob `{}` twice", readable(&twice.name, 80)));
    }
    said.iter().map(knob).collect()
}

fn knob(said: &wire::Knob) -> Result<KnobSpec, String> {
    let wire::Knob { low, high, default, scale, .. } = *said;
    let name = KnobName::new(&said.name).map_err(|error| error.to_string())?;
    let wrong =
        |expected: &str| Err(format!("its knob `{name}` goes from {low} to {high}, usually {default}: {expected}"));
    if ![low, high, default].into_iter().all(f64::is_finite) {
        return wrong("expected finite numbers");
    }
    if low >= high || !(low..=high).contains(&default) {
        return wrong("expected the lesser end first, and what is usual between them");
    }
    let scale = match scale {
        wire::KnobScale::Linear => KnobScale::Linear,
        wire::KnobScale::Logarithmic if low > 0.0 => KnobScale::Logarithmic,
        wire::KnobScale::Logarithmic => return wrong("expected an end above 0 on a logarithmic scale"),
    };
    Ok(KnobSpec { name, low, high, default, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> wire::EditorCard {
        wire::EditorCard {
            revision: "r1".into(),
            seed_bits: Some(53),
            largest_batch: 8,
            slots: 2,
            edits_candidates: true,
            pause: wire::PauseSupport::Fork,
            sampler: wire::SamplerKind::Stochastic,
            cancel: wire::CancelRule::WithinStep,
            masks: true,
            knobs: vec![wire::Knob {
                name: "strength".into(),
                low: 0.1,
                high: 2.0,
                default: 1.0,
                scale: wire::KnobScale::Logarithmic,
            }],
            cost: wire::CostNumbers { nfe: 28, ..wire::CostNumbers::default() },
            recovery: wire::Recovery::Repeat,
            adopts: wire::AdoptSupport::default(),
        }
    }

    type Slip = (fn(&mut wire::EditorCard), &'static str);

    #[test]
    fn slips_on_a_card_are_named() {
        let name = EditorName::new("mine").unwrap();
        assert!(editor_card(&name, &card()).is_ok());
        let slips: [Slip; 13] = [
            (|card| card.revision = " ".into(), "`revision`"),
            (|card| card.revision = "a\nb".into(), "`revision`"),
            (|card| card.seed_bits = Some(0), "`seed_bits` is 0"),
            (|card| card.seed_bits = Some(54), "`seed_bits` is 54"),
            (|card| card.slots = 0, "`slots` is 0"),
            (|card| card.slots = 65_537, "`slots` is 65537: expected 1 to 65536"),
            (|card| card.largest_batch = u32::MAX, "`largest_batch`"),
            (|card| card.knobs.push(card.knobs[0].clone()), "`strength` twice"),
            (|card| card.knobs[0].name = "a b".into(), "`a b` is not a knob name"),
            (|card| card.knobs[0].high = f64::INFINITY, "finite numbers"),
            (|card| card.knobs[0].default = 3.0, "what is usual between"),
            (|card| card.knobs[0].low = 0.0, "logarithmic"),
            (|card| card.knobs = vec![card.knobs[0].clone(); 101], "101 knobs"),
        ];
        for (slip, words) in slips {
            let mut said = card();
            slip(&mut said);
            let error = editor_card(&name, &said).unwrap_err();
            assert!(error.contains(words), "{words}: {error}");
        }
        let most = wire::EditorCard { slots: 65_536, largest_batch: 65_536, ..card() };
        assert!(editor_card(&name, &most).is_ok(), "the protocol allows so many");
        assert!(pixels(Some(0)).is_err() && pixels(Some(1)).is_ok());
        for range in [(0.0, f64::NAN), (1.0, 1.0), (f64::NEG_INFINITY, 0.0)] {
            assert!(super::range(Some(range)).is_err(), "{range:?}");
        }
    }
}
