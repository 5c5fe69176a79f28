//! The critic `darkroom_critic` behind its port: what the measures of `photometric` say about each asked edit, as the next
//! instruction; and before the first edit, what was asked for by words, in numbers.

mod advice;
mod recipe;

use std::num::NonZeroU32;
use std::sync::Arc;

use editscale_core::{
    Cost, CriticCard, CriticName, CriticQuestion, Criticism, Critique, EditRequest, Failure, FailureKind, Instruction,
    LocalCritic, Reviewed, Subject, Watch,
};
use editscale_picture::DecodeCache;

use crate::editor::decoded;
use crate::language::read;
use crate::photometric::assess;
use crate::plan::Plan;
use crate::scenes::Scenes;

use advice::{Case, Written};

pub use recipe::DarkroomCriticRecipe;

/// The version of everything that decides what is written.
const REVISION: &str = "darkroom_critic/1";

/// Measures what is missing of a photographic edit, and asks for it.
#[derive(Debug)]
pub struct DarkroomCritic {
    card: CriticCard,
    pictures: Arc<DecodeCache>,
    scenes: Arc<Scenes>,
}

impl DarkroomCritic {
    /// The critic under a name.
    pub fn new(name: CriticName, pictures: Arc<DecodeCache>, scenes: Arc<Scenes>) -> Self {
        let (slots, cost) = (NonZeroU32::MIN, Cost::default());
        Self { card: CriticCard { name, revision: REVISION.into(), rewrites: true, slots, cost }, pictures, scenes }
    }

    fn write(&self, question: &CriticQuestion) -> Result<Critique, Failure> {
        let CriticQuestion { request, subject } = question;
        let asked = read(request.instruction.as_str());
        if asked.edits.is_empty() {
            let message = "the instruction asks for no photographic edit that `darkroom_critic` can measure";
            return Err(Failure::new(FailureKind::Invalid, message));
        }
        let written = match subject {
            Subject::Request => advice::in_numbers(request.instruction.as_str(), &asked),
            Subject::Candidate(reviewed) => self.review(request, &asked, reviewed)?,
        };
        let instruction = written.instruction.as_deref().map(Instruction::new).transpose();
        let instruction = instruction.map_err(|error| Failure::new(FailureKind::Malformed, error.to_string()))?;
        Ok(Critique { text: written.text.into(), instruction, satisfied: written.satisfied })
    }

    /// Measures what became of each asked edit.
    fn review(&self, request: &EditRequest, asked: &Plan, reviewed: &Reviewed) -> Result<Written, Failure> {
        let Reviewed { attempt, canvas, .. } = reviewed;
        let source = decoded(&self.pictures, &request.source)?;
        let edited = decoded(&self.pictures, &attempt.image)?;
        let view = self.scenes.view(*request.source.digest().as_bytes(), &source.pixels);
        let assessment = assess(&view, &edited.pixels, asked);
        let told = read(&attempt.instruction);
        let case = Case { request: request.instruction.as_str(), asked, told: &told, assessment: &assessment };
        Ok(case.write(*canvas))
    }
}

impl LocalCritic for DarkroomCritic {
    fn card(&self) -> &CriticCard {
        &self.card
    }

    fn critique(&mut self, question: &CriticQuestion, watch: &dyn Watch) -> Result<Criticism, Failure> {
        if watch.cancelled() {
            return Err(Failure::new(FailureKind::Cancelled, "the critique was cancelled"));
        }
        self.write(question).map(|critique| Criticism { critique, cost: Cost::default() })
    }
}
