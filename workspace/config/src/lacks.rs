//! What the cards lack for the search that a recipe asks for.

use editscale_core::{Budget, Cards, Cost, CriticCard, EditorName, Lack, Need, RewardCard, Usd};
use editscale_schema::{Diagnostic, Place, Severity, quote};
use editscale_search::{Clash, Reason};

use crate::{Recipe, Settings, budget};

/// A key of the budget, its limit, the most that one candidate takes of it, and how numbers of it are written.
type Scarce = (&'static str, Option<u64>, u64, fn(u64) -> String);

impl Recipe {
    /// Everything that the policy needs and that an editor, a reward or the critic does not offer, each as an error at the key that
    /// asks for it. Policies that do not route use the first editor only, and so only that one is looked at.
    pub fn lacks(&self, cards: &Cards) -> Vec<Diagnostic> {
        let used = if self.settings.search.routes() { cards.editors.len() } else { 1 };
        let editors = cards.editors.iter().take(used).cloned().collect();
        let used = Cards { editors, critics: self.asked(cards), ..cards.clone() };
        let lacks = self.lacking_of_all(self.factory.needs(), &used);
        lacks.into_iter().chain(self.misfits(cards)).collect()
    }

    /// What the policy says that means nothing with these editors and rewards.
    fn misfits(&self, cards: &Cards) -> Vec<Diagnostic> {
        let misfit = |Clash { setting, message, hint }| Diagnostic {
            severity: Severity::Error,
            message,
            place: self.place_of(setting),
            hint: Some(hint),
        };
        self.settings.search.misfits(cards, &self.settings.budget).into_iter().map(misfit).collect()
    }

    /// What of this is lacking whatever the cards would say that are not there, such as those of programs that were not started.
    pub fn lacks_of_known(&self, cards: &Cards) -> Vec<Diagnostic> {
        let Settings { editors, rewards, critics, search, .. } = &self.settings;
        let idle: Vec<&EditorName> = editors.iter().skip(1).filter(|_| !search.routes()).map(|one| &one.name).collect();
        let used = cards.editors.iter().filter(|card| !idle.contains(&&card.name)).cloned().collect();
        // One of the others may say how sure it is, or be the critic; what the critic lacks is known by its card alone.
        let is_open = |need: &Need| match need {
            Need::Sigma => cards.rewards.len() < rewards.len(),
            Need::Critic => cards.critics.len() < critics.len(),
            _ => false,
        };
        let needs = self.factory.needs().into_iter().filter(|need| !is_open(need)).collect();
        self.lacking_of_all(needs, &Cards { editors: used, critics: self.asked(cards), ..cards.clone() })
    }

    /// The card of the critic that the policy asks: the one that it names, or the first of the recipe.
    fn asked(&self, cards: &Cards) -> Vec<CriticCard> {
        let Settings { critics, search, .. } = &self.settings;
        let name = search.critic().or(critics.first().map(|critic| &critic.name));
        cards.critics.iter().filter(|card| name.is_some_and(|name| card.name == *name)).cloned().collect()
    }

    fn lacking_of_all(&self, needs: Vec<Need>, cards: &Cards) -> Vec<Diagnostic> {
        let of_policy = needs.into_iter().flat_map(|need| self.lacking(need, cards));
        of_policy.chain(self.lacking_to_combine(cards)).collect()
    }

    /// What the rewards that count lack for their scores to be combined, each for itself.
    fn lacking_to_combine(&self, cards: &Cards) -> Vec<Diagnostic> {
        let counts =
            |card: &&RewardCard| self.rewards().iter().any(|reward| reward.name == card.name && reward.weight != 0.0);
        let needs = self.settings.combine.needs();
        let pairs = cards.rewards.iter().filter(counts).flat_map(|card| needs.iter().map(move |need| (card, *need)));
        pairs.flat_map(|(card, need)| self.lacking_of(card, need)).collect()
    }

    fn lacking_of(&self, card: &RewardCard, need: Need) -> Vec<Diagnostic> {
        let combine = &self.settings.combine;
        let Reason { setting, hint } = combine.reason(need);
        let place = format!("combine.{}", combine.kind());
        let place = setting.map_or(place.clone(), |setting| format!("{place}.{setting}"));
        let alone = Cards { editors: Vec::new(), rewards: vec![card.clone()], critics: Vec::new() };
        let message =
            |lack: Lack| format!("{} cannot use reward {}: it {}", quote(combine.kind()), quote(&lack.who), lack.what);
        need.lacking(&alone)
            .into_iter()
            .map(|lack| Diagnostic {
                severity: Severity::Error,
                message: message(lack),
                place: self.places.at(&place),
                hint: Some(hint.into()),
            })
            .collect()
    }

    fn lacking(&self, need: Need, cards: &Cards) -> Vec<Diagnostic> {
        if need == Need::Critic {
            return self.without_critic(cards).into_iter().collect();
        }
        let who = match need {
            Need::Pointwise | Need::Together(_) => "reward",
            Need::Rewriting => "critic",
            _ => "editor",
        };
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

    /// What people should know of how the policy works with these editors and rewards, each as a note at the policy.
    pub fn notes(&self, cards: &Cards) -> Vec<Diagnostic> {
        let note = |message| Diagnostic { severity: Severity::Note, message, place: self.place_of(None), hint: None };
        let notes = self.settings.search.notes(cards).into_iter().map(note);
        notes.chain(self.empty_doubt(cards)).chain(self.starved(cards)).collect()
    }

    /// Budgets that one candidate alone may exceed: none is begun then, whatever it would have come to.
    fn starved(&self, cards: &Cards) -> Vec<Diagnostic> {
        let Settings { search, budget: Budget { nfe, tokens, usd, .. }, .. } = &self.settings;
        let used = if search.routes() { cards.editors.len() } else { 1 };
        let one = |number: fn(&Cost) -> u64| {
            let edit = cards.editors.iter().take(used).map(|card| number(&card.cost)).min().unwrap_or_default();
            cards.rewards.iter().fold(edit, |sum, card| sum.saturating_add(number(&card.cost)))
        };
        let count = |number: u64| number.to_string();
        let money = |micros: u64| Usd { micros }.dollars().to_string();
        let kinds: [Scarce; 3] = [
            (budget::NFE.name, *nfe, one(|cost| cost.nfe), count),
            (budget::TOKENS.name, *tokens, one(|cost| cost.tokens), count),
            (budget::USD.name, usd.map(|usd| usd.micros), one(|cost| cost.usd.micros), money),
        ];
        let starved = |(key, limit, one, show): Scarce| {
            let limit = limit.filter(|limit| *limit < one)?;
            let (limit, one) = (show(limit), show(one));
            let message = format!("`{key}` of {limit} allows no whole candidate: one may take {one}");
            let hint = Some(format!("raise `{key}` to {one} or more"));
            let place = self.places.at(&format!("budget.{key}"));
            Some(Diagnostic { severity: Severity::Warning, message, place, hint })
        };
        kinds.into_iter().filter_map(starved).collect()
    }

    /// A σ that is assumed of every reward that counts lowers all scores alike.
    fn empty_doubt(&self, cards: &Cards) -> Option<Diagnostic> {
        let combine = &self.settings.combine;
        let setting = combine.assumed_doubt()?;
        let says = |card: &RewardCard| {
            card.gives_sigma && self.rewards().iter().any(|reward| reward.name == card.name && reward.weight != 0.0)
        };
        (!cards.rewards.iter().any(says)).then(|| Diagnostic {
            severity: Severity::Warning,
            message: format!("{} lowers all scores alike: no reward that counts says how sure it is", quote(setting)),
            place: self.places.at(&format!("combine.{}.{setting}", combine.kind())),
            hint: Some("leave `combine` out, or count a judge that says how sure it is".to_owned()),
        })
    }
}
