//! The whole recipe format as data, for documentation and for tools.

use crate::combine::GATE_KEYS;
use crate::editors::INPUT_KEYS;
use crate::policies::EDGE_KEYS;
use crate::remote::{CALL_KEYS, KNOB_KEYS, POLL_KEYS, PRICE_KEYS, SERVER_KEYS};
use crate::rewards::{PROMPT_KEYS, QUESTION_KEYS, REWARD_KEYS};
use crate::schema::key::table;
use crate::sections::KEYS;
use crate::{Combine, EditorModel, Policy, Retain, RewardModel, Table, budget, output, retry, stop};

/// Every map that a recipe can hold, with all of its keys, in the order of `docs/recipes.md`.
pub fn schema() -> Vec<Table> {
    let mut tables = vec![table("", "The recipe itself.", KEYS)];
    tables.extend(EditorModel::tables());
    tables.push(table("editor.submit_poll.inputs", "What a model calls its inputs.", INPUT_KEYS));
    tables.push(table("rewards[]", "A reward and what it counts.", REWARD_KEYS));
    tables.extend(RewardModel::tables());
    tables.push(table("model.chat_judge.prompts", "Prompts that take the place of ours.", PROMPT_KEYS));
    tables.push(table("model.chat_judge.questions[]", "A question of your own, in the place of ours.", QUESTION_KEYS));
    tables.push(table("servers[]", "A server of an editor or a reward.", SERVER_KEYS));
    tables.push(table("calls", "How patiently servers are called, and how often again.", CALL_KEYS));
    tables.push(table("polls", "How a job is asked about until it ends.", POLL_KEYS));
    tables.push(table(
        "prices",
        "What calls cost, in US dollars. Money is counted in millionths; `budget: {usd}` is kept by what a call can cost at most.",
        PRICE_KEYS,
    ));
    tables.push(table("knobs.NAME", "A numeric field of a server that a search may turn.", KNOB_KEYS));
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
