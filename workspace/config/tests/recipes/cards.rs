//! What is said where editors and rewards lack what a search needs.

use std::num::NonZeroU32;

use editscale_config::{Diagnostic, Recipe, Report};
use editscale_core::{
    CancelRule, Cards, Cost, EditorCard, EditorName, KnobName, KnobScale, KnobSpec, PauseSupport, Recovery, RewardCard,
    RewardKind, RewardName, Sampler, SeedRule, Usd,
};
use insta::assert_snapshot;

use crate::{recipe, report, with_search};

fn able(name: &str) -> EditorCard {
    let knob = KnobSpec {
        name: KnobName::new("strength").unwrap(),
        low: 0.0,
        high: 1.0,
        default: 0.5,
        scale: KnobScale::Linear,
    };
    EditorCard {
        name: EditorName::new(name).unwrap(),
        revision: "1".into(),
        seeds: SeedRule::Reproducible { bits: 53 },
        largest_batch: NonZeroU32::MIN,
        slots: NonZeroU32::MIN,
        edits_candidates: true,
        pause: PauseSupport::None,
        sampler: Sampler::Deterministic,
        cancel: CancelRule::Promptly,
        masks: true,
        steers_noise: false,
        steps: None,
        knobs: vec![knob],
        cost: Cost::default(),
        recovery: Recovery::Repeat,
    }
}

fn poor(name: &str) -> EditorCard {
    EditorCard { seeds: SeedRule::Ignored, edits_candidates: false, knobs: Vec::new(), ..able(name) }
}

fn reward(name: &str, kind: RewardKind) -> RewardCard {
    RewardCard {
        name: RewardName::new(name).unwrap(),
        revision: "1".into(),
        range: None,
        kind,
        gives_sigma: false,
        pixel_budget: None,
        largest_batch: NonZeroU32::MIN,
        slots: NonZeroU32::MIN,
        cost: Cost::default(),
    }
}

fn cards(editors: Vec<EditorCard>, kind: RewardKind) -> Cards {
    Cards { editors, rewards: vec![reward("photometric", kind)], critics: Vec::new() }
}

/// Those of an editor that can do nothing but edit.
pub(crate) fn poor_cards() -> Cards {
    cards(vec![poor("darkroom")], RewardKind::Pointwise)
}

fn lacks(text: &str, cards: &Cards) -> String {
    let lacks: Vec<Diagnostic> = recipe(text).lacks(cards);
    Report::new(lacks).render("recipe.yaml", text.as_bytes())
}

#[test]
fn nothing_is_lacking() {
    let check = |search: &str, cards: &Cards| assert_eq!(lacks(&with_search(search), cards), "", "{search}");
    let able_and_poor = cards(vec![able("darkroom"), poor("other")], RewardKind::Pointwise);
    check("{best_of_n: {samples: 8}}", &cards(vec![poor("darkroom")], RewardKind::Pointwise));
    check("{beam: {width: 2, children: 2, depth: 2}}", &able_and_poor);
    check("{reward_weighted: {samples: 8, temperature: 1}}", &able_and_poor);
}

#[test]
fn every_editor_of_a_search_that_routes_is_looked_at_and_others_are_warned_of() {
    let two = |search: &str| {
        with_search(search)
            .replace("editor: {darkroom: {}}", "editors: {darkroom: {darkroom: {}}, other: {darkroom: {}}}")
    };
    let text = two("{thompson: {samples: 8}}");
    assert_eq!(report(&text), "");
    assert_eq!(lacks(&text, &cards(vec![able("darkroom"), poor("other")], RewardKind::Pointwise)), "");
    assert_snapshot!(report(two("{best_of_n: {samples: 8}}")), @r"
    warning: `best_of_n` uses the first editor only, `darkroom`
     --> recipe.yaml:2:1
      |
    2 | editors: {darkroom: {darkroom: {}}, other: {darkroom: {}}}
      | ^^^^^^^
      = hint: leave the others out, or write `search: {thompson: {samples: 16}}` to choose among them
    ");
}

#[test]
fn particles_need_noise_and_pauses() {
    let text = with_search("{particles: {particles: 4}}");
    assert_snapshot!(lacks(&text, &cards(vec![able("darkroom")], RewardKind::Pointwise)), @r"
    error: policy `particles` cannot use editor `darkroom`: it has a deterministic sampler
     --> recipe.yaml:4:10
      |
    4 | search: {particles: {particles: 4}}
      |          ^^^^^^^^^
      = hint: choose an editor whose sampler adds noise, or set `renoise` if the editor lets its noise be steered

    error: policy `particles` cannot use editor `darkroom`: it cannot go on from one paused state several times
     --> recipe.yaml:4:10
      |
    4 | search: {particles: {particles: 4}}
      |          ^^^^^^^^^
      = hint: choose an editor that pauses, or the policy `best_of_n`
    ");
    let text = with_search("{particles: {particles: 4, renoise: 2}}");
    let pausing = EditorCard { pause: PauseSupport::Resume, ..able("darkroom") };
    assert_snapshot!(lacks(&text, &cards(vec![pausing.clone()], RewardKind::Pointwise)), @r"
    error: policy `particles` cannot use editor `darkroom` for `renoise`: it does not let its noise be steered
     --> recipe.yaml:4:36
      |
    4 | search: {particles: {particles: 4, renoise: 2}}
      |                                    ^^^^^^^
      = hint: choose an editor whose sampler adds noise, and leave `renoise` out
    ");
    let steered = EditorCard { steers_noise: true, ..pausing };
    assert_eq!(lacks(&text, &cards(vec![steered], RewardKind::Pointwise)), "");
}

#[test]
fn an_editor_lacks_everything_that_beam_needs() {
    let text = with_search(
        "\n  beam:\n    width: 2\n    children: 2\n    depth: 2\n    edges:\n      re_edit: 1\n      edit_of_edit: 1",
    );
    assert_snapshot!(lacks(&text, &cards(vec![poor("x")], RewardKind::Listwise)), @r"
    error: policy `beam` cannot use reward `photometric`: it gives listwise scores, which do not compare between rounds
     --> recipe.yaml:5:3
      |
    5 |   beam:
      |   ^^^^
      = hint: choose a reward that scores each candidate by itself

    error: policy `beam` cannot use editor `x`: it ignores seeds
     --> recipe.yaml:5:3
      |
    5 |   beam:
      |   ^^^^
      = hint: choose another editor, or the policy `best_of_n`

    error: policy `beam` cannot use editor `x` for `re_edit`: it offers no knobs to turn
      --> recipe.yaml:10:7
       |
    10 |       re_edit: 1
       |       ^^^^^^^
       = hint: set `re_edit: 0` and `edit_of_edit` or `fresh` above 0, or choose another editor

    error: policy `beam` cannot use editor `x` for `edit_of_edit`: it cannot start from a candidate's picture
      --> recipe.yaml:11:7
       |
    11 |       edit_of_edit: 1
       |       ^^^^^^^^^^^^
       = hint: set `edit_of_edit: 0` and `re_edit` or `fresh` above 0, or choose another editor
    ");
}

#[test]
fn a_judge_that_compares_must_be_shown_all_candidates_at_once() {
    let mut both = cards(vec![able("darkroom")], RewardKind::Listwise);
    assert_snapshot!(lacks(&with_search("{best_of_n: {samples: 8}}"), &both), @r"
    error: policy `best_of_n` cannot use reward `photometric`: it does not compare as many candidates with each other as a round makes
     --> recipe.yaml:4:10
      |
    4 | search: {best_of_n: {samples: 8}}
      |          ^^^^^^^^^
      = hint: make fewer candidates, or choose a reward that compares more at once
    ");
    both.rewards[0].largest_batch = NonZeroU32::new(8).unwrap();
    assert_eq!(lacks(&with_search("{best_of_n: {samples: 8}}"), &both), "");
    let rounds = lacks(&with_search("{best_of_n: {samples: 8, round: 4}}"), &both);
    assert!(rounds.contains("which do not compare between rounds"), "{rounds}");
}

#[test]
fn edges_by_default_are_placed_at_the_policy() {
    let text = with_search("{beam: {width: 2, children: 2, depth: 2}}");
    let card = EditorCard { edits_candidates: false, ..able("darkroom") };
    assert_snapshot!(lacks(&text, &cards(vec![card], RewardKind::Pointwise)), @r"
    error: policy `beam` cannot use editor `darkroom` for `edit_of_edit`: it cannot start from a candidate's picture
     --> recipe.yaml:4:10
      |
    4 | search: {beam: {width: 2, children: 2, depth: 2}}
      |          ^^^^
      = hint: set `edit_of_edit: 0` and `re_edit` or `fresh` above 0, or choose another editor
    ");
}

#[test]
fn only_edges_that_are_used_need_anything() {
    let text = with_search("{beam: {width: 2, children: 2, depth: 2, edges: {fresh: 1, edit_of_edit: 0}}}");
    let card = EditorCard { edits_candidates: false, knobs: Vec::new(), ..able("darkroom") };
    assert_eq!(lacks(&text, &cards(vec![card], RewardKind::Pointwise)), "");
}

#[test]
fn a_lower_bound_needs_every_reward_that_counts_to_say_how_sure_it_is() {
    let text = |combine: &str, weight: &str| {
        format!(
            "version: 1\neditor: {{darkroom: {{}}}}\nrewards:\n  - {{model: {{photometric: {{}}}}, name: sure}}\n  - \
             {{model: {{photometric: {{}}}}, name: silent{weight}}}\nsearch: {{best_of_n: {{samples: 8}}}}\ncombine: {combine}\n"
        )
    };
    let sure = RewardCard { gives_sigma: true, ..reward("sure", RewardKind::Pointwise) };
    let rewards = vec![sure, reward("silent", RewardKind::Pointwise)];
    let cards = Cards { editors: vec![able("darkroom")], rewards, critics: Vec::new() };
    assert_snapshot!(lacks(&text("{lower_bound: {}}", ""), &cards), @r"
    error: `lower_bound` cannot use reward `silent`: it does not say how sure it is
     --> recipe.yaml:7:11
      |
    7 | combine: {lower_bound: {}}
      |           ^^^^^^^^^^^
      = hint: choose a reward that says how sure it is, or leave `combine` out; beside such a reward, `assumed_sigma` says it for this one
    ");
    assert_eq!(lacks(&text("{lower_bound: {}}", ", weight: 0"), &cards), "");
    assert_eq!(lacks(&text("{lower_bound: {assumed_sigma: 0.1}}", ""), &cards), "");
    assert_eq!(lacks(&text("{weighted: {}}", ""), &cards), "");
}

#[test]
fn an_assumed_doubt_that_is_the_same_of_all_is_warned_about() {
    let text = "version: 1\neditor: {darkroom: {}}\nrewards: [{model: {photometric: {}}}]\nsearch: {best_of_n: {samples: 8}}\n\
                combine: {lower_bound: {assumed_sigma: 0.1}}\n";
    let notes = |gives_sigma| {
        let rewards = vec![RewardCard { gives_sigma, ..reward("photometric", RewardKind::Pointwise) }];
        let notes = recipe(text).notes(&Cards { editors: vec![able("darkroom")], rewards, critics: Vec::new() });
        Report::new(notes).render("recipe.yaml", text.as_bytes())
    };
    assert!(notes(false).starts_with("warning: `assumed_sigma` lowers all scores alike"), "{}", notes(false));
    assert_eq!(notes(true), "");
}

#[test]
fn a_budget_below_one_candidate_is_warned_about() {
    let notes = |budget: &str| {
        let text = format!("{}budget: {budget}\n", with_search("{best_of_n: {samples: 8}}"));
        let mut cards = cards(vec![able("darkroom")], RewardKind::Pointwise);
        cards.editors[0].cost = Cost { nfe: 4, usd: Usd { micros: 20_000 }, ..Cost::default() };
        cards.rewards[0].cost = Cost { nfe: 1, tokens: 500, usd: Usd { micros: 500 } };
        Report::new(recipe(&text).notes(&cards)).render("recipe.yaml", text.as_bytes())
    };
    assert_eq!(notes("{nfe: 5, tokens: 500, usd: 0.0205}"), "");
    let found = notes("{nfe: 4, tokens: 499, usd: 0.02}");
    for expected in [
        "warning: `nfe` of 4 allows no whole candidate: one may take 5\n",
        "warning: `tokens` of 499 allows no whole candidate: one may take 500\n",
        "warning: `usd` of 0.02 allows no whole candidate: one may take 0.0205\n",
        "hint: raise `usd` to 0.0205 or more",
    ] {
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn notes_say_how_a_policy_works_with_an_editor() {
    let notes = |search: &str, card: EditorCard| {
        let text = with_search(search);
        let notes = recipe(&text).notes(&cards(vec![card], RewardKind::Pointwise));
        Report::new(notes).render("recipe.yaml", text.as_bytes())
    };
    assert_eq!(notes("{best_of_n: {samples: 8}}", able("darkroom")), "");
    let pausing = EditorCard { pause: PauseSupport::Resume, steps: Some(20), ..able("x") };
    let found = notes("{preview_pruning: {samples: 8}}", pausing);
    assert!(
        found.starts_with("note: `preview_pruning` stops the candidates of `x` at step 6 and 12 of 20\n"),
        "{found}"
    );
}

#[test]
fn a_recipe_may_be_cloned_and_shared() {
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    is_shared::<Recipe>();
}

/// Where a program was not started, its card is not there, and what the others lack is lacking all the same.
#[test]
fn what_is_lacking_is_so_whatever_others_can_do() {
    let told = |text: &str, editors: &[&str], rewards: &[&str]| {
        let editors = editors.iter().map(|name| poor(name)).collect();
        let rewards = rewards.iter().map(|name| reward(name, RewardKind::Pointwise)).collect();
        let lacks = recipe(text).lacks_of_known(&Cards { editors, rewards, critics: Vec::new() });
        Report::new(lacks).render("recipe.yaml", text.as_bytes())
    };
    let two = |combine: &str| {
        format!(
            "version: 1\neditors: {{first: {{darkroom: {{}}}}, other: {{darkroom: {{}}}}}}\nrewards:\n  \
             - {{model: {{photometric: {{}}}}}}\n  - {{name: second, model: {{photometric: {{}}}}}}\n\
             search: {{particles: {{particles: 4}}}}\ncombine: {combine}\n"
        )
    };
    let plain = two("{weighted: {}}");
    let found = told(&plain, &["first"], &[]);
    assert!(found.contains("policy `particles` cannot use editor `first`: it has a deterministic sampler"), "{found}");
    assert_eq!(told(&plain, &["other"], &[]), "", "an editor that the search does not ask");
    let found = told(&two("{lower_bound: {}}"), &[], &["second"]);
    assert!(found.contains("`lower_bound` cannot use reward `second`: it does not say how sure it is"), "{found}");
    assert_eq!(told(&two("{lower_bound: {}}"), &[], &[]), "");
}

#[test]
fn a_price_of_what_nobody_spends_prices_nothing() {
    let text = with_search("{adaptive: {worth: {per_usd: 100}}}");
    let free = || cards(vec![able("darkroom")], RewardKind::Pointwise);
    assert_snapshot!(lacks(&text, &free()), @r"
    error: `worth` says that nothing costs anything: nobody here spends what it prices
     --> recipe.yaml:4:21
      |
    4 | search: {adaptive: {worth: {per_usd: 100}}}
      |                     ^^^^^
      = hint: write `cost: {edit: 0.01}`, or price what is spent; `prices` say what servers cost
    ");
    let mut paid = free();
    paid.rewards[0].cost.usd.micros = 1;
    assert_eq!(lacks(&text, &paid), "");
    assert_eq!(lacks(&(text + "budget: {usd: 1}\n"), &free()), "", "what the budget counts is measured");
}

#[test]
fn what_no_candidate_reaches_is_told() {
    let text = |rest: &str| {
        format!(
            "version: 1\neditor: {{darkroom: {{}}}}\nrewards:\n  - {{model: {{photometric: {{}}}}, weight: 3}}\n  \
             - {{name: second, model: {{photometric: {{}}}}, weight: WEIGHT}}\nsearch: {{best_of_n: {{samples: 2}}}}\n{rest}\n"
        )
    };
    let told = |text: &str, range: Option<(f64, f64)>| {
        let mut cards = cards(vec![able("darkroom")], RewardKind::Pointwise);
        cards.rewards[0].range = Some((0.0, 1.0));
        cards.rewards.push(RewardCard { range, ..reward("second", RewardKind::Pointwise) });
        Report::new(recipe(text).unreachable(&cards)).render("recipe.yaml", text.as_bytes())
    };
    let both = |rest: &str, weight: &str, range| told(&text(rest).replace("WEIGHT", weight), range);
    let wide = Some((-1.0, 1.0));
    assert!(both("stop: {target_score: 1.5}", "1", wide).contains("they come to 1 at most"));
    assert_eq!(both("stop: {target_score: 1}", "1", wide), "");
    // Three times 1, and once not −1.
    assert_eq!(both("stop: {target_score: 1}", "-1", wide), "");
    assert!(both("stop: {target_score: 1.1}", "-1", wide).contains("they come to 1 at most"));
    assert_eq!(both("stop: {target_score: 5}", "1", None), "", "nobody knows how far the second goes");
    assert!(both("stop: {target_score: 2}\ncombine: {conjunctive: {}}", "1", None).contains("they come to 1 at most"));
    assert!(both("gates: [{reward: second, at_least: 2}]", "1", wide).contains("scores of `second` are at most 1"));
    assert_eq!(both("gates: [{reward: second, at_least: 1}]\nstop: {target_score: 0.5}", "1", wide), "");
    assert_eq!(both("gates: [{reward: second, at_least: 2}]", "1", None), "");
    let found = both("gates: [{reward: second, part: nope, at_least: 0}]", "1", wide);
    assert!(found.contains("no candidate passes this gate: `second` has no part `nope`"), "{found}");
    assert!(found.contains("its parts are `instruction_following`, `preservation`, `visual_quality`"), "{found}");
    assert_eq!(both("gates: [{reward: second, part: preservation, at_least: 0}]", "1", wide), "");
}
