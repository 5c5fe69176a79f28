//! Texts of recipes that are right, of every kind: a file for each family.

mod apart;
mod asking;
mod concluding;
mod curating;
mod editors;
mod local;
mod pausing;
mod policies;
mod remote;
mod remote_editors;
mod rest;
mod rewards;
mod rollout;
mod scoring;
mod text;

use proptest::prelude::*;

use self::concluding::conclusion;
use self::curating::curate;
use self::editors::editors;
use self::policies::{asking, search};
use self::rest::rest;
use self::rewards::{combine, gates, rewards};
use self::rollout::rollout;
use self::text::line;

/// The text of a recipe that is right.
pub(crate) fn valid() -> impl Strategy<Value = String> {
    let judged = rewards().prop_flat_map(|(names, lines)| {
        let asked = asking(names.clone()).prop_flat_map({
            let names = names.clone();
            move |(search, critics)| (conclusion(&search, &names), Just((search, critics)))
        });
        (Just(lines), gates(names.clone()), curate(names), asked.boxed())
    });
    // On the heap: all together are too large for the stack of a thread that was not optimised.
    let parts = (editors().boxed(), judged.boxed(), combine().boxed(), rest().boxed(), rollout().boxed());
    parts.prop_map(|(editors, judged, combine, rest, rollout)| {
        let (rewards, gates, curate, (conclusion, (search, critics))) = judged;
        let judging = format!("{rewards}{combine}{gates}{critics}");
        format!("version: 1\n{editors}{judging}search: {search}\n{conclusion}{rest}{rollout}{curate}")
    })
}

/// The text of a recipe that is right to judge with, and its editor and search, without which it is so too.
pub(crate) fn valid_apart() -> impl Strategy<Value = (String, String)> {
    let judged = rewards().prop_flat_map(|(names, lines)| (Just(lines), gates(names.clone()), search(names)));
    let budget = line("budget", (1u64..(1 << 53)).prop_map(|calls| format!("{{reward_calls: {calls}}}")));
    // The weights of a policy are those of one of the editors, which may not be there.
    let rollout = rollout().prop_filter("no policy", |rollout| !rollout.contains("policy: "));
    (editors(), judged, budget, rollout).prop_map(|(editors, (rewards, gates, search), budget, rollout)| {
        (format!("version: 1\n{rewards}{gates}{budget}{rollout}"), format!("{editors}search: {search}\n"))
    })
}
