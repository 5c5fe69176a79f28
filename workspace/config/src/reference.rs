//! The whole recipe format as data, for documentation and for tools.

use editscale_schema::remote::{CALL_KEYS, KNOB_KEYS, POLL_KEYS, PRICE_KEYS, SERVER_KEYS};
use editscale_schema::{Table, table};

use crate::calibration::CALIBRATION_KEYS;
use crate::critics::CRITIC_KEYS;
use crate::finalists::FINALIST_KEYS;
use crate::gates::GATE_KEYS;
use crate::retain::RETAIN_CHOICE;
use crate::rewards::REWARD_KEYS;
use crate::sections::KEYS;
use crate::{Catalogue, budget, curate, output, retry, rollout, stop};

/// Every map that a recipe can hold, with all of its keys, in the order of `docs/recipes.md`.
pub fn schema(catalogue: &Catalogue) -> Vec<Table> {
    let mut tables = vec![table("", "The recipe itself.", KEYS)];
    tables.extend(catalogue.editor_kinds().tables());
    tables.push(table("rewards[]", "A reward and what it counts.", REWARD_KEYS));
    tables.push(table(
        "calibration",
        "A monotone map from a reward's scores to people's scale. Its score before the map is its part `uncalibrated`.",
        CALIBRATION_KEYS,
    ));
    tables.extend(catalogue.reward_kinds().tables());
    tables.push(table("critics[]", "A critic: what writes about candidates.", CRITIC_KEYS));
    tables.extend(catalogue.critic_kinds().tables());
    tables.push(table("servers[]", "A server of an editor, a reward or a critic.", SERVER_KEYS));
    tables.push(table("calls", "How patiently servers are called, and how often again.", CALL_KEYS));
    tables.push(table("polls", "How a job is asked about until it ends.", POLL_KEYS));
    tables.push(table(
        "prices",
        "What calls cost, in US dollars. Money is counted in millionths; `budget: {usd}` is kept by what a call can cost at most.",
        PRICE_KEYS,
    ));
    tables.push(table("knobs.NAME", "A numeric field of a server that a search may turn.", KNOB_KEYS));
    tables.extend(catalogue.objective_kinds().tables());
    tables.push(table("gates[]", "A condition that bars a candidate from winning.", GATE_KEYS));
    tables.extend(catalogue.policy_kinds().tables());
    tables.extend(catalogue.selection_kinds().tables());
    tables.push(table(
        "finalists",
        "Who is judged again when a search ends: the best by what was said of them now win, ahead of all others.",
        FINALIST_KEYS,
    ));
    tables.push(table("stop", "When to end before the plan is done.", stop::KEYS));
    tables.push(table("budget", "What a run may spend. It is never exceeded, failures included.", budget::KEYS));
    tables.extend(RETAIN_CHOICE.tables());
    tables.push(table("retry", "How patiently work is tried again after a failure that may pass.", retry::KEYS));
    tables.push(table("output", "How results are written.", output::KEYS));
    tables.extend(rollout::tables());
    tables.extend(curate::tables());
    tables
}
