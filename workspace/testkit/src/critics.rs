//! A critic whose behaviour a test scripts.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use editscale_core::{
    BoxFuture, Cost, Critic, CriticCard, CriticName, CriticQuestion, Criticism, Critique, Failure, FailureKind,
    Instruction, Subject, Watch,
};

/// The card of a critic, free of cost.
pub fn critic_card(name: &str) -> CriticCard {
    CriticCard {
        name: CriticName::new(name).expect("a name"),
        revision: "fake/1".into(),
        rewrites: true,
        slots: NonZeroU32::new(2).expect("not zero"),
        cost: Cost::default(),
    }
}

/// A critique that asks for something.
pub fn critique(instruction: &str) -> Critique {
    let instruction = Some(Instruction::new(instruction).expect("an instruction"));
    Critique { text: "not there yet".into(), instruction, satisfied: false }
}

type Writes = Arc<dyn Fn(&CriticQuestion, u64) -> Result<Critique, FailureKind> + Send + Sync>;

/// A critic that writes by a scripted function of the question and the number of the call, by default what names the
/// candidate, and other words for a request.
#[derive(Clone)]
pub struct FakeCritic {
    /// What it says of itself.
    pub card: CriticCard,
    /// What it writes.
    pub writes: Writes,
    /// How long it takes.
    pub delay: Duration,
    /// How many questions it works on.
    pub under_way: Arc<AtomicU64>,
    /// How often it was asked, and answered.
    pub asked: Arc<AtomicU64>,
    /// What it was asked, in order.
    pub questions: Arc<Mutex<Vec<CriticQuestion>>>,
}

impl fmt::Debug for FakeCritic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeCritic").field("card", &self.card).finish_non_exhaustive()
    }
}

impl FakeCritic {
    /// Never fails, takes no time.
    pub fn new(card: CriticCard) -> Self {
        let writes: Writes = Arc::new(|question, _| {
            Ok(match &question.subject {
                Subject::Request => critique(&format!("in other words, {}", question.request.instruction)),
                Subject::Candidate(reviewed) => critique(&format!("mend candidate {}", reviewed.attempt.id)),
            })
        });
        Self {
            card,
            writes,
            delay: Duration::ZERO,
            under_way: Arc::default(),
            asked: Arc::default(),
            questions: Arc::default(),
        }
    }

    fn write(&self, question: CriticQuestion) -> Result<Criticism, Failure> {
        let call = self.asked.fetch_add(1, Ordering::Relaxed);
        let written = (self.writes)(&question, call);
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).push(question);
        let cost = self.card.cost;
        match written {
            Ok(critique) => Ok(Criticism { critique, cost }),
            Err(kind) => Err(Failure { cost, ..Failure::new(kind, "failed as scripted") }),
        }
    }
}

impl Critic for FakeCritic {
    fn card(&self) -> &CriticCard {
        &self.card
    }

    fn critique<'a>(&'a self, question: CriticQuestion, _: &'a dyn Watch) -> BoxFuture<'a, Result<Criticism, Failure>> {
        Box::pin(async move {
            self.under_way.fetch_add(1, Ordering::Relaxed);
            if !self.delay.is_zero() {
                tokio::time::sleep(self.delay).await;
            }
            self.under_way.fetch_sub(1, Ordering::Relaxed);
            self.write(question)
        })
    }
}
