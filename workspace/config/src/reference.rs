//! The whole recipe format as data, for documentation and for tools.

use crate::combine::GATE_KEYS;
use crate::policies::EDGE_KEYS;
use crate::rewards::REWARD_KEYS;
use crate::schema::key::table;
use crate::sections::KEYS;
use crate::{Combine, EditorModel, Policy, Retain, RewardModel, Table, budget, output, retry, stop};

/// Every map that a recipe can hold, with all of its keys, in the order of `docs/recipes.md`.
pub fn schema() -> Vec<Table> {
    let mut tables = vec![table("", "The recipe itself.", KEYS)];
    tables.extend(EditorModel::tables());
    tables.push(table("rewards[]", "A reward and what it counts.", REWARD_KEYS));
    tables.extend(RewardModel::tables());
    tables.extend(Combine::tables());
    tables.push(table("gates[]", "A condition that bars a candidate from winning.", GATE_KEYS));
    tables.extend(Policy::tables());
    tables.push(table(
        "search.beam.edges",
        "The shares in which children are made; at least one is above 0.",
        EDGE_KEYS,
    ));
    tables.push(table("stop", "When to end before the plan is done.", stop::KEYS));
    tables.push(table("budget", "What a run may spend. It is never exceeded, failures included.", budget::KEYS));
    tables.extend(Retain::tables());
    tables.push(table("retry", "How patiently work is tried again after a failure that may pass.", retry::KEYS));
    tables.push(table("output", "How results are written.", output::KEYS));
    tables
}
