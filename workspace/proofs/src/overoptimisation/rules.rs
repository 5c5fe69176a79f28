//! The ways to choose under study.

use super::curves::Rule;
use super::pool::{NANO, PHOTOMETRIC};

const fn by_nano(name: &'static str, recipe: fn(u32) -> String) -> Rule {
    Rule { name, judges: &[NANO], recipe }
}

/// All of them; what decides beside the learned judge is named.
pub(super) const RULES: &[Rule] = &[
    by_nano("raw", best),
    by_nano("lower bound, κ = 1", |count| bound(1.0, count)),
    by_nano("lower bound, κ = 3", |count| bound(3.0, count)),
    by_nano("soft, 4 share the weight", |count| select("soft: {target_ess: 4}", count)),
    by_nano("soft, 8 share the weight", |count| select("soft: {target_ess: 8}", count)),
    by_nano("pessimistic, β = 1 deviation", |count| select("pessimistic: {}", count)),
    by_nano("pessimistic, β = 3 deviations", |count| select("pessimistic: {relative_beta: 3.0}", count)),
    by_nano("regularised, β = 1 deviation", |count| select("regularised: {}", count)),
    by_nano("regularised, β = 4 deviations", |count| select("regularised: {relative_strength: 4.0}", count)),
    by_nano("gate on quality", |count| {
        format!("gates: [{{reward: nano, part: visual_quality, at_least: 1.0}}]\n{}", best(count))
    }),
    Rule {
        name: "ranks with photometric",
        judges: &[NANO, PHOTOMETRIC],
        recipe: |count| format!("combine: {{mean_rank: {{}}}}\n{}", best(count)),
    },
    Rule { name: "photometric alone", judges: &[PHOTOMETRIC], recipe: best },
];

fn best(count: u32) -> String {
    format!("search: {{best_of_n: {{samples: {count}}}}}")
}

fn bound(kappa: f64, count: u32) -> String {
    format!("combine: {{lower_bound: {{kappa: {kappa}}}}}\n{}", best(count))
}

fn select(how: &str, count: u32) -> String {
    format!("{}\nselect: {{{how}}}", best(count))
}

/// Whether the plots show a rule: more lines than these cannot be told apart.
pub(super) fn is_drawn(name: &str) -> bool {
    ["raw", "lower bound, κ = 1", "soft, 4 share the weight", "pessimistic, β = 1 deviation", "ranks with photometric"]
        .contains(&name)
}
