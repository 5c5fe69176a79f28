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
            "{reflection: {samples: 4, rounds: 2, critic: b, start: mixed, edit_of_edit: 0.25, width: 3, show: 0}}",
        ),
        (
            "[{model: {chat_critic: {model: m, servers: [{url: \"http://localhost:1/v1\"}]}}}]",
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
    cards.critics.push(CriticCard {
        name: CriticName::new("darkroom_critic").unwrap(),
        revision: "1".into(),
        slots: std::num::NonZeroU32::MIN,
        cost: editscale_core::Cost::default(),
    });
    assert!(!told(&cards).contains("asks a critic"));
}
