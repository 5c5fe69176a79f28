//! What became of the records of each stratum.

use std::collections::BTreeMap;

use editscale_page::plot::{Counts, StackedBars};
use maud::{Markup, html};

use super::scores::largest;
use crate::choice::{Chosen, Fate};

/// Strata that are drawn each by itself.
const MOST: usize = 16;

/// Bars of kept and dropped records, one a stratum.
pub(super) fn section(chosen: &Chosen) -> Option<Markup> {
    if chosen.fated.is_empty() {
        return None;
    }
    let mut order = largest(chosen);
    let rest = order.split_off(order.len().min(MOST));
    let place_of = |stratum: u32| order.iter().position(|other| *other == stratum).unwrap_or(order.len());
    let bars = order.len() + usize::from(!rest.is_empty());
    let mut parts: BTreeMap<Option<String>, Vec<f64>> = BTreeMap::new();
    for fated in &chosen.fated {
        let part = match &fated.fate {
            Fate::Kept(_) => None,
            Fate::Dropped(reason) => Some(reason.to_string()),
        };
        if let Some(count) = parts.entry(part).or_insert_with(|| vec![0.0; bars]).get_mut(place_of(fated.stratum)) {
            *count += 1.0;
        }
    }
    let mut names: Vec<String> = order.iter().map(|stratum| name_of(chosen, *stratum)).collect();
    if !rest.is_empty() {
        names.push(format!("{} smaller strata", rest.len()));
    }
    let plot = StackedBars {
        alt: "How many records of each stratum are kept, and why the others are not".to_owned(),
        x: "edited pictures".to_owned(),
        bars: names,
        parts: parts
            .into_iter()
            .map(|(part, counts)| Counts::new(part.unwrap_or_else(|| "kept".to_owned()), counts))
            .collect(),
    };
    let words = "Each record has the first reason that applies. Strata are drawn from the largest.";
    Some(editscale_page::section("fates", "What became of them", html! { (plot.draw().figure(words)) }))
}

/// What a stratum is called.
pub(super) fn name_of(chosen: &Chosen, stratum: u32) -> String {
    chosen.strata.get(stratum as usize).cloned().unwrap_or_else(|| format!("stratum {stratum}"))
}
