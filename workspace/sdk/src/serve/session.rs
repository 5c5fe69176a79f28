//! One session with a host, over any two streams.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::call::{Call, LONGEST};
use super::desk::{Desk, Ending, Job};
use super::incoming::{Heard, Incoming};
use super::outbox::Outbox;
use super::plugin::Plugin;
use super::process::log;
use super::work::{Model, Worker, guarded};
use crate::protocol::{self, Answer, Card, Failed, FromHost, FromPlugin, PROTOCOL, Version, Welcome};

/// How long cancelled work may take to notice.
const SLACK: Duration = Duration::from_secs(2);

/// More calls at a time than any plugin works on.
const MOST_SLOTS: u32 = 1024;

/// What a session speaks over, and what happens where it ends while the plugin still loads: loading cannot be stopped,
/// so a process ends itself there.
pub(super) struct Line<R, W> {
    pub(super) input: R,
    pub(super) output: W,
    pub(super) ended_early: Box<dyn Fn(&Ending) + Send>,
}

/// Speaks with the host until one of the two ends it.
pub(super) fn session<R, W>(plugin: Plugin, line: Line<R, W>) -> Ending
where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
{
    let (outbox, mut incoming) = (Arc::new(Outbox::new(line.output)), Incoming::new(line.input));
    if let Err(error) = outbox.send(&FromPlugin::Hello(plugin.hello())) {
        return Ending::Broken(format!("cannot write to the host: {error}"));
    }
    let welcome = match await_welcome(&mut incoming, &outbox) {
        Ok(welcome) => welcome,
        Err(ending) => return ending,
    };
    if let Err(error) = Version::OURS.meet(PROTOCOL, welcome.version) {
        return refuse(&outbox, Failed::invalid(error.to_string()));
    }
    outbox.agree(&welcome);
    let desk = Arc::new(Desk::default());
    let ear = Ear { outbox: Arc::clone(&outbox), desk: Arc::clone(&desk), ended_early: line.ended_early };
    if let Err(error) = thread::Builder::new().name("host".into()).spawn(move || ear.listen(incoming)) {
        return refuse(&outbox, Failed::internal(format!("cannot start a thread: {error}")));
    }
    match guarded(|| plugin.load(&welcome)) {
        Ok(loaded) => serve(loaded, &desk, &outbox),
        Err(why) => {
            // It ends for this reason, also where the host hears it and is gone before the process is.
            desk.open();
            refuse(&outbox, why)
        }
    }
}

fn refuse(outbox: &Outbox, why: Failed) -> Ending {
    let reason = why.message.clone();
    drop(outbox.send(&FromPlugin::Unready(why)));
    Ending::Unready(reason)
}

/// The host's answer to `hello`.
fn await_welcome<R: Read>(incoming: &mut Incoming<R>, outbox: &Outbox) -> Result<Box<Welcome>, Ending> {
    loop {
        match incoming.next() {
            Ok(Some(Heard::Message(FromHost::Welcome(welcome)))) => return Ok(Box::new(welcome)),
            Ok(Some(Heard::Message(FromHost::Ping(number)))) => drop(outbox.send(&FromPlugin::Pong(number))),
            Ok(Some(Heard::Message(FromHost::Shutdown(_)))) => return Err(Ending::Shutdown(Duration::ZERO)),
            Ok(Some(Heard::Unknown(_))) => {}
            Ok(Some(_)) => return Err(Ending::Broken("the host's first message is not `welcome`".into())),
            Ok(None) => return Err(Ending::EndOfInput),
            Err(error) => return Err(Ending::Broken(error.to_string())),
        }
    }
}

fn serve(model: Model, desk: &Arc<Desk>, outbox: &Arc<Outbox>) -> Ending {
    let card = match guarded(|| Ok(model.card())) {
        Ok(card) => card,
        Err(why) => return refuse(outbox, why),
    };
    desk.open();
    let (slots, largest_batch) = sizes(&card);
    let worker = Arc::new(Worker { model, largest_batch });
    for number in 0..slots {
        if let Err(error) = hire(number, &worker, (desk, outbox)) {
            return refuse(outbox, Failed::internal(format!("cannot start a thread for each slot: {error}")));
        }
    }
    if let Err(error) = outbox.send(&FromPlugin::Ready(card)) {
        return Ending::Broken(format!("cannot write to the host: {error}"));
    }
    let ending = desk.close(SLACK);
    desk.give_up();
    ending
}

/// Starts the thread of one slot.
fn hire(number: u32, worker: &Arc<Worker>, (desk, outbox): (&Arc<Desk>, &Arc<Outbox>)) -> io::Result<()> {
    let (worker, desk, outbox) = (Arc::clone(worker), Arc::clone(desk), Arc::clone(outbox));
    let thread = thread::Builder::new().name(format!("call-{number}"));
    thread.spawn(move || work(&worker, &desk, &outbox)).map(drop)
}

/// Slots and largest batch.
fn sizes(card: &Card) -> (u32, u32) {
    let (slots, largest_batch) = match card {
        Card::Editor(card) => (card.slots, card.largest_batch),
        Card::Reward(card) => (card.slots, card.largest_batch),
    };
    (slots.clamp(1, MOST_SLOTS), largest_batch)
}

fn work(worker: &Worker, desk: &Desk, outbox: &Outbox) {
    while let Some(job) = desk.next() {
        match job {
            Job::Work(call, method) => {
                let answer = worker.answer(method, &call, outbox);
                desk.answered(call.id());
                outbox.answer(answer);
            }
            Job::Release(paused) => worker.release(&paused),
        }
        desk.done();
    }
}

/// The thread that hears the host, also while everything else is at work.
struct Ear {
    outbox: Arc<Outbox>,
    desk: Arc<Desk>,
    ended_early: Box<dyn Fn(&Ending) + Send>,
}

impl Ear {
    fn listen<R: Read>(&self, mut incoming: Incoming<R>) {
        loop {
            let ending = match incoming.next() {
                Ok(Some(heard)) => self.take(heard),
                Ok(None) => Some(Ending::EndOfInput),
                Err(error) => Some(Ending::Broken(error.to_string())),
            };
            let Some(ending) = ending else { continue };
            let goes_on = matches!(ending, Ending::Shutdown(_));
            if self.desk.end(ending.clone()) {
                (self.ended_early)(&ending);
            }
            if !goes_on {
                return;
            }
        }
    }

    fn take(&self, heard: Heard) -> Option<Ending> {
        match heard {
            Heard::Message(FromHost::Call(call)) => self.begin(call),
            Heard::Message(FromHost::Cancel(id)) => self.desk.cancel(id),
            Heard::Message(FromHost::Release(paused)) => self.desk.release(paused),
            Heard::Message(FromHost::Ping(number)) => drop(self.outbox.send(&FromPlugin::Pong(number))),
            Heard::Message(FromHost::Shutdown(secs)) => {
                return Some(Ending::Shutdown(Duration::try_from_secs_f64(secs).unwrap_or_default().min(LONGEST)));
            }
            Heard::Message(FromHost::Welcome(_)) => {
                return Some(Ending::Broken("the host said `welcome` twice".into()));
            }
            Heard::Unknown(name) => {
                log(&format!("a message `{name}` of a later version of the protocol is left aside"));
            }
            Heard::StrangeCall(id, error) => {
                self.fail(id, format!("this plugin does not understand the call: {error}"));
            }
        }
        None
    }

    fn begin(&self, asked: protocol::Call) {
        let call = Call::new(&asked, Arc::clone(&self.outbox));
        if let Err(reason) = self.desk.begin(call, asked.method) {
            self.fail(asked.id, reason.into());
        }
    }

    fn fail(&self, id: u64, reason: String) {
        self.outbox.answer(Answer::Failed { id, why: Failed::invalid(reason) });
    }
}
