//! Critics in this process, on threads of their own.

use editscale_core::{
    BoxFuture, Critic, CriticCard, CriticQuestion, Criticism, Failure, FailureKind, LocalCritic, Watch,
};
use futures_util::FutureExt as _;

use super::{Model, SpawnError, Threads};

impl Model for Box<dyn LocalCritic> {
    const KIND: &'static str = "critic";

    type Card = CriticCard;
    type Batch = CriticQuestion;
    type Answer = Criticism;
    type Order = std::convert::Infallible;

    fn card(&self) -> CriticCard {
        LocalCritic::card(&**self).clone()
    }

    fn threads(card: &CriticCard) -> (String, u32) {
        (card.name.to_string(), card.slots.get())
    }

    fn work(&mut self, question: &CriticQuestion, watch: &dyn Watch) -> Vec<Result<Criticism, Failure>> {
        vec![self.critique(question, watch)]
    }

    fn obey(&mut self, order: Self::Order) -> bool {
        match order {}
    }

    fn items(_: &CriticQuestion) -> usize {
        1
    }
}

/// A [`LocalCritic`] on threads of its own.
pub struct ThreadedCritic {
    card: CriticCard,
    threads: Threads<Box<dyn LocalCritic>>,
}

impl std::fmt::Debug for ThreadedCritic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadedCritic").field("card", &self.card).finish_non_exhaustive()
    }
}

impl ThreadedCritic {
    /// Makes the critic once for each slot of its card and gives each a thread. `make` is called again after a panic.
    pub fn spawn<F>(make: F) -> Result<Self, SpawnError>
    where
        F: Fn() -> Result<Box<dyn LocalCritic>, String> + Send + Sync + 'static,
    {
        Threads::spawn(make).map(|(card, threads)| Self { card, threads })
    }
}

impl Critic for ThreadedCritic {
    fn card(&self) -> &CriticCard {
        &self.card
    }

    fn critique<'a>(
        &'a self,
        question: CriticQuestion,
        watch: &'a dyn Watch,
    ) -> BoxFuture<'a, Result<Criticism, Failure>> {
        let none = || Err(Failure::new(FailureKind::Malformed, "the critic gave no answer"));
        Box::pin(self.threads.work(question, watch).map(move |mut answers| answers.pop().unwrap_or_else(none)))
    }

    fn trouble(&self) -> Option<String> {
        self.threads.trouble()
    }
}
