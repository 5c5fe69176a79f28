//! Judgements: what is to be judged, and what comes of it.

use std::collections::BTreeSet;

use editscale_core::{Counters, Failure, Judgement, Part, PartName, RewardCard, RewardItem, Score};
use editscale_sdk::protocol as wire;

use super::failures::checked_cost;
use super::pictures::Outgoing;

/// The most parts that a score has.
const MOST_PARTS: usize = 1000;

/// One item on its way.
pub(crate) fn item(item: &RewardItem, pictures: &mut Outgoing<'_>) -> Result<wire::RewardItem, Failure> {
    Ok(wire::RewardItem {
        source: pictures.place(&item.request.source)?,
        candidate: pictures.place(&item.candidate)?,
        instruction: item.request.instruction.as_str().to_owned(),
        mask: item.request.mask.as_ref().map(|mask| pictures.place(mask)).transpose()?,
    })
}

/// What was judged, or what is wrong with it.
pub(crate) fn judgement(said: &wire::Judged, card: &RewardCard) -> Result<Judgement, String> {
    let score = Score::with_sigma(said.mean, said.sigma).map_err(|error| error.to_string())?;
    if let Some((low, high)) = card.range.filter(|(low, high)| !(*low..=*high).contains(&said.mean)) {
        return Err(format!("its score is {}: its card promises {low} to {high}", said.mean));
    }
    Ok(Judgement {
        score: score.with_parts(parts(&said.parts)?),
        cost: checked_cost(said.cost, card.cost)?,
        counters: Counters {
            image_encodes: said.counters.image_encodes,
            decoder_tokens: said.counters.decoder_tokens,
            ..Counters::default()
        },
    })
}

fn parts(said: &[wire::Part]) -> Result<Vec<Part>, String> {
    if said.len() > MOST_PARTS {
        return Err(format!("its score has {} parts: expected at most {MOST_PARTS}", said.len()));
    }
    let mut names = BTreeSet::new();
    let part = |part: &wire::Part| {
        let name = PartName::new(&part.name).map_err(|error| error.to_string())?;
        if !names.insert(name.clone()) {
            return Err(format!("its score has the part `{name}` twice"));
        }
        let wrong = |error| format!("the part `{name}`: {error}");
        Part::new(name.clone(), part.mean, part.sigma).map_err(wrong)
    };
    said.iter().map(part).collect()
}
