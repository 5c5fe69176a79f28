//! The judgements of a round: asked for, begun, taken in, and what becomes of those that nobody waits for to their end.
//!
//! A judgement that money can be paid for is in the journal before it leaves, so that it counts as spent whatever
//! becomes of the program.

use std::mem;
use std::sync::Arc;

use editscale_core::{
    Cost, Failure, FailureKind, Judgement, RewardBatch, RewardCard, RewardItem, RewardKind, Score, Usd,
};

use super::{Closing, Done, Question, Round};
use crate::book::JudgementKey;
use crate::error::EngineError;
use crate::purse::{Work, asked};
use crate::trials::Vote;

const TIME_IS_UP: &str = "the time of the run is up";

/// Whether money can be paid for what this reward says.
fn is_paid(card: &RewardCard) -> bool {
    card.cost.usd > Usd::default()
}

impl Round<'_> {
    /// Enters all judgements of an item that are known and queues the others.
    pub(super) fn ask_all(&mut self, index: usize) -> Result<(), EngineError> {
        for place in self.asking.rewards.clone() {
            for vote in 0..self.asking.votes {
                let key = self.key(index, place, vote);
                match self.book.judged(&key).cloned() {
                    Some(said) => self.items[index].votes.push(Vote { reward: key.2, said }),
                    None => self.ask(place, Question { item: index, vote, attempt: 1 })?,
                }
            }
        }
        if self.items[index].awaited == 0 {
            self.conclude(index);
        }
        Ok(())
    }

    /// Queues one judgement, where the budget has it.
    fn ask(&mut self, place: usize, question: Question) -> Result<(), EngineError> {
        let bound = self.job.ports.rewards[place].card().cost;
        if self.book.purse.reserve(Work::Judgement, bound) {
            self.items[question.item].awaited += 1;
            self.questions[place].push_back(question);
            return Ok(());
        }
        let why = Failure::new(FailureKind::OverBudget, "the budget has no judgement left");
        self.deny(question.item, place, question.vote, why)
    }

    /// Enters a judgement that will not be made.
    fn deny(&mut self, index: usize, place: usize, vote: u32, why: Failure) -> Result<(), EngineError> {
        let key = self.key(index, place, vote);
        let reward = key.2.clone();
        self.book.enter_judgement(key, Err(why.clone()), why.cost)?;
        self.items[index].votes.push(Vote { reward, said: Err(why) });
        Ok(())
    }

    fn key(&self, index: usize, place: usize, vote: u32) -> JudgementKey {
        (self.items[index].id, self.number, self.job.ports.rewards[place].card().name.clone(), vote)
    }

    /// Fills the free slots of the judges. After the deadline nothing is begun that costs money.
    pub(super) fn launch_judgements(&mut self) -> Result<(), EngineError> {
        for place in 0..self.questions.len() {
            if self.closing == Some(Closing::Deadline) && is_paid(self.job.ports.rewards[place].card()) {
                self.deny_waiting(place)?;
            }
            self.launch_judgements_of(place)?;
        }
        Ok(())
    }

    /// Enters that what waits for a judge will not be judged.
    fn deny_waiting(&mut self, place: usize) -> Result<(), EngineError> {
        let bound = self.job.ports.rewards[place].card().cost;
        for question in mem::take(&mut self.questions[place]) {
            self.book.purse.settle(Work::Judgement, bound, Cost::default(), false);
            let why = Failure::new(FailureKind::OverBudget, TIME_IS_UP);
            let key = self.key(question.item, place, question.vote);
            self.book.enter_judgement(key, Err(why.clone()), Cost::default())?;
            self.hear(question.item, place, Err(why));
        }
        Ok(())
    }

    fn launch_judgements_of(&mut self, place: usize) -> Result<(), EngineError> {
        let card = self.job.ports.rewards[place].card();
        let listwise = card.kind == RewardKind::Listwise;
        // A listwise reward compares what it is given: it waits until every picture of the round is there.
        let all_made = self.editing == 0 && self.edits.iter().all(std::collections::VecDeque::is_empty);
        if listwise && !all_made && self.closing.is_none() {
            return Ok(());
        }
        let mut batches = Vec::new();
        let free = card.slots.get().saturating_sub(self.judge_busy[place]) as usize;
        while batches.len() < free && !self.questions[place].is_empty() {
            let count = self.questions[place].len().min(card.largest_batch.get() as usize);
            batches.push(self.questions[place].drain(..count).collect());
        }
        self.enter_judging(place, &batches)?;
        batches.into_iter().for_each(|questions| self.launch_questions(place, questions));
        Ok(())
    }

    /// Writes down, with one flush for all, what is about to leave and can be paid.
    fn enter_judging(&mut self, place: usize, batches: &[Vec<Question>]) -> Result<(), EngineError> {
        let card = self.job.ports.rewards[place].card();
        if batches.is_empty() || !is_paid(card) {
            return Ok(());
        }
        let leaving = |question: &Question| (self.key(question.item, place, question.vote), question.attempt);
        let leaving: Vec<_> = batches.iter().flatten().map(leaving).collect();
        Ok(self.book.enter_judging(&leaving, card.cost)?)
    }

    fn launch_questions(&mut self, place: usize, questions: Vec<Question>) {
        let item = |question: &Question| {
            let candidate = self.items[question.item].image.clone()?;
            Some(RewardItem { request: Arc::clone(&self.job.request), candidate })
        };
        let items = questions.iter().filter_map(item).collect();
        let watched = questions.iter().map(|question| (self.items[question.item].id, question.attempt)).collect();
        let watch = self.watch(watched, &self.cancel_judgements);
        let reward = Arc::clone(&self.job.ports.rewards[place]);
        self.judge_busy[place] += 1;
        self.under_way.push(Box::pin(async move {
            let expected = questions.len();
            let mut results = reward.score(RewardBatch { items }, &watch).await;
            if results.len() != expected {
                let message = format!("the reward answered {} items of {expected}", results.len());
                results = vec![Err(Failure::new(FailureKind::Malformed, message)); expected];
            }
            match watch.into_error() {
                Some(error) => Done::Broken(error),
                None => Done::Judgements { reward: place, questions, results },
            }
        }));
    }

    pub(super) fn take_judgement(
        &mut self,
        place: usize,
        question: Question,
        result: Result<Judgement, Failure>,
    ) -> Result<(), EngineError> {
        let bound = self.job.ports.rewards[place].card().cost;
        let (said, cost) = match result {
            Ok(judgement) => (Ok(judgement.score), judgement.cost),
            Err(failure) => {
                let cost = failure.cost;
                (Err(failure), cost)
            }
        };
        let counts = said.as_ref().err().is_none_or(asked);
        self.book.purse.settle(Work::Judgement, bound, cost, counts);
        let key = self.key(question.item, place, question.vote);
        if let Err(failure) = &said
            && self.is_asked_again(place, question, failure)
        {
            return Ok(self.book.enter_judging_failed(&key, failure)?);
        }
        self.book.enter_judgement(key, said.clone(), cost)?;
        self.hear(question.item, place, said);
        Ok(())
    }

    /// Whether a judgement that failed is asked for again: now, for which it is put back with its cost set aside, or
    /// after the resume of a run that was stopped.
    fn is_asked_again(&mut self, place: usize, question: Question, failure: &Failure) -> bool {
        if failure.kind == FailureKind::Cancelled && self.closing == Some(Closing::Stopped) {
            return true;
        }
        let card = self.job.ports.rewards[place].card();
        // What a listwise reward says of one candidate alone compares with nothing that it said of the others.
        let is_alone = card.kind == RewardKind::Listwise;
        let seed = self.job.request.seed.mix(u64::from(self.items[question.item].id.0));
        let wait = self.job.limits.retry.wait(failure, question.attempt, seed).filter(|_| !is_alone);
        let (Some(wait), None) = (wait, self.closing) else { return false };
        let is_afforded = self.book.purse.reserve(Work::Judgement, card.cost);
        if is_afforded {
            let question = Question { attempt: question.attempt + 1, ..question };
            self.under_way.push(Box::pin(async move {
                tokio::time::sleep(wait).await;
                Done::JudgeAgain { reward: place, question }
            }));
        }
        is_afforded
    }

    /// Enters a judgement into its item, which may be complete with it.
    fn hear(&mut self, index: usize, place: usize, said: Result<Score, Failure>) {
        let reward = self.job.ports.rewards[place].card().name.clone();
        let item = &mut self.items[index];
        item.votes.push(Vote { reward, said });
        item.awaited -= 1;
        if item.awaited == 0 {
            self.conclude(index);
        }
    }

    /// Ends the judgements of an item that were waited for in vain. Those that left and can be paid are spent.
    pub(super) fn give_up_judgements(&mut self, index: usize, closing: Closing) -> Result<(), EngineError> {
        for place in self.asking.rewards.clone() {
            for vote in 0..self.asking.votes {
                let key = self.key(index, place, vote);
                if self.book.judged(&key).is_some() {
                    continue;
                }
                match (self.book.is_judging(&key), closing) {
                    (true, Closing::Stopped) => {
                        let why = "the run was stopped while this judgement was with the server; it may have been paid";
                        let failure = self.spend_in_doubt(place, why);
                        self.book.enter_judging_failed(&key, &failure)?;
                    }
                    (true, Closing::Deadline) => {
                        let why = "the time of the run is up, and the judge has not answered; it may have been paid";
                        let failure = self.spend_in_doubt(place, why);
                        self.deny(index, place, vote, failure)?;
                    }
                    (false, Closing::Stopped) => {}
                    (false, Closing::Deadline) => {
                        self.deny(index, place, vote, Failure::new(FailureKind::OverBudget, TIME_IS_UP))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Books the most that a judgement of which nothing is known can have cost.
    fn spend_in_doubt(&mut self, place: usize, why: &str) -> Failure {
        let cost = self.job.ports.rewards[place].card().cost;
        self.book.purse.settle(Work::Judgement, cost, cost, true);
        Failure { cost, ..Failure::new(FailureKind::Ambiguous, why) }
    }
}
