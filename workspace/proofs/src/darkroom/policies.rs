//! The policies under study, and what each is compared with.

use super::hands::{DRAFT, HEAVY};
use super::prices::Prices;
use super::unsteady::UNSTEADY;

/// What most are compared with.
pub const BASELINE: &str = "best of n";
/// The same by the judge that is not sure.
const NOISY: &str = "best of n, noisy judge";

/// A policy: what the recipe says for a budget of so many candidates.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// What tables call it.
    pub name: &'static str,
    /// The policy that it is compared with.
    pub against: &'static str,
    /// Who edits, judges and writes.
    pub who: Who,
    /// The rest of the recipe.
    pub sections: fn(u32, Prices) -> String,
    /// Whether the plot shows it: more lines than six cannot be told apart.
    pub is_drawn: bool,
    /// Whether it spends its budget otherwise than by one judgement an edit, so that prices matter.
    pub is_priced: bool,
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Who {
    Plain,
    WithCritic,
    BothJudges,
    Learned,
    Noisy,
    ThreeEditors,
    Draft,
    Heavy,
}

/// All that a policy may ask for.
pub const EVERYBODY: &str = "version: 1
editors: {darkroom: {darkroom: {}}, draft: {darkroom: {}}, heavy: {darkroom: {}}}
rewards:
  - {model: {photometric: {}}}
  - {name: nano, model: {editreward: {dir: builtin, device: cpu}}}
  - {name: unsteady, model: {photometric: {}}}
critics: [{model: {darkroom_critic: {}}}]
search: {thompson: {samples: 1}}
";

impl Who {
    fn sections(self) -> String {
        let editor = match self {
            Self::ThreeEditors => {
                format!(
                    "editors: {{darkroom: {{darkroom: {{}}}}, {DRAFT}: {{darkroom: {{}}}}, {HEAVY}: {{darkroom: {{}}}}}}"
                )
            }
            Self::Draft => format!("editors: {{{DRAFT}: {{darkroom: {{}}}}}}"),
            Self::Heavy => format!("editors: {{{HEAVY}: {{darkroom: {{}}}}}}"),
            _ => "editor: {darkroom: {}}".to_owned(),
        };
        let photometric = "{model: {photometric: {}}}".to_owned();
        let nano = "{name: nano, model: {editreward: {dir: builtin, device: cpu}}}".to_owned();
        let rewards = match self {
            Self::BothJudges => format!("{photometric}, {nano}"),
            Self::Learned => nano,
            Self::Noisy => format!("{{name: {UNSTEADY}, model: {{photometric: {{}}}}}}"),
            _ => photometric,
        };
        let critics = if self == Self::WithCritic { "critics: [{model: {darkroom_critic: {}}}]\n" } else { "" };
        format!("{editor}\nrewards: [{rewards}]\n{critics}")
    }
}

impl Policy {
    /// The recipe that spends so many candidates' worth.
    pub fn recipe(&self, candidates: u32, prices: Prices) -> String {
        format!("version: 1\n{}{}\n", self.who.sections(), (self.sections)(candidates, prices))
    }
}

const fn plain(name: &'static str, sections: fn(u32, Prices) -> String) -> Policy {
    Policy { name, against: BASELINE, who: Who::Plain, sections, is_drawn: true, is_priced: false }
}

const fn priced(name: &'static str, who: Who, sections: fn(u32, Prices) -> String) -> Policy {
    Policy { who, is_drawn: false, is_priced: true, ..plain(name, sections) }
}

/// All of them.
pub const POLICIES: &[Policy] = &[
    Policy { is_priced: true, ..plain(BASELINE, best) },
    plain("beam", |_, _| {
        "search: {beam: {width: 2, children: 4, depth: 40, edges: {re_edit: 2, edit_of_edit: 1, fresh: 1}}}".to_owned()
    }),
    Policy {
        is_drawn: false,
        ..plain("beam, re-edits alone", |_, _| {
            "search: {beam: {width: 2, children: 4, depth: 40, edges: {re_edit: 1, edit_of_edit: 0, fresh: 0}}}"
                .to_owned()
        })
    },
    Policy {
        is_drawn: false,
        ..plain("diverse trees", |_, _| {
            "search: {diverse_trees: {trees: 2, children: 2, depth: 40, edges: {re_edit: 2, edit_of_edit: 1, fresh: 1}}}"
                .to_owned()
        })
    },
    Policy {
        is_drawn: false,
        ..plain("adaptive, an edit is worth 0.001", |edits, _| {
            let probe = edits.min(4);
            format!("search: {{adaptive: {{most: {edits}, probe: {probe}, round: 1, cost: {{edit: 0.001}}}}}}")
        })
    },
    plain("best of n, pessimistic", |edits, prices| {
        format!("{}\nselect: {{pessimistic: {{relative_beta: 1.0}}}}", best(edits, prices))
    }),
    Policy {
        is_drawn: false,
        ..plain("reward-weighted, 4 share the weight", |edits, _| {
            format!("search: {{reward_weighted: {{samples: {edits}, draw: 1, target_ess: {}}}}}", edits.min(4))
        })
    },
    Policy {
        is_drawn: true,
        ..priced("reflection, from the source", Who::WithCritic, |edits, _| reflection(edits, "re_edit"))
    },
    priced("reflection, on the picture", Who::WithCritic, |edits, _| reflection(edits, "edit_of_edit")),
    Policy { is_drawn: true, ..priced("routing over three editors", Who::ThreeEditors, routing) },
    priced("best of n, drafts alone", Who::Draft, |edits, prices| best(4 * edits, prices)),
    priced("best of n, heavy hand alone", Who::Heavy, best),
    Policy { is_drawn: true, ..priced("best of n, mean rank with nano", Who::BothJudges, ranks) },
    priced("best of n, by nano alone", Who::Learned, best),
    priced("best of n, finalists judged again", Who::Plain, finalists),
    priced(NOISY, Who::Noisy, best),
    Policy { against: NOISY, ..priced("the same, finalists judged again", Who::Noisy, finalists) },
];

fn best(samples: u32, _: Prices) -> String {
    format!("search: {{best_of_n: {{samples: {samples}}}}}")
}

/// Half of the edits drawn afresh, the others by what the critic writes about the best two, as long as the budget is there.
fn reflection(edits: u32, start: &str) -> String {
    let samples = (edits / 2).max(1);
    format!(
        "search: {{reflection: {{samples: {samples}, width: {}, rounds: {edits}, start: {start}}}}}",
        samples.min(2)
    )
}

fn routing(edits: u32, _: Prices) -> String {
    format!("search: {{thompson: {{samples: {}, least: 2, round: 4, cost: budget}}}}", 4 * edits)
}

fn ranks(samples: u32, prices: Prices) -> String {
    format!("{}\ncombine: {{mean_rank: {{}}}}", best(samples, prices))
}

/// Up to four are judged three times more, which is taken off the candidates.
fn finalists(edits: u32, prices: Prices) -> String {
    let (count, votes) = ((edits / 4).clamp(2, 4), 3);
    let samples = edits.saturating_sub(prices.candidates_for(count * votes)).max(1);
    format!("{}\nfinalists: {{count: {count}, votes: {votes}}}", best(samples, prices))
}

#[cfg(test)]
mod tests {
    use editscale_config::Recipe;

    use super::*;
    use crate::darkroom::equipment::catalogue;

    #[test]
    fn every_policy_can_be_read_and_is_compared_with_another_or_none() {
        for policy in POLICIES {
            assert!(POLICIES.iter().any(|other| other.name == policy.against), "{}", policy.name);
            for prices in [Prices::CHEAP, Prices::DEAR] {
                for edits in [2, 8, 32] {
                    let recipe = policy.recipe(edits, prices);
                    let parsed = Recipe::parse(recipe.as_bytes(), &catalogue());
                    parsed.map_err(|report| report.render(policy.name, recipe.as_bytes())).unwrap();
                }
            }
        }
    }
}
