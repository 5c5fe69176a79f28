//! A reward that is a plugin.

use std::sync::Arc;

use editscale_core::{
    BoxFuture, Cost, Failure, Judgement, RewardBatch, RewardCard, RewardItem, RewardKind, RewardModel, RewardName,
    Watch,
};
use editscale_sdk::protocol::{Answer, Card, Judged, Method, Outcome, PluginKind, ScoreParameters};

use crate::convert::cards::reward_card;
use crate::convert::pictures::Outgoing;
use crate::convert::scores;
use crate::opening::{Plugin, Role};
use crate::quarantine::{Key, reward_key};
use crate::session::Session;
use crate::supervise::{Health, Host, PluginError};
use crate::work::{Desk, Trade};

/// A reward in a process of its own.
#[derive(Debug)]
pub struct PluginReward {
    host: Host,
    trade: Arc<Judgements>,
}

/// What judgements are, to a plugin.
#[derive(Debug)]
struct Judgements {
    card: RewardCard,
}

impl Trade for Judgements {
    type Item = RewardItem;
    type Said = Judged;
    type Made = Judgement;

    fn most(&self) -> Cost {
        self.card.cost
    }

    /// A judgement that costs money may have been made and paid elsewhere.
    fn may_repeat(&self) -> bool {
        self.card.cost.usd.micros == 0
    }

    fn key(&self, item: &RewardItem) -> Key {
        reward_key(item)
    }

    /// Scores of a listwise reward compare within one call only: what is judged together stays together.
    fn units(&self, items: &[RewardItem]) -> Vec<Vec<usize>> {
        if self.card.kind == RewardKind::Pointwise {
            return (0..items.len()).map(|place| vec![place]).collect();
        }
        let mut sets: Vec<(&RewardItem, Vec<usize>)> = Vec::new();
        for (place, item) in items.iter().enumerate() {
            match sets.iter_mut().find(|(first, _)| is_one_set(first, item)) {
                Some((_, places)) => places.push(place),
                None => sets.push((item, vec![place])),
            }
        }
        sets.into_iter().map(|(_, places)| places).collect()
    }

    fn method(&self, items: &[RewardItem], pictures: &mut Outgoing<'_>) -> Result<Method, Failure> {
        let items = items.iter().map(|item| scores::item(item, pictures)).collect::<Result<_, _>>()?;
        Ok(Method::Score(ScoreParameters { images: Vec::new(), items }))
    }

    fn outcomes(&self, answer: Answer) -> Option<Vec<Outcome<Judged>>> {
        match answer {
            Answer::Judged { items, .. } => Some(items),
            _ => None,
        }
    }

    fn read(&self, said: Judged, _: &Session) -> Result<Judgement, String> {
        scores::judgement(&said, &self.card)
    }
}

fn is_one_set(one: &RewardItem, other: &RewardItem) -> bool {
    one.request.source == other.request.source && one.request.instruction == other.request.instruction
}

impl PluginReward {
    /// Starts the plugin and waits until it has loaded what it needs. Dropping the reward ends it.
    pub fn start(name: &RewardName, plugin: Plugin) -> Result<Self, PluginError> {
        let role = Role { kind: PluginKind::Reward, name: name.to_string() };
        let mut found = None;
        let host = Host::start(plugin, role, |said| {
            let Card::Reward(said) = said else {
                return Err("it is that of an editor: expected that of a reward".into());
            };
            let card = reward_card(name, said)?;
            let slots = card.slots.get();
            found = Some(card);
            Ok(slots)
        })?;
        // The host is there only if the card was read.
        let Some(card) = found else { return Err(PluginError::new(name.to_string(), "has no card")) };
        Ok(Self { host, trade: Arc::new(Judgements { card }) })
    }

    /// How the plugin has done since it was first ready.
    pub fn health(&self) -> Health {
        self.host.shared.health()
    }

    /// The number of its process while it is up.
    pub fn process(&self) -> Option<i32> {
        self.host.shared.process()
    }
}

impl RewardModel for PluginReward {
    fn card(&self) -> &RewardCard {
        &self.trade.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(async move { Desk { shared: &self.host.shared, trade: &self.trade, watch }.work(&batch.items).await })
    }

    fn trouble(&self) -> Option<String> {
        self.host.shared.trouble()
    }
}
