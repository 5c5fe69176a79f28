//! What the cards lack for the search that a recipe asks for.

use editscale_core::{Cards, Lack, Need};
use editscale_schema::{Diagnostic, Place, Severity, quote};
use editscale_search::Reason;

use crate::Recipe;

impl Recipe {
    /// Everything that the policy needs and that an editor or reward does not offer, each as an error at the key that
    /// asks for it. Policies that do not route use the first editor only, and so only that one is looked at.
    pub fn lacks(&self, cards: &Cards) -> Vec<Diagnostic> {
        let used = Cards {
            editors: cards.editors.iter().take(1).cloned().collect(),
            rewards: cards.rewards.clone(),
            critics: cards.critics.clone(),
        };
        let needs = self.factory.needs();
        needs.into_iter().flat_map(|need| self.lacking(need, &used)).collect()
    }

    fn lacking(&self, need: Need, cards: &Cards) -> Vec<Diagnostic> {
        if need == Need::Critic {
            return self.without_critic(cards).into_iter().collect();
        }
        let who = if matches!(need, Need::Pointwise | Need::Together(_)) { "reward" } else { "editor" };
        let Reason { setting, hint } = self.settings.search.reason(need);
        let policy = quote(self.settings.search.kind());
        let key = setting.and_then(|setting| setting.rsplit('.').next());
        let purpose = key.map_or(String::new(), |key| format!(" for {}", quote(key)));
        let message =
            |lack: &Lack| format!("policy {policy} cannot use {who} {}{purpose}: it {}", quote(&lack.who), lack.what);
        need.lacking(cards)
            .into_iter()
            .map(|lack| Diagnostic {
                severity: Severity::Error,
                message: message(&lack),
                place: self.place_of(setting),
                hint: Some(hint.into()),
            })
            .collect()
    }

    /// No card is to blame where there is none.
    fn without_critic(&self, cards: &Cards) -> Option<Diagnostic> {
        let Reason { setting, hint } = self.settings.search.reason(Need::Critic);
        let policy = quote(self.settings.search.kind());
        cards.critics.is_empty().then(|| Diagnostic {
            severity: Severity::Error,
            message: format!("policy {policy} asks a critic, and the recipe has none"),
            place: self.place_of(setting),
            hint: Some(hint.into()),
        })
    }

    fn place_of(&self, setting: Option<&str>) -> Place {
        let policy = format!("search.{}", self.settings.search.kind());
        self.places.at(&setting.map_or(policy.clone(), |setting| format!("{policy}.{setting}")))
    }
}
