//! One start of a plugin that is checked: what was said, which calls are under way, and what nobody asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use editscale_sdk::protocol::{Answer, Call, Card, FromHost, FromPlugin, Hello, Method, Picture, Progress, encode};
use serde::Serialize;

use super::link::{Heard, Link, Trouble};

/// How many messages may come without an answer among them, for each item that is under way.
const MOST_MESSAGES: usize = 10_000;

/// How many previews of a call are kept.
const PREVIEWS: usize = 16;

/// A call that was answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) answer: Answer,
    pub(super) took: Duration,
    /// How many times it told of its progress.
    pub(super) steps: usize,
    pub(super) previews: Vec<Picture>,
}

/// A call that is under way.
#[derive(Debug)]
struct Open {
    items: usize,
    begun: Instant,
    progress: BTreeMap<u32, Progress>,
    steps: usize,
    previews: Vec<Picture>,
    answered: Option<(Answer, Duration)>,
}

/// A start of the plugin.
pub(super) struct Session {
    pub(super) link: Link,
    next_call: u64,
    open: BTreeMap<u64, Open>,
    /// Pings that have no answer yet.
    pings: BTreeSet<u64>,
    /// Answers to pings that nobody has looked at yet.
    pongs: BTreeSet<u64>,
    /// Messages since the last answer.
    unanswered: usize,
    /// What nobody asked for.
    pub(super) strays: Vec<String>,
    /// What was wrong with what it told of its progress.
    pub(super) slips: Vec<String>,
}

impl Session {
    pub(super) fn new(link: Link) -> Self {
        let (open, pings, pongs) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { link, next_call: 1, open, pings, pongs, unanswered: 0, strays: Vec::new(), slips: Vec::new() }
    }

    /// Sends any message.
    pub(super) fn say(&self, message: &impl Serialize) {
        // Messages of this side are always encoded.
        self.link.send(encode(message).unwrap_or_default());
    }

    /// What it is, which must be the first that it says.
    pub(super) fn hello(&mut self, within: Duration) -> Result<Hello, Trouble> {
        match self.link.next(Instant::now() + within)? {
            Heard::Message(FromPlugin::Hello(hello)) => Ok(hello),
            Heard::Message(other) => Err(Trouble::Nonsense(format!("the first message is `{}`", other.name()))),
            Heard::Unknown(name) => Err(Trouble::Nonsense(format!("the first message is `{name}`"))),
        }
    }

    /// The card, once it is ready.
    pub(super) fn ready(&mut self, within: Duration) -> Result<Card, Trouble> {
        let until = Instant::now() + within;
        for _ in 0..MOST_MESSAGES {
            match self.link.next(until)? {
                Heard::Message(FromPlugin::Ready(card)) => return Ok(card),
                Heard::Message(FromPlugin::Unready(why)) => {
                    return Err(Trouble::Unready(format!("it says that it cannot get ready: {}", why.message)));
                }
                Heard::Message(FromPlugin::Pong(_)) | Heard::Unknown(_) => {}
                Heard::Message(other) => {
                    return Err(Trouble::Nonsense(format!("before `ready` came `{}`", other.name())));
                }
            }
        }
        Err(Trouble::Nonsense(format!("{MOST_MESSAGES} messages came, and none of them was `ready`")))
    }

    /// Makes a call.
    pub(super) fn begin(&mut self, method: Method, deadline: Duration) -> u64 {
        let items = match &method {
            Method::Edit(edits) => edits.items.len(),
            Method::Score(scores) => scores.items.len(),
            Method::Adopt(_) => 0,
        };
        let id = self.next_call;
        self.next_call += 1;
        let (progress, previews) = (BTreeMap::new(), Vec::new());
        let open = Open { items, begun: Instant::now(), progress, steps: 0, previews, answered: None };
        self.open.insert(id, open);
        self.say(&FromHost::Call(Call { id, deadline_secs: deadline.as_secs_f64(), method }));
        id
    }

    /// Waits for the answer to a call.
    pub(super) fn finish(&mut self, id: u64, until: Instant) -> Result<Answered, Trouble> {
        loop {
            if let Some(open) = self.open.remove(&id) {
                let Open { answered, steps, previews, .. } = open;
                match answered {
                    Some((answer, took)) => return Ok(Answered { answer, took, steps, previews }),
                    None => self.open.insert(id, Open { answered: None, steps, previews, ..open }),
                };
            }
            self.hear(until)?;
        }
    }

    /// Whether a call has its answer.
    pub(super) fn is_answered(&self, id: u64) -> bool {
        self.open.get(&id).is_none_or(|open| open.answered.is_some())
    }

    /// Waits until a call shows a sign of life, at most this long; whether it is still under way.
    pub(super) fn is_at_work(&mut self, id: u64, at_most: Duration) -> Result<bool, Trouble> {
        let until = Instant::now() + at_most;
        let is_alive = |open: &Open| open.answered.is_some() || open.steps > 0;
        while !self.open.get(&id).is_none_or(is_alive) {
            match self.hear(until) {
                Ok(()) => {}
                Err(Trouble::Silent(_)) => break,
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(!self.is_answered(id))
    }

    /// How long it takes to say that it is there.
    pub(super) fn ping(&mut self, number: u64, within: Duration) -> Result<Duration, Trouble> {
        let begun = Instant::now();
        self.pings.insert(number);
        self.say(&FromHost::Ping(number));
        while !self.pongs.remove(&number) {
            self.hear(begun + within)?;
        }
        Ok(begun.elapsed())
    }

    /// Takes one message in.
    fn hear(&mut self, until: Instant) -> Result<(), Trouble> {
        let Heard::Message(message) = self.link.next(until)? else { return Ok(()) };
        self.unanswered += 1;
        let allowed = MOST_MESSAGES * self.open.values().map(|open| open.items).sum::<usize>().max(1);
        if self.unanswered > allowed {
            return Err(Trouble::Nonsense(format!("{allowed} messages came without an answer among them: it floods")));
        }
        match message {
            FromPlugin::Progress(progress) => self.progress(progress),
            FromPlugin::Preview(preview) => match self.open.get_mut(&preview.id) {
                Some(open) if (preview.item as usize) < open.items => {
                    if open.previews.len() < PREVIEWS {
                        open.previews.push(preview.image);
                    }
                }
                _ => note(&mut self.slips, format!("a preview of item {} of call {}", preview.item, preview.id)),
            },
            FromPlugin::Answer(answer) => return self.answer(answer),
            FromPlugin::Pong(number) if self.pings.remove(&number) => {
                self.pongs.insert(number);
            }
            FromPlugin::Pong(number) => note(&mut self.strays, format!("`pong` {number}, which nobody waits for")),
            FromPlugin::Hello(_) | FromPlugin::Ready(_) | FromPlugin::Unready(_) => {
                note(&mut self.strays, format!("`{}` in the middle of work", message.name()));
            }
        }
        Ok(())
    }

    fn progress(&mut self, now: Progress) {
        let Progress { id, item, step, steps } = now;
        let told = format!("step {step} of {steps} of item {item} of call {id}");
        let Some(open) = self.open.get_mut(&id) else {
            return note(&mut self.slips, format!("{told}, which is not under way"));
        };
        open.steps += 1;
        if item as usize >= open.items {
            return note(&mut self.slips, format!("{told}, which has {} items", open.items));
        }
        if step > steps || steps == 0 {
            note(&mut self.slips, told);
        } else if let Some(before) = open.progress.insert(item, now).filter(|before| before.step > step) {
            note(&mut self.slips, format!("{told} after step {}", before.step));
        }
    }

    fn answer(&mut self, answer: Answer) -> Result<(), Trouble> {
        self.unanswered = 0;
        let id = answer.id();
        match self.open.get_mut(&id) {
            Some(open) if open.answered.is_none() => open.answered = Some((answer, open.begun.elapsed())),
            None if id == 0 || id >= self.next_call => {
                return Err(Trouble::Nonsense(format!("it answers call {id}, which nobody made")));
            }
            _ => note(&mut self.strays, format!("a second answer to call {id}")),
        }
        Ok(())
    }
}

/// Notes something, unless there is enough of it.
fn note(list: &mut Vec<String>, what: String) {
    if list.len() < 20 {
        list.push(what);
    }
}
