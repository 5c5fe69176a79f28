//! What was dropped, and why.

use editscale_page::{Column, Table, count, percent, section as headed};
use maud::{Markup, html};

use super::example::cards;
use super::{Examples, Plan};
use crate::choice::Chosen;

/// Each reason with its count, and examples of it.
pub(super) fn section(chosen: &Chosen, plan: &Plan, examples: &dyn Examples) -> Option<Markup> {
    if chosen.dropped.is_empty() {
        return None;
    }
    let columns = vec![Column::text("Reason"), Column::number("Edited pictures"), Column::number("Of all")];
    let mut table = Table::new("Why records were dropped, in the order in which reasons apply", columns);
    let all = chosen.fated.len() as u64;
    for (reason, (records, _)) in &chosen.dropped {
        table.push([reason.to_string(), count(*records), percent(*records, all)]);
    }
    let content = html! {
        (table)
        @for (reason, places) in &plan.dropped {
            @if let Some(cards) = cards(chosen, places, examples) { h3 { (reason.to_string()) } (cards) }
        }
    };
    Some(headed("dropped", "What was dropped, and why", content))
}
