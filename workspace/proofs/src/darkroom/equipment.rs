//! Editors, rewards and critics as a recipe has them, for one thread.

use editscale_config::{Catalogue, Recipe};
use editscale_core::{
    Candidate, Cards, CriticName, CriticQuestion, Criticism, EditBatch, EditItem, Failure, FailureKind, LocalCritic,
    LocalEditor, LocalReward, NobodyWatches, RewardBatch, RewardItem, RewardName, Score,
};
use editscale_schema::{House, Made, MakeError};

use super::hands::Hand;

/// Whoever makes, judges and writes.
pub struct Equipment {
    editors: Vec<Box<dyn LocalEditor>>,
    rewards: Vec<Box<dyn LocalReward>>,
    critics: Vec<Box<dyn LocalCritic>>,
    cards: Cards,
}

impl std::fmt::Debug for Equipment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Equipment").field("cards", &self.cards).finish_non_exhaustive()
    }
}

/// What recipes of these studies can name: what is part of the program.
pub fn catalogue() -> Catalogue {
    let rewards = [editscale_darkroom::REWARDS, editscale_models::REWARDS];
    Catalogue::new(&[editscale_darkroom::EDITORS], &rewards).with_critics(&[editscale_darkroom::CRITICS])
}

impl Equipment {
    /// What a recipe names.
    pub fn of(recipe: &Recipe) -> anyhow::Result<Self> {
        let house = House::default();
        let editors = recipe.editors().iter().map(|editor| loaded(editor.model.make(&editor.name, &house)));
        let editors: Vec<Box<dyn LocalEditor>> = editors.collect::<anyhow::Result<_>>()?;
        let rewards = recipe.rewards().iter().map(|reward| loaded(reward.model.make(&reward.name, &house)));
        let rewards: Vec<Box<dyn LocalReward>> = rewards.collect::<anyhow::Result<_>>()?;
        let critics = recipe.critics().iter().map(|critic| loaded(critic.model.make(&critic.name, &house)));
        let critics: Vec<Box<dyn LocalCritic>> = critics.collect::<anyhow::Result<_>>()?;
        let cards = Cards {
            editors: editors.iter().map(|editor| editor.card().clone()).collect(),
            rewards: rewards.iter().map(|reward| reward.card().clone()).collect(),
            critics: critics.iter().map(|critic| critic.card().clone()).collect(),
        };
        Ok(Self { editors, rewards, critics, cards })
    }

    /// What they say of themselves.
    pub fn cards(&self) -> &Cards {
        &self.cards
    }

    /// One candidate, by the editor that its proposal names and that editor's hand.
    pub(super) fn edit(&mut self, item: EditItem) -> Result<Candidate, Failure> {
        let name = item.proposal.editor.clone();
        let item = Hand::of(&name).takes(item)?;
        let editor = self.editors.iter_mut().find(|editor| editor.card().name == name);
        let editor = editor.ok_or_else(|| nobody(name.as_str()))?;
        let made = editor.edit(&EditBatch { items: vec![item] }, &NobodyWatches);
        made.into_iter().next().unwrap_or_else(|| Err(silent()))
    }

    /// What a reward says of one picture.
    pub(super) fn judge(&mut self, name: &RewardName, item: RewardItem) -> Result<Score, Failure> {
        let reward = self.rewards.iter_mut().find(|reward| reward.card().name == *name);
        let reward = reward.ok_or_else(|| nobody(name.as_str()))?;
        let said = reward.score(&RewardBatch { items: vec![item] }, &NobodyWatches);
        said.into_iter().next().unwrap_or_else(|| Err(silent())).map(|judgement| judgement.score)
    }

    /// What a critic writes.
    pub(super) fn consult(&mut self, name: &CriticName, question: &CriticQuestion) -> Result<Criticism, Failure> {
        let critic = self.critics.iter_mut().find(|critic| critic.card().name == *name);
        critic.ok_or_else(|| nobody(name.as_str()))?.critique(question, &NobodyWatches)
    }
}

/// A model of this process, loaded.
fn loaded<B: ?Sized, L: ?Sized>(made: Result<Made<B, L>, MakeError>) -> anyhow::Result<Box<L>> {
    let plain = |error: MakeError| anyhow::anyhow!("{error}");
    match made.map_err(plain)? {
        Made::Local(load) => load().map_err(plain),
        Made::Ready(_) => anyhow::bail!("expected a model of this process"),
    }
}

fn nobody(name: &str) -> Failure {
    Failure::new(FailureKind::Invalid, format!("there is no `{name}`"))
}

fn silent() -> Failure {
    Failure::new(FailureKind::Malformed, "there was no answer")
}
