//! What the cards of all editors behind HTTP have in common.

use editscale_core::{Cost, EditorCard, EditorName, Recovery};

use crate::fleet::Connection;
use crate::price::Prices;
use crate::trouble::retry::Repeat;

/// The card of an editor that makes one picture a request out of any picture, cannot be paused, and has nothing else special
/// about it.
pub(crate) fn plain(name: &EditorName, connection: &Connection, revision: String, cost: Cost) -> EditorCard {
    EditorCard { slots: connection.slots(), cost, ..EditorCard::plain(name.clone(), revision) }
}

/// A revision with what a recipe adds to it.
pub(crate) fn revised(text: String, revision: Option<&String>) -> String {
    match revision {
        Some(revision) => format!("{text} @{revision}"),
        None => text,
    }
}

/// What a server of one's own is asked again where an answer got lost: the same seed gives the same picture, so that asking
/// twice harms nobody unless somebody pays.
pub(crate) fn repeat_where_free(prices: &Prices) -> Repeat {
    if prices.are_nothing() { Repeat::Harmless } else { Repeat::Never }
}

/// How an edit is found again whose answer got lost with this program.
pub(crate) fn recovery(repeat: Repeat) -> Recovery {
    match repeat {
        Repeat::Never => Recovery::Unknown,
        Repeat::Harmless => Recovery::Repeat,
        Repeat::Keyed => Recovery::Idempotent,
    }
}
