//! What a run looks like while it is under way.

use std::collections::{HashMap, HashSet};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use editscale_core::{CandidateId, Event, Objective, Observer, ScoreCard, Trial};
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::tell;

/// A bar on a terminal with the best score so far, the step of the edits under way, edits done and the time left; notes of
/// editors and failures in full, once each.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    objective: Arc<dyn Objective>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    cards: Vec<ScoreCard>,
    done: u64,
    failed: u64,
    told: HashSet<String>,
    best: Option<f64>,
    /// The steps made of those there are, for each candidate under way.
    steps: HashMap<CandidateId, (u32, u32)>,
}

impl State {
    /// The bar's words.
    fn message(&self) -> String {
        let best = self.best.map_or_else(|| "none yet".to_owned(), |best| format!("{best:.3}"));
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        // Candidates of a batch go step by step; the one that is furthest behind says when they are done.
        let behind = self.steps.values().max_by_key(|(step, steps)| steps.saturating_sub(*step));
        let step = behind.map_or_else(String::new, |(step, steps)| format!(" · step {step}/{steps}"));
        format!("best so far: {best}{failed}{step}")
    }
}

impl Progress {
    /// Over a run of at most `most` candidates.
    pub(crate) fn new(most: u64, objective: Arc<dyn Objective>) -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(most) } else { ProgressBar::hidden() };
        let style =
            ProgressStyle::with_template("{bar:28} {pos}/{len} candidates · {msg} · {elapsed} · about {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message("best so far: none yet");
        bar.enable_steady_tick(Duration::from_millis(250));
        Self { bar, objective, state: Mutex::default() }
    }

    fn try_is_known(&self, trial: &Trial) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        match trial {
            Trial::Scored { card, .. } => {
                for (reward, said) in card.iter() {
                    if let Err(why) = said {
                        tell_once(&self.bar, &mut state.told, format!("reward `{reward}` cannot judge: {why}"));
                    }
                }
                state.cards.push(card.clone());
            }
            Trial::Failed { id, why, .. } => {
                state.failed += 1;
                state.steps.remove(id);
                tell_once(&self.bar, &mut state.told, why.message.to_string());
            }
            _ => return,
        }
        state.done += 1;
        let cards: Vec<&ScoreCard> = state.cards.iter().collect();
        state.best = self.objective.utilities(&cards).into_iter().flatten().max().map(editscale_core::Utility::get);
        self.bar.set_message(state.message());
        self.bar.set_position(state.done);
    }
}

fn tell_once(bar: &ProgressBar, told: &mut HashSet<String>, line: String) {
    if !told.contains(&line) {
        bar.suspend(|| tell(&line));
        told.insert(line);
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Started { resumed, .. } if *resumed > 0 => {
                self.bar.suspend(|| tell(&format!("{resumed} candidates are known from before")));
            }
            Event::Step { id, step, steps } => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.steps.insert(*id, (*step, *steps));
                self.bar.set_message(state.message());
            }
            Event::Edited { id, notes, .. } => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.steps.remove(id);
                for note in *notes {
                    tell_once(&self.bar, &mut state.told, format!("note: {note}"));
                }
            }
            Event::Tried { trial, .. } => self.try_is_known(trial),
            Event::Ended { .. } => self.bar.finish_and_clear(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_of_the_candidate_that_is_furthest_behind_is_shown() {
        let mut state = State { best: Some(0.5), failed: 1, ..State::default() };
        assert_eq!(state.message(), "best so far: 0.500, 1 failed");
        state.steps = HashMap::from([(CandidateId(3), (7, 20)), (CandidateId(4), (6, 20))]);
        assert_eq!(state.message(), "best so far: 0.500, 1 failed · step 6/20");
    }
}
