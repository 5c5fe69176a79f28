//! What a run looks like while it is under way.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use editscale_core::{Event, Objective, Observer, ScoreCard, Trial};
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::tell;

/// A bar on a terminal with the best score so far, edits done and the time left; notes of editors in full, once each.
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
    told: Vec<String>,
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
        match trial {
            Trial::Scored { card, .. } => state.cards.push(card.clone()),
            Trial::Failed { why, .. } => {
                state.failed += 1;
                tell_once(&self.bar, &mut state.told, why.message.to_string());
            }
            _ => return,
        }
        state.done += 1;
        let cards: Vec<&ScoreCard> = state.cards.iter().collect();
        let best = self.objective.utilities(&cards).into_iter().flatten().max();
        let failed = if state.failed > 0 { format!(", {} failed", state.failed) } else { String::new() };
        let best = best.map_or_else(|| "none yet".to_owned(), |best| format!("{:.3}", best.get()));
        self.bar.set_message(format!("best so far: {best}{failed}"));
        self.bar.set_position(state.done);
    }
}

fn tell_once(bar: &ProgressBar, told: &mut Vec<String>, line: String) {
    if !told.contains(&line) {
        bar.suspend(|| tell(&line));
        told.push(line);
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Started { resumed, .. } if *resumed > 0 => {
                self.bar.suspend(|| tell(&format!("{resumed} candidates are known from before")));
            }
            Event::Edited { notes, .. } => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
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
