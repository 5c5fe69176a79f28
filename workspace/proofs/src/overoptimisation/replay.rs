//! The workshop over a pool: the candidates of a request in an order of its own.

use editscale_core::{
    CandidateId, Cards, Cost, Digest, EditRequest, EditorName, Failure, FailureKind, Proposal, RewardName, ScoreCard,
};

use super::pool::Row;
use crate::world::simulation::{EDITOR, editor_card, judge_card, request};
use crate::world::{Again, Piece, Setting, Workshop};

/// What is kept of a pool's candidate for replaying: its row and its score card.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What the judges said.
    pub row: Row,
    /// The same as a search sees it.
    pub card: ScoreCard,
}

/// A pool replayed in one order: the candidate asked for first is the first of the order.
#[derive(Debug)]
pub struct Replay<'p> {
    pool: &'p [Kept],
    order: Vec<usize>,
    request: EditRequest,
    cards: Cards,
}

impl<'p> Replay<'p> {
    /// The pool in this order, for policies that go by these judges. `number` roots the seeds of the policy's own choices.
    pub fn new(pool: &'p [Kept], order: Vec<usize>, (judges, number): (&[&str], u64)) -> anyhow::Result<Self> {
        let setting = Setting::default();
        let card = |name: &&str| Ok(judge_card(RewardName::new(name)?, &setting));
        let cards = Cards {
            editors: vec![editor_card(EditorName::new(EDITOR)?)],
            rewards: judges.iter().map(card).collect::<anyhow::Result<_>>()?,
            critics: Vec::new(),
        };
        Ok(Self { pool, order, request: request(number), cards })
    }

    /// The candidate that was asked for at this place.
    pub fn row(&self, who: CandidateId) -> Option<&Row> {
        self.pool.get(*self.order.get(who.0 as usize)?).map(|kept| &kept.row)
    }
}

impl Workshop for Replay<'_> {
    fn request(&self) -> &EditRequest {
        &self.request
    }

    fn cards(&self) -> &Cards {
        &self.cards
    }

    fn make(&mut self, proposal: &Proposal) -> Result<Piece, Failure> {
        let end = || Failure::new(FailureKind::Invalid, "the pool is at its end");
        let place = *self.order.get(proposal.id.0 as usize).ok_or_else(end)?;
        let kept = self.pool.get(place).ok_or_else(end)?;
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&(place as u64).to_le_bytes());
        Ok(Piece {
            image: Digest::from_bytes(bytes),
            hash: Some(kept.row.hash),
            card: kept.card.clone(),
            edit: Cost::default(),
            judging: Cost::default(),
            judgements: self.cards.rewards.len() as u64,
        })
    }

    fn judge(&mut self, who: CandidateId, _: u32) -> Result<Again, Failure> {
        let none = || Failure::new(FailureKind::Invalid, "there is no such candidate");
        let kept = self.order.get(who.0 as usize).and_then(|place| self.pool.get(*place)).ok_or_else(none)?;
        Ok(Again { card: kept.card.clone(), judging: Cost::default(), judgements: self.cards.rewards.len() as u64 })
    }

    fn gold(&self, who: CandidateId) -> Option<f64> {
        self.row(who).map(|row| row.held_out)
    }
}
