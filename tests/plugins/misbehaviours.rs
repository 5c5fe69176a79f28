//! Ways to misbehave: what each does, the check that finds it, and what that says.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio, exit};
use std::thread::{self, sleep};
use std::time::Duration;

use editscale_sdk::protocol::{
    Answer, Blob, ErrorClass, FilePlace, FromPlugin, Method, Outcome, PictureBody, Progress, TrajectoryParts, Version,
    encode,
};

use crate::peer::{Peer, last_word};
use crate::work::{failed, inline, judged, with_notes};

/// A way to misbehave.
pub(crate) struct Misbehaviour {
    pub(crate) name: &'static str,
    pub(crate) run: fn() -> !,
    /// The check that finds it.
    pub(crate) check: &'static str,
    /// What that check says among other things.
    pub(crate) says: &'static str,
    /// How long calls may take.
    pub(crate) timeout_secs: u64,
}

const fn of(name: &'static str, run: fn() -> !, check: &'static str, says: &'static str) -> Misbehaviour {
    Misbehaviour { name, run, check, says, timeout_secs: 20 }
}

/// One that only shows in nothing happening.
const fn silent(name: &'static str, run: fn() -> !, check: &'static str, says: &'static str) -> Misbehaviour {
    Misbehaviour { name, run, check, says, timeout_secs: 3 }
}

pub(crate) const ALL: [Misbehaviour; 41] = [
    of("prints_before_hello", prints_before_hello, "hello", "something prints to standard output"),
    of("prints_in_a_call", prints_in_a_call, "one_item", "something prints to standard output"),
    silent("never_says_hello", never_says_hello, "hello", "nothing came within"),
    of("later_major_version", later_major_version, "hello", "the plugin speaks 2.0: update editscale"),
    of("other_protocol", other_protocol, "hello", "expected the protocol `editscale-plugin`, found `grpc`"),
    of("ends_at_once", ends_at_once, "hello", "it ended with code 3; its last words: no module named torch"),
    of("ready_as_anything", ready_as_anything, "other_kind", "it got ready all the same"),
    of("takes_any_version", takes_any_version, "later_major", "it got ready all the same"),
    of(
        "takes_one_version",
        takes_one_version,
        "later_minor",
        "it ended with code 2; its last words: expected version 1.0",
    ),
    silent("never_ready", never_ready, "ready", "nothing came within"),
    of("cannot_get_ready", cannot_get_ready, "ready", "it cannot get ready: no weights in models/judge"),
    of("absurd_card", absurd_card, "card", "`largest_batch` is 4000000000"),
    of("lies_about_length", lies_about_length, "one_item", "the stream ends within a frame"),
    of("claims_gigabytes", claims_gigabytes, "one_item", "a frame says that it is 3000000000 bytes long"),
    of("sends_garbage", sends_garbage, "one_item", "a frame of 6 bytes is no message"),
    of("answers_in_another_shape", answers_in_another_shape, "one_item", "its `answer` is not as the protocol has it"),
    of("floods_with_progress", floods_with_progress, "one_item", "without an answer among them: it floods"),
    of("dies_in_a_call", dies_in_a_call, "one_item", "it ended with code 1; its last words: CUDA out of memory"),
    silent("hangs_in_a_call", hangs_in_a_call, "one_item", "nothing came within"),
    of("closes_stdout", closes_stdout, "one_item", "it closed its standard output but goes on living"),
    of("miscounts", miscounts, "one_item", "2 outcomes came for 1 items"),
    of("scores_nan", scores_nan, "one_item", "the score is NaN, which is no finite number"),
    of("scores_out_of_range", scores_out_of_range, "one_item", "the score is 7, outside of the card's range of 0 to 1"),
    of("answers_the_wrong_call", answers_the_wrong_call, "one_item", "it answers call 1001, which nobody made"),
    of("answers_twice", answers_twice, "answers_once", "it sent a second answer to call"),
    of("gives_no_picture", gives_no_picture, "one_item", "what it gave as a picture is none"),
    of("file_outside_the_spool", file_outside_the_spool, "one_item", "of the spool"),
    of("torn_trajectory", torn_trajectory, "one_item", "its trajectory has 8 bytes of latents for 3 steps"),
    of("another_every_time", another_every_time, "same_again", "twice the same gave pictures that differ by"),
    of("same_for_every_seed", same_for_every_seed, "other_seed", "four seeds gave the same picture"),
    of("depends_on_the_batch", depends_on_the_batch, "same_however_cut", "with the others and alone, gave a score of"),
    of("sorts_outcomes", sorts_outcomes, "item_order", "gave outcomes in the same order"),
    of("dies_of_a_broken_picture", dies_of_a_broken_picture, "broken_picture", "it ended with code 101"),
    of(
        "fails_the_whole_call",
        fails_the_whole_call,
        "broken_picture",
        "beside the broken picture, another item 0 failed",
    ),
    of("ignores_digests", ignores_digests, "changed_file", "the file with another digest did not fail"),
    silent("never_pongs", never_pongs, "ping", "nothing came within"),
    of("ignores_cancel", ignores_cancel, "cancel", "nothing came within 2.0 s"),
    of("steps_backwards", steps_backwards, "progress", "of step 1 of 2 of item 0"),
    of("chokes_on_the_unknown", chokes_on_the_unknown, "unknown_message", "it ended with code 2; its last words:"),
    of("ignores_the_end", ignores_the_end, "end_of_input", "it was still there"),
    of("leaves_a_child", leaves_a_child, "killed", "1 processes that it started are left"),
];

/// Two that need more room than a line.
pub(crate) const MORE: [Misbehaviour; 2] = [
    of("eats_memory", eats_memory, "memory", "it grew by"),
    silent("waits_for_gigabytes", waits_for_gigabytes, "oversize_frame", "nothing came within"),
];

fn for_ever() -> ! {
    loop {
        thread::park();
    }
}

fn prints_before_hello() -> ! {
    println!("Loading checkpoint shards: 100%");
    Peer::reward().serve(Peer::answer)
}

fn prints_in_a_call() -> ! {
    Peer::reward().serve(|peer, call| {
        peer.write(b"Setting `pad_token_id` for generation.\n");
        peer.answer(call);
    })
}

fn never_says_hello() -> ! {
    for_ever()
}

fn later_major_version() -> ! {
    let mut peer = Peer::reward();
    peer.hello.version = Version { major: 2, minor: 0 };
    peer.serve(Peer::answer)
}

fn other_protocol() -> ! {
    let mut peer = Peer::reward();
    "grpc".clone_into(&mut peer.hello.protocol);
    peer.serve(Peer::answer)
}

fn ends_at_once() -> ! {
    eprintln!("no module named torch");
    exit(3)
}

fn ready_as_anything() -> ! {
    Peer::reward().manners(|manners| manners.looks_at_kind = false).serve(Peer::answer)
}

fn takes_any_version() -> ! {
    Peer::reward().manners(|manners| manners.takes_later_major = true).serve(Peer::answer)
}

fn takes_one_version() -> ! {
    Peer::reward().manners(|manners| manners.takes_later_minor = false).serve(Peer::answer)
}

fn never_ready() -> ! {
    let peer = Peer::reward();
    let _heard = peer.greet();
    for_ever()
}

fn cannot_get_ready() -> ! {
    eprintln!("looking for weights in /nowhere");
    let peer = Peer::reward();
    let _heard = peer.greet();
    peer.say(&FromPlugin::Unready(failed(ErrorClass::Invalid, "no weights in models/judge")));
    exit(0)
}

fn absurd_card() -> ! {
    Peer::reward().reward_card(|card| card.largest_batch = 4_000_000_000).serve(Peer::answer)
}

fn lies_about_length() -> ! {
    Peer::reward().serve(|peer, call| {
        let mut frame = encode(&FromPlugin::Answer(peer.outcome(call))).unwrap();
        let length = frame.len() as u32 + 100;
        frame[..4].copy_from_slice(&length.to_le_bytes());
        peer.write(&frame);
        exit(0);
    })
}

fn claims_gigabytes() -> ! {
    Peer::reward().serve(|peer, _| peer.write(&3_000_000_000_u32.to_le_bytes()))
}

fn sends_garbage() -> ! {
    Peer::reward().serve(|peer, _| peer.write(&[6, 0, 0, 0, 0xc1, 1, 2, 3, 4, 5]))
}

fn answers_in_another_shape() -> ! {
    Peer::reward().serve(|peer, call| {
        let answer = serde_json::json!({"answer": {"judged": {"id": call.id, "scores": [0.5]}}});
        peer.write(&encode(&answer).unwrap());
    })
}

fn floods_with_progress() -> ! {
    Peer::reward().serve(|peer, call| {
        loop {
            peer.say(&FromPlugin::Progress(Progress { id: call.id, item: 0, step: 1, steps: 2 }));
        }
    })
}

fn dies_in_a_call() -> ! {
    Peer::reward().serve(|_, _| {
        eprintln!("CUDA out of memory");
        exit(1);
    })
}

fn hangs_in_a_call() -> ! {
    Peer::reward().serve(|_, _| for_ever())
}

fn closes_stdout() -> ! {
    Peer::reward().serve(|_, _| {
        // The program that takes this one's place lives on without a standard output.
        let error = Command::new("sleep").arg("60").stdout(Stdio::null()).exec();
        last_word(&error.to_string())
    })
}

fn miscounts() -> ! {
    Peer::reward().serve(|peer, call| {
        let mut answer = peer.outcome(call);
        if let Answer::Judged { items, .. } = &mut answer {
            items.push(Outcome::Done(judged(0.5)));
        }
        peer.say(&FromPlugin::Answer(answer));
    })
}

/// Gives every item this score.
fn scores(score: f64) -> ! {
    Peer::reward().serve(|peer, call| {
        let Method::Score(scores) = &call.method else { exit(4) };
        let items = scores.items.iter().map(|_| Outcome::Done(judged(score))).collect();
        peer.say(&FromPlugin::Answer(Answer::Judged { id: call.id, items }));
    })
}

fn scores_nan() -> ! {
    scores(f64::NAN)
}

fn scores_out_of_range() -> ! {
    scores(7.0)
}

fn answers_the_wrong_call() -> ! {
    Peer::reward().serve(|peer, call| {
        let mut other = call.clone();
        other.id += 1000;
        peer.answer(&other);
    })
}

fn answers_twice() -> ! {
    Peer::reward().serve(|peer, call| {
        peer.answer(call);
        peer.answer(call);
    })
}

/// An editor whose pictures are changed on their way out.
fn edits(change: impl Fn(&mut editscale_sdk::protocol::Edited)) -> ! {
    Peer::editor().serve(|peer, call| {
        let mut answer = peer.outcome(call);
        if let Answer::Edited { items, .. } = &mut answer {
            items.iter_mut().for_each(|item| {
                if let Outcome::Done(edited) = item {
                    change(edited);
                }
            });
        }
        peer.say(&FromPlugin::Answer(answer));
    })
}

fn gives_no_picture() -> ! {
    edits(|edited| *edited = with_notes(inline(b"a bright picture".to_vec()), Vec::new()))
}

fn file_outside_the_spool() -> ! {
    edits(|edited| {
        if let PictureBody::Inline(bytes) = &edited.image.body {
            let bytes = bytes.to_vec();
            let path = std::env::temp_dir().join(format!("editscale-peer-{}.png", std::process::id()));
            let mut file = std::fs::File::create(&path).unwrap();
            file.write_all(&bytes).unwrap();
            // Nobody is left to remove it later; the host looks at once.
            let gone = path.clone();
            thread::spawn(move || {
                sleep(Duration::from_secs(2));
                std::fs::remove_file(gone).ok();
            });
            edited.image.body = PictureBody::File(FilePlace::of(path.display().to_string(), &bytes));
        }
    })
}

fn torn_trajectory() -> ! {
    edits(|edited| {
        edited.trajectory = Some(TrajectoryParts {
            shape: vec![4],
            latents: Blob::Inline(vec![0; 8].into()),
            timesteps: vec![1.0, 0.5, 0.0],
            sigmas: vec![1.0, 0.5, 0.2, 0.0],
            log_probabilities: vec![None; 3],
        });
    })
}

fn another_every_time() -> ! {
    let mut count = 0;
    Peer::editor().serve(move |peer, call| {
        count += 1;
        let mut other = call.clone();
        if let Method::Edit(edits) = &mut other.method {
            edits.items.iter_mut().for_each(|item| item.proposal.seed = 1000 + count);
        }
        peer.answer(&other);
    })
}

fn same_for_every_seed() -> ! {
    Peer::editor().serve(|peer, call| {
        let mut other = call.clone();
        if let Method::Edit(edits) = &mut other.method {
            edits.items.iter_mut().for_each(|item| item.proposal.seed = 1);
        }
        peer.answer(&other);
    })
}

/// A reward whose scores are changed all together on their way out.
fn rescored(change: impl Fn(&mut Vec<Outcome<editscale_sdk::protocol::Judged>>)) -> ! {
    Peer::reward().serve(|peer, call| {
        let mut answer = peer.outcome(call);
        if let Answer::Judged { items, .. } = &mut answer {
            change(items);
        }
        peer.say(&FromPlugin::Answer(answer));
    })
}

fn score_of(outcome: &Outcome<editscale_sdk::protocol::Judged>) -> f64 {
    match outcome {
        Outcome::Done(judged) => judged.mean,
        Outcome::Failed(_) => 0.0,
    }
}

fn depends_on_the_batch() -> ! {
    rescored(|items| {
        let most = items.iter().map(score_of).fold(0.0, f64::max);
        items.iter_mut().for_each(|item| *item = Outcome::Done(judged(score_of(item) / most.max(1e-9))));
    })
}

fn sorts_outcomes() -> ! {
    rescored(|items| items.sort_by(|one, other| score_of(one).total_cmp(&score_of(other))))
}

fn dies_of_a_broken_picture() -> ! {
    rescored(|items| {
        if items.iter().any(|item| matches!(item, Outcome::Failed(_))) {
            eprintln!("thread panicked: cannot decode");
            exit(101);
        }
    })
}

fn fails_the_whole_call() -> ! {
    rescored(|items| {
        if items.iter().any(|item| matches!(item, Outcome::Failed(_))) {
            let whole = failed(ErrorClass::Internal, "cannot decode");
            items.iter_mut().for_each(|item| *item = Outcome::Failed(whole.clone()));
        }
    })
}

fn ignores_digests() -> ! {
    Peer::reward().manners(|manners| manners.checks_digests = false).serve(Peer::answer)
}

fn never_pongs() -> ! {
    Peer::reward().manners(|manners| manners.answers_pings = false).serve(Peer::answer)
}

fn ignores_cancel() -> ! {
    Peer::editor().serve(|peer, call| {
        let Method::Edit(edits) = &call.method else { exit(4) };
        // One item is quick, so that the other checks are.
        sleep(Duration::from_millis(1000 * (edits.items.len() as u64 - 1)));
        peer.cancelled.lock().unwrap().clear();
        peer.answer(call);
    })
}

fn steps_backwards() -> ! {
    Peer::reward().serve(|peer, call| {
        let id = call.id;
        [2, 1].iter().for_each(|step| {
            peer.say(&FromPlugin::Progress(Progress { id, item: 0, step: *step, steps: 2 }));
        });
        peer.answer(call);
    })
}

fn chokes_on_the_unknown() -> ! {
    Peer::reward().manners(|manners| manners.takes_unknown_messages = false).serve(Peer::answer)
}

fn ignores_the_end() -> ! {
    Peer::reward().manners(|manners| manners.ends_with_its_input = false).serve(Peer::answer)
}

fn leaves_a_child() -> ! {
    let mut helper = Command::new("sleep");
    // In a group of its own, a kill of the plugin's does not reach it.
    helper.arg("60").process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
    let _child = helper.spawn().unwrap();
    Peer::reward().serve(Peer::answer)
}

fn eats_memory() -> ! {
    let mut kept = Vec::new();
    Peer::reward().serve(move |peer, call| {
        kept.push(vec![1_u8; 800 << 10]);
        peer.answer(call);
    })
}

fn waits_for_gigabytes() -> ! {
    Peer::reward().manners(|manners| manners.refuses_long_frames = false).serve(Peer::answer)
}
