//! What is wrong with `select`, `finalists`, and objectives that have settings.

use insta::assert_snapshot;

use crate::{report, with_search};

fn concluded(conclusion: &str) -> String {
    report(with_search(&format!("{{best_of_n: {{samples: 8}}}}\n{conclusion}\n")))
}

#[test]
fn selections_that_say_too_little_or_too_much() {
    assert_snapshot!(concluded("select: {soft: {}}"));
    assert_snapshot!(concluded("select: {pessimistic: {beta: 1, relative_beta: 1}}"));
    assert_snapshot!(concluded("select: {pessimistic: {beta: 0}}"));
    assert_snapshot!(concluded("select: {pesimistic: {beta: 1}}"));
    assert_snapshot!(concluded("select: {best: {}, soft: {target_kl: 1}}"));
}

#[test]
fn what_is_drawn_already() {
    let drawn = "{reward_weighted: {samples: 8, target_ess: 2}}\nselect: {soft: {target_ess: 2}}";
    assert_snapshot!(report(with_search(drawn)));
    assert_snapshot!(concluded("select: {soft: {target_ess: 2, draw: 3}}\nfinalists: {}"));
    let own = "{reward_weighted: {samples: 8, target_ess: 2}}\nselect: {best: {}}\nfinalists: {}";
    assert!(!report(with_search(own)).contains("error"));
}

#[test]
fn finalists_that_cannot_be() {
    assert_snapshot!(concluded("finalists: {count: 1, votes: 0}"));
    assert_snapshot!(concluded("finalists: {rewards: [photometrik]}"));
    assert_snapshot!(concluded("finalists: {rewards: []}"));
    assert_snapshot!(concluded("finalists: {rewards: photometric}"));
    assert_snapshot!(concluded("finalists: {rewards: [[1]]}"));
    assert_snapshot!(concluded("finalists: 4"));
}

#[test]
fn objectives_that_cannot_be() {
    assert_snapshot!(concluded("combine: {conjunctive: {low: 1, high: 0}}"));
    assert_snapshot!(concluded("combine: {conjunctive: {low: 2}}"));
    assert_snapshot!(concluded("combine: {conjunctive: {share: 0.4}}"));
    assert_snapshot!(concluded("combine: {lower_bound: {kappa: -1}}"));
    let against = "version: 1\neditor: {darkroom: {}}\nrewards: [{model: {photometric: {}}, weight: -1}]\n\
                   search: {best_of_n: {samples: 8}}\ncombine: {conjunctive: {}}\n";
    assert_snapshot!(report(against));
}

#[test]
fn finalists_of_whom_nothing_new_is_heard() {
    let judged = |rewards: &str, rest: &str| {
        report(format!(
            "version: 1\neditor: {{darkroom: {{}}}}\nrewards: [{rewards}]\nsearch: {{best_of_n: {{samples: 8}}}}\n{rest}\n"
        ))
    };
    let measure = "{model: {photometric: {}}}";
    let judge = "{model: {chat_judge: {model: a, servers: [{url: \"https://a.example\"}]}}, name: judge}";
    let two = format!("{measure}, {{model: {{photometric: {{}}}}, name: other, weight: 0}}");
    has(
        &judged(measure, "finalists: {}"),
        "finalists are judged again by `photometric`, and the same is said each time",
    );
    has(
        &judged(&two, "finalists: {rewards: [other]}"),
        "finalists are judged again by `other`, of weight 0: nothing changes",
    );
    let gated = "finalists: {rewards: [other]}\ngates: [{reward: other, at_least: 0.5}]";
    assert!(!judged(&two, gated).contains("weight 0"), "what bars counts");
    let scarce = judged(judge, "finalists: {count: 4, votes: 3}\nbudget: {edits: 8, reward_calls: 9}");
    has(&scarce, "the search may leave 1 of the 12 reward calls that finalists take");
    has(&scarce, "raise `reward_calls` to 20 or more");
    assert_eq!(judged(judge, "finalists: {count: 4, votes: 3}\nbudget: {edits: 8, reward_calls: 20}"), "");
}

#[test]
fn features_that_nobody_gives() {
    let trees = |options: &str, reward: &str| {
        report(format!(
            "version: 1\neditor: {{darkroom: {{}}}}\nrewards: [{{model: {{photometric: {reward}}}}}]\n\
             search: {{diverse_trees: {{trees: 2, children: 2, depth: 1, {options}}}}}\n"
        ))
    };
    has(&trees("deduplicate: {cosine: 0.98}", "{}"), "`cosine` compares nothing: no reward gives features");
    assert_eq!(trees("deduplicate: {cosine: 0.98}, ties: {centroid: 0.01}", "{features: true}"), "");
    assert_eq!(trees("deduplicate: {bits: 6}", "{}"), "");
}

fn has(report: &str, words: &str) {
    assert!(report.starts_with("warning: ") && report.contains(words), "{report}");
}
