//! What the cards lack for the search that a recipe asks for.

use editscale_core::{Cards, Lack, Need};

use crate::report::quote::quote;
use crate::{Diagnostic, Place, Policy, Recipe, Severity};

impl Recipe {
    /// Everything that the policy needs and that an editor or reward does not offer, each as an error at the key that
    /// asks for it. Policies that do not route use the first editor only, and so only that one is looked at.
    pub fn lacks(&self, cards: &Cards) -> Vec<Diagnostic> {
        let used = Cards { editors: cards.editors.iter().take(1).cloned().collect(), rewards: cards.rewards.clone() };
        let needs = self.factory.needs();
        needs.into_iter().flat_map(|need| self.lacking(need, &used)).collect()
    }

    fn lacking(&self, need: Need, cards: &Cards) -> Vec<Diagnostic> {
        let who = if matches!(need, Need::Pointwise | Need::Together(_)) { "reward" } else { "editor" };
        let (key, hint) = self.reason(need);
        let policy = quote(self.settings.search.kind());
        let purpose = key.map_or(String::new(), |key| format!(" for {}", quote(key)));
        let message =
            |lack: &Lack| format!("policy {policy} cannot use {who} {}{purpose}: it {}", quote(&lack.who), lack.what);
        need.lacking(cards)
            .into_iter()
            .map(|lack| Diagnostic {
                severity: Severity::Error,
                message: message(&lack),
                place: self.place_of(key),
                hint: Some(hint.into()),
            })
            .collect()
    }

    /// Which setting of the policy is behind a need, where it is one, and what else can be done.
    fn reason(&self, need: Need) -> (Option<&'static str>, &'static str) {
        match (&self.settings.search, need) {
            (Policy::Beam(_), Need::EditsCandidates) => (
                Some("edit_of_edit"),
                "set `edit_of_edit: 0` and `re_edit` or `fresh` above 0, or choose another editor",
            ),
            (Policy::Beam(_), Need::Knobs) => {
                (Some("re_edit"), "set `re_edit: 0` and `edit_of_edit` or `fresh` above 0, or choose another editor")
            }
            (_, Need::Pointwise) => (None, "choose a reward that scores each candidate by itself"),
            (_, Need::Together(_)) => (None, "make fewer candidates, or choose a reward that compares more at once"),
            (Policy::Beam(_), Need::Seeds) => (None, "choose another editor, or the policy `best_of_n`"),
            _ => (None, "choose another editor or another policy"),
        }
    }

    fn place_of(&self, edge: Option<&str>) -> Place {
        let policy = format!("search.{}", self.settings.search.kind());
        self.places.at(&edge.map_or(policy.clone(), |edge| format!("{policy}.edges.{edge}")))
    }
}
