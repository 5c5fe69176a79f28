//! Values of carried columns, such as licences, among all records and among those kept.

use std::collections::BTreeMap;

use editscale_page::{Column, Table, count, percent, section as headed, shortened};
use maud::{Markup, html};
use serde_json::Value as Json;

use crate::Record;

/// A column with more different values than this tells records apart, and is not tallied.
const MOST_VALUES: usize = 256;

/// Values of a column that are shown.
const SHOWN: usize = 12;

/// A value that is longer is cut.
const LONG: usize = 80;

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// What the data set calls the column.
    pub column: String,
    /// Its values with how many records have each, and how many of those are kept; the commonest first. Empty where nearly
    /// every record has one of its own.
    pub values: Vec<(String, u64, u64)>,
}

/// How many records have a value, and how many of those are kept; nothing of a column with too many values.
type Values = Option<BTreeMap<String, (u64, u64)>>;

/// Counts values of the columns that records carry, in one pass, in a bounded space.
#[derive(Debug, Clone, Default)]
pub struct Tallies {
    columns: BTreeMap<String, Values>,
}

impl Tallies {
    /// Counts one more record.
    pub fn count(&mut self, record: &Record, is_kept: bool) {
        for (column, value) in &record.extra {
            let counts = self.columns.entry(column.clone()).or_insert_with(|| Some(BTreeMap::new()));
            let Some(values) = counts else { continue };
            let counted = values.entry(words(value)).or_default();
            counted.0 += 1;
            counted.1 += u64::from(is_kept);
            if values.len() > MOST_VALUES {
                *counts = None;
            }
        }
    }

    /// What was counted, column by column.
    pub fn finish(self) -> Vec<Tally> {
        let tally = |(column, values): (String, Values)| {
            let values = values.unwrap_or_default().into_iter();
            let mut values: Vec<(String, u64, u64)> = values.map(|(value, (all, kept))| (value, all, kept)).collect();
            values.sort_by_key(|(_, all, _)| std::cmp::Reverse(*all));
            Tally { column, values }
        };
        self.columns.into_iter().map(tally).collect()
    }
}

fn words(value: &Json) -> String {
    match value {
        Json::Null => "(none)".to_owned(),
        Json::String(text) if text.is_empty() => "(empty)".to_owned(),
        Json::String(text) => shortened(text, LONG),
        other => shortened(&other.to_string(), LONG),
    }
}

/// Tables of the columns.
pub(super) fn section(tallies: &[Tally]) -> Option<Markup> {
    if tallies.is_empty() {
        return None;
    }
    let content = html! {
        p { "Carried columns stay with each kept row." }
        @for tally in tallies {
            @if tally.values.is_empty() {
                p { code { (tally.column) } ": more than " (MOST_VALUES) " different values." }
            } @else { (table(tally)) }
        }
    };
    Some(headed("columns", "Licences, provenance and other columns", content))
}

fn table(tally: &Tally) -> Table {
    let columns =
        vec![Column::text("Value"), Column::number("All"), Column::number("Kept"), Column::number("Kept of it")];
    let mut table = Table::new(tally.column.clone(), columns);
    for (value, all, kept) in tally.values.iter().take(SHOWN) {
        table.push([value.clone(), count(*all), count(*kept), percent(*kept, *all)]);
    }
    let others = tally.values.iter().skip(SHOWN);
    let (number, all, kept) = others.fold((0, 0, 0), |(n, all, kept), (_, a, k)| (n + 1, all + a, kept + k));
    if number > 0 {
        table.push([format!("{number} others"), count(all), count(kept), percent(kept, all)]);
    }
    table
}
