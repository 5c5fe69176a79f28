//! Checks of a host that misbehaves: unknown messages, bad frames, wrong lengths.

use std::time::{Duration, Instant};

use editscale_sdk::protocol::{FromHost, LONGEST_FRAME, encode};
use serde_json::json;

use super::super::bench::{Bench, Fault};
use super::super::link::{Heard, Trouble};
use super::super::session::Session;
use super::{Case, Level, Outcome, well};

pub(super) const CASES: [Case; 6] = [
    Case {
        name: "unknown_message",
        expected: "a message of a later version is left aside",
        advice: "look at the name of each message, and leave aside what you do not know",
        needs: Level::Work,
        gives: Level::Nothing,
        run: unknown_message,
    },
    Case {
        name: "unknown_call",
        expected: "cancelling a call that is over, or never was, and releasing a state that never was, change nothing",
        advice: "leave aside what names a call or state that is not there",
        needs: Level::Work,
        gives: Level::Nothing,
        run: unknown_call,
    },
    Case {
        name: "answers_once",
        expected: "one answer a call, and no message that nobody asked for",
        advice: "answer each call once, and each ping once",
        needs: Level::Work,
        gives: Level::Nothing,
        run: answers_once,
    },
    Case {
        name: "bad_frame",
        expected: "after bytes that are no message: an end with a word on stderr, or going on; never an answer to nothing",
        advice: "end with a word on stderr where a frame cannot be read",
        needs: Level::Work,
        gives: Level::Nothing,
        run: bad_frame,
    },
    Case {
        name: "oversize_frame",
        expected: "after a length that no frame has: an end with a word on stderr, and no memory set aside for it",
        advice: "compare the length with the longest frame (128 MiB) before anything is read or set aside for it",
        needs: Level::Hello,
        gives: Level::Nothing,
        run: oversize_frame,
    },
    Case {
        name: "cut_frame",
        expected: "after a frame that is cut short by the end of the input: an end",
        advice: "take the end of standard input in the middle of a frame for the end",
        needs: Level::Hello,
        gives: Level::Nothing,
        run: cut_frame,
    },
];

/// Whether it is still there, and says nothing but that.
fn still_there(bench: &mut Bench<'_>) -> Outcome {
    let (number, grace) = (bench.ping(), bench.grace());
    bench.with(|session| session.ping(number, grace))?;
    well("it goes on")
}

fn unknown_message(bench: &mut Bench<'_>) -> Outcome {
    bench.with(|session| {
        session.say(&json!({"message_of_a_later_version": {"key": [1, 2, 3]}}));
        Ok(())
    })?;
    still_there(bench)
}

fn unknown_call(bench: &mut Bench<'_>) -> Outcome {
    bench.with(|session| {
        session.say(&FromHost::Cancel(1));
        session.say(&FromHost::Cancel(u64::MAX));
        session.say(&json!({"release": [{"run": "no-such-run", "candidate": 4_000_000_000_u32}]}));
        Ok(())
    })?;
    still_there(bench)
}

fn answers_once(bench: &mut Bench<'_>) -> Outcome {
    still_there(bench)?;
    bench.look();
    match bench.strays.first() {
        Some(stray) => Err(Fault::new(format!("it sent {stray}"))),
        None => well("nothing that nobody asked for"),
    }
}

fn bad_frame(bench: &mut Bench<'_>) -> Outcome {
    let mut session = bench.take()?;
    // Five bytes that no MessagePack value begins with or goes on as: 0xc1 is never used.
    session.link.send([5_u32.to_le_bytes().as_slice(), &[0xc1, 0xff, 0xc1, 0x00, 0xc1]].concat());
    after_nonsense(&mut session, bench.ping(), bench.grace())
}

fn oversize_frame(bench: &mut Bench<'_>) -> Outcome {
    let mut session = bench.start()?;
    session.link.send([(LONGEST_FRAME + 1).to_le_bytes().as_slice(), &[0x81]].concat());
    let found = ended_with_a_word(&mut session, bench.grace())?;
    well(found)
}

fn cut_frame(bench: &mut Bench<'_>) -> Outcome {
    let mut session = bench.start()?;
    let whole = encode(&FromHost::Welcome(bench.welcome())).unwrap_or_default();
    session.link.send(whole.get(..whole.len() / 2).unwrap_or_default().to_vec());
    session.link.close_input();
    match session.link.end(Instant::now() + bench.grace()) {
        Some(exit) => well(exit.to_string()),
        None => Err(Fault::new(format!("it was still there {:.1} s later", bench.grace().as_secs_f64()))),
    }
}

/// It may go on, which a pong shows, or end with a word.
fn after_nonsense(session: &mut Session, number: u64, grace: Duration) -> Outcome {
    match session.ping(number, grace) {
        Ok(_) => well("it goes on"),
        Err(Trouble::Ended { .. }) => well(ended_with_a_word(session, grace)?),
        Err(trouble) => Err(trouble.into()),
    }
}

fn ended_with_a_word(session: &mut Session, grace: Duration) -> Result<String, Fault> {
    match session.link.next(Instant::now() + grace) {
        Ok(Heard::Message(message)) => Err(Fault::new(format!("it said `{}`", message.name()))),
        Ok(Heard::Unknown(name)) => Err(Fault::new(format!("it said `{name}`"))),
        Err(Trouble::Ended { how }) if session.link.last_words().is_empty() => Err(Fault::new(how)),
        Err(Trouble::Ended { how }) => Ok(how),
        Err(trouble) => Err(trouble.into()),
    }
}
