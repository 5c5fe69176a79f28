//! The judgements of a round: asked for, begun, taken in, and what becomes of those that nobody waits for to their end.
//!
//! A pointwise reward is asked as soon as there is a picture, or, where whole rounds are wanted, once all are there. A listwise one compares the pictures of a round with each
//! other, so that it waits for all of them and gets them in one call, or not at all.
//!
//! A judgement that money can be paid for is in the journal before it leaves, so that it counts as spent whatever
//! becomes of the program.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use editscale_core::{
    Failure, FailureKind, Judgement, Ledger, RewardBatch, RewardCard, RewardItem, RewardKind, Score, Usd,
};

use super::{Closing, Done, Question, Round};
use crate::book::{JudgementKey, Made};
use crate::error::EngineError;
use crate::purse::Work;
use crate::votes::Vote;

/// Whether money can be paid for what this reward says.
fn is_paid(card: &RewardCard) -> bool {
    card.cost.usd > Usd::default()
}

fn time_is_up() -> Failure {
    Failure::new(FailureKind::OverBudget, "the time of the run is up")
}

impl<'a> Round<'a> {
    fn reward_card(&self, place: usize) -> &'a RewardCard {
        let job = self.job;
        job.ports.rewards[place].card()
    }

    fn key(&self, index: usize, place: usize, vote: u32) -> JudgementKey {
        let (candidate, reward) = (self.items[index].id, self.reward_card(place).name.clone());
        JudgementKey { candidate, round: self.number, reward, vote }
    }

    /// Forgets what is known of a listwise set where an earlier life of the program wrote down only a part of it: the
    /// rest alone would compare with nothing, so that the whole set is asked for again.
    pub(super) fn forget_partial_sets(&mut self) {
        let is_pictured = |index: &usize| {
            let item = &self.items[*index];
            item.image.is_some() || matches!(self.book.made(item.id), Some(Made::Image(_)))
        };
        let pictured: Vec<usize> = (0..self.items.len()).filter(is_pictured).collect();
        for place in self.asking.rewards.clone() {
            for vote in 0..self.asking.votes {
                if self.reward_card(place).kind == RewardKind::Pointwise {
                    continue;
                }
                let keys = pictured.iter().map(|index| self.key(*index, place, vote));
                let (known, unknown): (Vec<_>, Vec<_>) = keys.partition(|key| self.book.judged(key).is_some());
                match (known.is_empty() || unknown.is_empty(), self.book.is_late()) {
                    (true, _) => {}
                    // After the deadline nothing is begun that costs money: what is known compares with itself.
                    (false, true) => self.judges[place].is_compared = true,
                    (false, false) => known.iter().for_each(|key| self.book.forget(key)),
                }
            }
        }
    }

    /// Enters all judgements of an item that are known and queues the others.
    pub(super) fn ask_all(&mut self, index: usize) -> Result<(), EngineError> {
        for place in self.asking.rewards.clone() {
            for vote in 0..self.asking.votes {
                let key = self.key(index, place, vote);
                match self.book.judged(&key).cloned() {
                    Some(said) => self.items[index].votes.push(Vote { reward: key.reward, number: vote, said }),
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
        if self.book.purse.reserve(Work::Judgement, self.reward_card(place).cost) {
            self.items[question.item].awaited += 1;
            self.judges[place].waiting.push_back(question);
            return Ok(());
        }
        let why = Failure::new(FailureKind::OverBudget, "the budget has no judgement left");
        self.enter_denied(place, question, &why)
    }

    /// Enters a judgement that will not be made, for an item that does not wait for it.
    fn enter_denied(&mut self, place: usize, question: Question, why: &Failure) -> Result<(), EngineError> {
        let key = self.key(question.item, place, question.vote);
        let vote = Vote { reward: key.reward.clone(), number: question.vote, said: Err(why.clone()) };
        self.book.enter_judgement(key, Err(why.clone()), &Work::Judgement.spent_in_vain(why))?;
        self.items[question.item].votes.push(vote);
        Ok(())
    }

    /// Fills the free slots of the judges. After the deadline nothing is begun that costs money.
    pub(super) fn launch_judgements(&mut self) -> Result<(), EngineError> {
        for place in 0..self.judges.len() {
            let card = self.reward_card(place);
            if self.closing == Some(Closing::Deadline) && is_paid(card) {
                let queue = &mut self.judges[place];
                let sets = mem::take(&mut queue.sets).into_iter().flatten();
                let waiting: Vec<Question> = mem::take(&mut queue.waiting).into_iter().chain(sets).collect();
                self.deny(place, waiting, &time_is_up())?;
            }
            if card.kind == RewardKind::Listwise {
                self.put_sets_together(place)?;
            }
            self.launch_judgements_of(place)?;
        }
        Ok(())
    }

    /// Enters that questions which wait for a judge will not be put to it.
    fn deny(&mut self, place: usize, questions: Vec<Question>, why: &Failure) -> Result<(), EngineError> {
        for question in questions {
            self.book.purse.give_back(Work::Judgement, self.reward_card(place).cost);
            let key = self.key(question.item, place, question.vote);
            self.book.enter_judgement(key, Err(why.clone()), &Ledger::default())?;
            self.hear(place, question, Err(why.clone()));
        }
        Ok(())
    }

    /// Whether nothing more will be edited in this round.
    fn all_made(&self) -> bool {
        self.editing == 0 && self.editors.iter().all(|queue| queue.waiting.is_empty())
    }

    /// Puts the sets together that a listwise reward compares, one for each vote, once every picture of the round is
    /// there.
    fn put_sets_together(&mut self, place: usize) -> Result<(), EngineError> {
        if self.judges[place].waiting.is_empty() || (!self.all_made() && self.closing.is_none()) {
            return Ok(());
        }
        let questions = mem::take(&mut self.judges[place].waiting);
        if mem::replace(&mut self.judges[place].is_compared, true) {
            let why =
                "its picture came after the others had been compared, and a score of its own compares with nothing";
            return self.deny(place, questions.into(), &Failure::new(FailureKind::OverBudget, why));
        }
        let mut sets: BTreeMap<u32, Vec<Question>> = BTreeMap::new();
        questions.into_iter().for_each(|question| sets.entry(question.vote).or_default().push(question));
        let card = self.reward_card(place);
        let most = card.largest_batch.get() as usize;
        for mut set in sets.into_values() {
            // A judge may mind the order: it is that of asking, not that in which the pictures came.
            set.sort_by_key(|question| question.item);
            if set.len() <= most {
                self.judges[place].sets.push_back(set);
            } else {
                let count = set.len();
                let why = format!(
                    "`{}` compares at most {most} candidates with each other: expected no more, found {count}",
                    card.name
                );
                self.deny(place, set, &Failure::new(FailureKind::Invalid, why))?;
            }
        }
        Ok(())
    }

    fn launch_judgements_of(&mut self, place: usize) -> Result<(), EngineError> {
        let card = self.reward_card(place);
        let free = card.slots.get().saturating_sub(self.judges[place].busy) as usize;
        let mut batches = Vec::new();
        while batches.len() < free {
            let Some(batch) = self.next_batch(place) else { break };
            batches.push(batch);
        }
        self.enter_judging(place, &batches)?;
        batches.into_iter().for_each(|questions| self.launch_questions(place, questions));
        Ok(())
    }

    fn next_batch(&mut self, place: usize) -> Option<Vec<Question>> {
        let card = self.reward_card(place);
        let may_part = !self.job.limits.whole_rounds || self.all_made() || self.closing.is_some();
        let queue = &mut self.judges[place];
        match card.kind {
            RewardKind::Listwise => queue.sets.pop_front(),
            RewardKind::Pointwise if queue.waiting.is_empty() => None,
            RewardKind::Pointwise if !may_part && queue.waiting.len() < card.largest_batch.get() as usize => None,
            RewardKind::Pointwise => {
                let count = queue.waiting.len().min(card.largest_batch.get() as usize);
                Some(queue.waiting.drain(..count).collect())
            }
        }
    }

    /// Writes down, with one flush for all, what is about to leave and can be paid.
    fn enter_judging(&mut self, place: usize, batches: &[Vec<Question>]) -> Result<(), EngineError> {
        let card = self.reward_card(place);
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
        self.judges[place].busy += 1;
        self.under_way.push(Box::pin(async move {
            let results = reward.score(RewardBatch { items }, &watch).await;
            match watch.into_error() {
                Some(error) => Done::Broken(error),
                None => Done::Judgements { reward: place, questions, results },
            }
        }));
    }

    pub(super) fn take_judgements(
        &mut self,
        place: usize,
        questions: Vec<Question>,
        mut results: Vec<Result<Judgement, Failure>>,
    ) -> Result<(), EngineError> {
        self.judges[place].busy -= 1;
        if results.len() != questions.len() {
            // Whatever was said is not known, so that it counts at its most.
            let message = format!("the reward answered {} items of {}", results.len(), questions.len());
            let cost = self.reward_card(place).cost;
            let failure = Failure { cost, ..Failure::new(FailureKind::Malformed, message) };
            results = vec![Err(failure); questions.len()];
        }
        for (question, result) in questions.into_iter().zip(results) {
            self.take_judgement(place, question, result)?;
        }
        Ok(())
    }

    fn take_judgement(
        &mut self,
        place: usize,
        question: Question,
        result: Result<Judgement, Failure>,
    ) -> Result<(), EngineError> {
        let (said, spent) = match result {
            Ok(Judgement { score, cost, counters }) => {
                let spent = Ledger { pictures: counters.pictures, ..Work::Judgement.spent(cost, true) };
                (Ok(score), spent)
            }
            Err(failure) => {
                let spent = Work::Judgement.spent_in_vain(&failure);
                (Err(failure), spent)
            }
        };
        self.book.purse.settle(Work::Judgement, self.reward_card(place).cost, &spent);
        let key = self.key(question.item, place, question.vote);
        if let Err(failure) = &said
            && self.is_asked_again(place, question, failure)
        {
            return Ok(self.book.enter_judging_failed(&key, failure)?);
        }
        self.book.enter_judgement(key, said.clone(), &spent)?;
        self.hear(place, question, said);
        Ok(())
    }

    /// Whether a judgement that failed is asked for again: now, for which it is put back with its cost set aside, or
    /// after the resume of a run that was stopped.
    fn is_asked_again(&mut self, place: usize, question: Question, failure: &Failure) -> bool {
        if failure.kind == FailureKind::Cancelled && self.closing == Some(Closing::Stopped) {
            return true;
        }
        let card = self.reward_card(place);
        // What a listwise reward says of one candidate alone compares with nothing that it said of the others.
        if card.kind == RewardKind::Listwise || self.closing.is_some() {
            return false;
        }
        let seed = self.job.request.seed.mix(u64::from(self.items[question.item].id.0));
        let Some(wait) = self.job.limits.retry.wait(failure, question.attempt, seed) else { return false };
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
    fn hear(&mut self, place: usize, question: Question, said: Result<Score, Failure>) {
        let reward = self.reward_card(place).name.clone();
        let item = &mut self.items[question.item];
        item.votes.push(Vote { reward, number: question.vote, said });
        item.awaited -= 1;
        if item.awaited == 0 {
            self.conclude(question.item);
        }
    }

    /// Ends the judgements of an item that were waited for in vain. Those that left and can be paid are spent.
    pub(super) fn give_up_judgements(&mut self, index: usize, closing: Closing) -> Result<(), EngineError> {
        for place in self.asking.rewards.clone() {
            for vote in 0..self.asking.votes {
                let key = self.key(index, place, vote);
                if self.book.judged(&key).is_none() {
                    self.give_up_judgement(place, Question { item: index, vote, attempt: 1 }, closing)?;
                }
            }
        }
        Ok(())
    }

    fn give_up_judgement(&mut self, place: usize, question: Question, closing: Closing) -> Result<(), EngineError> {
        let key = self.key(question.item, place, question.vote);
        let cost = self.reward_card(place).cost;
        self.book.purse.give_back(Work::Judgement, cost);
        let in_doubt = |why: &str| Failure { cost, ..Failure::new(FailureKind::Ambiguous, why) };
        match (self.book.is_judging(&key), closing) {
            (true, Closing::Stopped) => {
                let why = "the run was stopped while this judgement was with the server; it may have been paid";
                let failure = in_doubt(why);
                self.book.purse.book(&Work::Judgement.spent_in_vain(&failure));
                Ok(self.book.enter_judging_failed(&key, &failure)?)
            }
            (true, Closing::Deadline) => {
                let failure =
                    in_doubt("the time of the run is up, and the judge has not answered; it may have been paid");
                self.book.purse.book(&Work::Judgement.spent_in_vain(&failure));
                self.enter_denied(place, question, &failure)
            }
            (false, Closing::Stopped) => Ok(()),
            (false, Closing::Deadline) => self.enter_denied(place, question, &time_is_up()),
        }
    }
}
