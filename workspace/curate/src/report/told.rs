//! How it was chosen, and what people said.

use editscale_page::{Column, Table, count, facts, percent, section as headed};
use maud::{Markup, html};

use super::Facts;

/// How people's verdicts agree with the rewards.
pub(super) fn people(about: &Facts) -> Option<Markup> {
    let agreement = about.agreement.as_ref()?;
    let columns = vec![
        Column::text("Of"),
        Column::number("Verdicts"),
        Column::number("As the rewards"),
        Column::number("Otherwise"),
        Column::number("Rewards cannot say"),
        Column::number("Agreement"),
    ];
    let mut table = Table::new("People's verdicts and the rewards", columns);
    for (name, tally) in [
        ("keep or drop, against the choice of the rules", agreement.choice),
        ("pairs, against the scores", agreement.pairs),
    ] {
        let decided = tally.agree + tally.differ;
        let all = decided + tally.silent;
        let cells =
            [count(all), count(tally.agree), count(tally.differ), count(tally.silent), percent(tally.agree, decided)];
        table.push(std::iter::once(name.to_owned()).chain(cells));
    }
    let words = "A review looks at what is near the cut first, so this agreement is lower than that on records drawn at random.";
    Some(headed("people", "What people said", html! { p { (words) } (table) }))
}

/// The data set, the rules, the judges with their revisions, and commands to go on with.
pub(super) fn how(about: &Facts) -> Markup {
    let mut rules = Table::new(
        "Rules, in the order in which they apply",
        vec![Column::text("Rule"), Column::text("As it was asked")],
    );
    about.rules.iter().for_each(|(rule, how)| rules.push([rule.clone(), how.clone()]));
    let mut judges =
        Table::new("Rewards", vec![Column::text("Reward"), Column::number("Counts"), Column::text("Revision")]);
    about
        .judges
        .iter()
        .for_each(|judge| judges.push([judge.name.clone(), judge.weight.clone(), judge.revision.clone()]));
    let said: Vec<(String, String)> =
        std::iter::once(("Data set".to_owned(), about.dataset.clone())).chain(about.more.iter().cloned()).collect();
    let content = html! {
        (facts(&said))
        @if !about.rules.is_empty() { (rules) }
        @if !about.judges.is_empty() { (judges) }
        @if !about.commands.is_empty() {
            p { "To choose again by other rules, or by what people say, nothing is judged again:" }
            pre.commands tabindex="0" aria-label="Commands" { (about.commands.join("\n")) }
        }
    };
    headed("how", "How it was chosen", content)
}
