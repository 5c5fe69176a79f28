//! Checks of the beginning: greetings, versions, the card.

use std::time::{Duration, Instant};

use editscale_core::{EditorName, RewardName};
use editscale_sdk::protocol::{Card, FromHost, PauseSupport, PluginKind, Version, Welcome};

use super::super::bench::{Bench, Fault, check_hello};
use super::super::link::Trouble;
use super::{Case, Level, Outcome, not_applicable, well};
use crate::convert::cards::{editor_card, reward_card};

pub(super) const CASES: [Case; 6] = [
    Case {
        name: "hello",
        expected: "`hello` within 20 s of the start, with the protocol's name, a version that fits, a name and kinds",
        advice: "say `hello` first of all, before heavy imports; the SDKs do",
        needs: Level::Nothing,
        gives: Level::Hello,
        run: hello,
    },
    Case {
        name: "later_major",
        expected: "after a `welcome` of a later major version: an end with a word on stderr, or `unready`",
        advice: "compare the major number of `welcome`; where it is another, say so on stderr and end",
        needs: Level::Hello,
        gives: Level::Nothing,
        run: later_major,
    },
    Case {
        name: "other_kind",
        expected: "after a `welcome` as something that it is not: an end with a word on stderr, or `unready`",
        advice: "look at the `kind` of `welcome`, and say `unready` to a kind that is not among yours",
        needs: Level::Hello,
        gives: Level::Nothing,
        run: other_kind,
    },
    Case {
        name: "ready",
        expected: "`ready` with a card within the time that --timeout gives",
        advice: "say `ready` once everything is loaded, or `unready` with a reason",
        needs: Level::Hello,
        gives: Level::Ready,
        run: ready,
    },
    Case {
        name: "later_minor",
        expected: "a `welcome` of a later minor version with an unknown key is taken like any other",
        advice: "accept any minor number, and leave keys aside that you do not know",
        needs: Level::Ready,
        gives: Level::Nothing,
        run: later_minor,
    },
    Case {
        name: "card",
        expected: "a card with a revision, at least one slot and one item a call, and numbers that make sense",
        advice: "mend the card; docs/plugin-protocol.md says what each field means",
        needs: Level::Ready,
        gives: Level::Nothing,
        run: card,
    },
];

fn hello(bench: &mut Bench<'_>) -> Outcome {
    let hello = bench.hello()?;
    check_hello(hello, bench.kind())?;
    well(format!("{} {} with protocol {}", hello.name, hello.plugin_version, hello.version))
}

fn later_major(bench: &mut Bench<'_>) -> Outcome {
    let welcome = Welcome { version: Version { major: Version::OURS.major + 1, minor: 0 }, ..bench.welcome() };
    is_turned_away(bench, welcome)
}

fn other_kind(bench: &mut Bench<'_>) -> Outcome {
    let all = [PluginKind::Editor, PluginKind::Reward];
    let kinds = bench.hello()?.kinds.clone();
    let Some(kind) = all.into_iter().find(|kind| !kinds.contains(kind)) else {
        return not_applicable("it can be either");
    };
    let welcome = Welcome { kind, ..bench.welcome() };
    is_turned_away(bench, welcome)
}

/// Whether it will have nothing to do with a greeting, and says so.
fn is_turned_away(bench: &mut Bench<'_>, welcome: Welcome) -> Outcome {
    let mut session = bench.start()?;
    session.say(&FromHost::Welcome(welcome));
    match session.ready(bench.timeout()) {
        Ok(_) => Err(Fault::new("it got ready all the same")),
        Err(Trouble::Unready(why)) => well(why),
        Err(Trouble::Ended { how }) if session.link.last_words().is_empty() => Err(Fault::new(how)),
        Err(Trouble::Ended { how }) => well(how),
        Err(trouble) => Err(trouble.into()),
    }
}

fn ready(bench: &mut Bench<'_>) -> Outcome {
    let begun = Instant::now();
    bench.make_ready()?;
    well(format!("ready after {}", in_seconds(begun.elapsed())))
}

fn later_minor(bench: &mut Bench<'_>) -> Outcome {
    match bench.later_minor.take() {
        None => well(format!("taken, version {}.{}", Version::OURS.major, Version::OURS.minor + 1)),
        Some(fault) => Err(Fault::new(fault.found)),
    }
}

fn card(bench: &mut Bench<'_>) -> Outcome {
    match (bench.card(), bench.kind()) {
        (Some(said @ Card::Editor(_)), PluginKind::Editor) | (Some(said @ Card::Reward(_)), PluginKind::Reward) => {
            if let Some(why) = refusal(said) {
                return Err(Fault::new(why));
            }
        }
        (_, kind) => return Err(Fault::new(format!("the card is not that of {}", kind.word()))),
    }
    let (batch, slots) = (bench.largest_batch(), bench.slots());
    well(format!("at most {batch} items a call and {slots} calls at a time"))
}

/// Why a card does not do: what the host would say of it, or that its states could not be made again.
fn refusal(card: &Card) -> Option<String> {
    match card {
        Card::Editor(card) if card.pause != PauseSupport::None && card.seed_bits.is_none() => {
            Some("it can pause, and has no seeds: a state could not be made again".to_owned())
        }
        Card::Editor(card) => editor_card(&EditorName::new(CHECKED).ok()?, card).err(),
        Card::Reward(card) => reward_card(&RewardName::new(CHECKED).ok()?, card).err(),
    }
}

/// What a plugin is called while it is checked.
const CHECKED: &str = "checked";

fn in_seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
