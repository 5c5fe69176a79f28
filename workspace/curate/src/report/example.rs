//! One record as people look at it: both pictures, the instruction, what was said of it, what became of it.

use std::collections::BTreeMap;
use std::fmt;

use editscale_page::{Picture, number, shortened};
use maud::{Markup, html};

use crate::Record;
use crate::choice::{Chosen, Fate};
use crate::review::fate_words;

/// An instruction with more characters than this is cut.
const LONG: usize = 220;

/// More values than this are left to the table of records.
const MOST_VALUES: usize = 6;

/// A record with small copies of its pictures.
#[derive(Debug, Clone)]
pub struct Example {
    /// What is known of it.
    pub record: Record,
    /// The picture before; nothing where it cannot be shown.
    pub source: Option<Picture>,
    /// The picture after; nothing where it cannot be shown.
    pub edited: Option<Picture>,
}

/// Where examples come from.
pub trait Examples: fmt::Debug {
    /// The record of this row and edited picture; nothing where it is not at hand.
    fn example(&self, row: u64, candidate: u32) -> Option<Example>;
}

/// Examples that are held in memory, with their pictures as long as they fit into a number of bytes.
#[derive(Debug)]
pub struct Remembered {
    examples: BTreeMap<(u64, u32), Example>,
    left: usize,
}

impl Remembered {
    /// Examples of which pictures may take `bytes` together, as text; those that come later go without.
    pub fn new(bytes: usize) -> Self {
        Self { examples: BTreeMap::new(), left: bytes }
    }

    /// One more.
    pub fn insert(&mut self, mut example: Example) {
        let size = |picture: &Option<Picture>| picture.as_ref().map_or(0, |picture| picture.url.len());
        let both = size(&example.source) + size(&example.edited);
        if let Some(left) = self.left.checked_sub(both) {
            self.left = left;
        } else {
            (example.source, example.edited) = (None, None);
        }
        self.examples.insert((example.record.row, example.record.candidate), example);
    }
}

impl Examples for Remembered {
    fn example(&self, row: u64, candidate: u32) -> Option<Example> {
        self.examples.get(&(row, candidate)).cloned()
    }
}

/// Cards of the records at these places of the choice; nothing where none is at hand.
pub(super) fn cards(chosen: &Chosen, places: &[u64], examples: &dyn Examples) -> Option<Markup> {
    let shown: Vec<Markup> = places
        .iter()
        .filter_map(|place| chosen.fated.get(*place as usize))
        .filter_map(|fated| Some(card(&examples.example(fated.row, fated.candidate)?, &fated.fate, fated.bound)))
        .collect();
    (!shown.is_empty()).then(|| html! { ul.cards { @for card in &shown { (card) } } })
}

fn card(example: &Example, fate: &Fate, bound: Option<f64>) -> Markup {
    let record = &example.record;
    let is_kept = matches!(fate, Fate::Kept(_));
    html! {
        li.card {
            div.two { (shown(example.source.as_ref(), "source")) (shown(example.edited.as_ref(), "edited picture")) }
            div.said {
                p.amount {
                    (amount(record)) " "
                    span class={ "badge" @if is_kept { " kept" } } { @if is_kept { "kept" } @else { "dropped" } }
                }
                p.instruction { (shortened(&record.instruction, LONG)) }
                @if !is_kept { p.small { (fate_words(fate)) } }
                @if let Some(why) = &record.failure { p.small { (shortened(why, LONG)) } }
                (values(record))
                p.small {
                    "row " (record.row) @if record.candidate > 0 { ", picture " (record.candidate + 1) } " · " (record.row_id)
                    @if let Some(bound) = bound.filter(|bound| record.score != Some(*bound)) { " · μ − κσ " (number(bound)) }
                }
            }
        }
    }
}

fn shown(picture: Option<&Picture>, what: &str) -> Markup {
    if let Some(picture) = picture {
        html! { (picture) }
    } else {
        html! { span.missing { "no " (what) " to show" } }
    }
}

fn amount(record: &Record) -> String {
    match (record.score, record.sigma) {
        (Some(score), Some(sigma)) => format!("{} ± {}", number(score), number(sigma)),
        (Some(score), None) => number(score),
        (None, _) => "no score".to_owned(),
    }
}

fn values(record: &Record) -> Markup {
    // With one reward, its mean is the score.
    let is_told = |name: &str| record.said.len() > 1 || name.contains('.');
    let said = record.said.iter().filter(|(name, _)| is_told(name)).take(MOST_VALUES);
    html! {
        dl.values {
            @for (name, value) in said {
                div {
                    dt { (name.replace('_', " ")) }
                    dd { (number(value.mean)) @if let Some(sigma) = value.sigma { " ± " (number(sigma)) } }
                }
            }
        }
    }
}
