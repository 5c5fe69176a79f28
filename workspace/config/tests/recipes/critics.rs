//! Recipes with critics: how they are written, and what is said where they do not fit the policy.

use editscale_config::Report;
use editscale_core::{Cards, CriticCard, CriticName};

use crate::{cards, parse, recipe, report};

fn with(critics: &str, search: &str) -> String {
    let critics = if critics.is_empty() { String::new() } else { format!("critics: {critics}\n") };
    format!(
        "version: 1\neditor: {{darkroom: {{}}}}\nrewards: [{{model: {{photometric: {{}}}}}}]\n{critics}search: {search}\n"
    )
}

const REFLECTION: &str = "{reflection: {samples: 4, rounds: 2}}";
const DARKROOM: &str = "[{model: {darkroom_critic: {}}}]";

#[test]
fn a_recipe_with_a_critic_reads_back_as_it_is_written_out() {
    for (critics, search) in [
        (DARKROOM, REFLECTION),
        (
            "[{model: {darkroom_critic: {}}, name: a}, {model: {darkroom_critic: {}}, name: b}]",
            "{reflection: {samples: 4, rounds: 2, critic: b, start: mixed, edit_of_edit: 0.25, width: 3, show: 0, rewrite_first: true}}",
        ),
        (
            "[{model: {chat_critic: {model: m, servers: [{url: \"http://localhost:1/v1\"}], rewrite_prompt: why.txt}}}]",
            "{reflection: {samples: 4, rounds: 2, start: edit_of_edit}}",
        ),
    ] {
        let one = recipe(&with(critics, search));
        assert_eq!(recipe(&one.to_yaml()), one, "{}", one.to_yaml());
    }
    let resolved = recipe(&with(DARKROOM, REFLECTION)).to_yaml();
    let expected = "critics: [{model: {darkroom_critic: {}}, name: darkroom_critic}]\n";
    assert!(resolved.contains(expected), "{resolved}");
    assert!(resolved.contains("start: re_edit") && !resolved.contains("edit_of_edit"), "{resolved}");
    // As it was before there was such a key.
    assert!(!resolved.contains("rewrite"), "{resolved}");
}

/// What recipes resolve to is in journals and names runs: without critics it is what it was before there were any.
#[test]
fn a_recipe_without_critics_says_nothing_of_them() {
    assert!(!recipe(&with("", "{best_of_n: {samples: 4}}")).to_yaml().contains("critic"));
    assert!(!recipe(&with("[]", "{best_of_n: {samples: 4}}")).to_yaml().contains("critic"));
}

#[test]
fn what_does_not_fit_is_told() {
    for (critics, search, words) in [
        ("", REFLECTION, "error: policy `reflection` asks a critic, and the recipe has none"),
        (DARKROOM, "{best_of_n: {samples: 4}}", "warning: policy `best_of_n` asks no critic"),
        (DARKROOM, "{reflection: {samples: 4, rounds: 2, critic: darkrom_critic}}", "did you mean `darkroom_critic`?"),
        (DARKROOM, "{reflection: {samples: 4, rounds: 2, critic: x}}", "the recipe has no critic `x`"),
        (
            "[{model: {darkroom_critic: {}}}, {model: {darkroom_critic: {}}}]",
            REFLECTION,
            "there are two critics called `darkroom_critic`",
        ),
        ("[{name: a}]", REFLECTION, "write `model: {darkroom_critic: {}}`"),
        ("[{model: {photometric: {}}}]", REFLECTION, "`photometric` is not a critic"),
        ("{darkroom_critic: {}}", REFLECTION, "critics"),
        (
            DARKROOM,
            "{reflection: {samples: 2, width: 3, rounds: 2}}",
            "`width` is 3, and only 2 samples can begin a chain",
        ),
        (
            DARKROOM,
            "{reflection: {samples: 2, rounds: 2, edit_of_edit: 0.5}}",
            "`edit_of_edit` has a meaning only with `start: mixed`",
        ),
        (DARKROOM, "{reflection: {samples: 2, rounds: 2, rewrite_first: 1}}", "rewrite_first"),
    ] {
        let found = report(with(critics, search));
        assert!(found.contains(words), "{critics} {search}:\n{found}");
    }
}

#[test]
fn cards_without_a_critic_lack_one() {
    let text = with(DARKROOM, "{reflection: {samples: 4, rounds: 2, start: edit_of_edit}}");
    let (recipe, _) = parse(text.as_bytes()).unwrap();
    let mut cards = cards::poor_cards();
    let told = |cards: &Cards| Report::new(recipe.lacks(cards)).render("recipe.yaml", text.as_bytes());
    let found = told(&cards);
    assert!(found.contains("policy `reflection` asks a critic, and the recipe has none"), "{found}");
    assert!(found.contains("for `start`: it cannot start from a candidate's picture"), "{found}");
    cards.critics.push(card("darkroom_critic", false));
    assert!(!told(&cards).contains("asks a critic"));
}

fn card(name: &str, rewrites: bool) -> CriticCard {
    CriticCard {
        name: CriticName::new(name).unwrap(),
        revision: "1".into(),
        rewrites,
        slots: std::num::NonZeroU32::MIN,
        cost: editscale_core::Cost::default(),
    }
}

/// Only the critic that the policy asks is looked at; one whose card is not known is taken to be able.
#[test]
fn a_critic_that_does_not_rewrite_is_refused_where_it_is_asked_to() {
    let critics = "[{model: {darkroom_critic: {}}, name: a}, {model: {darkroom_critic: {}}, name: b}]";
    for (asked, rewrites, lacking) in
        [("", [false, true], true), ("", [true, false], false), ("critic: b, ", [false, true], false)]
    {
        let text = with(critics, &format!("{{reflection: {{samples: 4, rounds: 2, {asked}rewrite_first: true}}}}"));
        let (recipe, _) = parse(text.as_bytes()).unwrap();
        let critics = vec![card("a", rewrites[0]), card("b", rewrites[1])];
        let mut cards = Cards { critics, ..cards::poor_cards() };
        let told = |lacks| Report::new(lacks).render("recipe.yaml", text.as_bytes());
        let words = "policy `reflection` cannot use critic `a` for `rewrite_first`: it does not rewrite instructions before the first edit";
        for found in [told(recipe.lacks(&cards)), told(recipe.lacks_of_known(&cards))] {
            assert_eq!(found.contains(words), lacking, "{found}");
            assert_eq!(found.contains("= hint: leave `rewrite_first` out"), lacking, "{found}");
        }
        cards.critics.remove(0);
        assert!(!told(recipe.lacks_of_known(&cards)).contains("rewrite"));
    }
    let plain = with(critics, REFLECTION);
    let (recipe, _) = parse(plain.as_bytes()).unwrap();
    let cards = Cards { critics: vec![card("a", false)], ..cards::poor_cards() };
    assert!(recipe.lacks(&cards).iter().all(|lack| !lack.message.contains("critic")));
}

/// What the rewriting takes of a budget is warned of with the figure that is enough, and of another limit nothing is said.
#[test]
fn a_budget_that_the_rewriting_makes_too_small_is_warned_of() {
    let told = |search: &str, budget: &str| report(format!("{}budget: {{{budget}}}\n", with(DARKROOM, search)));
    let first = "{reflection: {samples: 2, rounds: 1, rewrite_first: true}}";
    let found = told(first, "reward_calls: 1");
    assert!(found.contains("no reward call for the rewriting, and the instruction stays as it is"), "{found}");
    assert!(found.contains("= hint: raise `reward_calls` to 3 or more"), "{found}");
    let found = told(first, "reward_calls: 2");
    let words = "ends the first round of `reflection` after 1 of 2 candidates, as the rewriting takes a reward call";
    assert!(found.contains(words) && found.contains("raise `reward_calls` to 3 or more"), "{found}");
    assert_eq!(told(first, "reward_calls: 3"), "");
    let found = told(first, "edits: 1, reward_calls: 2");
    assert!(found.contains("after 1 of 2 candidates\n") && found.contains("raise `edits` to 2 or more"), "{found}");
    assert_eq!(told("{reflection: {samples: 2, rounds: 1}}", "reward_calls: 2"), "");
}

/// It is one critique more, for budgets and forecasts.
#[test]
fn a_rewriting_counts_as_a_critique() {
    let critiques = |search: &str| recipe(&with(DARKROOM, search)).settings().search.critiques();
    assert_eq!(critiques("{reflection: {samples: 4, width: 2, rounds: 3}}"), 6);
    assert_eq!(critiques("{reflection: {samples: 4, width: 2, rounds: 3, rewrite_first: true}}"), 7);
    assert_eq!(critiques("{reflection: {samples: 4, width: 2, rounds: 3, rewrite_first: false}}"), 6);
}
