//! The ways to choose under study.

use super::curves::Rule;
use super::pool::{NANO, PHOTOMETRIC};

const fn by_nano(name: &'static str, recipe: fn(u32) -> String) -> Rule {
    Rule { name, judges: &[NANO], recipe }
}

/// All of them; what decides beside the learned judge is named.
pub(super) const RULES: &[Rule] = &[
    by_nano("raw", |count| format!("search: {{best_of_n: {{samples: {count}}}}}")),
    by_nano("gate on quality", |count| {
        format!("gates: [{{reward: nano, part: visual_quality, at_least: 1.0}}]\nsearch: {{best_of_n: {{samples: {count}}}}}")
    }),
    Rule {
        name: "ranks with photometric",
        judges: &[NANO, PHOTOMETRIC],
        recipe: |count| format!("combine: {{mean_rank: {{}}}}\nsearch: {{best_of_n: {{samples: {count}}}}}"),
    },
];

/// Whether the plots show a rule: more lines than these cannot be told apart.
pub(super) fn is_drawn(name: &str) -> bool {
    !name.contains(", ")
}
