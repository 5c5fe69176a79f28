//! Pictures judged by the rewards of a recipe, outside of any run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use editscale_core::{
    Cost, EditRequest, Failure, FailureKind, Image, Instruction, Judgement, Ledger, RewardBatch, RewardItem,
    RewardKind, RewardModel, ScoreCard, Seed, Watch,
};
use tokio_util::sync::CancellationToken;

use super::trouble::Trouble;
use crate::offer::Offer;

/// How long a reward that was told to stop may take to do so.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be judged.
#[derive(Debug, Clone)]
pub(crate) struct Judging {
    pub(crate) offer: Arc<Offer>,
    pub(crate) request: Arc<EditRequest>,
    pub(crate) pictures: Vec<Image>,
}

/// When to stop.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    pub(crate) gone: CancellationToken,
    pub(crate) until: Instant,
}

impl Watch for Patience {
    fn cancelled(&self) -> bool {
        self.gone.is_cancelled() || Instant::now() >= self.until
    }
}

impl Patience {
    /// Waits until whoever was told to stop has had time to.
    async fn lost(&self) {
        tokio::select! {
            () = self.gone.cancelled() => {}
            () = tokio::time::sleep_until(self.until.into()) => {}
        }
        tokio::time::sleep(PATIENCE).await;
    }
}

/// A card for each picture, and what they cost.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) cards: Vec<ScoreCard>,
    pub(crate) spent: Ledger,
}

/// The request that pictures are judged by.
pub(crate) fn request(source: Image, instruction: &str) -> Result<Arc<EditRequest>, Trouble> {
    let instruction =
        Instruction::new(instruction).map_err(|error| Trouble::invalid(format!("`instruction` is wrong: {error}")))?;
    let seed = Seed::new(0).map_err(|error| Trouble::new("server_failed", error.to_string()))?;
    Ok(Arc::new(EditRequest { source, instruction, mask: None, output_size: None, seed }))
}

impl Judging {
    /// Refuses more than a reward can compare at a time.
    pub(crate) fn check_size(&self) -> Result<(), Trouble> {
        let listwise = self.offer.rewards.iter().map(|reward| reward.card());
        let mut listwise = listwise.filter(|card| card.kind == RewardKind::Listwise);
        let Some(card) = listwise.find(|card| self.pictures.len() > card.largest_batch.get() as usize) else {
            return Ok(());
        };
        let message = format!("reward `{}` compares at most {} pictures at a time", card.name, card.largest_batch);
        Err(Trouble::invalid(message))
    }

    /// Asks every reward for every picture.
    pub(crate) async fn carry_out(&self, patience: &Patience) -> Judged {
        let began = Instant::now();
        let mut judged = Judged { cards: vec![ScoreCard::default(); self.pictures.len()], spent: Ledger::default() };
        for reward in &self.offer.rewards {
            let size = reward.card().largest_batch.get() as usize;
            for (nth, pictures) in self.pictures.chunks(size).enumerate() {
                let said = self.ask(reward.as_ref(), pictures, patience).await;
                judged.enter(reward.as_ref(), (nth * size, pictures.len()), said);
            }
        }
        judged.spent.wall = began.elapsed();
        judged
    }

    async fn ask(
        &self,
        reward: &dyn RewardModel,
        pictures: &[Image],
        patience: &Patience,
    ) -> Vec<Result<Judgement, Failure>> {
        if patience.cancelled() {
            let never = || Err(Failure::new(FailureKind::Cancelled, "it was not asked any more"));
            return pictures.iter().map(|_| never()).collect();
        }
        let item = |candidate: &Image| RewardItem { request: Arc::clone(&self.request), candidate: candidate.clone() };
        let batch = RewardBatch { items: pictures.iter().map(item).collect() };
        tokio::select! {
            said = reward.score(batch, patience) => said,
            () = patience.lost() => {
                // Nobody can know what it cost.
                let mut late = Failure::new(FailureKind::Ambiguous, "it did not stop when it was told to");
                late.cost = reward.card().cost;
                pictures.iter().map(|_| Err(late.clone())).collect()
            }
        }
    }
}

impl Judged {
    /// Enters what a reward said of so many pictures from this one on. Everything that was asked for counts as a call.
    fn enter(
        &mut self,
        reward: &dyn RewardModel,
        (from, count): (usize, usize),
        said: Vec<Result<Judgement, Failure>>,
    ) {
        let silent = || Err(Failure::new(FailureKind::Malformed, "the reward gave no answer"));
        let mut said = said.into_iter();
        for card in self.cards.iter_mut().skip(from).take(count) {
            let said = said.next().unwrap_or_else(silent);
            self.spent.reward_calls += 1;
            self.spent.cost += cost(&said);
            card.enter(reward.card().name.clone(), said.map(|judgement| judgement.score));
        }
    }
}

fn cost(said: &Result<Judgement, Failure>) -> Cost {
    match said {
        Ok(judgement) => judgement.cost,
        Err(failure) => failure.cost,
    }
}

/// The place of each picture in the ranking, from 1; equals share one. Nothing for those without a utility.
pub(crate) fn ranks(utilities: &[Option<f64>]) -> Vec<Option<u32>> {
    let better = |own: f64| utilities.iter().flatten().filter(|other| **other > own).count() as u32;
    utilities.iter().map(|utility| utility.map(|own| better(own) + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_share_a_rank() {
        let utilities = [Some(0.5), None, Some(0.9), Some(0.5), Some(-1.0)];
        assert_eq!(ranks(&utilities), [Some(2), None, Some(1), Some(2), Some(4)]);
        assert_eq!(ranks(&[]), []);
    }
}
