//! What happens in a run, kept so that anybody can follow it from the beginning or from where they were cut off.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use editscale_core::{
    CandidateId, Critique, Event, Failure, Instruction, Ledger, Objective, Observer, Outcome, Proposal, ScoreCard,
    Trial, Until,
};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::live::State;
use crate::form::{FailureForm, LedgerForm, failure_form, scores_form};
use crate::telemetry::Meter;

/// More than this many events of one run are not kept: steps are then left out.
const MOST: usize = 10_000;

/// One event, as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its place in the run's events, from 0.
    pub number: usize,
    /// What kind it is: `started`, `proposed`, `editing`, `step`, `edited`, `scored`, `critiqued`, `rewritten`, `failed`, `best`,
    /// `ended`.
    pub name: &'static str,
    /// A JSON object.
    pub data: Arc<Value>,
}

/// The events of one run.
#[derive(Debug)]
pub struct EventLog {
    book: Mutex<Book>,
    count: watch::Sender<(usize, bool)>,
    objective: OnceLock<Arc<dyn Objective>>,
    meter: OnceLock<Meter>,
}

#[derive(Debug, Default)]
struct Book {
    told: Vec<Told>,
    cards: Vec<(CandidateId, ScoreCard)>,
    best: Option<CandidateId>,
    steps: HashMap<CandidateId, u32>,
    /// Candidates that stop half way. What they show is never the best, as it is not for any search.
    unfinished: HashSet<CandidateId>,
}

impl Default for EventLog {
    fn default() -> Self {
        Self {
            book: Mutex::default(),
            count: watch::Sender::new((0, false)),
            objective: OnceLock::new(),
            meter: OnceLock::new(),
        }
    }
}

impl EventLog {
    /// Says by what candidates are compared, before anything happens.
    pub(crate) fn set_objective(&self, objective: Arc<dyn Objective>) {
        self.objective.get_or_init(|| objective);
    }

    /// Says who counts what is spent, before anything happens.
    pub(crate) fn set_meter(&self, meter: Meter) {
        self.meter.get_or_init(|| meter);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The best candidate so far, where there is one.
    pub fn best(&self) -> Option<CandidateId> {
        self.book().best
    }

    /// How many there are so far.
    pub fn count(&self) -> usize {
        self.count.borrow().0
    }

    /// Waits for events from this number on. Nothing once the run has ended and all was handed out.
    pub async fn after(&self, number: usize) -> Option<Vec<Told>> {
        let mut count = self.count.subscribe();
        // The sender is in self, so that this waits until there is something.
        let ready = count.wait_for(|(count, ended)| *count > number || *ended).await;
        ready.ok()?;
        let book = self.book();
        let from = book.told.partition_point(|told| told.number < number);
        let told = book.told.get(from..).unwrap_or_default().to_vec();
        (!told.is_empty()).then_some(told)
    }

    fn tell(&self, book: &mut Book, name: &'static str, data: Value) {
        let number = book.told.last().map_or(0, |last| last.number + 1);
        book.told.push(Told { number, name, data: Arc::new(data) });
        self.count.send_modify(|count| count.0 = number + 1);
    }

    /// Lets go of everything but how it ended.
    pub(crate) fn forget(&self) {
        let mut book = self.book();
        let ended = book.told.pop();
        *book = Book { told: ended.into_iter().collect(), best: book.best, ..Book::default() };
    }

    /// The run has ended so: nothing more comes.
    pub(crate) fn end(&self, state: &State) {
        let mut book = self.book();
        if self.count.borrow().1 {
            return;
        }
        let why = match state {
            State::Failed(why) => Some(why.as_str()),
            _ => None,
        };
        let data = json!({"state": state.word(), "message": why, "best": book.best.map(|id| id.0)});
        self.tell(&mut book, "ended", data);
        // Nobody asks how far a candidate was once the run has ended, and steps are most of what was told.
        book.told.retain(|told| told.name != "step");
        let Book { told, best, .. } = std::mem::take(&mut *book);
        *book = Book { told, best, ..Book::default() };
        self.count.send_modify(|count| count.1 = true);
    }

    fn tried(&self, trial: &Trial, spent: &Ledger) {
        let mut book = self.book();
        let spent = LedgerForm::from(spent);
        if let Some(id) = trial.id() {
            book.steps.remove(&id);
        }
        match trial {
            Trial::Scored { id, card, .. } => {
                book.cards.push((*id, card.clone()));
                let (utility, best) = self.compared(&book, *id);
                let data = json!({"candidate": id.0, "scores": scores_form(card), "utility": utility, "spent": spent});
                self.tell(&mut book, "scored", data);
                self.crown(&mut book, best);
            }
            Trial::Rescored { id, card } => {
                if let Some((_, known)) = book.cards.iter_mut().find(|(known, _)| known == id) {
                    *known = std::mem::take(known).updated(card);
                }
                let (utility, best) = self.compared(&book, *id);
                let data = json!({
                    "candidate": id.0, "scores": scores_form(card), "utility": utility, "again": true, "spent": spent,
                });
                self.tell(&mut book, "scored", data);
                self.crown(&mut book, best);
            }
            Trial::Failed { id, why } => {
                let data = json!({"candidate": id.0, "failure": failure_form(why), "spent": spent});
                self.tell(&mut book, "failed", data);
            }
            Trial::Critique { id, critic, written } => {
                let (critique, failure) = written_form(written);
                let data = json!({
                    "candidate": id.0, "critic": critic.as_str(), "critique": critique, "failure": failure, "spent": spent,
                });
                self.tell(&mut book, "critiqued", data);
            }
            Trial::Rewritten { critic, written } => {
                let (critique, failure) = written_form(written);
                let data = json!({"critic": critic.as_str(), "critique": critique, "failure": failure, "spent": spent});
                self.tell(&mut book, "rewritten", data);
            }
        }
    }

    /// A candidate's utility among all, and the best of all.
    fn compared(&self, book: &Book, id: CandidateId) -> (Option<f64>, Option<(CandidateId, f64)>) {
        let Some(objective) = self.objective.get() else { return (None, None) };
        let cards: Vec<&ScoreCard> = book.cards.iter().map(|(_, card)| card).collect();
        let utilities = objective.utilities(&cards);
        let known = book.cards.iter().zip(utilities).filter_map(|((id, _), utility)| Some((*id, utility?.get())));
        let known: Vec<(CandidateId, f64)> = known.collect();
        let own = known.iter().find(|(known, _)| *known == id).map(|(_, utility)| *utility);
        // Of equals, the one that was asked for first.
        let finished = known.into_iter().filter(|(id, _)| !book.unfinished.contains(id));
        let best = finished.min_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        (own, best)
    }

    fn crown(&self, book: &mut Book, best: Option<(CandidateId, f64)>) {
        if let Some((id, utility)) = best.filter(|(id, _)| book.best != Some(*id)) {
            book.best = Some(id);
            self.tell(book, "best", json!({"candidate": id.0, "utility": utility}));
        }
    }

    fn stepped(&self, id: CandidateId, step: u32, steps: u32) {
        let mut book = self.book();
        if book.told.len() < MOST && book.steps.insert(id, step) != Some(step) {
            self.tell(&mut book, "step", json!({"candidate": id.0, "step": step, "steps": steps}));
        }
    }

    fn concluded(&self, outcome: &Outcome) {
        let mut book = self.book();
        // The verdict has the last word on which is best: it knows all rounds.
        if let Some(ranked) = outcome.verdict.ranked.first() {
            let best = Some((ranked.id, ranked.utility.get()));
            self.crown(&mut book, best);
        }
    }
}

/// What a critic wrote, or why it did not.
fn written_form(written: &Result<Critique, Failure>) -> (Option<Value>, Option<FailureForm>) {
    match written {
        Ok(critique) => (Some(critique_form(critique)), None),
        Err(why) => (None, Some(failure_form(why))),
    }
}

fn critique_form(critique: &Critique) -> Value {
    json!({
        "text": &*critique.text,
        "instruction": critique.instruction.as_ref().map(Instruction::as_str),
        "satisfied": critique.satisfied,
    })
}

fn proposed(proposal: &Proposal) -> Value {
    json!({
        "id": proposal.id.0,
        "parent": proposal.lineage.parent.map(|id| id.0),
        "edge": proposal.lineage.edge.word(),
        "editor": proposal.editor.as_str(),
        "seed": proposal.seed.get(),
        "instruction": &*proposal.instruction,
    })
}

impl Observer for EventLog {
    fn observe(&self, event: &Event<'_>) {
        if let Some(meter) = self.meter.get() {
            meter.observe(event);
        }
        match event {
            Event::Started { run, resumed, .. } => {
                self.tell(&mut self.book(), "started", json!({"run": run.as_str(), "resumed": resumed}));
            }
            Event::Proposed { round, proposals } => {
                let candidates: Vec<Value> = proposals.iter().map(proposed).collect();
                let mut book = self.book();
                let unfinished = proposals.iter().filter(|proposal| proposal.until != Until::Finished);
                book.unfinished.extend(unfinished.map(|proposal| proposal.id));
                self.tell(&mut book, "proposed", json!({"round": round, "candidates": candidates}));
            }
            Event::Editing { id } => self.tell(&mut self.book(), "editing", json!({"candidate": id.0})),
            Event::Step { id, step, steps } => self.stepped(*id, *step, *steps),
            Event::Edited { id, notes, took, .. } => {
                let notes: Vec<&str> = notes.iter().map(|note| &**note).collect();
                let data = json!({"candidate": id.0, "secs": took.as_secs_f64(), "notes": notes});
                self.tell(&mut self.book(), "edited", data);
            }
            Event::Tried { trial, spent } => self.tried(trial, spent),
            Event::Ended { outcome } => self.concluded(outcome),
            Event::Preview { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use editscale_config::{Catalogue, Recipe};
    use editscale_core::{
        Budget, Digest, Edge, EditorName, Knobs, Lineage, Noise, Remaining, RewardName, RunId, Score, Seed, Start,
    };

    use super::*;

    const RECIPE: &str = "version: 1\neditor: {darkroom: {}}\nrewards: [{model: {photometric: {}}}]\nsearch: {best_of_n: {samples: 4}}\n";

    fn log() -> EventLog {
        let catalogue = Catalogue::new(&[editscale_darkroom::EDITORS], &[editscale_darkroom::REWARDS]);
        let log = EventLog::default();
        log.set_objective(Recipe::parse(RECIPE.as_bytes(), &catalogue).unwrap().0.objective());
        log
    }

    fn card(score: f64) -> ScoreCard {
        let mut card = ScoreCard::default();
        card.enter(RewardName::new("photometric").unwrap(), Ok(Score::new(score).unwrap()));
        card
    }

    fn propose(log: &EventLog, id: u32, until: Until) {
        let proposal = Proposal {
            id: CandidateId(id),
            editor: EditorName::new("darkroom").unwrap(),
            start: Start::Source,
            until,
            seed: Seed::new(0).unwrap(),
            noise: Noise::Own,
            instruction: "make it warmer".into(),
            knobs: Knobs::default(),
            lineage: Lineage { parent: None, edge: Edge::Fresh },
        };
        log.observe(&Event::Proposed { round: 0, proposals: &[proposal] });
    }

    fn score(log: &EventLog, id: u32, score: f64) {
        let trial =
            Trial::Scored { id: CandidateId(id), image: Digest::from_bytes([0; 32]), hash: None, card: card(score) };
        log.observe(&Event::Tried { trial: &trial, spent: &Ledger::default() });
    }

    #[test]
    fn what_was_judged_again_goes_by_what_was_said_last() {
        let log = log();
        score(&log, 0, 0.9);
        score(&log, 1, 0.5);
        assert_eq!(log.best(), Some(CandidateId(0)));
        let again = Trial::Rescored { id: CandidateId(0), card: card(0.2) };
        log.observe(&Event::Tried { trial: &again, spent: &Ledger::default() });
        assert_eq!(log.best(), Some(CandidateId(1)));
        score(&log, 2, 0.4);
        assert_eq!(log.best(), Some(CandidateId(1)));
    }

    #[test]
    fn what_stops_half_way_is_not_the_best() {
        let log = log();
        propose(&log, 0, Until::Step(3));
        propose(&log, 1, Until::Finished);
        score(&log, 0, 0.9);
        assert_eq!(log.best(), None);
        score(&log, 1, 0.5);
        assert_eq!(log.best(), Some(CandidateId(1)));
    }

    #[tokio::test]
    async fn steps_are_told_until_the_end_and_numbers_stay() {
        let log = log();
        let left = Remaining::new(Budget { wall: Some(Duration::from_secs(1)), ..Budget::default() });
        log.observe(&Event::Started { run: &RunId::new("r1").unwrap(), left: &left, resumed: 0 });
        for step in 1..=3 {
            log.observe(&Event::Step { id: CandidateId(0), step, steps: 3 });
        }
        let names = |told: Vec<Told>| told.iter().map(|told| (told.number, told.name)).collect::<Vec<_>>();
        assert_eq!(names(log.after(2).await.unwrap()), [(2, "step"), (3, "step")]);
        log.end(&State::Done);
        assert_eq!(names(log.after(0).await.unwrap()), [(0, "started"), (4, "ended")]);
        assert_eq!((names(log.after(2).await.unwrap()), log.after(5).await), (vec![(4, "ended")], None));
    }
}
