//! What to do next. A language model goes here: everything that it needs is in [`Seen`], and everything that it can do is an
//! [`Action`].

use std::collections::VecDeque;

use serde_json::Value;

use crate::tools::Answer;

/// An edit is kept that goes this part of the way from doing nothing to the best score there is.
const ENOUGH: f64 = 0.75;

/// What the agent knows.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The current edit; nothing before the first one.
    pub(crate) current: Option<String>,
    /// What the last edit went on from; nothing where that was the picture itself.
    pub(crate) before: Option<String>,
    /// The greatest score there is, where the recipe's rewards know one.
    pub(crate) greatest: Option<f64>,
    /// What came of the last action.
    pub(crate) last: Option<Answer>,
}

/// What can be done. Pictures are named by their edits; the photograph itself is `None`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Change the current picture.
    Edit { instruction: String },
    /// See which picture reaches a goal best, as edits of this source.
    Compare { source: Option<String>, candidates: Vec<Option<String>>, goal: String },
    /// Go back to what the current edit went on from.
    Undo,
    /// Go to an edit, to go on from there or because it was better.
    GoTo { edit: String },
    /// Nothing is left to do.
    Done,
}

/// Says what to do next, and why.
pub(crate) trait Planner {
    /// The next action, given what was seen so far, and the reason in a sentence.
    fn next(&mut self, seen: &Seen) -> (Action, String);
}

/// Something to reach, and ways to say it, the first one first.
struct Goal {
    goal: &'static str,
    ways: VecDeque<&'static str>,
}

/// Where the script is.
enum Place {
    /// A goal is to be tried in its next way.
    Try,
    /// An edit was asked for, and is to be looked at.
    Look,
    /// Pictures before and after were compared.
    Decide,
    /// The agent went back, to try another way beside an accepted edit.
    Aside { accepted: String },
    /// The other way was tried.
    LookAside { accepted: String },
    /// Both ways were compared.
    Choose { accepted: String, other: String },
}

/// A planner that follows a script, and looks at scores alone.
pub(crate) struct Scripted {
    goals: VecDeque<Goal>,
    place: Place,
    /// Whether another way is still to be tried beside an accepted one, once.
    branches: bool,
}

impl Scripted {
    /// A plan for a landscape.
    pub(crate) fn landscape() -> Self {
        let goal = |goal, ways: &[&'static str]| Goal { goal, ways: ways.iter().copied().collect() };
        let goals = VecDeque::from([
            goal("make it warmer", &["make it warmer", "make it a little warmer", "golden hour light"]),
            goal("more contrast", &["more contrast", "a little more contrast", "make the shadows darker"]),
            goal("more vivid colors", &["more vivid colors", "increase the saturation slightly"]),
            goal("make it a little brighter", &["make it much brighter", "make it a little brighter"]),
        ]);
        Self { goals, place: Place::Try, branches: true }
    }

    fn attempt(&mut self) -> (Action, String) {
        while let Some(goal) = self.goals.front_mut() {
            if let Some(way) = goal.ways.pop_front() {
                self.place = Place::Look;
                let why = format!("to reach the goal \"{}\"", goal.goal);
                return (Action::Edit { instruction: way.to_owned() }, why);
            }
            self.goals.pop_front();
        }
        (Action::Done, "every goal was reached or given up".to_owned())
    }

    fn goal(&self) -> String {
        self.goals.front().map_or(String::new(), |goal| goal.goal.to_owned())
    }

    /// After an edit: was it made, and is it better?
    fn look(&mut self, seen: &Seen) -> (Action, String) {
        if !matches!(seen.last, Some(Answer::Good(_))) {
            self.place = Place::Try;
            return self.attempt();
        }
        self.place = Place::Decide;
        let source = seen.before.clone();
        let candidates = vec![source.clone(), seen.current.clone()];
        (Action::Compare { source, candidates, goal: self.goal() }, "is it better than before?".to_owned())
    }

    /// After a comparison of before and after: keep it or not.
    fn decide(&mut self, seen: &Seen) -> (Action, String) {
        self.place = Place::Try;
        if best(seen) != Some(1) {
            return (Action::Undo, "rejected: it is not better than before".to_owned());
        }
        if headway(seen).is_some_and(|headway| headway < ENOUGH) {
            return (Action::Undo, "rejected: better than before, and not what was asked for".to_owned());
        }
        let has_other_way = self.goals.front().is_some_and(|goal| !goal.ways.is_empty());
        if let (true, true, Some(before), Some(current)) = (self.branches, has_other_way, &seen.before, &seen.current) {
            self.branches = false;
            self.place = Place::Aside { accepted: current.clone() };
            return (Action::GoTo { edit: before.clone() }, "accepted; another way is tried beside it".to_owned());
        }
        self.goals.pop_front();
        let (action, why) = self.attempt();
        (action, format!("accepted; {why}"))
    }

    fn look_aside(&mut self, seen: &Seen, accepted: String) -> (Action, String) {
        let Some(other) = seen.current.clone().filter(|_| matches!(seen.last, Some(Answer::Good(_)))) else {
            self.goals.pop_front();
            self.place = Place::Try;
            return (Action::GoTo { edit: accepted }, "the other way came to nothing".to_owned());
        };
        let candidates = vec![Some(accepted.clone()), Some(other.clone())];
        self.place = Place::Choose { accepted, other };
        let source = seen.before.clone();
        (Action::Compare { source, candidates, goal: self.goal() }, "which way is better?".to_owned())
    }

    fn choose(&mut self, seen: &Seen, accepted: String, other: String) -> (Action, String) {
        self.goals.pop_front();
        self.place = Place::Try;
        match best(seen) {
            Some(1) => (Action::GoTo { edit: other }, "the other way is better".to_owned()),
            _ => (Action::GoTo { edit: accepted }, "the first way is as good or better".to_owned()),
        }
    }
}

impl Planner for Scripted {
    fn next(&mut self, seen: &Seen) -> (Action, String) {
        if seen.last.as_ref().is_some_and(Answer::is_exhausted) {
            return (Action::Done, "the budget is spent".to_owned());
        }
        match std::mem::replace(&mut self.place, Place::Try) {
            Place::Try => self.attempt(),
            Place::Look => self.look(seen),
            Place::Decide => self.decide(seen),
            Place::Aside { accepted } => {
                let (action, why) = self.attempt();
                self.place = Place::LookAside { accepted };
                (action, why)
            }
            Place::LookAside { accepted } => self.look_aside(seen, accepted),
            Place::Choose { accepted, other } => self.choose(seen, accepted, other),
        }
    }
}

/// The one that is better than all others, where there is one.
fn best(seen: &Seen) -> Option<u64> {
    let Some(Answer::Good(told)) = &seen.last else { return None };
    let best: Vec<u64> = told["best"].as_array()?.iter().filter_map(Value::as_u64).collect();
    if let [one] = best[..] { Some(one) } else { None }
}

/// How far the second of two pictures goes from the first one to the best there is; nothing where nobody knows that.
fn headway(seen: &Seen) -> Option<f64> {
    let Some(Answer::Good(told)) = &seen.last else { return None };
    let ranking = told["ranking"].as_array()?;
    let utility = |index: u64| ranking.iter().find(|it| it["index"] == index)?["utility"].as_f64();
    let (before, after, greatest) = (utility(0)?, utility(1)?, seen.greatest?);
    (greatest > before).then(|| (after - before) / (greatest - before))
}
