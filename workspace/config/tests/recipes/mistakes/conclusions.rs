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
    assert_eq!(report(with_search(own)), "");
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
