//! The port to critics: judges that write about a candidate, and say what to ask the editor for next. Some also say what to ask it for
//! first, before there is a candidate.

use std::sync::Arc;

use crate::{BoxFuture, CandidateId, Cost, CriticCard, EditRequest, Failure, Image, Instruction, Utility, Watch};

/// What a critic is asked, against the request's own source and instruction.
#[derive(Debug, Clone)]
pub struct CriticQuestion {
    /// What was asked for. A critique holds the candidate to this, never to an instruction rewritten on the way.
    pub request: Arc<EditRequest>,
    /// What it is to write about.
    pub subject: Subject,
}

/// What a critic is to write about.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The request itself, of which nothing is made yet: what the editor is to be told so that it makes of the source what the
    /// instruction means. Only for a critic whose card says that it rewrites ([`CriticCard::rewrites`]).
    Request,
    /// A candidate.
    Candidate(Reviewed),
}

/// A candidate to write about.
#[derive(Debug, Clone)]
pub struct Reviewed {
    /// The candidate.
    pub attempt: Attempt,
    /// What the instruction that the critic writes will be carried out on.
    pub canvas: Canvas,
    /// Attempts made before in the same run, the best first, to be learnt from. The candidate itself is not among them.
    pub earlier: Vec<EarlierAttempt>,
}

/// A candidate as a critic sees it.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Which.
    pub id: CandidateId,
    /// What was made.
    pub image: Image,
    /// The instruction that the editor was given: the request's own, or one that a critic wrote.
    pub instruction: Arc<str>,
}

/// An attempt made before, and what it was worth.
#[derive(Debug, Clone)]
pub struct EarlierAttempt {
    /// The attempt.
    pub attempt: Attempt,
    /// What the objective made of its score card.
    pub utility: Utility,
}

/// What an instruction is carried out on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Canvas {
    /// The request's source: the instruction says all that is to be done.
    Source,
    /// The candidate's picture: the instruction says what is left to be mended.
    Candidate,
}

impl Canvas {
    /// Every canvas.
    pub const ALL: [Self; 2] = [Self::Source, Self::Candidate];

    /// The word used in journals.
    pub fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Candidate => "candidate",
        }
    }
}

/// What a critic wrote about a candidate, or about a request of which nothing is made yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Critique {
    /// What it thinks of the candidate or of the request, in prose for people.
    pub text: Arc<str>,
    /// What the editor is to be told next, for the canvas that was asked about; `None` where the critic knows of nothing to
    /// mend, and of a request where it knows no better words than the request's own.
    pub instruction: Option<Instruction>,
    /// Whether the candidate does all that the request asks for. Never of a request alone.
    pub satisfied: bool,
}

/// A critique, and what it cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Criticism {
    /// What was written.
    pub critique: Critique,
    /// What was spent.
    pub cost: Cost,
}

/// A critic behind an async port.
///
/// An answer that cannot be read is a failure, never a critique that finds nothing to change.
pub trait Critic: Send + Sync {
    /// What it is. Always the same answer.
    fn card(&self) -> &CriticCard;

    /// Writes about one candidate, or about a request.
    fn critique<'a>(
        &'a self,
        question: CriticQuestion,
        watch: &'a dyn Watch,
    ) -> BoxFuture<'a, Result<Criticism, Failure>>;

    /// Why nothing can be asked of it any more. Nothing while it works.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// A critic in this process: synchronous, owned by one thread that the engine names and feeds.
///
/// The same contract as [`Critic`].
pub trait LocalCritic: Send {
    /// What it is. Always the same answer.
    fn card(&self) -> &CriticCard;

    /// Writes about one candidate, or about a request.
    fn critique(&mut self, question: &CriticQuestion, watch: &dyn Watch) -> Result<Criticism, Failure>;
}
