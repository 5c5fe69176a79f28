//! What a run looks like while it is under way.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use editscale_core::{
    CandidateId, CriticName, Critique, Ending, Event, Failure, FailureKind, Objective, Observer, Scale, ScoreCard,
    Trial,
};
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle, WeakProgressBar};

use crate::failure::tell;
use crate::words::several;

/// What a line of a terminal shows. The words give way where the line is narrow, so that it never wraps: a wrapped line could not be
/// cleared again.
const LINE: &str = "{bar:10} {pos}/{len} {wide_msg} {elapsed}{left}";

/// The bar that is on the terminal, for words that come from elsewhere.
static SHOWN: Mutex<Option<WeakProgressBar>> = Mutex::new(None);

/// Says a line where the bar, if there is one, is out of its way.
pub(crate) fn tell_beside_bar(line: &str) {
    match shown() {
        Some(bar) => bar.suspend(|| tell(line)),
        None => tell(line),
    }
}

/// Makes a bar the one that is on the terminal.
pub(crate) fn show_bar(bar: &ProgressBar) {
    *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.downgrade());
}

/// Takes the bar off the terminal.
pub(crate) fn clear_bar() {
    if let Some(bar) = shown() {
        bar.finish_and_clear();
    }
}

fn shown() -> Option<ProgressBar> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.upgrade()
}

/// Counts things on a terminal while they are judged, such as `pictures`: up to how many, where that is known.
pub(crate) fn count_judged(things: &str, of: Option<u64>) -> ProgressBar {
    let count = if of.is_some() { "{bar:10} {pos}/{len}" } else { "{spinner} {pos}" };
    let bar = of.map_or_else(ProgressBar::no_length, ProgressBar::new);
    if let Ok(style) = ProgressStyle::with_template(&format!("{count} {things} judged {{wide_msg}} {{elapsed}}")) {
        bar.set_style(style);
    }
    show_bar(&bar);
    bar
}

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
    /// The refusal that is all that came of any candidate so far: where nothing else comes, the end of the run tells it.
    held: Option<String>,
    best: Option<f64>,
    /// Whether utilities are ranks, which are told without their sign.
    is_by_rank: bool,
    critiques: u64,
    /// The steps made of those there are, for each candidate under way.
    steps: HashMap<CandidateId, (u32, u32)>,
}

impl State {
    /// Whether this is a refusal, and nothing else came of any candidate before.
    fn is_only(&self, trial: &Trial) -> bool {
        let Trial::Failed { why, .. } = trial else { return false };
        why.kind == FailureKind::Refused && (self.done == 0 || self.held.as_deref() == Some(&*why.message))
    }

    /// The bar's words.
    fn message(&self) -> String {
        let best = match self.best {
            None => "no score yet".to_owned(),
            Some(best) if self.is_by_rank => format!("best mean rank {:.2}", -best),
            Some(best) => format!("best {best:.3}"),
        };
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        // Candidates of a batch go step by step; the one that is furthest behind says when they are done.
        let behind = self.steps.values().max_by_key(|(step, steps)| steps.saturating_sub(*step));
        let step = behind.map_or_else(String::new, |(step, steps)| format!(" · step {step}/{steps}"));
        let critiques = match self.critiques {
            0 => String::new(),
            count => format!(", {}", several(count, "critique")),
        };
        format!("{best}{failed}{critiques}{step}")
    }
}

impl Progress {
    /// Over a run of at most `most` candidates.
    pub(crate) fn new(most: u64, objective: Arc<dyn Objective>) -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(most) } else { ProgressBar::hidden() };
        bar.set_style(style());
        bar.set_message(State::default().message());
        bar.enable_steady_tick(Duration::from_millis(250));
        show_bar(&bar);
        let state = State { is_by_rank: objective.scale() == Scale::Relative, ..State::default() };
        Self { bar, objective, state: Mutex::new(state) }
    }

    fn try_is_known(&self, trial: &Trial) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        if !state.is_only(trial) {
            tell_held(&self.bar, state);
        }
        match trial {
            Trial::Scored { card, .. } => {
                for (reward, said) in card.iter() {
                    if let Err(why) = said {
                        tell_once(&self.bar, &mut state.told, format!("reward `{reward}` cannot judge: {why}"));
                    }
                }
                state.cards.push(card.clone());
            }
            Trial::Rewritten { critic, written } => {
                tell_once(&self.bar, &mut state.told, rewritten(critic, written));
                state.critiques += 1;
                self.bar.set_message(state.message());
                return;
            }
            Trial::Critique { critic, written, .. } => {
                if let Err(why) = written {
                    tell_once(&self.bar, &mut state.told, format!("critic `{critic}` cannot write: {why}"));
                }
                state.critiques += 1;
                self.bar.set_message(state.message());
                return;
            }
            Trial::Failed { id, why, .. } => {
                state.failed += 1;
                state.steps.remove(id);
                if state.is_only(trial) {
                    state.held = Some(why.message.to_string());
                } else {
                    tell_once(&self.bar, &mut state.told, why.message.to_string());
                }
            }
            Trial::Rescored { .. } => return,
        }
        state.done += 1;
        let cards: Vec<&ScoreCard> = state.cards.iter().collect();
        state.best = self.objective.utilities(&cards).into_iter().flatten().max().map(editscale_core::Utility::get);
        self.bar.set_message(state.message());
        self.bar.set_position(state.done);
    }
}

/// What became of the instruction before the first edit.
fn rewritten(critic: &CriticName, written: &Result<Critique, Failure>) -> String {
    match written {
        Ok(Critique { instruction: Some(instruction), .. }) => {
            format!("critic `{critic}` rewrote the instruction: {instruction}")
        }
        Ok(_) => format!("critic `{critic}` knows no better words for the instruction"),
        Err(why) => format!("critic `{critic}` cannot rewrite the instruction, which stays as it is: {why}"),
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template(LINE).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("left", |state: &ProgressState, out: &mut dyn Write| {
        let _infallible = left(out, state.pos(), state.len(), || state.eta());
    })
}

/// The time left, which nothing tells before the first result.
fn left(out: &mut dyn Write, done: u64, most: Option<u64>, eta: impl Fn() -> Duration) -> fmt::Result {
    if done == 0 || most.is_none_or(|most| done >= most) {
        return Ok(());
    }
    write!(out, ", {:#} left", HumanDuration(eta()))
}

/// Tells the refusal that was held back.
fn tell_held(bar: &ProgressBar, state: &mut State) {
    if let Some(line) = state.held.take() {
        tell_once(bar, &mut state.told, line);
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
                let known = several(u64::from(*resumed), "candidate");
                self.bar.suspend(|| tell(&format!("{known} known from before")));
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
            Event::Ended { outcome } => {
                if outcome.ending == Ending::Cancelled {
                    tell_held(&self.bar, &mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
                }
                self.bar.finish_and_clear();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;

    #[test]
    fn the_step_of_the_candidate_that_is_furthest_behind_is_shown() {
        let mut state = State { best: Some(0.5), failed: 1, ..State::default() };
        assert_eq!(state.message(), "best 0.500, 1 failed");
        state.steps = HashMap::from([(CandidateId(3), (7, 20)), (CandidateId(4), (6, 20))]);
        assert_eq!(state.message(), "best 0.500, 1 failed · step 6/20");
        let ranked = State { best: Some(-1.5), is_by_rank: true, ..State::default() };
        assert_eq!(ranked.message(), "best mean rank 1.50");
    }

    /// A terminal of so many columns, and the last line that was written to it.
    #[derive(Debug, Clone)]
    struct Screen(u16, Arc<Mutex<String>>);

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            self.0
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, line: &str) -> io::Result<()> {
            self.write_str(line)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.1.lock().unwrap().push_str(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            self.1.lock().unwrap().clear();
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_line_fits_the_terminal() {
        for width in [40, 80, 200] {
            let screen = Screen(width, Arc::default());
            let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
            let bar = ProgressBar::with_draw_target(Some(24), target);
            bar.set_style(style());
            bar.set_position(12);
            bar.set_message(
                "best 0.500, 1 failed · step 6/20, and more words than the line of any usual terminal has room for",
            );
            bar.force_draw();
            let shown = screen.1.lock().unwrap().trim_end().to_owned();
            assert!(shown.chars().count() <= usize::from(width), "{width} columns: {shown}");
            assert!(shown.contains("12/24 best 0.5") && shown.contains(" left"), "{width} columns: {shown}");
        }
    }

    #[test]
    fn a_refusal_is_held_back_as_long_as_nothing_else_comes() {
        let failed = |kind, why: &str| Trial::Failed { id: CandidateId(0), why: Failure::new(kind, why) };
        let refused = |why| failed(FailureKind::Refused, why);
        let mut state = State::default();
        assert!(state.is_only(&refused("no sky")) && !state.is_only(&failed(FailureKind::Crashed, "no sky")));
        (state.done, state.held) = (1, Some("no sky".to_owned()));
        assert!(state.is_only(&refused("no sky")) && !state.is_only(&refused("no water")));
        tell_held(&ProgressBar::hidden(), &mut state);
        assert!(!state.is_only(&refused("no sky")), "once told, it is told as others are");
    }

    #[test]
    fn no_time_is_told_before_the_first_result_and_after_the_last() {
        for (done, most, expected) in [(0, Some(24), ""), (1, Some(24), ", 9s left"), (24, Some(24), ""), (1, None, "")]
        {
            let mut said = String::new();
            left(&mut said, done, most, || Duration::from_secs(9)).unwrap();
            assert_eq!(said, expected, "{done} of {most:?}");
        }
    }
}
