//! The report of a choice: what was kept, what was not and why, and how much that depends on how it was asked.
//!
//! One page that needs no other. Its size does not grow with the data set: numbers are counted, and only as many examples are
//! shown as [`wanted`] names.

mod dropped;
mod example;
mod fates;
mod gather;
mod scores;
mod sensitivity;
mod tallies;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use editscale_page::{Document, count, document, fact, facts, percent, section};
use editscale_study::curation::{Decile, DropReason, Side};
use maud::Markup;

use crate::choice::{Chosen, Fate};
use crate::review::Agreement;

pub use example::{Example, Examples, Remembered};
pub use gather::gather;
pub use tallies::{Tallies, Tally};

/// Examples that a page shows at most.
const MOST_EXAMPLES: usize = 200;

/// Examples of each reason to drop.
const EXAMPLES_OF_REASON: usize = 4;

/// What a report says beside the choice.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What the data set is called.
    pub dataset: String,
    /// Further facts, in their order: the recipe and its digest, when, with which program.
    pub more: Vec<(String, String)>,
    /// The rewards that judged.
    pub judges: Vec<Judge>,
    /// The rules of the choice in words: what, and how.
    pub rules: Vec<(String, String)>,
    /// κ of the choice, for what is drawn.
    pub kappa: f64,
    /// Values of carried columns, such as licences, among all records and among those kept.
    pub tallies: Vec<Tally>,
    /// How people's verdicts agree with the rewards, where people were asked.
    pub agreement: Option<Agreement>,
    /// Commands that choose again and review, one a line.
    pub commands: Vec<String>,
}

/// A reward that judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judge {
    /// What the recipe calls it.
    pub name: String,
    /// Its revision, as its card says it.
    pub revision: String,
    /// What it counts, in words.
    pub weight: String,
}

/// The records that a report of this choice shows, by row and edited picture. Whoever writes it reads these from the table of
/// records in one pass, and keeps them: at most 200, whatever the data set's size.
pub fn wanted(chosen: &Chosen) -> BTreeSet<(u64, u32)> {
    let plan = Plan::of(chosen);
    let places = plan.deciles.iter().flat_map(|(_, places)| places).chain(plan.strata.values().flatten());
    let places = places.chain(plan.dropped.values().flatten());
    places.filter_map(|place| chosen.fated.get(*place as usize)).map(|fated| (fated.row, fated.candidate)).collect()
}

/// The page.
pub fn report(about: &Facts, chosen: &Chosen, examples: &dyn Examples) -> String {
    let plan = Plan::of(chosen);
    let numbers = Numbers::of(chosen);
    let sections: Vec<Option<Markup>> = vec![
        Some(section("summary", "In short", facts(&summary(about, chosen, &numbers)))),
        fates::section(chosen),
        scores::section(about, chosen, &plan, examples),
        scores::deciles(chosen, &plan, examples),
        dropped::section(chosen, &plan, examples),
        sensitivity::to_kappa(about, chosen),
        sensitivity::to_judges(chosen),
        told::people(about),
        tallies::section(&about.tallies),
        Some(told::how(about)),
    ];
    let lead = format!(
        "Of {} edited pictures of {} rows, {} are kept ({}).",
        count(numbers.records),
        count(numbers.rows),
        count(numbers.kept()),
        percent(numbers.kept(), numbers.records)
    );
    let title = format!("Curation of {}", about.dataset);
    document(&Document { title, lead, sections: sections.into_iter().flatten().collect() })
}

/// Which examples are shown where, as places in [`Chosen::fated`].
#[derive(Debug, Default)]
struct Plan {
    /// Of each tenth of all scored records: its lowest and highest score, and examples.
    deciles: Vec<([f64; 2], Vec<u64>)>,
    /// Of the largest strata, examples from each tenth.
    strata: BTreeMap<u32, Vec<u64>>,
    /// Of each reason to drop.
    dropped: BTreeMap<DropReason, Vec<u64>>,
}

impl Plan {
    fn of(chosen: &Chosen) -> Self {
        let deciles = scores::overall(chosen);
        let deciles: Vec<([f64; 2], Vec<u64>)> = deciles
            .iter()
            .map(|decile| ([decile.low, decile.high], decile.examples.iter().map(|ranked| ranked.row).collect()))
            .collect();
        let mut left = MOST_EXAMPLES.saturating_sub(deciles.iter().map(|(_, places)| places.len()).sum());
        let mut dropped = BTreeMap::new();
        for (reason, (_, places)) in &chosen.dropped {
            let places: Vec<u64> = places.iter().take(EXAMPLES_OF_REASON.min(left)).copied().collect();
            left -= places.len();
            dropped.insert(reason.clone(), places);
        }
        let mut strata = BTreeMap::new();
        for stratum in scores::largest(chosen) {
            let Some(scores) = chosen.distributions.get(&stratum) else { continue };
            let middle = |decile: &Decile| decile.examples.get(decile.examples.len() / 2).map(|ranked| ranked.row);
            let places: Vec<u64> = scores.all.deciles.iter().filter_map(middle).collect();
            if places.len() > left || chosen.distributions.len() < 2 {
                break;
            }
            left -= places.len();
            strata.insert(stratum, places);
        }
        Self { deciles, strata, dropped }
    }
}

/// What is counted over all records.
#[derive(Debug, Default)]
struct Numbers {
    rows: u64,
    records: u64,
    scored: u64,
    train: u64,
    validation: u64,
}

impl Numbers {
    fn of(chosen: &Chosen) -> Self {
        let mut numbers = Self::default();
        let mut rows: Vec<u64> = Vec::with_capacity(chosen.fated.len());
        for fated in &chosen.fated {
            rows.push(fated.row);
            numbers.records += 1;
            numbers.scored += u64::from(fated.score.is_some());
            match &fated.fate {
                Fate::Kept(Side::Train) => numbers.train += 1,
                Fate::Kept(Side::Validation) => numbers.validation += 1,
                Fate::Dropped(_) => {}
            }
        }
        rows.sort_unstable();
        rows.dedup();
        numbers.rows = rows.len() as u64;
        numbers
    }

    fn kept(&self) -> u64 {
        self.train + self.validation
    }
}

fn summary(about: &Facts, chosen: &Chosen, numbers: &Numbers) -> Vec<(String, String)> {
    let mut said = vec![
        fact("Rows", count(numbers.rows)),
        fact("Edited pictures", count(numbers.records)),
        fact("With a score", count(numbers.scored)),
        fact("Kept", count(numbers.kept())),
    ];
    if numbers.validation > 0 {
        said.push(fact("For training", count(numbers.train)));
        said.push(fact("For validation", count(numbers.validation)));
    }
    said.push(fact("Dropped", count(numbers.records - numbers.kept())));
    said.push(fact("Strata", count(chosen.strata.len() as u64)));
    said.push(fact("Groups of near duplicates", count(chosen.near_duplicate_groups)));
    if let Some(lowest) = chosen.lowest {
        said.push(fact("Lowest that is kept", editscale_page::number(lowest)));
        said.push(fact("Within σ of the cut", count(chosen.near_lowest)));
    }
    if let Some(agreement) = &about.agreement {
        said.push(fact("People's verdicts", count(agreement.verdicts())));
    }
    said
}
